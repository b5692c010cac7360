"""How a finding is mended: an edit of the text, made only where the text stands there as it is read.

A value that an anchor, an alias, an escape, several lines or a variable stand behind has more than one reading, and is
left to its author.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from schemas.diagnostics import Fix, Span
from schemas.scalars import NumberTooLongError, plain_scalar
from schemas.suggestions import unmistakable


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


Mend = Word | Yaml | InQuotes


def fix(mend: Mend, written: str, value: Any, span: Span) -> Fix | None:
    """The edit of `written`, which stands at `span` and is read as `value`; None where it is not plainly that."""
    mark = written[0] if len(written) > 1 and written[0] in "\"'" and written[-1] == written[0] else ""
    if _read(written, mark) != value:
        return None
    match mend:
        case Word(text):
            return Fix(span, f"{mark}{text}{mark}" if mark or _is_plain(text) else f'"{text}"')
        case Yaml(text):
            return Fix(span, text)
        case InQuotes():
            return Fix(span, f'"{written}"')


def word(written: str, allowed: Iterable[str]) -> Word | None:
    """The mend of a typo that can stand for one word only."""
    found = unmistakable(written, allowed)
    return Word(found) if found is not None else None


def _read(written: str, mark: str) -> Any:
    if mark:
        inside = written[1:-1]
        return None if mark in inside or "\\" in inside else inside
    try:
        return plain_scalar(written)
    except NumberTooLongError:
        return None


def _is_plain(text: str) -> bool:
    """Whether a word means itself without quotes, inside of `{ }` and `[ ]` too."""
    return plain_scalar(text) == text and text[:1].isalnum() and not any(c in text for c in ":#,[]{}\n")
