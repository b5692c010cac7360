"""A document in another dialect gets one finding instead of many: Airflow's own YAML, dag-factory's, another tool's."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Mapping
from itertools import islice
from typing import Any

from schemas.findings.codes import Code
from schemas.findings.diagnostics import MOST, Diagnostic
from schemas.findings.paths import DataPath, walk
from schemas.findings.suggestions import unmistakable
from schemas.rules.other_tools import AIRFLOW, COMMAND, PAGE, other_tool
from schemas.rules.subject import Subject
from schemas.shape.places import built_at

_VERSION = r"\d{4}-\d\d-\d\d"
"""Airflow 3.4 names its schemas by their date."""
_LITERALS = {
    **dict.fromkeys(("$t", "$template"), 'a template is written as it is: `"{{ ds }}"`'),
    **dict.fromkeys(("$x", "$xcom"), "a task's output is written `${tasks.ID.output}`"),
    "$const": "a value is written as it is",
    "$f": "a file is named as it is: `bash_command: load.sh`",
}
_TEXTS = frozenset({"bash_command", "cwd", "sql", "url"})


def check_dialect(subject: Subject) -> Iterator[Diagnostic]:
    """At most one finding; where there is one, nothing else about the file is worth saying."""
    schema = subject.data.get("$schema")
    if isinstance(schema, str) and ("airflow.apache.org" in schema or re.fullmatch(_VERSION, schema)):
        help_text = "`factory convert` writes it in this project's format; see docs/migrating.md"
        yield _foreign(subject, ("$schema",), AIRFLOW, help_text)
        return
    if re.fullmatch(_VERSION, str(subject.data.get("compatibility_date"))):
        yield _foreign(subject, ("compatibility_date",), AIRFLOW, f"{PAGE} shows a pipeline in both formats")
        return
    if (nearly := _nearly_dag_factory(subject.data)) is not None:
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
    if (other := other_tool(subject.path, subject.data)) is not None:
        yield _foreign(subject, *other)
        return
    may_be_marked = subject.may_hold(*_LITERALS)
    ids = {task.id or "" for task in subject.tasks} if may_be_marked else set[str]()
    for task in subject.tasks:
        if "run" in task.entry and "with" not in task.entry and task.path != ("poll",):
            run = (*task.path, "run")
            if isinstance(task.entry["run"], str):
                yield _foreign(subject, run, "a step of GitHub Actions", COMMAND)
            else:
                yield _foreign(subject, run, AIRFLOW, "write a function's arguments in `with`")
            return
        marked = _marked(task.arguments, ids) if may_be_marked else None
        if marked is not None:
            yield _foreign(subject, (*task.with_path, *marked), AIRFLOW, _LITERALS[str(marked[-1])])
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


def _marked(arguments: Mapping[str, Any], ids: Container[str]) -> DataPath | None:
    """The path to a literal of Airflow's format; one that may be anybody's data is none."""
    for *holder, key in walk(dict(arguments)).keys:
        value = built_at(arguments, tuple(holder)) if key in _LITERALS and holder else {}
        takes_text = holder and holder[0] in (_TEXTS if len(holder) == 1 else ("env", "headers"))
        if len(value) == 1 and (takes_text or _is_literal(str(key), value[key], ids)):
            return (*holder, key)
    return None


def _is_literal(key: str, value: Any, ids: Container[str]) -> bool:
    """Whether the value of a word is what Airflow's format has there: a task, a template, a file."""
    if key in ("$x", "$xcom"):
        task = value.get("task") if isinstance(value, dict) else value
        return isinstance(task, str) and task in ids
    if key == "$f":
        return re.search(r"\w\.\w+$", str(value)) is not None
    return any("{{" in text or "{%" in text for _, text in walk(value).texts)


def _foreign(subject: Subject, path: DataPath, whose: str, help_text: str) -> Diagnostic:
    return subject.finding(
        Code.FOREIGN_DIALECT, path, f"this is {whose}, not this project's", at_key=True, help=help_text
    )
