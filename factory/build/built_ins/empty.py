"""`empty` → Airflow's operator that does nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.providers.standard.operators.empty import EmptyOperator

from factory.build.values import Resolver
from schemas.model.built_ins.empty import EmptyTask

if TYPE_CHECKING:
    from factory.build.operators import OperatorBuilder


def operator(_: EmptyTask, __: Resolver, ___: OperatorBuilder) -> tuple[type[EmptyOperator], dict[str, Any]]:
    """It takes nothing."""
    return EmptyOperator, {}
