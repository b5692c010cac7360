"""Durations of any shape that dag-factory takes → `30s`, `5m`, `2h`, `1d`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

TIMEDELTA = "datetime.timedelta"
TIMEDELTA_PARAMETERS = ("days", "seconds", "microseconds", "milliseconds", "minutes", "hours", "weeks")
_WORDS = re.compile(
    r"((?P<hours>\d+?)\s+hour)?((?P<minutes>\d+?)\s+minute)?((?P<seconds>\d+?)\s+second)?((?P<days>\d+?)\s+day)?",
    re.IGNORECASE,
)
"""What dag-factory takes from the start of a text (`dagfactory.utils.get_time_delta`)."""
_LONGEST = 100


def from_words(text: str) -> timedelta | None:
    """The duration of `1 day` and the like; None where it is none."""
    match = _WORDS.match(text[:_LONGEST])
    parts = {unit: int(number) for unit, number in match.groupdict().items() if number} if match is not None else {}
    return timedelta(**parts) if parts else None


def from_object(value: Any) -> timedelta | None:
    """The duration that `{__type__: datetime.timedelta, …}` stands for; None where it is none."""
    if not isinstance(value, dict) or value.get("__type__") != TIMEDELTA:
        return None
    arguments = value.get("__args__", [])
    if not isinstance(arguments, list) or len(arguments) > len(TIMEDELTA_PARAMETERS):
        return None
    given: Mapping[str, Any] = {
        **dict(zip(TIMEDELTA_PARAMETERS, arguments, strict=False)),
        **{key: number for key, number in value.items() if key not in ("__type__", "__args__")},
    }
    known = all(key in TIMEDELTA_PARAMETERS and isinstance(number, int | float) for key, number in given.items())
    return timedelta(**given) if known else None


def written(duration: timedelta) -> str:
    """The shortest text for a duration."""
    seconds = duration.total_seconds()
    if seconds != int(seconds):
        return f"PT{seconds:.6f}".rstrip("0") + "S"
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds and seconds % size == 0:
            return f"{int(seconds // size)}{unit}"
    return f"{int(seconds)}s"
