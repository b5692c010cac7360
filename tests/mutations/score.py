"""How well lint finds single mistakes: for each class, on which line, and with which suggestion."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from schemas.check import Checker, CheckOptions
from schemas.diagnostics import Diagnostic

from .base import FOLDER, bases
from .mutators import Mutation, mutations
from .oracle import is_wrong


@dataclass
class Score:
    """Of one class. `misses` and `silent` hold what to look at: the mistakes that count as not found."""

    made: int = 0
    on_the_line: int = 0
    typos: int = 0
    suggested: int = 0
    misses: list[tuple[Mutation, Diagnostic | None]] = field(default_factory=list)
    unsuggested: list[tuple[Mutation, Diagnostic | None]] = field(default_factory=list)


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
        if first is not None and first.span.line in mutation.lines:
            one.on_the_line += 1
        else:
            one.misses.append((mutation, first))
        if mutation.original is not None:
            one.typos += 1
            if first is not None and mutation.original in said(first):
                one.suggested += 1
            else:
                one.unsuggested.append((mutation, first))
    return scores


def said(finding: Diagnostic) -> str:
    """What a finding suggests."""
    return " ".join((finding.caret, finding.help, finding.fix.replacement if finding.fix else ""))
