"""Documents for other tools get one finding instead of many."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from schemas.findings.codes import Code
from schemas.findings.diagnostics import MOST, Diagnostic
from schemas.findings.paths import DataPath
from schemas.findings.suggestions import unmistakable
from schemas.rules.other_tools import other_tool
from schemas.rules.subject import Subject

_VERSION = re.compile(r"\d{4}-\d\d-\d\d")
"""Airflow 3.4 names its schemas by their date."""
_COMMAND = "a command is `uses: bash` with `with: {bash_command: …}`"
_AIRFLOW = "Airflow's own YAML format"
_LITERALS = {
    "$t": 'a template is written as it is: `"{{ ds }}"`',
    "$x": "a task's output is written `${tasks.ID.output}`",
}


def check(subject: Subject) -> Iterator[Diagnostic]:
    """At most one finding; where there is one, nothing else about the file is worth saying."""
    schema = subject.data.get("$schema")
    if isinstance(schema, str) and ("airflow.apache.org" in schema or _VERSION.fullmatch(schema)):
        help_text = "remove `$schema`; docs/migrating.md shows a pipeline in both formats"
        yield _foreign(subject, ("$schema",), _AIRFLOW, help_text)
        return
    nearly = _nearly_dag_factory(subject.data)
    if nearly is not None:
        path, meant = nearly
        yield subject.finding(
            Code.FOREIGN_DIALECT,
            path,
            "is this a document of dag-factory?",
            at_key=True,
            caret=f"did you mean `{meant}`?",
            help="write `# factory: dialect=dag-factory` on the first line to have it read as one",
        )
        return
    other = other_tool(subject.path, subject.data)
    if other is not None:
        yield _foreign(subject, *other)
        return
    may_be_marked = subject.may_hold(*_LITERALS)
    for task in subject.tasks:
        if "run" in task.entry and "with" not in task.entry and task.path != ("poll",):
            run = (*task.path, "run")
            if isinstance(task.entry["run"], str):
                yield _foreign(subject, run, "a step of GitHub Actions", _COMMAND)
            else:
                yield _foreign(subject, run, _AIRFLOW, "write a function's arguments in `with`")
            return
        marked = _marked(task.arguments, task.with_path) if may_be_marked else None
        if marked is not None:
            yield _foreign(subject, marked, _AIRFLOW, _LITERALS[str(marked[-1])])
            return


def _nearly_dag_factory(data: Mapping[str, Any]) -> tuple[DataPath, str] | None:
    """The misspelt key that keeps a document from being dag-factory's, and the key that is meant."""
    if data.keys() & {"tasks", "poll"}:
        return None
    for dag_id, dag in islice(data.items(), MOST):
        for key, tasks in islice(dag.items(), MOST) if isinstance(dag, dict) else ():
            if key != "tasks" and unmistakable(str(key), ("tasks",)) is None:
                continue
            entries = tasks.items() if isinstance(tasks, dict) else enumerate(tasks) if isinstance(tasks, list) else ()
            for name, task in islice(entries, MOST):
                words = list(islice(task, MOST)) if isinstance(task, dict) else []
                if key != "tasks" and not {"operator", "decorator"}.isdisjoint(words):
                    return (dag_id, key), "tasks"
                for word in words:
                    meant = unmistakable(str(word), ("operator", "decorator"))
                    if key == "tasks" and meant is not None:
                        return (dag_id, key, name, word), meant
    return None


def _marked(value: Any, path: DataPath) -> DataPath | None:
    if isinstance(value, dict):
        for key, child in value.items():
            if key in _LITERALS and len(value) == 1:
                return (*path, key)
            found = _marked(child, (*path, key))
            if found is not None:
                return found
    elif isinstance(value, list):
        for index, child in enumerate(value):
            found = _marked(child, (*path, index))
            if found is not None:
                return found
    return None


def _foreign(subject: Subject, path: DataPath, whose: str, help_text: str) -> Diagnostic:
    return subject.finding(
        Code.FOREIGN_DIALECT, path, f"this is {whose}, not this project's", at_key=True, help=help_text
    )
