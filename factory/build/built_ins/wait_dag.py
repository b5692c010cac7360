"""`wait_dag` → Airflow's ExternalTaskSensor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from factory.build.built_in_arguments import deferrable_arguments
from factory.build.values import Resolver
from factory.operators.dag_sensor import ExternalTaskSensor
from schemas.model.built_ins.wait_dag import WaitDagTask

if TYPE_CHECKING:
    from factory.build.operators import OperatorBuilder


def operator(
    task: WaitDagTask, resolver: Resolver, builder: OperatorBuilder
) -> tuple[type[ExternalTaskSensor], dict[str, Any]]:
    """ExternalTaskSensor's own names and defaults; only what is written is passed on."""
    return ExternalTaskSensor, deferrable_arguments(task, resolver, builder)
