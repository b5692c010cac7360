"""Dates: ISO 8601 text, a day or a time of a day. One without offset holds in the pipeline's `timezone`."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

PATTERN = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?(?:Z|[+-][0-9]{2}:[0-9]{2})?)?$"
)
_COMPILED = re.compile(PATTERN)
FIRST_YEAR, LAST_YEAR = 1970, 9998
"""Every time zone can show every moment of these: Python ends at the years 1 and 9999. Nothing is scheduled before
1970, the start of Unix time; a year such as 0206 is a slip."""
ALLOWED = "2026-01-31, 2026-01-31T06:00 or 2026-01-31T06:00:00+09:00"


class DateRangeError(ValueError):
    """A date of the calendar whose year is not allowed."""


def parse_date(text: str) -> datetime:
    """Raises ValueError for other forms, for days and times that do not exist, and for years out of range."""
    if _COMPILED.fullmatch(text) is None:
        raise ValueError(f"expected a date ({ALLOWED})")
    date = datetime.fromisoformat(text)
    if not FIRST_YEAR <= date.year <= LAST_YEAR:
        raise DateRangeError(f"the year must be from {FIRST_YEAR} to {LAST_YEAR}")
    return date


def _validate(value: Any) -> datetime:
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str):
        raise PydanticCustomError("date_type", "expected a date ({allowed})", {"allowed": ALLOWED})
    if _COMPILED.fullmatch(value) is None:
        raise PydanticCustomError("date", "expected a date ({allowed})", {"allowed": ALLOWED})
    try:
        return parse_date(value)
    except DateRangeError as error:
        raise PydanticCustomError("date_range", "{reason}", {"reason": str(error)}) from None
    except ValueError as error:
        raise PydanticCustomError("no_such_date", "no such date: {reason}", {"reason": str(error)}) from None


Date = Annotated[
    datetime,
    BeforeValidator(_validate),
    WithJsonSchema({"type": "string", "pattern": PATTERN, "examples": ["2026-01-01", "2026-01-01T06:00:00+09:00"]}),
]
