"""What tasks say in templates, commands and literals, and what their functions read, as a run sees it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any

from schemas.compose.env_values import EnvText
from schemas.dagfactory.dag_view import DagView, Part
from schemas.dagfactory.keys import CALLBACKS, DAG_CALLBACKS
from schemas.dagfactory.rules.files import function_of
from schemas.dagfactory.rules.objects import callbacks_of
from schemas.expressions.template_parts import Word as TemplateWord
from schemas.expressions.templates import read_template
from schemas.findings.codes import Code, Severity
from schemas.findings.diagnostics import Diagnostic
from schemas.findings.paths import DataPath, walk
from schemas.findings.suggestions import meant
from schemas.rules import secrets
from schemas.rules.assets import check_loop
from schemas.rules.commands import check_command
from schemas.rules.expressions import check_characters
from schemas.rules.ids import check_itself
from schemas.rules.outcomes import check_branches
from schemas.rules.run_context import Called, dates_asked_for, removed_keys, said_of_dates, waits_by_date
from schemas.rules.template_names import said_of_names
from schemas.rules.templates import said_of_template
from schemas.shape.places import mapping_at
from schemas.source import Class, Function, SourceReader

_OUTPUT = "the output of a task is `{{ ti.xcom_pull(task_ids='…') }}`"


def check(dag: DagView, reader: SourceReader) -> Iterator[Diagnostic]:
    """What fails or surprises in templates, commands and literals of tasks. dag-factory builds such a document, so all
    of it are warnings."""
    found = [*secrets.check_literals(dag.subject), *_rendered(dag, reader)]
    for task in dag.tasks.values():
        command, path = task.data.get("bash_command"), (*task.path, "bash_command")
        if isinstance(command, str) and not isinstance(command, EnvText):
            found += check_command(dag.subject, path, command, may_be_folded=dag.subject.may_hold("bash_command: >"))
    pipeline = dag.as_pipeline
    found += [*check_branches(pipeline, reader), *check_loop(pipeline), *check_itself(pipeline)]
    found += _of_functions(dag, reader)
    found += (one for one in check_characters(dag.subject) if one.severity is not Severity.ERROR)  # null is said
    yield from (replace(one, severity=Severity.WARNING) for one in found)


def _of_functions(dag: DagView, reader: SourceReader) -> Iterator[Diagnostic]:
    """What functions ask of a run that it does not have."""
    why = _WITHOUT_DATES if _is_started_by_assets(dag) else ""
    for task in dag.tasks.values():
        dotted, key = task.data.get("python_callable"), "python_callable"
        if dotted is None and "python_callable_name" in task.data:
            dotted, key = task.data.get("python_callable_name"), "python_callable_name"
            function = function_of(dag, task, reader)
        else:
            function = reader.named(dotted)
        given = _given(task)
        if isinstance(function, Function) and given is not None:
            positional = task.data.get("op_args")
            names = [p.name for p in function.parameters][: len(positional) if isinstance(positional, list) else 0]
            how = "op_kwargs" if "operator" in task.data else "the task"
            called = Called((*task.path, key), str(dotted), function, how, {*given, *names})
            yield from removed_keys(dag.subject, called)
            yield from dates_asked_for(dag.subject, called, why) if why else ()
        path, dotted = (*task.path, "execution_date_fn"), task.data.get("execution_date_fn")
        function = reader.named(dotted)
        if isinstance(function, Function):
            yield from removed_keys(dag.subject, Called(path, str(dotted), function, "", ()))
    yield from waits_by_date(dag.as_pipeline, why) if why else ()


def _given(task: Part) -> set[str] | None:
    """The names of the values that a function gets from its task; None where only a run knows them."""
    expand = mapping_at(task.data, ("expand",))
    if "operator" not in task.data:
        return {*task.data, *mapping_at(task.data, ("partial",)), *expand}
    if {"op_args", "op_kwargs"} & expand.keys():
        return None
    given = {**mapping_at(task.data, ("partial",)), **task.data}.get("op_kwargs") or {}
    return {*given} if isinstance(given, dict) and "__type__" not in given else None


_WITHOUT_DATES = "runs that assets start have no logical date"


def _is_started_by_assets(dag: DagView) -> bool:
    schedule = dag.data.get("schedule")
    return bool(schedule) if isinstance(schedule, list) else _is_of_assets(schedule)


def _rendered(dag: DagView, reader: SourceReader) -> Iterator[Diagnostic]:
    """Findings in the template fields of operators and of what callbacks call."""
    full_ids = {*dag.built_as, *(dag.full_id(task) for task in dag.tasks.values())}
    for task in dag.tasks.values():
        operator = task.data.get("operator")
        found = reader.named(operator)
        fields = found.template_fields if isinstance(found, Class) else None
        for path, text in _texts(task.path, task.data, fields):
            yield from _said_of_text(dag, path, text)
            for pull in read_template(text).pulls if "xcom_pull" in text else ():
                for word in pull.task_ids:
                    other = dag.tasks.get(word.text)
                    is_short = other is not None and "." in dag.full_id(other)
                    if is_short or (other is None and word.text not in full_ids):
                        yield _pulled(dag, path, word, dag.full_id(other) if other is not None else None)

    for path, data in (((), dag.data), *dag.settings):
        for key in CALLBACKS if path else DAG_CALLBACKS:
            for place, one in callbacks_of(data, key):
                called = one.get("callback") if isinstance(one, dict) else None
                found = reader.named(called)
                fields = found.template_fields if isinstance(found, Class) else None
                for at, text in _texts((*path, *place), one, fields) if fields else ():
                    yield from _said_of_text(dag, at, text, ("exception", "reason"))


def _texts(path: DataPath, data: Mapping[str, Any], fields: Collection[str] | None) -> Iterator[tuple[DataPath, str]]:
    """The texts that are rendered, each with its path."""
    for place, text in walk({key: data[key] for key in data.keys() & (fields or ())}).texts:
        if not isinstance(text, EnvText) and "{" in text:
            yield (*path, *place), text


def _said_of_text(dag: DagView, path: DataPath, text: str, own: Collection[str] = ()) -> Iterator[Diagnostic]:
    """Findings in a template; `own` are names that it has beside those of tasks."""
    macros, filters = (mapping_at(dag.data, (f"user_defined_{what}",)) for what in ("macros", "filters"))
    dates = said_of_dates(text, _WITHOUT_DATES) if _is_started_by_assets(dag) else ()
    for one in (*said_of_template(text, macros, filters), *said_of_names(text, {*macros, *own}), *dates):
        is_ours = "`${" in one.caret  # dag-factory has no such expressions
        caret, help_text = ("", _OUTPUT) if is_ours else (one.caret, one.help)
        yield dag.subject.finding(one.code, path, one.message, caret=caret, help=help_text, part=one.part)


def _pulled(dag: DagView, path: DataPath, word: TemplateWord, full_id: str | None) -> Diagnostic:
    message = f"`xcom_pull` names `{word.text}`, which is not a task"
    caret = meant(word.text, dag.tasks) if full_id is None else f"write `{full_id}`"
    help_text = "" if full_id is None else "a task in a group has the group's name before its own"
    return dag.subject.finding(Code.UNKNOWN_TASK, path, message, caret=caret, help=help_text, part=word.span)


def _is_of_assets(schedule: object) -> bool:
    """Whether a schedule that is no list is an asset, or several."""
    if not isinstance(schedule, dict):
        return False
    return "__or__" in schedule or "__and__" in schedule or str(schedule.get("__type__")).endswith(("Asset", "Dataset"))
