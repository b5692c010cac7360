"""`wait_file` → Airflow's FileSensor, which needs no connection here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from factory.build.built_in_arguments import deferrable_arguments
from factory.build.values import Resolver
from factory.operators.file_sensor import FileSensor
from schemas.model.built_ins.wait_file import WaitFileTask

if TYPE_CHECKING:
    from factory.build.operators import OperatorBuilder


def operator(
    task: WaitFileTask, resolver: Resolver, builder: OperatorBuilder
) -> tuple[type[FileSensor], dict[str, Any]]:
    """FileSensor's own names and defaults; only what is written is passed on."""
    return FileSensor, deferrable_arguments(task, resolver, builder)
