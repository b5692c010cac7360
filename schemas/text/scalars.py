"""Plain scalars of the YAML 1.2 core schema (YAML 1.2.2, section 10.3.2): nothing else is not text.

`on`, `off`, `yes`, `no`, `1:30` and `2026-01-01` are text; `010` is ten; `0o10` is eight.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

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
    """A number of more than MAX_DIGITS characters, which nobody means."""


def plain_scalar(value: str) -> str | int | float | bool | None:
    """What a plain scalar stands for. Raises NumberTooLongError."""
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
