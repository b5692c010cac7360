"""The operator behind each built-in, one row of `BUILT_INS` each, and its `with` → arguments of that operator.

They have the same names. An operator is imported when a pipeline uses it: every process that parses a DAG pays for its
imports again.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time
from pathlib import Path
from types import MappingProxyType, NoneType
from typing import TYPE_CHECKING, Any, get_args

from airflow.sdk import BaseOperator

from factory.build.arguments import Resolver, aware, build_value, plain_text
from factory.operators.functions import FunctionReference
from factory.operators.selection import ReferenceText
from schemas.compose.servers import is_named_later, named_servers
from schemas.expressions.reading import run_references
from schemas.findings.paths import walk
from schemas.model.fields import Model
from schemas.model.task_base import DeferrableSensorArguments, TaskBase

if TYPE_CHECKING:
    from schemas.model.http import HttpRequest, HttpTask
    from schemas.model.pipeline import Pipeline


@dataclass(frozen=True, slots=True)
class BuildContext:
    """What arguments are made with: the pipelines folder, the pipeline and its time zone, the task's references."""

    pipeline: Pipeline
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


def mapped_value(task: TaskBase, name: str, value: Any, resolver: Resolver) -> Any:
    """One of the values of an argument that a built-in is mapped over."""
    if isinstance(value, str) and task.uses == "http" and name in ("url", "endpoint"):
        return _address(value, resolver)
    field_ = type(task.with_).model_fields.get(name)
    only_text = task.uses == "bash" or name == "headers" or (field_ is not None and _takes_text_only(field_.annotation))
    return build_value(value, resolver, as_text=only_text)


def train_arguments(task: TaskBase, context: BuildContext) -> dict[str, Any]:
    """Of TrainOperator, which calls `with` `estimator_arguments`."""
    arguments = written_arguments(task, context)
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
    return build_value(_plain(value), context.resolver, as_text=as_text)


def _plain(value: Any) -> Any:
    if isinstance(value, Model):
        return {
            name: _plain(getattr(value, name)) for name in type(value).model_fields if name in value.model_fields_set
        }
    return {key: _plain(one) for key, one in value.items()} if isinstance(value, dict) else value


def _takes_text_only(annotation: Any) -> bool:
    members = set(get_args(annotation) or (annotation,)) - {NoneType}
    return members == {str}


_OF_THE_OPERATOR = {
    *("url", "conn_id", "endpoint", "headers", "params", "json_body", "data", "body", "to"),
    *("commit", "state_key", "watch"),
}
"""What the operator takes by name, and what only the build needs."""


def remembers(request: HttpRequest) -> bool:
    """Whether a request keeps state between runs, so that the operator is the one that does."""
    return request.incremental is not None or request.change_detection is not None


def http_arguments(task: HttpTask, context: BuildContext) -> dict[str, Any]:
    """The request, and what its state needs where it keeps one."""
    request = task.with_
    arguments = request_arguments(request, context.resolver, context.timezone)
    if any(is_named_later(text) for text in _addresses(task)):
        plain: dict[str, Any] = {"mode": "json", "by_alias": True, "exclude_unset": True, "warnings": False}
        arguments["servers"] = named_servers(context.pipeline.model_dump(**plain), request.model_dump(**plain))
    if not remembers(request):
        return arguments
    return {**arguments, "commits": request.commit == "poll", "state_key": request.state_key}


def _addresses(task: HttpTask) -> Iterator[str]:
    """What is written as the task's address, also where it is mapped over."""
    rows, names = task.expand_kwargs, ("url", "endpoint")
    given = [task.with_.model_dump(include=set(names)), task.expand or {}, *(rows if isinstance(rows, list) else ())]
    for value in [one.get(name) for one in given for name in names]:
        yield from (text for _, text in walk(value).texts)
    if isinstance(rows, str):
        yield rows


def request_arguments(request: HttpRequest, resolver: Resolver, timezone: str) -> dict[str, Any]:
    """The request, as HttpRequestOperator takes it: what is filled in when the task runs, each by its name, and all
    else as `settings`, in plain data."""
    settings = request.model_dump(
        mode="json", by_alias=True, exclude_none=True, exclude_defaults=True, exclude=_OF_THE_OPERATOR, warnings=False
    )
    arguments = {
        "url": _address(request.url, resolver),
        "conn_id": _optional_text(request.conn_id, resolver),
        "endpoint": _address(request.endpoint, resolver),
        "headers": build_value(request.headers, resolver, as_text=True),
        "query": build_value(request.params, resolver),
        "json_body": build_value(request.json_body, resolver),
        "data": build_value(request.data, resolver),
        "body": _optional_text(request.body, resolver),
        "to": _optional_text(request.to, resolver),
        "each_rows": build_value(request.each.rows, resolver) if request.each is not None else None,
        "settings": plain_texts(settings),
        "timezone": timezone,
    }
    # Airflow keeps every argument of a mapped task with its DAG; the operator has the same defaults.
    return {name: value for name, value in arguments.items() if value is not None and value != "UTC"}


def _address(value: str | None, resolver: Resolver) -> Any:
    built = _optional_text(value, resolver)
    return ReferenceText(built.parts, escaped=True) if isinstance(built, ReferenceText) else built


def _optional_text(value: str | None, resolver: Resolver) -> Any:
    return None if value is None else build_value(value, resolver, as_text=True)


def plain_texts(value: Any) -> Any:
    """Text from the document, at any depth; references are not allowed there."""
    if isinstance(value, str):
        return plain_text(value)
    if isinstance(value, dict):
        return {key: plain_texts(child) for key, child in value.items()}
    return [plain_texts(child) for child in value] if isinstance(value, list) else value


STANDARD = "airflow.providers.standard.operators"


@dataclass(frozen=True, slots=True)
class BuiltIn:
    """How a built-in is built.

    `operator` is the dotted path of the operator class, or a function that chooses it for a task. `arguments` makes
    the operator's arguments of the task, without `task_id` and the task's settings. An argument that the document
    writes in `with` keeps its name, so that what Airflow refuses is shown at that key; `names` has the exceptions.
    """

    operator: str | Callable[[Any], str]
    arguments: Callable[[Any, BuildContext], dict[str, Any]] = written_arguments
    names: Mapping[str, str] = field(default_factory=dict)


BUILT_INS: Mapping[str, BuiltIn] = MappingProxyType(
    {
        "http": BuiltIn(
            lambda task: (
                "factory.operators.http_stateful.StatefulHttpOperator"
                if remembers(task.with_)
                else "factory.operators.http.HttpRequestOperator"
            ),
            http_arguments,
            {"params": "query", "json": "json_body"},
        ),
        "bash": BuiltIn("factory.operators.bash.BashOperator", text_arguments),
        "empty": BuiltIn(f"{STANDARD}.empty.EmptyOperator"),
        "branch": BuiltIn(f"{STANDARD}.python.BranchPythonOperator", function_arguments),
        "short_circuit": BuiltIn(f"{STANDARD}.python.ShortCircuitOperator", function_arguments),
        "latest_only": BuiltIn(f"{STANDARD}.latest_only.LatestOnlyOperator"),
        "wait_file": BuiltIn("factory.operators.waits.FileSensor", deferrable_arguments),
        "wait_http": BuiltIn("airflow.providers.http.sensors.http.HttpSensor", deferrable_arguments),
        "wait_sql": BuiltIn("airflow.providers.common.sql.sensors.sql.SqlSensor"),
        "wait_until": BuiltIn(
            lambda task: (
                "factory.operators.waits."
                + ("TimeSensor" if isinstance(task.with_.target_time, time) else "DateTimeSensor")
            ),
            deferrable_arguments,
        ),
        "wait_dag": BuiltIn("factory.operators.waits.ExternalTaskSensor", deferrable_arguments),
        "trigger_dag": BuiltIn(
            # Ours renders `run_after`, and takes an output as the id; Airflow's own is used where that is all the same.
            lambda task: (
                "factory.operators.waits.TriggerDagRunOperator"
                if isinstance(task.with_.run_after, str) or any(run_references(task.with_.trigger_dag_id))
                else f"{STANDARD}.trigger_dagrun.TriggerDagRunOperator"
            ),
            trigger_arguments,
        ),
        "email": BuiltIn("airflow.providers.smtp.operators.smtp.EmailOperator"),
        "sql": BuiltIn("factory.operators.sql.SqlOperator"),
        "load": BuiltIn("factory.operators.load.LoadOperator"),
        "duckdb": BuiltIn("factory.operators.sql.DuckdbOperator"),
        "check": BuiltIn("factory.operators.check.CheckOperator"),
        "chart": BuiltIn("factory.operators.models.ChartOperator"),
        "train": BuiltIn("factory.operators.models.TrainOperator", train_arguments),
        "predict": BuiltIn("factory.operators.models.PredictOperator"),
    }
)
"""Built-in → how it is built, in the order of `schemas.model.built_ins`."""


def built_in_operator(task: TaskBase, context: BuildContext) -> tuple[type[BaseOperator], dict[str, Any]]:
    """The operator class behind the built-in that a task uses, and its arguments."""
    row = BUILT_INS[task.uses]
    path = row.operator if isinstance(row.operator, str) else row.operator(task)
    return imported_operator(path), row.arguments(task, context)


def operator_argument(task: TaskBase, argument: str) -> str:
    """What the operator behind a built-in calls an argument of `with`."""
    return BUILT_INS[task.uses].names.get(argument, argument)


def imported_operator(path: str) -> type[BaseOperator]:
    """The operator class at a dotted path."""
    module, _, name = path.rpartition(".")
    found: type[BaseOperator] = getattr(importlib.import_module(module), name)
    return found
