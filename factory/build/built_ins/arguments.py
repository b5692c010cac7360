"""The `with` of a built-in → arguments of the Airflow operator, which have the same names."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import NoneType
from typing import Any, get_args

from factory.build.values import Resolver, aware, build_value
from factory.runtime.functions import FunctionReference
from schemas.model.fields import Model
from schemas.model.task_base import DeferrableSensorArguments, TaskBase


@dataclass(frozen=True, slots=True)
class BuildContext:
    """What arguments are made with: the pipelines folder, the pipeline's time zone, the task's references."""

    folder: Path
    timezone: str
    resolver: Resolver


def written_arguments(task: TaskBase, context: BuildContext) -> dict[str, Any]:
    """The arguments that are written, in the model's order; the operator has defaults for the others."""
    arguments: Model = task.with_
    return {
        name: _argument(task, name, getattr(arguments, name), context, as_text=_takes_text_only(field.annotation))
        for name, field in type(arguments).model_fields.items()
        if name in arguments.model_fields_set
    }


def text_arguments(task: TaskBase, context: BuildContext) -> dict[str, Any]:
    """As `written_arguments`, for an operator that takes other tasks' outputs as text, also inside mappings."""
    arguments: Model = task.with_
    return {
        name: build_value(getattr(arguments, name), context.resolver, as_text=True)
        for name in type(arguments).model_fields
        if name in arguments.model_fields_set
    }


def plain_arguments(task: TaskBase, context: BuildContext) -> dict[str, Any]:
    """As `written_arguments`, with mappings in place of models inside a value."""
    return {name: _plain(value) for name, value in written_arguments(task, context).items()}


def train_arguments(task: TaskBase, context: BuildContext) -> dict[str, Any]:
    """Of TrainOperator, which calls `with` `estimator_arguments`."""
    arguments = plain_arguments(task, context)
    arguments["estimator_arguments"] = arguments.pop("with_", {})
    return arguments


def deferrable_arguments(task: TaskBase, context: BuildContext) -> dict[str, Any]:
    """Of a sensor that waits in the triggerer, unless an argument that the triggerer does not support is written."""
    sensor: DeferrableSensorArguments = task.with_
    deferrable = sensor.deferrable
    if deferrable is None:
        deferrable = not sensor.model_fields_set.intersection(task.looking)
    return {**written_arguments(task, context), "deferrable": deferrable}


def function_arguments(task: TaskBase, context: BuildContext) -> dict[str, Any]:
    """Of an operator that calls `python_callable` with `op_kwargs`."""
    arguments = written_arguments(task, context)
    given = arguments.get("op_kwargs")
    # The names in another task's output are known only at run time; PythonOperator drops those it cannot pass.
    names = given if isinstance(given, dict) else ()
    arguments["python_callable"] = FunctionReference(str(task.with_.python_callable), context.folder, names)
    return {name: value for name, value in arguments.items() if value is not None}


def trigger_arguments(task: TaskBase, context: BuildContext) -> dict[str, Any]:
    """Of TriggerDagRunOperator, whose `poke_interval` is a number of seconds and whose default is not `deferrable`."""
    arguments = {**written_arguments(task, context), "deferrable": task.with_.deferrable}
    if task.with_.poke_interval is not None:
        arguments["poke_interval"] = max(1, round(task.with_.poke_interval.total_seconds()))
    return arguments


def _argument(task: TaskBase, name: str, value: Any, context: BuildContext, *, as_text: bool) -> Any:
    if value is None:
        return None
    if name in task.functions:
        return FunctionReference(str(value), context.folder)
    if isinstance(value, datetime):
        return aware(value, context.timezone)
    return build_value(value, context.resolver, as_text=as_text)


def _plain(value: Any) -> Any:
    if isinstance(value, Model):
        return {name: _plain(getattr(value, name)) for name in value.model_fields_set}
    return {key: _plain(one) for key, one in value.items()} if isinstance(value, dict) else value


def _takes_text_only(annotation: Any) -> bool:
    members = set(get_args(annotation) or (annotation,)) - {NoneType}
    return members == {str}
