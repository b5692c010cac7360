"""`trigger_dag` → Airflow's TriggerDagRunOperator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator

from factory.build_values import Resolver
from factory.built_in_arguments import written_arguments
from schemas.built_ins.trigger_dag import TriggerDagTask

if TYPE_CHECKING:
    from factory.build_operators import OperatorBuilder


def operator(
    task: TriggerDagTask, resolver: Resolver, builder: OperatorBuilder
) -> tuple[type[TriggerDagRunOperator], dict[str, Any]]:
    """TriggerDagRunOperator's own names and defaults, but for `deferrable`."""
    arguments = {**written_arguments(task, resolver, builder), "deferrable": task.with_.deferrable}
    if task.with_.poke_interval is not None:
        # The one sensor-like argument of Airflow that takes no duration.
        arguments["poke_interval"] = max(1, round(task.with_.poke_interval.total_seconds()))
    return TriggerDagRunOperator, arguments
