"""What is other in the serialized DAG of a converted document, and why: `alike` takes it out of both DAGs.

Nothing else may differ. Each function is one difference; its first line is the reason.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection
from copy import deepcopy
from typing import Any

from factory.operators import timetables

Serialized = dict[str, Any]

_STANDARD = "airflow.providers.standard.operators"
_PYTHON = f"{_STANDARD}.python"
_OUTPUT = re.compile(
    r"\{\{ task_instance\.xcom_pull\(task_ids='(?P<task>[\w.-]+)', dag_id='[\w.-]+', key='(?P<key>\w+)'\) \}\}"
)


_VARIABLE = re.compile(r"\{\{ var\.value\.(\w+) \}\}")

VARIABLES = {"extract_command": "./extract", "load_command": "./load", "load_folder": "/srv/load"}
"""Airflow Variables that our documents ask for."""


def alike(dag: Serialized, left_out: Collection[str] = ()) -> Serialized:
    """The DAG without what may differ, its tasks by their ids; `left_out` are the keys of `default_args` that the
    conversion says it left out, because no task takes them."""
    dag = deepcopy(dag)
    arguments = dag.get("default_args", {}).get("__var", {})
    dag["default_args"] = {key: v for key, v in arguments.items() if key not in left_out and key != "timezone"}
    dag["tasks"] = {task["__var"]["task_id"]: task["__var"] for task in dag["tasks"]}
    for difference in OF_A_DAG:
        difference(dag)
    for task in dag["tasks"].values():
        for of_a_task in OF_A_TASK:
            of_a_task(task)
    return dag


def _tag(dag: Serialized) -> None:
    """dag-factory gives every DAG a tag of its own."""
    dag["tags"] = [tag for tag in dag.get("tags", []) if tag != "dagfactory"]


def _timetable(dag: Serialized) -> None:
    """Those of Airflow start a new schedule with the slot that has just passed; those here with the next one."""
    timetable = dag["timetable"]
    found = getattr(timetables, timetable["__type"].rpartition(".")[2], None)
    if found is not None and timetable["__type"].startswith(timetables.__name__):
        airflows = next(base for base in found.__mro__ if base.__module__.startswith("airflow.timetables"))
        timetable["__type"] = f"{airflows.__module__}.{airflows.__qualname__}"
        timetable["__var"].pop("since")


def _paused(dag: Serialized) -> None:
    """What a document leaves open Airflow's configuration decides; here a merged file runs."""
    if dag.get("is_paused_upon_creation") is False:
        del dag["is_paused_upon_creation"]


def _start(dag: Serialized) -> None:
    """The first date of `default_args` is the DAG's here, and with dag-factory that of each task: runs are the same."""
    starts = {task.get("start_date") for task in dag["tasks"].values()}
    if "start_date" not in dag and len(starts) == 1:
        dag["start_date"] = starts.pop()
        for task in dag["tasks"].values():
            task.pop("start_date", None)


def _access(dag: Serialized) -> None:
    """`{can_read}` is a mapping in YAML: Airflow takes the action for a resource. Here it is what was meant."""
    roles = dag.get("access_control", {}).get("__var", {})
    for role in roles.values():
        resources = role["__var"]
        actions = [name for name, value in resources.items() if value is None]
        if actions:
            role["__var"] = {"DAGs": {"__type": "set", "__var": actions}}


def _class(task: Serialized) -> None:
    """Built-ins and functions have operators of their own, or plain ones in place of a decorator's."""
    task.pop("_operator_name", None)
    decorators = "airflow.providers.standard.decorators"
    modules = {
        **dict.fromkeys((f"{decorators}.{name}" for name in ("branch_python", "python", "short_circuit")), _PYTHON),
        "factory.operators.bash": f"{_STANDARD}.bash",
    }
    task["_task_module"] = modules.get(task["_task_module"], task["_task_module"])
    if task["_task_module"] == _PYTHON:
        task["task_type"] = task["task_type"].removeprefix("_").replace("Decorated", "")


def _documentation(task: Serialized) -> None:
    """A decorator takes a function's docstring for the task's documentation."""
    task.pop("doc_md", None)


def _function(task: Serialized) -> None:
    """A function is named by its whole path here, since nothing imports it."""
    for holder in (task, task.get("partial_kwargs", {})):
        name = holder.get("python_callable_name")
        if isinstance(name, str):
            holder["python_callable_name"] = name.rpartition(".")[2]


def _reference(task: Serialized) -> None:
    """A reference is shown as it is written."""
    for name, value in (task.get("op_kwargs") or {}).items():
        match = _OUTPUT.fullmatch(value) if isinstance(value, str) else None
        if match is not None:
            source = "output" if match["key"] == "return_value" else f"xcom.{match['key']}"
            task["op_kwargs"] = {**task["op_kwargs"], name: f"${{tasks.{match['task']}.{source}}}"}


def _variable(task: Serialized) -> None:
    """A Variable is asked for when the task runs, not when the file is read."""
    for name, value in task.items():
        match = _VARIABLE.fullmatch(value) if isinstance(value, str) else None
        if match is not None:
            task[name] = VARIABLES[match[1]]


def _delay(task: Serialized) -> None:
    """A mapped task's default for the time between two tries is written out."""
    if task.get("partial_kwargs", {}).get("retry_delay") == {"__type": "timedelta", "__var": 300.0}:
        del task["partial_kwargs"]["retry_delay"]


def _body(task: Serialized) -> None:
    """The JSON text that is sent is a function's answer with dag-factory."""
    data = task.get("data")
    if task["task_type"] == "HttpOperator" and isinstance(data, str):
        is_function = data.startswith("<callable dagfactory.utils.get_json_serialized_callable")
        assert is_function or json.loads(data)
        task["data"] = "JSON"


def _numbers(dag: Serialized) -> None:
    """What Airflow reads as a number or as seconds is written as what it is."""
    arguments = dag["default_args"]
    for key in ("retry_delay", "max_retry_delay"):
        if isinstance(arguments.get(key), int | float):
            arguments[key] = {"__type": "timedelta", "__var": float(arguments[key])}
    if isinstance(arguments.get("retries"), str):
        arguments["retries"] = int(arguments["retries"])
    for holder in (arguments, *dag["tasks"].values()):
        if holder.get("retry_exponential_backoff") is True:
            holder["retry_exponential_backoff"] = 2.0


OF_A_DAG: tuple[Callable[[Serialized], None], ...] = (_tag, _timetable, _paused, _start, _access, _numbers)
OF_A_TASK: tuple[Callable[[Serialized], None], ...] = (
    _class,
    _documentation,
    _function,
    _reference,
    _variable,
    _delay,
    _body,
)
