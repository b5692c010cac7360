"""Texts for arguments that a constructor annotates as a duration or a date: the build reads them, lint asks first."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator
from functools import lru_cache

from schemas.dates import ALLOWED as DATE_FORMS
from schemas.dates import parse_date
from schemas.durations import ALLOWED as DURATION_FORMS
from schemas.durations import parse_duration

_DURATIONS = frozenset({"timedelta", "Duration"})
_DATES = frozenset({"datetime", "DateTime"})


@lru_cache(maxsize=1024)  # operators share most of their annotations
def type_names(annotation: str) -> frozenset[str]:
    """The last names of the types that an annotation as it is written holds side by side."""
    return frozenset(_names(annotation))


def takes_duration(types: Collection[str], text: str) -> bool:
    """Whether a text must be a duration there; a template stays text."""
    return _takes(_DURATIONS, types, text)


def takes_date(types: Collection[str], text: str) -> bool:
    """Whether a text must be a date there; a template stays text."""
    return not takes_duration(types, text) and _takes(_DATES, types, text)


def misfit(types: Collection[str], text: str) -> str | None:
    """What is wrong with a text there, in words that follow the argument's name; None where nothing is."""
    kind, forms, parse = (
        ("duration", DURATION_FORMS, parse_duration)
        if takes_duration(types, text)
        else ("date", DATE_FORMS, parse_date)
    )
    if kind == "date" and not takes_date(types, text):
        return None
    try:
        parse(text)
    except ValueError:
        return f"is a {kind} ({forms}), not `{text}`"
    return None


def _takes(wanted: frozenset[str], types: Collection[str], text: str) -> bool:
    return "str" not in types and not wanted.isdisjoint(types) and "{{" not in text and "{%" not in text


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
