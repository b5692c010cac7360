"""dag-factory documents to compare lint, dag-factory's build and ours: small ones that differ in one value each, and
written ones, which are whole."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from string import Template

import yaml

_STANDARD = "airflow.providers.standard"
_TASK = "decorator: airflow.sdk.task, python_callable: generated_steps"
_RUN = {
    "ASSET": "{__type__: airflow.sdk.Asset, uri: 's3://bucket/orders'}",
    "BASH": f"operator: {_STANDARD}.operators.bash.BashOperator, bash_command: x",
    "BASH_ALONE": f"operator: {_STANDARD}.operators.bash.BashOperator",
    "EMPTY": f"operator: {_STANDARD}.operators.empty.EmptyOperator",
    "FIND": f"{_TASK}.find",
    "MINUTES": "{__type__: datetime.timedelta, minutes: 5}",
    "NAMES": f"{_TASK}.names",
    "PARAM": "__type__: airflow.sdk.Param",
    "PYTHON": f"operator: {_STANDARD}.operators.python.PythonOperator",
    "READ": f"{_TASK}.read",
    "SENSOR": f"operator: {_STANDARD}.sensors.external_task.ExternalTaskSensor",
}
"""What a `$NAME` in the texts below means."""

_VALUES = Path(__file__).with_suffix(".yaml")
_WRITTEN = Path(__file__).parent / "written"


def written() -> Iterator[tuple[str, str]]:
    """The name and the text of each document that is written as a whole."""
    operators = _RUN | {"BASH": _RUN["BASH_ALONE"], "STANDARD": _STANDARD}
    for path in sorted(_WRITTEN.glob("*.yaml")):
        for name, text in yaml.safe_load(path.read_text()).items():
            yield name, Template(text).safe_substitute(operators)


def documents() -> Iterator[tuple[str, str]]:
    """The name and the text of each document."""
    values = yaml.safe_load(_VALUES.read_text())
    for key, lines in values["dag"].items():
        for value in lines.splitlines():
            start = {"start_date": "", "timezone": "start_date: 2026-01-01"}.get(key, "start_date: 2026-01-01")
            yield f"DAG {key}: {value}", _document([start, f"{key}: {value}"], "{load: {$BASH}}")
    for key, lines in values["default_args"].items():
        for value in lines.splitlines():
            start = ", start_date: 2026-01-01" if key == "timezone" else ""
            defaults = f"default_args: {{{key}: {value}{start}}}"
            yield f"default_args {key}: {value}", _document([defaults], "{load: {$BASH}}")
    for key, lines in values["task"].items():
        for value in lines.splitlines():
            after = ", dependencies: [first, decorated]" if key == "expand" else ""
            tasks = f"{{first: {{$BASH}}, decorated: {{$NAMES}}, load: {{$BASH, {key}: {value}{after}}}}}"
            yield f"task {key}: {value}", _document([], tasks)
    for key, lines in values["sensor"].items():
        for value in lines.splitlines():
            tasks = f"{{wait: {{$SENSOR, external_dag_id: other, {key}: {value}}}}}"
            yield f"sensor {key}: {value}", _document([], tasks)
    for name, tasks in values["tasks"].items():
        yield f"tasks: {name}", _document([], tasks.strip())


def _document(lines: list[str], tasks: str) -> str:
    text = "".join(f"  {line}\n" for line in (*lines, f"tasks: {tasks}") if line)
    return "orders:\n" + Template(text).substitute(_RUN)
