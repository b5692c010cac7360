"""Texts for arguments that a constructor annotates as a duration or a date: the build reads them, lint asks first."""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Iterator
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TypeVar

from schemas.model.dates import ALLOWED as DATE_FORMS
from schemas.model.dates import parse_date
from schemas.model.durations import ALLOWED as DURATION_FORMS
from schemas.model.durations import parse_duration

T = TypeVar("T")

_DURATIONS = frozenset({"timedelta", "Duration"})
_DATES = frozenset({"datetime", "DateTime"})


@lru_cache(maxsize=1024)  # operators share most of their annotations
def type_names(annotation: str) -> frozenset[str]:
    """The last names of the types that an annotation as it is written holds side by side."""
    return frozenset(_names(annotation))


def names_duration(types: Collection[str]) -> bool:
    """Whether a text must be a duration there."""
    return "str" not in types and not _DURATIONS.isdisjoint(types)


def fitted(types: Collection[str], text: str) -> str | timedelta | datetime:
    """The duration or the date that a text must be there; itself where text can stand, and where it is a template.

    Raises ValueError, in words that follow the argument's name.
    """
    if "str" in types or "{{" in text or "{%" in text:
        return text
    if names_duration(types):
        return _parsed(parse_duration, text, f"a duration ({DURATION_FORMS})")
    return _parsed(parse_date, text, f"a date ({DATE_FORMS})") if not _DATES.isdisjoint(types) else text


def _parsed(parse: Callable[[str], T], text: str, wanted: str) -> T:
    try:
        return parse(text)
    except ValueError:
        raise ValueError(f"is {wanted}, not `{text}`") from None


def _names(annotation: str) -> Iterator[str]:
    try:
        pending: list[ast.expr] = [ast.parse(annotation, mode="eval").body]
    except SyntaxError:
        return
    while pending:
        match pending.pop():
            case ast.BinOp(left=left, op=ast.BitOr(), right=right):
                pending += [left, right]
            case ast.Subscript(
                value=ast.Name(id="Optional" | "Union") | ast.Attribute(attr="Optional" | "Union"),
                slice=inner,
            ):
                pending += inner.elts if isinstance(inner, ast.Tuple) else [inner]
            case ast.Name(id=name) | ast.Attribute(attr=name):
                yield name
            case ast.Constant(value=str() as quoted):
                yield from _names(quoted)
            case _:
                continue
