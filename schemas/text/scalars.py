"""Scalars of the YAML 1.2 core schema (YAML 1.2.2, section 10.3.2), read and written: all others are text.

`on`, `off`, `yes`, `no`, `1:30` and `2026-01-01` are text; `010` is ten; `0o10` is eight.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import yaml

_WORDS: Mapping[str, bool | None] = MappingProxyType(
    {
        **dict.fromkeys(("", "~", "null", "Null", "NULL")),
        **dict.fromkeys(("true", "True", "TRUE"), True),
        **dict.fromkeys(("false", "False", "FALSE"), False),
    }
)
_INT = re.compile(r"[-+]?[0-9]+")
_OCTAL = re.compile(r"0o[0-7]+")
_HEX = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_INFINITY = re.compile(r"[-+]?\.(?:inf|Inf|INF)")
_NAN = frozenset({".nan", ".NaN", ".NAN"})
_NUMERIC_START = frozenset("+-.0123456789")

MAX_DIGITS = 300


class NumberTooLongError(ValueError):
    """A number with more than MAX_DIGITS characters, which nobody means."""


def plain_scalar(value: str) -> str | int | float | bool | None:
    """The value of a plain scalar. Raises NumberTooLongError."""
    if value in _WORDS:
        return _WORDS[value]
    if value[0] not in _NUMERIC_START:
        return value
    return _number(value)


def _number(value: str) -> str | int | float:
    for pattern, base in ((_INT, 10), (_OCTAL, 8), (_HEX, 16)):
        if pattern.fullmatch(value):
            if len(value) > MAX_DIGITS:
                raise NumberTooLongError(value)
            return int(value, base)
    if _FLOAT.fullmatch(value):
        if len(value) > MAX_DIGITS:
            raise NumberTooLongError(value)
        return float(value)
    if _INFINITY.fullmatch(value):
        return float("-inf") if value.startswith("-") else float("inf")
    if value in _NAN:
        return float("nan")
    return value


def block_mark(text: str) -> str | None:
    """The mark of a block scalar for a text of several lines that needs no escapes; None for any other text."""
    lines = text.removesuffix("\n").split("\n")
    plain = all(line.isprintable() and line == line.rstrip() for line in lines)
    if len(lines) < 2 or not plain or not lines[-1] or not lines[0] or lines[0].startswith(" "):
        return None
    return "|" if text.endswith("\n") else "|-"


def scalar(value: Any) -> str:
    """A single value on one line, in quotes where YAML 1.2 or 1.1 would take the text for something else."""
    style = None
    while True:
        written: str = yaml.safe_dump(
            value, default_style=style, default_flow_style=True, allow_unicode=True, width=2**31 - 1
        )
        written = written.removesuffix("\n").removesuffix("\n...")
        if style is not None or not isinstance(value, str) or written != value or _is_text(written):
            break
        style = '"'
    return written if "\n" not in written else yaml.safe_dump(value, default_style='"', width=2**31 - 1).strip()


def _is_text(written: str) -> bool:
    try:
        return isinstance(plain_scalar(written), str)
    except NumberTooLongError:
        return False
