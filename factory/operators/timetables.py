"""Airflow's timetables, with two additions: a first moment, and the time zone in their summary.

Without a `start_date`, Airflow starts a new or edited schedule with the slot that has just passed: for a new DAG if
that slot is less than a tenth of the interval ago (`CronTriggerTimetable._calc_first_run`), for an edited one if it
is later than the DAG's last run. `since`, the moment when a schedule first appeared, makes the first run the next
slot after it. A DAG's `start_date` would do that too, but then Airflow would refuse to run older runs again
(`ti_deps/deps/exec_date_after_start_date_dep.py`).

Airflow stores a timetable by its class, so these are registered by the plug-in, and must keep their names.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pendulum
from airflow.timetables.base import DagRunInfo, DataInterval, TimeRestriction, Timetable
from airflow.timetables.interval import CronDataIntervalTimetable, DeltaDataIntervalTimetable
from airflow.timetables.trigger import CronTriggerTimetable, DeltaTriggerTimetable, MultipleCronTriggerTimetable


class _Since(Timetable):
    """Mixed into one of Airflow's timetables."""

    since: pendulum.DateTime | None = None
    """The first run is that of the next slot; a `start_date` or `catchup` overrules it."""

    def next_dagrun_info(
        self, *, last_automated_data_interval: DataInterval | None, restriction: TimeRestriction
    ) -> DagRunInfo | None:
        if self.since is not None and restriction.earliest is None and not restriction.catchup:
            restriction = restriction._replace(earliest=self._earliest(self.since))
        return super().next_dagrun_info(  # type: ignore[safe-super] # Airflow's timetable, the next in each class below
            last_automated_data_interval=last_automated_data_interval, restriction=restriction
        )

    def _earliest(self, since: pendulum.DateTime) -> pendulum.DateTime:
        """The `start_date` that gives the slot after `since`."""
        return since

    def serialize(self) -> dict[str, Any]:
        return {**super().serialize(), "since": None if self.since is None else self.since.isoformat()}

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> Timetable:
        made = super().deserialize(data)
        if isinstance(made, _Since) and data.get("since"):
            made.since = pendulum.instance(datetime.fromisoformat(data["since"]))
        return made


class Cron(_Since, CronTriggerTimetable):
    """`schedule: "0 7 * * *"`."""

    @property
    def summary(self) -> str:
        return _in_zone(super().summary, self._timezone)


class Crons(_Since, MultipleCronTriggerTimetable):
    """`schedule: {cron: [..]}`."""

    @property
    def summary(self) -> str:
        zone = self._timetables[0]._timezone
        return _in_zone(", ".join(timetable.summary for timetable in self._timetables), zone)


class CronInterval(_Since, CronDataIntervalTimetable):
    """`schedule: {cron: .., data_interval: true}`: a run for each interval, at its end."""

    @property
    def summary(self) -> str:
        return _in_zone(super().summary, self._timezone)

    def _earliest(self, since: pendulum.DateTime) -> pendulum.DateTime:
        # The interval that ends with the next slot begins with the slot before it.
        return self._align_to_prev(since)


class Every(_Since, DeltaTriggerTimetable):
    """`schedule: {every: 15m}`. It has no slots: the first run is due at once."""


class EveryInterval(_Since, DeltaDataIntervalTimetable):
    """`schedule: {every: 15m, data_interval: true}`."""


TIMETABLES: tuple[type[Timetable], ...] = (Cron, Crons, CronInterval, Every, EveryInterval)


def start_after(timetable: object, since: datetime) -> None:
    """Give a timetable of ours, or the one in an `AssetOrTimeSchedule`, its first moment."""
    own = getattr(timetable, "timetable", timetable)
    if isinstance(own, _Since):
        own.since = pendulum.instance(since)


def _in_zone(summary: str, zone: Any) -> str:
    name = getattr(zone, "name", str(zone))
    return summary if name == "UTC" else f"{summary} {name}"
