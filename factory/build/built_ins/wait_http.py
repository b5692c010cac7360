"""`wait_http` → Airflow's HttpSensor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.providers.http.sensors.http import HttpSensor

from factory.build.built_in_arguments import deferrable_arguments
from factory.build.values import Resolver
from schemas.model.built_ins.wait_http import WaitHttpTask

if TYPE_CHECKING:
    from factory.build.operators import OperatorBuilder


def operator(
    task: WaitHttpTask, resolver: Resolver, builder: OperatorBuilder
) -> tuple[type[HttpSensor], dict[str, Any]]:
    """HttpSensor's own names and defaults; only what is written is passed on."""
    return HttpSensor, deferrable_arguments(task, resolver, builder)
