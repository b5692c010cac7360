"""Durations: `30s`, `5m`, `2h`, `1d`, or ISO 8601 without years and months, which have no fixed length."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

_SHORT = r"[0-9]+[smhd]"
_ISO = (
    r"P(?:[0-9]+W|(?=[0-9T])(?:[0-9]+D)?"
    r"(?:T(?=[0-9])(?:[0-9]+H)?(?:[0-9]+M)?(?:[0-9]+(?:\.[0-9]+)?S)?)?)"
)
PATTERN = rf"^(?:{_SHORT}|{_ISO})$"
_COMPILED = re.compile(PATTERN)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_ISO_PARTS = re.compile(r"(?P<number>[0-9]+(?:\.[0-9]+)?)(?P<unit>[WDHMS])")
_ISO_UNITS = {"W": "weeks", "D": "days", "H": "hours", "M": "minutes", "S": "seconds"}
ALLOWED = "30s, 5m, 2h, 1d, or ISO 8601 such as PT90M"


def parse_duration(text: str) -> timedelta:
    """Raises ValueError for what is not a duration or longer than Python's timedelta."""
    if _COMPILED.fullmatch(text) is None:
        raise ValueError(text)
    try:
        if not text.startswith("P"):
            return timedelta(**{_UNITS[text[-1]]: int(text[:-1])})
        parts = {_ISO_UNITS[m["unit"]]: float(m["number"]) for m in _ISO_PARTS.finditer(text)}
        return timedelta(**parts)
    except OverflowError as error:
        raise ValueError(text) from error


def _validate(value: Any) -> timedelta:
    if isinstance(value, timedelta):
        return value
    if not isinstance(value, str):
        raise PydanticCustomError("duration_type", "expected a duration ({allowed})", {"allowed": ALLOWED})
    try:
        return parse_duration(value)
    except ValueError:
        raise PydanticCustomError("duration", "expected a duration ({allowed})", {"allowed": ALLOWED}) from None


Duration = Annotated[
    timedelta,
    BeforeValidator(_validate),
    WithJsonSchema({"type": "string", "pattern": PATTERN, "examples": ["30s", "5m", "2h", "1d", "PT90M"]}),
]
