"""What templates and functions ask of a run that it does not have: a logical date, or names of Airflow 2."""

from __future__ import annotations

from collections.abc import Iterator

from schemas.expressions.templates import read_template
from schemas.findings.codes import Code, Severity
from schemas.findings.diagnostics import Diagnostic
from schemas.rules.subject import Subject
from schemas.rules.task_view import TaskView
from schemas.rules.templates import REMOVED, Said, rendered_texts
from schemas.shape.places import mapping_at
from schemas.source import Function, SourceReader
from schemas.source.results import context_keys

OF_LOGICAL_DATE = frozenset(
    {
        *("ds", "ds_nodash", "ts", "ts_nodash", "ts_nodash_with_tz", "logical_date"),
        *("data_interval_start", "data_interval_end"),
    }
)
"""What Airflow gives only to runs with a logical date (airflow.sdk.execution_time.task_runner, 3.3)."""


_OF_RUN = "dag_run"
_HOW_WITHOUT = "use `dag_run.run_after`, or `| default(…)`"


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
    for name in template.names:
        if name.text in OF_LOGICAL_DATE and name.text not in template.optional:
            yield Said(Code.NO_LOGICAL_DATE, f"`{name.text}` is missing: {why}", name.span, help=_HOW_WITHOUT)
    for key in OF_LOGICAL_DATE:
        asked = [word for base, word in template.attributes if (base, word.text) == (_OF_RUN, key)]
        used = [word for base, word in template.attributes if base == f"{_OF_RUN}.{key}"]
        for word in used if len(used) == len(asked) else ():
            message = f"`{_OF_RUN}.{key}` is null, which has no `{word.text}`: {why}"
            yield Said(Code.NO_LOGICAL_DATE, message, word.span, help="use `dag_run.run_after`")


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
        found = reader.find(task.uses) if task.uses is not None and "." in task.uses else None
        for name, what, help_text in _asked_for(task, found) if isinstance(found, Function) else ():
            if name in OF_LOGICAL_DATE and name not in task.arguments and name not in (task.mapped or ()):
                message = f"{what} is missing: {why}"
                yield subject.finding(Code.NO_LOGICAL_DATE, (*task.path, "uses"), message, help=help_text)
        is_wait = task.uses == "wait_dag" or (task.uses or "").endswith(".ExternalTaskSensor")
        if is_wait and "execution_date_fn" not in task.arguments:
            built_in = (task.uses or "").rpartition(".")[2]
            message = f"`{built_in}` finds the other run by its logical date: {why}"
            help_text = "start this pipeline by a cron schedule, or name the date with `execution_date_fn`"
            yield subject.finding(Code.NO_LOGICAL_DATE, (*task.path, "uses"), message, help=help_text)


def _asked_for(task: TaskView, function: Function) -> Iterator[tuple[str, str, str]]:
    """What a function asks of the run: the name, how to name it to a person, what to do where it is missing."""
    for parameter in function.parameters:
        if parameter.required:
            help_text = "pass a value in `with`, or give the parameter a default"
            yield parameter.name, f"`{parameter.name}` of `{task.uses}`", help_text
    for key, line in context_keys(function).items():
        help_text = "use `dag_run.run_after`, which every run has, or ask by `.get(…)`"
        yield key, f"`{key}`, which `{task.uses}` reads in line {line},", help_text


def check_removed_keys(subject: Subject, reader: SourceReader) -> Iterator[Diagnostic]:
    """Functions that take out of the context what Airflow 3 has removed; a warning, as they may never get there."""
    for task in subject.tasks:
        found = reader.find(task.uses) if task.uses is not None and "." in task.uses else None
        for key, line in context_keys(found).items() if isinstance(found, Function) else ():
            if key in REMOVED and key not in task.arguments and key not in (task.mapped or ()):
                message = f"`{task.uses}` reads `{key}` in line {line}, which Airflow 3 has removed"
                new, path, severity = REMOVED[key], (*task.path, "uses"), Severity.WARNING
                help_text = f"write `{new}`" if new.isidentifier() else f"a template has it: `{{{{ {new} }}}}`"
                help_text = help_text if new else 'read the configuration as `context["dag_run"].conf`'
                yield subject.finding(Code.MISSING_ARGUMENT, path, message, help=help_text, severity=severity)
