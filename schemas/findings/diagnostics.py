"""What is found: a `Diagnostic` in a file, or a `Problem` at a path of data, without a place yet; and what fixes it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from schemas.findings.codes import Code, Severity
from schemas.findings.paths import DataPath
from schemas.findings.suggestions import unmistakable


class Span(NamedTuple):
    """A range of a text. Lines and columns count from 1; columns count code points; the end is exclusive."""

    line: int
    column: int
    end_line: int
    end_column: int

    def encloses(self, other: Span) -> bool:
        """Whether another range is a part of this one, and shorter."""
        return self != other and self[:2] <= other[:2] and other[2:] <= self[2:]


class Fix(NamedTuple):
    """The edit that fixes a finding: `replacement` in place of `span` of the diagnostic's file."""

    span: Span
    replacement: str


LET_READ = "allow the user that runs Airflow to read it"
USED = "it is used here"
"""Of the place that takes what a finding is about from elsewhere, such as from a template's file."""


class Related(NamedTuple):
    """Another place that a finding is about, such as the first of two equal keys."""

    file: str
    span: Span
    message: str


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding.

    `file` is the path as shown to the user, `text` the file's text for the excerpt, never a resolved `${env.…}` value.
    `caret` is the text after the caret, such as "did you mean `method`?"; `help` is a longer line below; `allowed` are
    the keys or values that would be right. `path` is the place in the effective document, if there is one. `assumed`
    is an edit for checking the rest of the text if there is no `fix`; `is_about_indentation`: its line may begin at the
    wrong column.
    """

    code: Code
    message: str
    file: str
    span: Span
    caret: str = ""
    help: str = ""
    allowed: tuple[str, ...] = ()
    fix: Fix | None = None
    related: tuple[Related, ...] = ()
    text: str = field(default="", repr=False, compare=False)
    severity: Severity = Severity.ERROR
    path: DataPath = field(default=(), repr=False, compare=False)
    assumed: Fix | None = field(default=None, repr=False, compare=False)
    is_about_indentation: bool = field(default=False, repr=False, compare=False)

    @property
    def sort_key(self) -> tuple[str, Span, str, str]:
        return (self.file, self.span, self.code.id, self.message)


def has_errors(diagnostics: Iterable[Diagnostic]) -> bool:
    """Whether any finding keeps its pipeline from being built."""
    return any(d.severity is Severity.ERROR for d in diagnostics)


def once(findings: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """By file and place, each finding once: defaults are part of many files, and `<<` adds a key to many mappings.

    A broken Python module is reported once, however many tasks of a file use it; what is found in a text of a template
    is at its exact place, where one of those that use it knows that.
    """
    once: dict[tuple[object, ...], Diagnostic] = {}
    for finding in sorted(findings, key=lambda d: d.sort_key):
        message = "" if finding.code is Code.UNKNOWN_KEY else finding.message
        place = None if finding.code is Code.PYTHON_SYNTAX else finding.span
        once.setdefault((finding.file, place, finding.code, message), finding)
    exact: dict[tuple[object, ...], list[Span]] = {}
    for finding in once.values():
        exact.setdefault((finding.file, finding.code, finding.message), []).append(finding.span)
    return tuple(
        one
        for one in once.values()
        if not (one.related and any(map(one.span.encloses, exact[one.file, one.code, one.message])))
    )


MOST = 300
"""Most errors of one rule in one file, and most other findings. Each is compared with what it may mean, which takes
time."""


def bounded(findings: Iterable[Diagnostic]) -> Iterator[Diagnostic]:
    """The findings of one rule, until there are `MOST` errors; then a note, at the last of them.

    Past `MOST` warnings and notes only errors follow: one of them may keep the DAG from being built.
    """
    errors = others = 0
    for finding in findings:
        if finding.severity is Severity.ERROR:
            errors += 1
        elif others < MOST:
            others += 1
        else:
            continue
        yield finding
        if errors >= MOST or (others == MOST and finding.severity is not Severity.ERROR):
            yield more_like(finding)
        if errors >= MOST:
            return


def more_like(finding: Diagnostic) -> Diagnostic:
    """The note that findings like this one may follow, which are not shown."""
    return replace(
        finding,
        code=Code.MORE_FINDINGS,
        message=f"{MOST} findings of one kind: further ones in this file are not shown",
        caret="",
        help="fix these, or their common cause, first",
        allowed=(),
        fix=None,
        related=(),
        severity=Code.MORE_FINDINGS.severity,
    )


@dataclass(frozen=True, slots=True)
class Word:
    """Another word in its place, in quotes if the old one is."""

    text: str


@dataclass(frozen=True, slots=True)
class Yaml:
    """YAML text in its place."""

    text: str


@dataclass(frozen=True, slots=True)
class InQuotes:
    """The same text, in quotes."""


@dataclass(frozen=True, slots=True)
class Entry:
    """`key: value` in place of a key with its value, both on one line; an empty text removes the line. For a finding
    at the key."""

    text: str


Edit = Word | Yaml | InQuotes | Entry


class Problem(NamedTuple):
    """A finding at a path; `at_key` points at the key instead of the value, `part` at a range of the value's text."""

    code: Code
    path: DataPath
    message: str
    at_key: bool = False
    caret: str = ""
    help: str = ""
    allowed: tuple[str, ...] = ()
    fix: Edit | None = None
    part: tuple[int, int] | None = None
    severity: Severity | None = None


def typo_fix(written: str, allowed: Iterable[str]) -> Word | None:
    """The edit that fixes a typo where only one word can be meant."""
    found = unmistakable(written, allowed)
    return Word(found) if found is not None else None
