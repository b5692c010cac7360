"""`short_circuit` → Airflow's ShortCircuitOperator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.providers.standard.operators.python import ShortCircuitOperator

from factory.build.built_in_arguments import function_arguments
from factory.build.values import Resolver
from schemas.model.built_ins.short_circuit import ShortCircuitTask

if TYPE_CHECKING:
    from factory.build.operators import OperatorBuilder


def operator(
    task: ShortCircuitTask, resolver: Resolver, builder: OperatorBuilder
) -> tuple[type[ShortCircuitOperator], dict[str, Any]]:
    """ShortCircuitOperator's own names and defaults; only what is written is passed on."""
    return ShortCircuitOperator, function_arguments(task, resolver, builder)
