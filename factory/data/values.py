"""Values of a database or a file in the form in which a task hands them on: JSON's, without losing digits."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

MOST_ROWS = 10_000
"""Rows that a task hands on as a value where nothing else is said; more belong into a file."""


class TooManyRowsError(Exception):
    """There are more rows than the task may hand on."""

    def __init__(self, most: int, *, is_default: bool) -> None:
        more = "write them to a file with `to`, or raise `max_rows`" if is_default else "that is its `max_rows`"
        super().__init__(f"the task has more than {most} rows to hand on: {more}")


def limited(rows: Iterable[Any], max_rows: int | None) -> list[Any]:
    """The rows as a list. Raises TooManyRowsError where they are more than `max_rows`, or than the default."""
    most = MOST_ROWS if max_rows is None else max_rows
    kept: list[Any] = []
    for row in rows:
        if len(kept) == most:
            raise TooManyRowsError(most, is_default=max_rows is None)
        kept.append(row)
    return kept


def plain_rows(rows: Iterable[Mapping[str, Any]]) -> Iterable[dict[str, Any]]:
    """The rows with plain values."""
    return ({name: plain_value(value) for name, value in row.items()} for row in rows)


def plain_value(value: Any) -> Any:
    """Times as ISO 8601 text; decimals as numbers, as text only where a float would lose digits; bytes in Base64."""
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, Decimal):
        return _plain_decimal(value)
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): plain_value(one) for key, one in value.items()}
    if isinstance(value, bytes | bytearray | memoryview):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, Sequence | set | frozenset):
        return [plain_value(one) for one in value]
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, UUID):
        return str(value)
    if hasattr(value, "item"):  # a NumPy number
        return plain_value(value.item())
    return str(value)


def _plain_decimal(value: Decimal) -> int | float | str:
    if not value.is_finite():
        return str(value)
    if value == value.to_integral_value() and value.as_tuple().exponent == 0:
        return int(value)
    near = float(value)
    return near if Decimal(repr(near)) == value else str(value)
