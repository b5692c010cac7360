"""All that may differ between a DAG written by hand and the same DAG from YAML, each with its reason.

A DAG here is what Airflow serializes, as JSON (`build_pairs.py`). Each difference is levelled in both, the same way,
and no more than it has to be; a test finds those that no pair needs any more.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True)
class Difference:
    """One difference: why it is there, and what makes the two sides equal, in place."""

    name: str
    reason: str
    level: Callable[[Json], None]


def tasks(dag: Json) -> Iterator[Json]:
    return (task["__var"] for task in dag["tasks"])


def order_of_tasks(dag: Json) -> None:
    dag["tasks"].sort(key=lambda task: task["__var"]["task_id"])


def names_of_files(dag: Json) -> None:
    for key in ("fileloc", "relative_fileloc", "_processor_dags_folder"):
        dag.pop(key, None)


def paused_or_not(dag: Json) -> None:
    if dag.get("is_paused_upon_creation") is False:
        del dag["is_paused_upon_creation"]


BUILT_INS = {
    "factory.operators.bash.BashOperator": "airflow.providers.standard.operators.bash",
    "factory.operators.waits.ExternalTaskSensor": "airflow.providers.standard.sensors.external_task",
    "factory.operators.waits.FileSensor": "airflow.providers.standard.sensors.filesystem",
}


def classes_of_built_ins(dag: Json) -> None:
    for task in tasks(dag):
        path = f"{task['_task_module']}.{task['task_type']}"
        task["_task_module"] = BUILT_INS.get(path, task["_task_module"])


TIMETABLES = {
    "factory.operators.timetables.Cron": "airflow.timetables.trigger.CronTriggerTimetable",
    "factory.operators.timetables.Crons": "airflow.timetables.trigger.MultipleCronTriggerTimetable",
    "factory.operators.timetables.CronInterval": "airflow.timetables.interval.CronDataIntervalTimetable",
    "factory.operators.timetables.Every": "airflow.timetables.trigger.DeltaTriggerTimetable",
    "factory.operators.timetables.EveryInterval": "airflow.timetables.interval.DeltaDataIntervalTimetable",
}


def first_moment_of_a_schedule(value: Json) -> None:
    """Our timetables are Airflow's, and know when the schedule first appeared."""
    for child in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        first_moment_of_a_schedule(child)
    if isinstance(value, dict) and value.get("__type") in TIMETABLES:
        value["__type"] = TIMETABLES[value["__type"]]
        value["__var"].pop("since", None)


DECORATED = {
    "_PythonDecoratedOperator": "PythonOperator",
    "_BranchPythonDecoratedOperator": "BranchPythonOperator",
    "_ShortCircuitDecoratedOperator": "ShortCircuitOperator",
    "DecoratedSensorOperator": "PythonSensor",
}
DECORATORS = {
    "airflow.providers.standard.decorators.python": "airflow.providers.standard.operators.python",
    "airflow.providers.standard.decorators.branch_python": "airflow.providers.standard.operators.python",
    "airflow.providers.standard.decorators.short_circuit": "airflow.providers.standard.operators.python",
    "airflow.providers.standard.decorators.sensor": "airflow.providers.standard.sensors.python",
}


def classes_of_decorated_functions(dag: Json) -> None:
    for task in tasks(dag):
        if task["task_type"] in DECORATED:
            task["task_type"] = DECORATED[task["task_type"]]
            task["_task_module"] = DECORATORS[task["_task_module"]]
            del task["_operator_name"]


def where_a_function_stands(dag: Json) -> None:
    for task in tasks(dag):
        for holder in (task, task.get("partial_kwargs", {})):
            if "python_callable_name" in holder:
                holder["python_callable_name"] = holder["python_callable_name"].rpartition(".")[2]


def arguments_by_position(dag: Json) -> None:
    for task in tasks(dag):
        names = task.pop("parameters", [])
        if task.get("op_args"):
            # As a call binds them; `build_pairs.py` has added the names.
            task["op_kwargs"] = dict(zip(names, task["op_args"], strict=False)) | task["op_kwargs"]
            task["op_args"] = []


PULL = re.compile(r"\{\{ task_instance\.xcom_pull\(task_ids='([^']+)', dag_id='[^']+', key='([^']+)'\) \}\}")
MAPPED = re.compile(r"MappedArgument\(_input=.*, _key='([^']+)'\)")


def text_of_references(dag: Json) -> None:
    for task in tasks(dag):
        for holder in (task, task.get("partial_kwargs", {})):
            for name in (*task["template_fields"], "expand_input", "op_kwargs_expand_input"):
                if name in holder:
                    holder[name] = _as_reference(holder[name])


def _as_reference(value: Any) -> Any:
    if isinstance(value, dict) and value.get("__type") == "xcomref":
        return _written(value["__var"]["task_id"], value["__var"]["key"])
    if isinstance(value, dict):
        return {key: _as_reference(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_as_reference(one) for one in value]
    if not isinstance(value, str):
        return value
    pull, mapped = PULL.fullmatch(value), MAPPED.fullmatch(value)
    if pull is not None:
        return _written(*pull.groups())
    return value if mapped is None else f"${{expand.{mapped[1]}}}"


def _written(task_id: str, key: str) -> str:
    return f"${{tasks.{task_id}.output}}" if key == "return_value" else f"${{tasks.{task_id}.xcom.{key}}}"


def text_of_conditions(dag: Json) -> None:
    for task in tasks(dag):
        hook = task.get("_pre_execute_hook", "")
        if "self.template" in hook or "for hook in hooks" in hook:
            task["_pre_execute_hook"] = "condition"


def default_of_mapped_functions(dag: Json) -> None:
    for task in tasks(dag):
        if task.get("partial_kwargs", {}).get("retry_delay") == {"__type": "timedelta", "__var": 300.0}:
            del task["partial_kwargs"]["retry_delay"]


DIFFERENCES = (
    Difference(
        "order of tasks",
        "A task stands where its file has it. Airflow draws and runs tasks by their edges.",
        order_of_tasks,
    ),
    Difference(
        "names of files",
        "The DAG comes from another file. With the bundle it is that of the stub, which shows the YAML.",
        names_of_files,
    ),
    Difference(
        "paused or not",
        "A pipeline runs from the moment its file is there; a DAG file leaves it to Airflow's configuration.",
        paused_or_not,
    ),
    Difference(
        "classes of built-ins",
        "`bash` and `wait_file` are small subclasses of Airflow's operators; their fields are the same.",
        classes_of_built_ins,
    ),
    Difference(
        "first moment of a schedule",
        "A timetable is a small subclass of Airflow's that also knows when the schedule first appeared.",
        first_moment_of_a_schedule,
    ),
    Difference(
        "classes of decorated functions",
        "A function's task is a PythonOperator, a branch a BranchPythonOperator; `@task` has subclasses of these.",
        classes_of_decorated_functions,
    ),
    Difference(
        "where a function stands",
        "It is shown by its dotted path, `module.function`; by hand it is in the DAG file, often inside another.",
        where_a_function_stands,
    ),
    Difference(
        "arguments by position",
        "YAML gives arguments by name; the values that reach the function are the same.",
        arguments_by_position,
    ),
    Difference(
        "text of references",
        "What the UI shows for an output that is an argument: `${tasks.ID.output}` in place of a template with the call"
        " that reads it. Beside `expand` a mapped function's constant is text here, and Airflow's own reference there.",
        text_of_references,
    ),
    Difference(
        "text of conditions",
        "`run_if` and `skip_if` are templates here and functions in Python; Airflow keeps the source of what it calls.",
        text_of_conditions,
    ),
    Difference(
        "default of mapped functions",
        "A mapped operator holds Airflow's default `retry_delay`, five minutes, among its arguments, a mapped `@task`"
        " where it is read.",
        default_of_mapped_functions,
    ),
)
