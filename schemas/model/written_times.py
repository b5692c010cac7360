"""Durations and dates as people also write them, in the form of the language."""

from __future__ import annotations

import re
from datetime import date

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_UNIT = r"(?P<unit>s(?:ec(?:ond)?s?)?|m(?:in(?:ute)?s?)?|h(?:(?:ou)?rs?)?|d(?:ays?)?|w(?:eeks?)?)"
_PART = re.compile(rf"(?P<number>\d{{1,7}})\s*{_UNIT}(?![a-z])", re.IGNORECASE)
_BETWEEN = re.compile(r"(?:\s|,|and)*", re.IGNORECASE)
_CLOCK = re.compile(r"(?P<hours>\d{1,3}):(?P<minutes>[0-5]\d):(?P<seconds>[0-5]\d)")
_TIMEDELTA = re.compile(r"(?:datetime\.)?timedelta\((?P<parts>[a-z]+\s*=\s*\d{1,7}(?:,\s*[a-z]+\s*=\s*\d{1,7})*)\)")
_KEYWORD = re.compile(r"(?P<unit>seconds|minutes|hours|days|weeks)\s*=\s*(?P<number>\d+)")

_YEAR_FIRST = re.compile(r"(?P<year>\d{4})[-/.](?P<month>\d{1,2})[-/.](?P<day>\d{1,2})|(\d{4})(\d{2})(\d{2})")
_DAY_FIRST = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})")
_SLASHES = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})")


def meant_duration(text: str) -> str | None:
    """`6 hours`, `1h30m`, `01:30:00`, `timedelta(minutes=5)` → `6h`, `90m`, `90m`, `5m`."""
    clock = _CLOCK.fullmatch(text)
    if clock is not None:
        return _in_one_unit(int(clock["hours"]) * 3600 + int(clock["minutes"]) * 60 + int(clock["seconds"]))
    call = _TIMEDELTA.fullmatch(text)
    if call is not None:
        parts = [_KEYWORD.fullmatch(part.strip()) for part in call["parts"].split(",")]
        return _sum(parts)
    parts, rest = list(_PART.finditer(text)), _PART.sub("", text)
    return _sum(parts) if parts and _BETWEEN.fullmatch(rest) else None


def _sum(parts: list[re.Match[str] | None] | list[re.Match[str]]) -> str | None:
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return None
    return _in_one_unit(sum(int(part["number"]) * _SECONDS[part["unit"][0].lower()] for part in known))


def _in_one_unit(seconds: int) -> str:
    unit = next(unit for unit in ("d", "h", "m", "s") if seconds % _SECONDS[unit] == 0)
    return f"{seconds // _SECONDS[unit]}{unit}"


def meant_date(text: str) -> str | None:
    """`2026-1-31`, `31.1.2026`, `1/31/2026` → `2026-01-31`; None where day and month could be the other way round."""
    if match := _YEAR_FIRST.fullmatch(text):
        year, month, day = (int(part) for part in match.groups() if part is not None)
    elif match := _DAY_FIRST.fullmatch(text):
        day, month, year = map(int, match.groups())
    elif match := _SLASHES.fullmatch(text):
        one, other, year = map(int, match.groups())
        if one <= 12 and other <= 12 and one != other:
            return None
        month, day = (one, other) if one <= 12 else (other, one)
    else:
        return None
    try:
        return date(year, month, day).isoformat()
    except ValueError:
        return None
