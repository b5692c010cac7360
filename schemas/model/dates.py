"""Dates: ISO 8601 text, a day or a time of a day. One without offset holds in the pipeline's `timezone`."""

from __future__ import annotations

import re
from datetime import datetime, time
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from schemas.expressions.reading import task_reference

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


_TIME_PATTERN = r"(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9])?"
_TEMPLATE_PATTERN = r"\{\{|\{%"
DATE_OR_TEMPLATE_PATTERN = rf"{_TEMPLATE_PATTERN}|^\$\{{tasks\.|{PATTERN}"
MOMENT_PATTERN = rf"{_TEMPLATE_PATTERN}|^\$\{{tasks\.|^{_TIME_PATTERN}$|{PATTERN}"
_TIME = re.compile(_TIME_PATTERN)
_TEMPLATE = re.compile(_TEMPLATE_PATTERN)
DATE_OR_TEMPLATE_ALLOWED = "2026-01-31T06:00, 2026-01-31T06:00:00+09:00 or a template"
MOMENT_ALLOWED = "2026-01-31T06:00, 2026-01-31T06:00:00+09:00, 06:30 or a template"


def _date_or_template(value: Any) -> datetime | str:
    return _read(value, DATE_OR_TEMPLATE_ALLOWED)


def _moment(value: Any) -> datetime | time | str:
    if isinstance(value, str) and _TIME.fullmatch(value) is not None:
        return time.fromisoformat(value)
    return _read(value, MOMENT_ALLOWED)


def _read(value: Any, allowed: str) -> datetime | str:
    if not isinstance(value, str):
        raise PydanticCustomError("date_type", "expected a date ({allowed})", {"allowed": allowed})
    if _TEMPLATE.search(value) is not None or task_reference(value) is not None:
        return value
    try:
        return parse_date(value)
    except DateRangeError as error:
        raise PydanticCustomError("date_range", "{reason}", {"reason": str(error)}) from None
    except ValueError as error:
        if re.fullmatch(PATTERN, value) is not None:
            raise PydanticCustomError("no_such_date", "no such date: {reason}", {"reason": str(error)}) from None
        raise PydanticCustomError("date", "expected a date ({allowed})", {"allowed": allowed}) from None


DateOrTemplate = Annotated[
    datetime | str,
    PlainValidator(_date_or_template),
    WithJsonSchema(
        {"type": "string", "pattern": DATE_OR_TEMPLATE_PATTERN, "examples": ["2026-01-01T06:00", "{{ ds }}"]}
    ),
]
Moment = Annotated[
    datetime | time | str,
    PlainValidator(_moment),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": MOMENT_PATTERN,
            "examples": ["06:30", "2026-01-01T06:00", "{{ data_interval_end.add(hours=1) }}"],
        }
    ),
]
"""A time of day is a `time`, a template and a task's output stay text."""
