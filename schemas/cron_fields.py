"""Cron expressions of numbers, ranges and steps, expanded without croniter.

Nearly all are of that kind, and importing croniter starts a process: it asks the program `file` whether Python is one
of 32 bits. What is not expanded here, be it right or wrong, is croniter's to judge, as it is in Airflow.
"""

from __future__ import annotations

import re

Field = tuple[int | str, ...]
"""The values of a field."""
EVERY: Field = ("*",)

_TEXT = re.compile(r"\S+", re.ASCII)
"""croniter knows no other spaces than those of ASCII."""
_BOUNDS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 6))
_PART = re.compile(r"(?:\*|(?P<first>[0-9]{1,2})(?:-(?P<last>[0-9]{1,2}))?)(?:/(?P<step>[0-9]{1,2}))?", re.ASCII)


def plain_fields(expression: str) -> tuple[Field, ...] | None:
    """The values of each of the five fields, sorted; None where croniter is needed."""
    texts = _TEXT.findall(expression)
    if len(texts) != len(_BOUNDS):
        return None
    fields = []
    for text, (lowest, highest) in zip(texts, _BOUNDS, strict=True):
        field = EVERY if text == "*" else _values(text, lowest, highest)
        if field is None:
            return None
        fields.append(field)
    return tuple(fields)


def _values(text: str, lowest: int, highest: int) -> Field | None:
    found: set[int] = set()
    for part in text.split(","):
        values = _range(part, lowest, highest)
        if values is None:
            return None
        found.update(values)
    return tuple(sorted(found)) if len(found) <= highest - lowest else None  # all of them: `*`, or not, by the field


def _range(part: str, lowest: int, highest: int) -> range | None:
    """`n`, `a-b`, `a-b/n` or `*/n`, where the step has room; of others croniter makes something of its own."""
    match = _PART.fullmatch(part)
    if match is None:
        return None
    written, step = match["first"], int(match["step"] or 1)
    first, last = int(written or lowest), int(match["last"] or written or highest)
    if not lowest <= first <= last <= highest:
        return None
    if match["step"] is None and match["last"] is None:
        return range(first, last + 1) if written is not None else None
    return range(first, last + 1, step) if 0 < step <= last - first else None
