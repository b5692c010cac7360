"""What templates and functions ask of a run that it does not have: a logical date, or names of Airflow 2."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

from schemas.expressions.templates import read_template
from schemas.findings.codes import Code, Severity
from schemas.findings.diagnostics import Diagnostic
from schemas.findings.paths import DataPath
from schemas.model.fields import OBJECT
from schemas.model.task_base import CONTEXT_NAMES
from schemas.rules.subject import Subject
from schemas.rules.task_view import TaskView
from schemas.rules.templates import REMOVED, Said, rendered_texts
from schemas.shape.places import mapping_at
from schemas.source import Function, SourceReader
from schemas.source.bodies import context_keys

OF_LOGICAL_DATE = frozenset(
    {
        *("ds", "ds_nodash", "ts", "ts_nodash", "ts_nodash_with_tz", "logical_date"),
        *("data_interval_start", "data_interval_end"),
        *("prev_data_interval_start_success", "prev_data_interval_end_success"),
    }
)
"""What Airflow gives only to runs with a logical date (airflow.sdk.execution_time.task_runner, 3.3)."""
NOT_IN_TASKS = {
    **dict.fromkeys(("exception", "reason"), "only notifications have it"),
    **dict.fromkeys(("test_mode", "expanded_ti_count"), "only Airflow 2 had it"),
    "try_number": "write `ti.try_number`",
    "templates_dict": "only functions have it",
}
FOR_FUNCTIONS = CONTEXT_NAMES - NOT_IN_TASKS.keys() | {"templates_dict"}
"""What Airflow gives to the function of a task by its name (airflow.sdk.execution_time.task_runner, 3.3)."""

FOR_CALLBACKS = CONTEXT_NAMES | {"context"}
"""What it gives to the functions of notifications."""
_OF_RUN = "dag_run"
_HOW_WITHOUT = "use `dag_run.run_after`, or `| default(…)`"


def renders_natively(subject: Subject, task: TaskView) -> bool:
    """Whether templates of a task give values, and not texts."""
    own = task.entry.get("render_template_as_native_obj", subject.data.get("render_template_as_native_obj"))
    return own not in (None, False)


def without_dates(subject: Subject) -> str:
    """Why runs of a pipeline have no logical date; empty where they have one."""
    schedule = subject.data.get("schedule")
    if mapping_at(subject.data, ("poll",)).get("watch") is not None:
        return "runs that `watch` starts have no logical date"
    by_assets = isinstance(schedule, dict) and "assets" in schedule and "cron" not in schedule
    return "runs that assets start have no logical date" if by_assets else ""


def said_of_dates(text: str, why: str) -> Iterator[Said]:
    """What of a template needs the logical date that runs do not have; a value that is asked for first is fine."""
    template = read_template(text)
    looks = (_OF_RUN, "logical_date") in ((base, word.text) for base, word in template.attributes)
    looks = looks and re.search(r"\b(?:if|and)\b", text) is not None
    for name in template.names if not looks else ():
        if name.text in OF_LOGICAL_DATE and name.text not in template.optional:
            yield Said(Code.NO_LOGICAL_DATE, f"`{name.text}` is missing: {why}", name.span, help=_HOW_WITHOUT)
    for key in OF_LOGICAL_DATE:
        asked = [word for base, word in template.attributes if (base, word.text) == (_OF_RUN, key)]
        used = [word for base, word in template.attributes if base == f"{_OF_RUN}.{key}"]
        for word in used if len(used) == len(asked) else ():
            message = f"`{_OF_RUN}.{key}` is null, which has no `{word.text}`: {why}"
            yield Said(Code.NO_LOGICAL_DATE, message, word.span, help="use `dag_run.run_after`")


class Called(NamedTuple):
    """A function that a task calls: where it is named, what gives it values, and the names that these have."""

    path: DataPath
    name: str
    function: Function
    how: str
    given: Collection[str]


def _called(task: TaskView, reader: SourceReader) -> Iterator[Called]:
    """The function of a task; none where only a run knows which values it gets."""
    places: list[tuple[DataPath, Any, str, Collection[str]]]
    places = [((*task.path, "uses"), task.uses, "with", {*task.arguments, *(task.mapped or ())})]
    path, written = (*task.with_path, "python_callable"), task.arguments.get("python_callable")
    dotted = written.get(OBJECT) if isinstance(written, dict) and "with" not in written else written
    arguments = task.arguments.get("op_kwargs", {})
    if isinstance(arguments, dict) and not {"op_args", "op_kwargs"} & {*(task.mapped or ())}:
        places.append(((*path, OBJECT) if isinstance(written, dict) else path, dotted, "op_kwargs", {*arguments}))
    for place, name, how, given in places if task.mapped is not None else ():
        found = reader.named(name)
        if isinstance(found, Function):
            yield Called(place, str(name), found, how, given)


def check_logical_date(subject: Subject, reader: SourceReader) -> Iterator[Diagnostic]:
    """Templates, parameters of functions and `wait_dag` that need what runs by assets do not have."""
    why = without_dates(subject)
    if not why:
        return
    for path, text in rendered_texts(subject):
        if path[0] != "poll" or "watch" not in subject.data["poll"]:  # a watched request has its own finding
            for said in said_of_dates(text, why):
                yield subject.finding(said.code, path, said.message, help=said.help, part=said.part)
    for task in subject.tasks:
        for called in _called(task, reader):
            yield from dates_asked_for(subject, called, why)
    yield from waits_by_date(subject, why)


def dates_asked_for(subject: Subject, called: Called, why: str) -> Iterator[Diagnostic]:
    """What a function asks of the logical date that runs do not have."""
    for name, what, help_text in _asked_for(called):
        if name in OF_LOGICAL_DATE and name not in called.given:
            message = f"{what} is missing: {why}"
            yield subject.finding(Code.NO_LOGICAL_DATE, called.path, message, help=help_text)


def waits_by_date(subject: Subject, why: str) -> Iterator[Diagnostic]:
    """`wait_dag` in runs without a logical date."""
    for task in subject.tasks:
        is_wait = task.uses == "wait_dag" or (task.uses or "").endswith(".ExternalTaskSensor")
        if is_wait and "execution_date_fn" not in task.arguments:
            built_in = (task.uses or "").rpartition(".")[2]
            message = f"`{built_in}` finds the other run by its logical date: {why}"
            help_text = "start this pipeline by a cron schedule, or name the date with `execution_date_fn`"
            yield subject.finding(Code.NO_LOGICAL_DATE, (*task.path, "uses"), message, help=help_text)


def _asked_for(called: Called) -> Iterator[tuple[str, str, str]]:
    """What a function asks of the run: the name, how to name it to a person, what to do where it is missing."""
    for parameter in called.function.parameters:
        if parameter.required:
            help_text = f"pass a value in `{called.how}`, or give the parameter a default"
            yield parameter.name, f"`{parameter.name}` of `{called.name}`", help_text
    for key, line in context_keys(called.function).items():
        help_text = "use `dag_run.run_after`, which every run has, or ask by `.get(…)`"
        yield key, f"`{key}`, which `{called.name}` reads in line {line},", help_text


def check_removed_keys(subject: Subject, reader: SourceReader) -> Iterator[Diagnostic]:
    """Functions that take out of the context what Airflow 3 has removed; a warning, as they may never get there."""
    for task in subject.tasks:
        for called in _called(task, reader):
            yield from removed_keys(subject, called)


def removed_keys(subject: Subject, called: Called) -> Iterator[Diagnostic]:
    """What one function takes out of the context that Airflow 3 has removed."""
    for key, line in context_keys(called.function).items():
        if key in REMOVED and key not in called.given:
            message = f"`{called.name}` reads `{key}` in line {line}, which Airflow 3 has removed"
            new, severity = REMOVED[key], Severity.WARNING
            help_text = f"write `{new}`" if new.isidentifier() else f"a template has it: `{{{{ {new} }}}}`"
            help_text = help_text if new else 'read the configuration as `context["dag_run"].conf`'
            yield subject.finding(Code.MISSING_ARGUMENT, called.path, message, help=help_text, severity=severity)
