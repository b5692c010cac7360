"""The `with` of a built-in → arguments of the Airflow operator whose words it uses."""

from __future__ import annotations

from datetime import datetime
from types import NoneType
from typing import TYPE_CHECKING, Any, get_args

from factory.build.values import Resolver, aware, build_value
from factory.runtime.function_reference import FunctionReference
from schemas.model.base import Model
from schemas.model.sensor import DeferrableSensorArguments
from schemas.model.task_base import TaskBase

if TYPE_CHECKING:
    from factory.build.operators import OperatorBuilder


def written_arguments(task: TaskBase, resolver: Resolver, builder: OperatorBuilder) -> dict[str, Any]:
    """What is written, in the model's order; all else is the operator's default."""
    arguments: Model = task.with_
    fields = type(arguments).model_fields
    return {
        name: _value(task, name, getattr(arguments, name), _takes_text_only(field.annotation), resolver, builder)
        for name, field in fields.items()
        if name in arguments.model_fields_set
    }


def deferrable_arguments(task: TaskBase, resolver: Resolver, builder: OperatorBuilder) -> dict[str, Any]:
    """Of a sensor that waits in the triggerer, unless it is told to wait in a way that the triggerer does not know."""
    sensor: DeferrableSensorArguments = task.with_
    deferrable = sensor.deferrable
    if deferrable is None:
        deferrable = not sensor.model_fields_set.intersection(task.looking)
    return {**written_arguments(task, resolver, builder), "deferrable": deferrable}


def _value(task: TaskBase, name: str, value: Any, as_text: bool, resolver: Resolver, builder: OperatorBuilder) -> Any:
    if value is None:
        return None
    if name in task.functions:
        return FunctionReference(str(value), builder.folder)
    if isinstance(value, datetime):
        return aware(value, builder.timezone)
    return build_value(value, resolver, as_text=as_text)


def _takes_text_only(annotation: Any) -> bool:
    members = set(get_args(annotation) or (annotation,)) - {NoneType}
    return members == {str}


def function_arguments(task: TaskBase, resolver: Resolver, builder: OperatorBuilder) -> dict[str, Any]:
    """Of an operator that calls `python_callable` with `op_kwargs`."""
    arguments = written_arguments(task, resolver, builder)
    given = arguments.get("op_kwargs")
    # A whole mapping that another task gives is known when the task runs; PythonOperator leaves out what is too much.
    names = given if isinstance(given, dict) else ()
    arguments["python_callable"] = FunctionReference(str(task.with_.python_callable), builder.folder, names)
    return {name: value for name, value in arguments.items() if value is not None}
