"""`branch` → Airflow's BranchPythonOperator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.providers.standard.operators.python import BranchPythonOperator

from factory.build.built_in_arguments import function_arguments
from factory.build.values import Resolver
from schemas.model.built_ins.branch import BranchTask

if TYPE_CHECKING:
    from factory.build.operators import OperatorBuilder


def operator(
    task: BranchTask, resolver: Resolver, builder: OperatorBuilder
) -> tuple[type[BranchPythonOperator], dict[str, Any]]:
    """BranchPythonOperator's own names and defaults; only what is written is passed on."""
    return BranchPythonOperator, function_arguments(task, resolver, builder)
