"""`schedule` → timetable.

Airflow's own reading of a cron string or a timedelta depends on `[scheduler] create_cron_data_intervals` and
`create_delta_data_intervals` (`airflow.sdk.definitions.dag._create_timetable`), so the timetable is always named here.
"""

from __future__ import annotations

from airflow.sdk import (
    CronDataIntervalTimetable,
    CronTriggerTimetable,
    DeltaDataIntervalTimetable,
    DeltaTriggerTimetable,
)
from airflow.sdk.bases.timetable import BaseTimetable
from airflow.sdk.definitions.timetables.simple import ContinuousTimetable, NullTimetable, OnceTimetable

from schemas.schedule import CronSchedule, EverySchedule, Schedule


def build_timetable(schedule: Schedule, timezone: str) -> BaseTimetable:
    """The timetable of a `schedule`; `timezone` (IANA) holds where the schedule names none."""
    if schedule is None:
        return NullTimetable()
    if isinstance(schedule, str):
        return _from_text(schedule, timezone)
    if isinstance(schedule, EverySchedule):
        delta = DeltaDataIntervalTimetable if schedule.data_interval else DeltaTriggerTimetable
        return delta(schedule.every)
    return _from_cron(schedule, timezone)


def _from_text(text: str, timezone: str) -> BaseTimetable:
    if text == "@once":
        return OnceTimetable()
    if text == "@continuous":
        return ContinuousTimetable()
    return CronTriggerTimetable(text, timezone=timezone)


def _from_cron(schedule: CronSchedule, timezone: str) -> BaseTimetable:
    zone = schedule.timezone or timezone
    if schedule.data_interval:
        return CronDataIntervalTimetable(schedule.cron, timezone=zone)
    return CronTriggerTimetable(schedule.cron, timezone=zone)
