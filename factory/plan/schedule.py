"""When a DAG runs: its schedule in words, and its next runs as Airflow would plan them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from heapq import merge
from itertools import islice, takewhile
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from schemas.model.cron import EVERY, cron_problem, expanded, slots
from schemas.model.schedule import CRON_PRESETS
from schemas.model.times import parse_date

PRESETS = {"@once": "once", "@continuous": "again as soon as the last run is done"}


@dataclass(frozen=True)
class Timing:
    """What an effective document says of its runs: `crons` in `zone`, and in words, as `other`, what is no cron."""

    crons: tuple[str, ...]
    zone: ZoneInfo
    other: str
    start: datetime | None
    end: datetime | None
    catchup: bool

    @property
    def is_on_time(self) -> bool:
        """Whether a clock starts its runs, at moments that can be told beforehand."""
        return bool(self.crons)

    def words(self) -> str:
        """The schedule as a person says it: `at 06:00, Monday through Friday (Asia/Seoul)`."""
        spoken = [_spoken(cron) for cron in self.crons]
        if self.other:
            spoken.append(self.other)
        zone = f" ({self.zone.key})" if self.crons and self.zone.key != "UTC" else ""
        return f"{'; or '.join(spoken)}{zone}" if spoken else "only when triggered"

    def runs(self, after: datetime) -> Iterator[datetime]:
        """The moments after `after` at which runs start, in UTC, without end unless the pipeline has one.

        The moments are those of Airflow's CronTriggerTimetable.
        """
        begin = max(after, self.start - timedelta(microseconds=1)) if self.start is not None else after
        each = merge(*(_moments(cron, self.zone, begin) for cron in self.crons))
        last, end = None, self.end
        for moment in each if end is None else takewhile(lambda moment: moment <= end, each):
            if moment != last:
                yield moment
            last = moment

    def next_runs(self, after: datetime, count: int) -> list[datetime]:
        """The first of them."""
        return list(islice(self.runs(after), count))

    def missed(self, now: datetime, most: int) -> int:
        """How many runs `catchup` makes up for at `now`; at most `most` are counted."""
        if not (self.catchup and self.start is not None and self.crons):
            return 0
        return sum(
            1
            for _ in islice(
                takewhile(lambda moment: moment <= now, self.runs(self.start - timedelta(microseconds=1))), most
            )
        )

    def clock_changes(self, start: datetime, days: int = 366) -> list[str]:
        """Times of day that the zone's clock changes skip or repeat within `days`, for schedules at fixed hours."""
        found = []
        for cron in self.crons:
            fields = expanded(cron)
            if fields is None or fields[1] == EVERY:
                continue
            for change in _changes(self.zone, start, days):
                skipped = change.after - change.before
                wall = change.moment.astimezone(self.zone).replace(tzinfo=None)
                low, high = (wall - skipped, wall) if skipped > timedelta(0) else (wall, wall - skipped)
                hit = next(slots(cron, low - timedelta(seconds=1)), None)
                if hit is not None and low <= hit < high:
                    verb = "does not exist" if skipped > timedelta(0) else "comes twice"
                    found.append(f"{hit:%Y-%m-%d %H:%M} {verb}: the clock changes")
        return found


def timing(data: Mapping[str, Any]) -> Timing:
    """What an effective document says of its runs; what is wrong in it counts as not written."""
    schedule, zone_name = data.get("schedule"), data.get("timezone")
    crons: list[Any] = []
    other = ""
    if isinstance(schedule, str):
        other = PRESETS.get(schedule, "")
        crons = [] if other else [schedule]
    elif isinstance(schedule, dict):
        zone_name = schedule.get("timezone", zone_name)
        written = schedule.get("cron")
        crons = written if isinstance(written, list) else [written]
        other = _without_cron(schedule)
    elif isinstance(data.get("poll"), dict) and isinstance(data["poll"].get("watch"), dict):
        other = f"when the polled answer changes, asked every {data['poll']['watch'].get('every')}"
    valid = [
        CRON_PRESETS.get(cron, cron)
        for cron in crons
        if isinstance(cron, str) and (cron in CRON_PRESETS or cron_problem(cron) is None)
    ]
    zone = _zone(zone_name)
    start, end = (_moment(data.get(key), zone) for key in ("start_date", "end_date"))
    return Timing(tuple(valid), zone, other, start, end, catchup=data.get("catchup") is True)


def shown_moment(moment: datetime, zone: ZoneInfo) -> str:
    """`2026-01-05 06:00 CET`, in the DAG's zone."""
    return f"{moment.astimezone(zone):%a %Y-%m-%d %H:%M %Z}"


def _without_cron(schedule: Mapping[str, Any]) -> str:
    if "timetable" in schedule:
        return f"as {str(schedule['timetable']).rpartition('.')[2]} says"
    if "every" in schedule:
        return f"every {schedule['every']}, counted from the last run"
    return f"when {_assets(schedule['assets'])} changed" if schedule.get("assets") is not None else ""


def _assets(condition: Any) -> str:
    if isinstance(condition, str):
        return condition
    if isinstance(condition, list):
        return " and ".join(map(_assets, condition))
    if not isinstance(condition, dict):
        return str(condition)
    for key, word in (("all", " and "), ("any", " or ")):
        if isinstance(condition.get(key), list):
            return f"({word.join(map(_assets, condition[key]))})"
    return str(condition.get("name") or condition.get("uri") or condition.get("alias"))


def _spoken(cron: str) -> str:
    from cron_descriptor import (  # noqa: PLC0415 # lint does without
        CasingTypeEnum,
        ExpressionDescriptor,
    )

    fields = cron.split()
    # cron runs on days that match either field, where both say something.
    apart = [[*fields[:4], "*"], [*fields[:2], "*", *fields[3:]]] if "*" not in (fields[2], fields[4]) else [fields]
    spoken = [
        ExpressionDescriptor(
            " ".join(each), casing_type=CasingTypeEnum.Sentence, use_24hour_time_format=True
        ).get_description()
        for each in apart
    ]
    return " or ".join(f"{text[:1].lower()}{text[1:]}" for text in spoken)


def _zone(name: Any) -> ZoneInfo:
    try:
        return ZoneInfo(name) if isinstance(name, str) else ZoneInfo("UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def _moment(value: Any, zone: ZoneInfo) -> datetime | None:
    try:
        moment = parse_date(str(value)) if value is not None else None
        if moment is None:
            return None
        return (moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):  # in another zone it may be before the first year, or behind the last
        return None


def _moments(cron: str, zone: ZoneInfo, after: datetime) -> Iterator[datetime]:
    """As Airflow's CronMixin: by the wall clock; crons of every hour by elapsed time, which counts a repeated hour."""
    fields = expanded(cron)
    every_hour = fields is not None and fields[1] == EVERY
    current = after.astimezone(UTC)
    while True:
        wall = current.astimezone(zone).replace(tzinfo=None)
        try:
            following = next(slots(cron, wall))
        except (ValueError, OverflowError):  # after the last year that there is
            return
        if every_hour:
            current += following - wall
        else:
            # A repeated time is the second one, a skipped time the moment after as much time: the later one of both.
            moment = max(following.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
            if moment <= current:
                return
            current = moment
        yield current


@dataclass(frozen=True)
class _Change:
    moment: datetime
    before: timedelta
    after: timedelta


def _changes(zone: ZoneInfo, start: datetime, days: int) -> Iterator[_Change]:
    """When the zone's offset from UTC changes."""
    previous = start.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    for _ in range(days * 24):
        moment = previous + timedelta(hours=1)
        before, after = previous.astimezone(zone).utcoffset(), moment.astimezone(zone).utcoffset()
        if before is not None and after is not None and before != after:
            yield _Change(moment, before, after)
        previous = moment
