"""`wait_until` → Airflow's DateTimeSensor, or TimeSensor for a time of day."""

from __future__ import annotations

from datetime import time
from typing import TYPE_CHECKING, Any

from airflow.providers.standard.sensors.date_time import DateTimeSensor, DateTimeSensorAsync
from airflow.providers.standard.sensors.time import TimeSensor

from factory.build_values import Resolver
from factory.built_in_arguments import deferrable_arguments
from schemas.built_ins.wait_until import WaitUntilTask

if TYPE_CHECKING:
    from factory.build_operators import OperatorBuilder


def operator(
    task: WaitUntilTask, resolver: Resolver, builder: OperatorBuilder
) -> tuple[type[DateTimeSensor | TimeSensor], dict[str, Any]]:
    """Which sensor it is hangs on the moment, and for a date on whether the triggerer waits."""
    arguments = deferrable_arguments(task, resolver, builder)
    if isinstance(task.with_.target_time, time):
        return TimeSensor, arguments
    deferred = arguments.pop("deferrable")
    return DateTimeSensorAsync if deferred else DateTimeSensor, arguments
