"""`trigger_dag` → Airflow's TriggerDagRunOperator, which renders `run_after` here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.providers.standard.operators import trigger_dagrun

from factory.build.built_in_arguments import written_arguments
from factory.build.values import Resolver
from factory.operators.trigger_dag import TriggerDagRunOperator
from schemas.model.built_ins.trigger_dag import TriggerDagTask

if TYPE_CHECKING:
    from factory.build.operators import OperatorBuilder


def operator(
    task: TriggerDagTask, resolver: Resolver, builder: OperatorBuilder
) -> tuple[type[trigger_dagrun.TriggerDagRunOperator], dict[str, Any]]:
    """TriggerDagRunOperator's own names and defaults, but for `deferrable`."""
    arguments = {**written_arguments(task, resolver, builder), "deferrable": task.with_.deferrable}
    if task.with_.poke_interval is not None:
        # The one sensor-like argument of Airflow that takes no duration.
        arguments["poke_interval"] = max(1, round(task.with_.poke_interval.total_seconds()))
    # Only where it makes a difference: what is left out could not be rendered.
    is_rendered = isinstance(task.with_.run_after, str)
    return TriggerDagRunOperator if is_rendered else trigger_dagrun.TriggerDagRunOperator, arguments
