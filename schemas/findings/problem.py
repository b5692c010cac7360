"""A finding at a path of an effective document, before it has a place in a file, and the edit that would fix it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from schemas.findings.codes import Code, Severity
from schemas.findings.paths import DataPath
from schemas.findings.suggestions import unmistakable


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


Edit = Word | Yaml | InQuotes


@dataclass(frozen=True, slots=True)
class Problem:
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
