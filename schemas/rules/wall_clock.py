"""Times of day that some days do not have: where clocks go forward, an hour is left out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic
from schemas.findings.paths import DataPath
from schemas.model.cron import EVERY, Field, expanded
from schemas.model.schedule import CRON_PRESETS
from schemas.rules.expressions import stands_at
from schemas.rules.schedule import crons
from schemas.rules.subject import Subject

_MANY_HOURS = 24


def check(subject: Subject) -> Iterator[Diagnostic]:
    """A cron expression whose time of day falls into such an hour on one of its days."""
    schedule = subject.data.get("schedule")
    if isinstance(schedule, str):
        places: list[tuple[DataPath, str]] = [(("schedule",), schedule)]
        zone = subject.data.get("timezone")
    elif isinstance(schedule, dict):
        places = crons(schedule)
        zone = schedule.get("timezone", subject.data.get("timezone"))
    else:
        return
    if not isinstance(zone, str) or zone == "UTC" or not _is_known(zone):
        return
    for path, text in places:
        if text not in CRON_PRESETS and not stands_at(subject, path):
            yield from _skipped(subject, path, text, zone)


def _is_known(zone: str) -> bool:
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False  # `schedule` says so
    return True


def _skipped(subject: Subject, path: DataPath, cron: str, zone: str) -> Iterator[Diagnostic]:
    fields = expanded(cron)
    if fields is None or len(fields) != 5:
        return
    minutes, hours, days, months, weekdays = fields
    if hours == EVERY or len(hours) >= _MANY_HOURS:
        return  # every hour: Airflow goes by elapsed time then, and leaves nothing out
    for day in _days_forward(ZoneInfo(zone), date.today().year):
        if not _comes_on(day, days, months, weekdays):
            continue
        for hour in hours:
            for minute in range(60) if minutes == EVERY else minutes:
                if isinstance(hour, int) and isinstance(minute, int) and not _exists(day, hour, minute, zone):
                    yield subject.finding(
                        Code.SKIPPED_TIME,
                        path,
                        f"{hour:02d}:{minute:02d} does not exist in `{zone}` on the day the clocks go forward",
                        help="that day's run comes an hour later; take a time outside of that hour, or `timezone: UTC`",
                    )
                    return


def _comes_on(day: date, days: Field, months: Field, weekdays: Field) -> bool:
    """Whether a cron expression's fields name the day: either of day and weekday where both are given (cron(5))."""
    if months != EVERY and day.month not in months:
        return False
    by_day, by_weekday = day.day in days or "l" in days, day.isoweekday() % 7 in weekdays
    if days == EVERY:
        return weekdays == EVERY or by_weekday
    return by_day if weekdays == EVERY else by_day or by_weekday


@lru_cache(maxsize=64)  # the files of a repository have few zones
def _days_forward(zone: ZoneInfo, year: int) -> tuple[date, ...]:
    """The days of a year on which a zone's clocks go forward, found by halves of a month: most of them have none."""
    half = timedelta(days=14)
    begin = datetime(year, 1, 1, tzinfo=zone)
    before = _offset(begin)
    found = []
    for _ in range(27):
        after = _offset(begin + half)
        if after > before:
            days = (begin + timedelta(days=number) for number in range(half.days))
            found.append(next(day.date() for day in days if _offset(day + timedelta(days=1)) > _offset(day)))
        begin, before = begin + half, after
    return tuple(found)


def _offset(moment: datetime) -> timedelta:
    return moment.utcoffset() or timedelta()


def _exists(day: date, hour: int, minute: int, zone: str) -> bool:
    """A wall-clock time that is left out comes back from UTC as another (PEP 495)."""
    naive = datetime(day.year, day.month, day.day, hour, minute)  # that is the question
    info = ZoneInfo(zone)
    return datetime.fromtimestamp(naive.replace(tzinfo=info).timestamp(), info).replace(tzinfo=None) == naive
