"""Cursors: values of rows by which a poll knows how far it has come. Numbers, times and other text."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

Cursor = int | float | str
CursorKind = Literal["number", "time", "text"]

_WHOLE = re.compile(r"-?[0-9]{1,40}")
_TIME = re.compile(
    r"(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:(?P<between>[T ])[0-9]{2}:[0-9]{2}(?P<seconds>:[0-9]{2}(?:\.(?P<fraction>[0-9]{1,9}))?)?"
    r"(?P<zone>Z|[+-][0-9]{2}:?[0-9]{2})?)?"
)


class CursorError(ValueError):
    """A value cannot be a cursor, or two cannot be compared; its text says why."""


def cursor_kind(value: Any) -> CursorKind:
    """What a value is as a cursor. Whole numbers in text are numbers: text would put 10 before 9.

    Raises CursorError for what is neither a number nor text.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        if isinstance(value, float) and not math.isfinite(value):
            # JSON has none, but one that is too large becomes one, and nothing would ever come after it.
            raise CursorError(f"a cursor is a finite number, not {_shown(value)}")
        return "number"
    if not isinstance(value, str):
        raise CursorError(f"a cursor is a number or text, not {_shown(value)}")
    if _WHOLE.fullmatch(value):
        return "number"
    return "time" if _moment(value) is not None else "text"


def is_later(value: Cursor, other: Cursor) -> bool:
    """Whether `value` comes after `other`. A time without offset counts as UTC, a day as its start.

    Raises CursorError where the two are of different kinds.
    """
    kind, other_kind = cursor_kind(value), cursor_kind(other)
    if kind != other_kind:
        raise CursorError(f"{_shown(value)} is a {kind} and {_shown(other)} is a {other_kind}: neither comes first")
    if kind == "number":
        return _number(value) > _number(other)
    if kind == "time":
        return (_moment(str(value)) or datetime.min) > (_moment(str(other)) or datetime.min)
    return str(value) > str(other)


def cursor_before(value: Cursor, lag: timedelta | int | float) -> Cursor:
    """The cursor that is `lag` before `value`, written as `value` is; a fraction too fine for that is rounded down.

    Raises CursorError where the lag does not fit the cursor.
    """
    kind = cursor_kind(value)
    if isinstance(lag, timedelta):
        if kind != "time":
            raise CursorError(f"`lag` is a duration and the cursor {_shown(value)} is a {kind}")
        return _moved(str(value), -lag)
    if kind != "number":
        raise CursorError(f"`lag` is a number and the cursor {_shown(value)} is a {kind}")
    moved = _number(value) - lag
    return str(moved) if isinstance(value, str) else moved


def now_like(pattern: str, now: datetime) -> str:
    """The moment `now` (with offset), written as the time `pattern` is."""
    match = _TIME.fullmatch(pattern)
    if match is None:
        raise CursorError(f"{_shown(pattern)} is no time")
    zone = datetime.fromisoformat(pattern).tzinfo if match["zone"] else UTC
    return _written(now.astimezone(zone), match)


def _moved(text: str, by: timedelta) -> str:
    match = _TIME.fullmatch(text)
    if match is None:
        raise CursorError(f"{_shown(text)} is no time")
    try:
        return _written(datetime.fromisoformat(text) + by, match)
    except OverflowError:
        raise CursorError(f"`lag` goes back beyond the first year from {_shown(text)}") from None


def _written(moment: datetime, pattern: re.Match[str]) -> str:
    if pattern["between"] is None:
        return moment.date().isoformat()
    digits = len(pattern["fraction"] or "")
    timespec = "milliseconds" if 0 < digits <= 3 else "microseconds" if digits else "seconds"
    if pattern["seconds"] is None:
        timespec = "minutes"
    return moment.replace(tzinfo=None).isoformat(pattern["between"], timespec) + (pattern["zone"] or "")


def _moment(text: str) -> datetime | None:
    if _TIME.fullmatch(text) is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _number(value: Cursor) -> int | float:
    return int(value) if isinstance(value, str) else value


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}…"
