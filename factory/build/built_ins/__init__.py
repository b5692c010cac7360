"""What is behind the built-ins: one file each, named like the built-in, with a function `operator`.

A file is imported when a pipeline uses it: every import is paid again in each process that parses a DAG.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Any, Protocol, cast

from airflow.sdk import BaseOperator

from factory.build.values import Resolver
from schemas.model.task_base import TaskBase

if TYPE_CHECKING:
    from factory.build.operators import OperatorBuilder


class BuiltIn(Protocol):
    """Gives the operator class of a task and its arguments, without `task_id` and the task's settings.

    An argument of the operator that the document writes in `with` carries the name it has there, so that what Airflow
    refuses is shown at that key.
    """

    def __call__(
        self, task: Any, resolver: Resolver, builder: OperatorBuilder, /
    ) -> tuple[type[BaseOperator], dict[str, Any]]: ...


def built_in_operator(
    task: TaskBase, resolver: Resolver, builder: OperatorBuilder
) -> tuple[type[BaseOperator], dict[str, Any]]:
    """What the file of the built-in that a task uses makes of it."""
    make = cast(BuiltIn, _file(task).operator)
    return make(task, resolver, builder)


def operators_name(task: TaskBase, argument: str) -> str:
    """What the operator behind a built-in calls a mappable argument: its file says so in `NAMES` where it differs."""
    names: Mapping[str, str] = getattr(_file(task), "NAMES", {})
    return names.get(argument, argument)


def _file(task: TaskBase) -> ModuleType:
    return importlib.import_module(f"factory.build.built_ins.{task.uses}")
