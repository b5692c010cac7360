"""The operator behind each built-in: one row of `BUILT_INS` each.

An operator is imported when a pipeline uses it: every process that parses a DAG pays for its imports again.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import time
from types import MappingProxyType
from typing import Any

from airflow.sdk import BaseOperator

from factory.build.built_ins.arguments import (
    BuildContext,
    deferrable_arguments,
    function_arguments,
    plain_arguments,
    text_arguments,
    train_arguments,
    trigger_arguments,
    written_arguments,
)
from factory.build.built_ins.http import http_arguments, remembers
from schemas.model.task_base import TaskBase

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
        "wait_file": BuiltIn("factory.operators.file_sensor.FileSensor", deferrable_arguments),
        "wait_http": BuiltIn("airflow.providers.http.sensors.http.HttpSensor", deferrable_arguments),
        "wait_sql": BuiltIn("airflow.providers.common.sql.sensors.sql.SqlSensor"),
        "wait_until": BuiltIn(
            lambda task: (
                "factory.operators.moment_sensor."
                + ("TimeSensor" if isinstance(task.with_.target_time, time) else "DateTimeSensor")
            ),
            deferrable_arguments,
        ),
        "wait_dag": BuiltIn("factory.operators.dag_sensor.ExternalTaskSensor", deferrable_arguments),
        "trigger_dag": BuiltIn(
            # Ours renders `run_after`; Airflow's own class is used where that makes no difference.
            lambda task: (
                "factory.operators.trigger_dag.TriggerDagRunOperator"
                if isinstance(task.with_.run_after, str)
                else f"{STANDARD}.trigger_dagrun.TriggerDagRunOperator"
            ),
            trigger_arguments,
        ),
        "email": BuiltIn("airflow.providers.smtp.operators.smtp.EmailOperator"),
        "sql": BuiltIn("factory.operators.sql.SqlOperator"),
        "load": BuiltIn("factory.operators.load.LoadOperator", plain_arguments),
        "duckdb": BuiltIn("factory.operators.duckdb.DuckdbOperator"),
        "check": BuiltIn("factory.operators.check.CheckOperator", plain_arguments),
        "chart": BuiltIn("factory.operators.chart.ChartOperator"),
        "train": BuiltIn("factory.operators.train.TrainOperator", train_arguments),
        "predict": BuiltIn("factory.operators.predict.PredictOperator"),
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
