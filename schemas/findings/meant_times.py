"""The duration, day, time or schedule that a text means which is none for us: `5 minutes`, `31.1.2026`, `6 am`."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_UNIT = r"(?P<unit>s(?:ec(?:ond)?s?)?|m(?:in(?:ute)?s?)?|h(?:(?:ou)?rs?)?|d(?:ays?)?|w(?:eeks?)?)"
_PART = rf"(?i)(?P<number>\d{{1,7}})\s*{_UNIT}(?![a-z])"
_BETWEEN = r"(?i)(?:\s|,|and)*"
_HOURS = r"(?P<hours>\d{1,3}):(?P<minutes>[0-5]\d):(?P<seconds>[0-5]\d)"
_TIMEDELTA = r"(?:datetime\.)?timedelta\((?P<parts>[a-z]+\s*=\s*\d{1,7}(?:,\s*[a-z]+\s*=\s*\d{1,7})*)\)"
_KEYWORD = r"(?P<unit>seconds|minutes|hours|days|weeks)\s*=\s*(?P<number>\d+)"

_YEAR_FIRST = r"(?P<year>\d{4})[-/.](?P<month>\d{1,2})[-/.](?P<day>\d{1,2})|(\d{4})(\d{2})(\d{2})"
_DAY_FIRST = r"(\d{1,2})\.(\d{1,2})\.(\d{4})"
_SLASHES = r"(\d{1,2})/(\d{1,2})/(\d{4})"


def meant_duration(text: str) -> str | None:
    """`6 hours`, `1h30m`, `01:30:00`, `timedelta(minutes=5)` → `6h`, `90m`, `90m`, `5m`."""
    clock = re.fullmatch(_HOURS, text)
    if clock is not None:
        return in_one_unit(int(clock["hours"]) * 3600 + int(clock["minutes"]) * 60 + int(clock["seconds"]))
    call = re.fullmatch(_TIMEDELTA, text)
    if call is not None:
        parts = [re.fullmatch(_KEYWORD, part.strip()) for part in call["parts"].split(",")]
        return _sum(parts)
    parts, rest = list(re.finditer(_PART, text)), re.sub(_PART, "", text)
    return _sum(parts) if parts and re.fullmatch(_BETWEEN, rest) else None


def _sum(parts: list[re.Match[str] | None] | list[re.Match[str]]) -> str | None:
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return None
    return in_one_unit(sum(int(part["number"]) * _SECONDS[part["unit"][0].lower()] for part in known))


def in_one_unit(seconds: int) -> str:
    """A duration as it is written here."""
    unit = next(unit for unit in ("d", "h", "m", "s") if seconds % _SECONDS[unit] == 0)
    return f"{seconds // _SECONDS[unit]}{unit}"


def meant_date(text: str) -> str | None:
    """`2026-1-31`, `31.1.2026`, `1/31/2026` → `2026-01-31`; None where day and month could be the other way round."""
    if match := re.fullmatch(_YEAR_FIRST, text):
        year, month, day = (int(part) for part in match.groups() if part is not None)
    elif match := re.fullmatch(_DAY_FIRST, text):
        day, month, year = map(int, match.groups())
    elif match := re.fullmatch(_SLASHES, text):
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


_CLOCK_TIME = r"(?P<hour>[01]?[0-9]|2[0-3])(?::(?P<minute>[0-5][0-9]))? ?(?P<half>[ap]m)?"
_CLOCK = rf"(?i)(?:(?:every day|daily|each day) )?(?:at )?{_CLOCK_TIME}"
_ZONE_BEFORE = r"(?:CRON_TZ|TZ)=(?P<zone>\S+)\s+(?P<cron>\S.*)"
_ZONE_BEHIND = r"(?P<cron>\S.*)\s(?P<zone>UTC|[A-Z]\w+/\w+)"
_TIMETABLE = (
    r"""\w*Timetable\(\s*(?:cron=)?["'](?P<cron>[^"']+)["'](?:,\s*timezone=["']?(?P<zone>[\w/+-]+)["']?)?\s*\)"""
)
_ASSET = r"""(?:Asset|Dataset)\(\s*["'](?P<uri>[^"']+)["']\s*\)"""
_NO_SCHEDULE = ("none", "off", "never", "manual", "no", "false")
_ISO_DURATION = r"(?a)P(?:\d+D)?(?:T(?=\d)(?:\d+H)?(?:\d+M)?(?:\d+S)?)?"


def meant_time(value: Any) -> str | None:
    """`6:30`, `6 am` and the number 630 → `06:30`, `06:00`."""
    text = f"{value // 100}:{value % 100:02}" if type(value) is int and value > 99 else str(value)
    clock = re.fullmatch(_CLOCK, text)
    if clock is None or text.isdecimal():
        return None
    hour = int(clock["hour"]) % 12 + 12 * (clock["half"].lower() == "pm") if clock["half"] else int(clock["hour"])
    return f"{hour:02}:{int(clock['minute'] or 0):02}"


def meant_by_cron(text: str, count: int) -> str:
    """What to write in place of what is no cron expression of five fields, but of `count`."""
    more = "; seconds and years are not supported, use `{every: 30s}` for seconds" if count in (6, 7) else ""
    help_text = f"write minute, hour, day of month, month, day of week{more}"
    if (clock := meant_time(text)) is not None:
        hour, minute = map(int, clock.split(":"))
        help_text = f'for {clock} every day write "{minute} {hour} * * *"'
    elif quartz := _meant_by_quartz(text):
        help_text = f'write "{quartz}": five fields, without seconds and years, Sunday is 0'
    elif "#" in text and count > 5:
        help_text = "inside quotes `#` begins no comment: write it behind the quotes"
    elif zone := re.fullmatch(_ZONE_BEFORE, text) or re.fullmatch(_ZONE_BEHIND, text):
        help_text = f'write the time zone beside it: {{cron: "{zone["cron"]}", timezone: {zone["zone"]}}}'
    elif text.lower() in _NO_SCHEDULE:
        help_text = "write null for no schedule"
    elif written := re.fullmatch(_TIMETABLE, text):
        zone_key = f", timezone: {written['zone']}" if written["zone"] else ""
        help_text = f'write {{cron: "{written["cron"]}"{zone_key}}}'
    elif asset := re.fullmatch(_ASSET, text):
        help_text = f'for a run at each update of the asset write {{assets: ["{asset["uri"]}"]}}'
    elif ", " in text:
        help_text = f"remove the space after the comma: `{text.replace(', ', ',')}`"
    elif text.startswith("cron("):
        help_text = "write the five fields alone: without `cron( )`, without the year, and `*` in place of `?`"
    elif every := _meant_every(text):
        help_text = f"for a run every {every} write {{every: {every}}}"
    return help_text


def _meant_by_quartz(text: str) -> str | None:
    """`0 0 16 ? * 6L` of Quartz and `cron(0 16 ? * 6L *)` of AWS as `0 16 * * L5`; their Sunday is 1."""
    fields = text.removeprefix("cron(").removesuffix(")").split()
    if not text.startswith("cron("):
        fields = fields[1:] if fields[0] in ("0", "00") and "?" in fields else []
    if len(fields) not in (5, 6):
        return None
    day = re.sub(r"(?<![#/\d])[1-7](?!\d)", lambda number: str(int(number[0]) - 1), fields[4])
    day = re.sub(r"(\w+)L", r"L\1", day)
    meant = " ".join((*fields[:4], day)).replace("?", "*")
    return None if "W" in fields[2].upper() else meant


def _meant_every(text: str) -> str | None:
    """`every 5 minutes`, `rate(1 day)`, `PT1H` and `datetime.timedelta(hours=1)` as a duration of ours."""
    words = text.lower().removeprefix("every ").removeprefix("datetime.")
    if words.startswith("rate("):
        words = words.removeprefix("rate(").removesuffix(")")
    return text.upper() if re.fullmatch(_ISO_DURATION, text.upper()) is not None else meant_duration(words)
