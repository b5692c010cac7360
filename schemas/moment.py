"""A moment that a task waits for or names: a date, a time of day, or a template that gives one when the task runs."""

from __future__ import annotations

import re
from datetime import datetime, time
from typing import Annotated, Any

from pydantic import PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from schemas.dates import PATTERN as DATE_PATTERN
from schemas.dates import DateRangeError, parse_date
from schemas.references import task_reference

_TIME_PATTERN = r"(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9])?"
_TEMPLATE_PATTERN = r"\{\{|\{%"
DATE_OR_TEMPLATE_PATTERN = rf"{_TEMPLATE_PATTERN}|^\$\{{tasks\.|{DATE_PATTERN}"
MOMENT_PATTERN = rf"{_TEMPLATE_PATTERN}|^\$\{{tasks\.|^{_TIME_PATTERN}$|{DATE_PATTERN}"
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
        if re.fullmatch(DATE_PATTERN, value) is not None:
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
