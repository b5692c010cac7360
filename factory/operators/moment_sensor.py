"""The sensors behind the built-in `wait_until`: Airflow's, which here do not defer for what is over already.

A trigger that fires at once may be back before Airflow's executor has told the scheduler that the task's first process
has ended; the scheduler then takes that end for the task's own and fails it. Airflow's own defer in any case, and
without the sensor's `timeout`.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from airflow.providers.standard.sensors import date_time, time
from airflow.providers.standard.triggers.temporal import DateTimeTrigger
from airflow.sdk import BaseSensorOperator, Context


class DateTimeSensor(date_time.DateTimeSensor):
    """Waits for a date with a time, in the triggerer where it is `deferrable`."""

    def __init__(self, *, deferrable: bool = False, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.deferrable = deferrable

    def execute(self, context: Context) -> Any:
        """Raises TaskDeferred where the moment is to come."""
        if not self.deferrable:
            return super().execute(context)
        if not self.poke(context):
            _defer(self, self._moment)
        return None

    def execute_complete(self, context: Context, event: Any = None) -> None:
        """The moment has come."""


class TimeSensor(time.TimeSensor):
    """Waits for a time of the day."""

    def execute(self, context: Context) -> None:
        """Raises TaskDeferred where the time is to come."""
        if not self.deferrable:
            super().execute(context)
        elif not self.poke(context):
            _defer(self, self.target_datetime)


def _defer(sensor: BaseSensorOperator, moment: datetime) -> None:
    timeout = timedelta(seconds=sensor.timeout)
    sensor.defer(trigger=DateTimeTrigger(moment=moment), method_name="execute_complete", timeout=timeout)
