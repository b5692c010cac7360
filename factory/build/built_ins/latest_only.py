"""`latest_only` → Airflow's LatestOnlyOperator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.providers.standard.operators.latest_only import LatestOnlyOperator

from factory.build.values import Resolver
from schemas.model.built_ins.latest_only import LatestOnlyTask

if TYPE_CHECKING:
    from factory.build.operators import OperatorBuilder


def operator(_: LatestOnlyTask, __: Resolver, ___: OperatorBuilder) -> tuple[type[LatestOnlyOperator], dict[str, Any]]:
    """It takes nothing."""
    return LatestOnlyOperator, {}
