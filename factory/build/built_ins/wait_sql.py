"""`wait_sql` → Airflow's SqlSensor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.providers.common.sql.sensors.sql import SqlSensor

from factory.build.built_in_arguments import written_arguments
from factory.build.values import Resolver
from schemas.model.built_ins.wait_sql import WaitSqlTask

if TYPE_CHECKING:
    from factory.build.operators import OperatorBuilder


def operator(task: WaitSqlTask, resolver: Resolver, builder: OperatorBuilder) -> tuple[type[SqlSensor], dict[str, Any]]:
    """SqlSensor's own names and defaults; only what is written is passed on."""
    return SqlSensor, written_arguments(task, resolver, builder)
