"""When runs start and how long they take: time limits, data intervals, hours that a clock leaves out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import islice, pairwise
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from schemas.findings.codes import Code, Severity
from schemas.findings.diagnostics import Diagnostic
from schemas.findings.meant_times import in_one_unit
from schemas.findings.paths import DataPath
from schemas.model.built_ins import BUILT_INS
from schemas.model.cron import EVERY, Field, expanded, slots
from schemas.model.schedule import CRON_PRESETS
from schemas.model.times import parse_duration
from schemas.rules.expressions import has_expression
from schemas.rules.schedule import crons
from schemas.rules.subject import Subject
from schemas.rules.task_view import TaskView
from schemas.shape.places import mapping_at

_MARK = "data_interval_"
_INTERVAL = re.compile(r"\bdata_interval_(?:start|end)\b")


def check_data_interval(subject: Subject) -> Iterator[Diagnostic]:
    """`data_interval_start` or `_end` in a template of a pipeline by cron or `every` without `data_interval: true`.

    Airflow's CronTriggerTimetable gives both the same instant; other schedules are left alone.
    """
    if not subject.may_hold(_MARK):
        return
    schedule = subject.data.get("schedule")
    if isinstance(schedule, dict):
        if not schedule.keys() & {"cron", "every"} or schedule.get("data_interval", False) is not False:
            return
        how = "add `data_interval: true` to `schedule`"
    elif isinstance(schedule, str) and schedule not in ("@once", "@continuous"):
        how = f'write schedule: {{cron: "{schedule}", data_interval: true}}'
    else:
        return
    for path, text in subject.template_texts:
        if _MARK not in text or "{{" not in text:
            continue
        found = _INTERVAL.search(text, text.index("{{"))
        if found is not None:
            yield subject.finding(
                Code.NO_DATA_INTERVAL,
                path,
                f"`{found.group()}`: runs of this schedule have no data interval, so both ends are the same instant",
                help=f"{how}, and each run covers the time since the previous slot",
                part=found.span(),
            )


_SLOTS_LOOKED_AT = 60


def check_timeout(subject: Subject) -> Iterator[Diagnostic]:
    """A time limit longer than the longest interval times `max_active_runs`, where both keys are written."""
    if "dagrun_timeout" not in subject.data or "max_active_runs" not in subject.data:
        return
    runs, limit = subject.data["max_active_runs"], duration_of(subject.data["dagrun_timeout"])
    interval = longest_interval(subject)
    if not isinstance(runs, int) or isinstance(runs, bool) or runs < 1 or limit is None or interval is None:
        return
    if limit / runs > interval:
        yield subject.finding(
            Code.TIMEOUT_BEYOND_SLOTS,
            ("dagrun_timeout",),
            f"runs that take this long pile up: one starts every {in_words(interval)}, "
            f"and {runs} run{'s' if runs > 1 else ''} at once",
            help=f"at most {in_words(interval * runs)}, or more `max_active_runs`",
        )


def check_shorter(subject: Subject) -> Iterator[Diagnostic]:
    """Durations that a shorter one makes useless."""
    of_run = duration_of(subject.data.get("dagrun_timeout"))
    for path, settings in subject.settings:
        limit = duration_of(settings.get("execution_timeout"))
        if of_run is not None and limit is not None and limit > of_run:
            message = "`execution_timeout` is longer than `dagrun_timeout`, which ends the run before"
            yield subject.finding(Code.TIMEOUT_BEYOND_SLOTS, (*path, "execution_timeout"), message)
    for task in subject.tasks if subject.may_hold("poke_interval") else ():
        every, most = (duration_of(task.arguments.get(key)) for key in ("poke_interval", "timeout"))
        if every is not None and most is not None and every > most > timedelta() and task.uses in BUILT_INS:
            message, warning = "`poke_interval` is longer than `timeout`, so it looks only once", Severity.WARNING
            yield subject.finding(Code.CONTRADICTION, (*task.with_path, "poke_interval"), message, severity=warning)


def longest_interval(subject: Subject) -> timedelta | None:
    """The longest time between two slots; None where the file does not say it."""
    cron = subject.data.get("schedule")
    path: DataPath = ("schedule",)
    if isinstance(cron, dict):
        if "every" in cron:
            return duration_of(cron["every"])
        cron, path = cron.get("cron"), ("schedule", "cron")
    if not isinstance(cron, str) or has_expression(subject, path):
        return None
    cron = CRON_PRESETS.get(cron, cron)
    if cron.startswith("@") or expanded(cron) is None:
        return None
    times = islice(slots(cron, datetime(2026, 1, 1)), _SLOTS_LOOKED_AT)  # wall-clock time of any zone
    return max((later - earlier for earlier, later in pairwise(times)), default=None)


def first_slots(subject: Subject) -> set[datetime]:
    """The first times of a schedule by cron after some moment; none where the file does not say them."""
    schedule: Any = subject.data.get("schedule")
    zone = subject.data.get("timezone", "UTC")
    if isinstance(schedule, dict) and schedule.keys() <= {"cron", "timezone"}:
        zone, schedule = schedule.get("timezone", zone), schedule.get("cron")
    several = schedule if isinstance(schedule, list) and schedule else [schedule]
    crons = [CRON_PRESETS.get(one, one) if isinstance(one, str) else "@" for one in several]
    if any(cron.startswith("@") or expanded(cron) is None for cron in crons):
        return set()
    if not isinstance(zone, str) or not _is_known(zone):
        return set()
    found = [[*islice(slots(cron, datetime(2026, 1, 1)), _SLOTS_LOOKED_AT)] for cron in crons]
    end = min(times[-1] for times in found)
    return {slot.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC) for times in found for slot in times if slot <= end}


def check_waited_run(subject: Subject, task: TaskView, dag_id: str, other: Subject) -> Iterator[Diagnostic]:
    """`wait_dag` waits for a run with a logical date of its own, or one `execution_delta` before."""
    if task.arguments.get("execution_date_fn") is not None or "schedule" not in subject.data:
        return
    path = (*task.with_path, "external_dag_id")
    if subject.data["schedule"] is None:
        message = "runs that are started by hand have a logical date of their own, which no other run has"
        help_text = f"write the schedule of `{dag_id}`, or name the date with `execution_date_fn`"
        yield subject.finding(Code.NO_LOGICAL_DATE, path, message, help=help_text)
        return
    if other.data.get("schedule") is None and "watch" not in mapping_at(other.data, ("poll",)):
        message = f"`{dag_id}` has no schedule, and only its run with the same logical date ends this wait"
        help_text = f"give `{dag_id}` a schedule, or start this pipeline by an asset of it"
        yield subject.finding(Code.NO_LOGICAL_DATE, path, message, help=help_text)
        return
    mine, others = first_slots(subject), first_slots(other)
    delta = duration_of(task.arguments.get("execution_delta", "0s"))
    if mine and others and delta is not None and not {slot - delta for slot in mine} & others:
        last = min(max(mine), max(others))
        if len([slot for slot in mine if slot <= last]) > 1 and len([slot for slot in others if slot <= last]) > 1:
            message = f"no run of `{dag_id}` has the logical date that this waits for"
            steps = {slot - max(one for one in others if one < slot) for slot in mine if slot > min(others)}
            known = f"`{in_one_unit(int(steps.pop().total_seconds()))}`, its last run before" if len(steps) == 1 else ""
            help_text = f"write the difference of the two schedules as `execution_delta`{known and f': {known}'}"
            yield subject.finding(Code.NO_LOGICAL_DATE, path, message, help=help_text)


def duration_of(value: object) -> timedelta | None:
    if not isinstance(value, str):
        return None
    try:
        return parse_duration(value)
    except ValueError:
        return None  # its shape is reported where the model is checked


def in_words(duration: timedelta) -> str:
    seconds = int(duration.total_seconds())
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


_MANY_HOURS = 24


def check_wall_clock(subject: Subject) -> Iterator[Diagnostic]:
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
        if text not in CRON_PRESETS and not has_expression(subject, path):
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
                        help="that day's run starts an hour later; choose another hour, or `timezone: UTC`",
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
