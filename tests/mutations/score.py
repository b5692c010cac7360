"""How well lint finds single mistakes: for each class, on which line, and with which suggestion."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from schemas.check import Checker, CheckOptions
from schemas.findings.diagnostics import Diagnostic

from .base import FOLDER, bases
from .mutators import Mutation, mutations
from .oracle import is_wrong


@dataclass
class Score:
    """Of one class. `misses` are mistakes whose first finding is elsewhere, or that have none; `unsuggested` typos
    whose first finding does not name the word that was meant."""

    made: int = 0
    typos: int = 0
    misses: list[tuple[Mutation, Diagnostic | None]] = field(default_factory=list)
    unsuggested: list[tuple[Mutation, Diagnostic | None]] = field(default_factory=list)

    @property
    def on_the_line(self) -> int:
        return self.made - len(self.misses)

    @property
    def suggested(self) -> int:
        return self.typos - len(self.unsuggested)


def wrong_mutations(seed: int, number: int) -> Iterator[Mutation]:
    """So many mistakes that leave no sound pipeline."""
    rounds, found = 1, 0
    seen: set[str] = set()
    while True:
        for base in bases():
            for mutation in mutations(base, seed * 1000 + rounds, 1):
                if mutation.text in seen:
                    continue
                seen.add(mutation.text)
                if is_wrong(mutation.text, mutation.base):
                    yield mutation
                    found += 1
                    if found == number:
                        return
        rounds += 1


def score(found: Iterable[Mutation]) -> dict[str, Score]:
    """What lint says of each."""
    scores: dict[str, Score] = {}
    checker = Checker(FOLDER, CheckOptions(environ={}))
    for mutation in found:
        one = scores.setdefault(mutation.kind, Score())
        first = next(iter(checker.text(mutation.text, mutation.base).diagnostics), None)
        one.made += 1
        if first is None or first.span.line not in mutation.lines:
            one.misses.append((mutation, first))
        if mutation.original is not None:
            one.typos += 1
            if first is None or mutation.original not in said(first):
                one.unsuggested.append((mutation, first))
    return scores


def said(finding: Diagnostic) -> str:
    """What a finding suggests."""
    return " ".join((finding.caret, finding.help, finding.fix.replacement if finding.fix else ""))
