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
ALLOWED = "2026-01-31, 2026-01-31T06:00 or 2026-01-31T06:00:00+09:00"


def parse_date(text: str) -> datetime:
    """Raises ValueError for other forms and for days and times that do not exist."""
    if _COMPILED.fullmatch(text) is None:
        raise ValueError(f"expected a date ({ALLOWED})")
    return datetime.fromisoformat(text)


def _validate(value: Any) -> datetime:
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str):
        raise PydanticCustomError("date_type", "expected a date ({allowed})", {"allowed": ALLOWED})
    if _COMPILED.fullmatch(value) is None:
        raise PydanticCustomError("date", "expected a date ({allowed})", {"allowed": ALLOWED})
    try:
        return parse_date(value)
    except ValueError as error:
        raise PydanticCustomError("no_such_date", "no such date: {reason}", {"reason": str(error)}) from None


Date = Annotated[
    datetime,
    BeforeValidator(_validate),
    WithJsonSchema({"type": "string", "pattern": PATTERN, "examples": ["2026-01-01", "2026-01-01T06:00:00+09:00"]}),
]
