"""`wait_until` → Airflow's DateTimeSensor, or TimeSensor for a time of day."""

from __future__ import annotations

from datetime import time
from typing import TYPE_CHECKING, Any

from factory.build.built_in_arguments import deferrable_arguments
from factory.build.values import Resolver
from factory.operators.moment_sensor import DateTimeSensor, TimeSensor
from schemas.model.built_ins.wait_until import WaitUntilTask

if TYPE_CHECKING:
    from factory.build.operators import OperatorBuilder


def operator(
    task: WaitUntilTask, resolver: Resolver, builder: OperatorBuilder
) -> tuple[type[DateTimeSensor | TimeSensor], dict[str, Any]]:
    """Which sensor it is hangs on the moment."""
    sensor = TimeSensor if isinstance(task.with_.target_time, time) else DateTimeSensor
    return sensor, deferrable_arguments(task, resolver, builder)
