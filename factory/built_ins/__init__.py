"""What is behind the built-ins: one file each, named like the built-in, with a function `operator`.

A file is imported when a pipeline uses it: every import is paid again in each process that parses a DAG.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Protocol, cast

from airflow.sdk import BaseOperator

from factory.build_values import Resolver
from schemas.task import TaskBase

if TYPE_CHECKING:
    from factory.build_operators import OperatorBuilder


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
    make = cast(BuiltIn, importlib.import_module(f"factory.built_ins.{task.uses}").operator)
    return make(task, resolver, builder)
