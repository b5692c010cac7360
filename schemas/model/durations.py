"""Durations: `30s`, `5m`, `2h`, `1d`, or ISO 8601 without years and months, which have no fixed length."""

from __future__ import annotations

import re
from datetime import timedelta
from functools import lru_cache
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

_N = "[0-9]{1,8}"
"""Up to 8 digits: whatever is added up stays below Python's longest timedelta."""
_SHORT = rf"{_N}[smhd]"
_ISO = (
    rf"P(?:{_N}W|(?=[0-9T])(?:{_N}D)?"
    rf"(?:T(?=[0-9])(?:{_N}H)?(?:{_N}M)?(?:{_N}(?:\.[0-9]{{1,6}})?S)?)?)"
)
PATTERN = rf"^(?:{_SHORT}|{_ISO})$"
POSITIVE_PATTERN = rf"^(?=.*[1-9])(?:{_SHORT}|{_ISO})$"
_COMPILED = re.compile(PATTERN)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_ISO_PARTS = re.compile(r"(?P<number>[0-9]+(?:\.[0-9]+)?)(?P<unit>[WDHMS])")
_ISO_UNITS = {"W": "weeks", "D": "days", "H": "hours", "M": "minutes", "S": "seconds"}
ALLOWED = "30s, 5m, 2h, 1d, or ISO 8601 such as PT90M"


@lru_cache(maxsize=256)  # the files of a repository have few different ones
def parse_duration(text: str) -> timedelta:
    """Raises ValueError for what is not a duration."""
    if _COMPILED.fullmatch(text) is None:
        raise ValueError(text)
    if not text.startswith("P"):
        return timedelta(**{_UNITS[text[-1]]: int(text[:-1])})
    return timedelta(**{_ISO_UNITS[m["unit"]]: float(m["number"]) for m in _ISO_PARTS.finditer(text)})


def _validate(value: Any) -> timedelta:
    if isinstance(value, timedelta):
        return value
    if not isinstance(value, str):
        raise PydanticCustomError("duration_type", "expected a duration ({allowed})", {"allowed": ALLOWED})
    try:
        return parse_duration(value)
    except ValueError:
        raise PydanticCustomError("duration", "expected a duration ({allowed})", {"allowed": ALLOWED}) from None


def _positive(duration: timedelta) -> timedelta:
    if duration <= timedelta(0):
        raise PydanticCustomError("duration_zero", "expected a duration longer than zero")
    return duration


_EXAMPLES = ["30s", "5m", "2h", "1d", "PT90M"]

Duration = Annotated[
    timedelta,
    BeforeValidator(_validate),
    WithJsonSchema({"type": "string", "pattern": PATTERN, "examples": _EXAMPLES}),
]
PositiveDuration = Annotated[
    timedelta,
    BeforeValidator(_validate),
    AfterValidator(_positive),
    WithJsonSchema({"type": "string", "pattern": POSITIVE_PATTERN, "examples": _EXAMPLES}),
]
"""Where zero means nothing that anybody wants: an interval, a timeout."""
