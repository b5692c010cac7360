"""Arguments of operators whose values dag-factory or a constructor refuses: of sensors, functions, keys of its own."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from datetime import date, datetime, time
from typing import Any

from schemas.dagfactory.dag_view import DagView, Part, is_unset, unset
from schemas.dagfactory.keys import MADE_FROM, MAPPING, TEXT, seconds
from schemas.dagfactory.rules.settings import DURATION
from schemas.dagfactory.rules.shape import wrong_kind
from schemas.findings.codes import Code, Severity
from schemas.findings.diagnostics import Diagnostic, Entry, Word
from schemas.findings.meant_times import meant_date, meant_duration, meant_time
from schemas.findings.paths import DataPath
from schemas.model.fields import OBJECT
from schemas.model.settings import SETTING_KEYS
from schemas.rules.arguments import annotated_as
from schemas.rules.refused_values import refused
from schemas.rules.run_times import duration_of
from schemas.shape.places import value_at
from schemas.shape.wording import described
from schemas.source import Class

SENSOR = frozenset({"mode", "poke_interval", "timeout"})
"""The arguments of every sensor."""
SECONDS_OF_SENSORS = ("poke_interval", "timeout", "max_wait")
_MADE_FOR: Mapping[str, tuple[str, frozenset[str]]] = {
    "python_callable": ("operators that take a `python_callable`", frozenset({"python_callable"})),
    "execution_date_fn": ("sensors of other DAGs", frozenset({"execution_date_fn"})),
    "response_check": ("HttpSensor", SENSOR | {"endpoint", "response_check"}),
    "success": ("SqlSensor", SENSOR | {"sql", "success"}),
    "failure": ("SqlSensor", SENSOR | {"sql", "failure"}),
}
"""Arguments that dag-factory makes from keys of its own: for what, and by which arguments that is known."""
_HTTP = "airflow.providers.http.operators.http.HttpOperator"
_HOOKS = ("pre_execute", "post_execute")


def check_values(
    dag: DagView, task: Part, operator: Class, written: Mapping[str, DataPath], timed: Mapping[str, Collection[str]]
) -> Iterator[Diagnostic]:
    """What is written for an operator, beside it, in `partial` and in `expand`; `timed`: its `moments`."""
    taken = frozenset(p.name for p in operator.parameters or ())
    if taken >= SENSOR:
        yield from check_sensor(dag, written)
    yield from _made_for_others(dag, task, operator, taken)
    yield from _texts_for_functions(dag, task, operator)
    yield from _others_for_moments(dag, task, operator, timed)
    if operator.path == _HTTP and "headers" in task.data:
        yield from _headers(dag, (*task.path, "headers"), task.data["headers"])


def check_made(dag: DagView, task: Part, written: dict[str, DataPath]) -> Iterator[Diagnostic]:
    """Arguments of every operator that dag-factory gives it, and what maps a task in another
    language; removes what is said from `written`."""
    if "expand_kwargs" in written:
        path, code = written.pop("expand_kwargs"), Code.UNKNOWN_ARGUMENT
        message = "dag-factory has no `expand_kwargs`: it maps by `expand` only, over each combination of the values"
        help_text = "in this project's own language a task has it"
        yield dag.subject.finding(code, path, message, at_key=True, help=help_text)
    for key in (key for key in ("dag", "task_group", "task_id") if key in written):
        path = written[key]
        is_beside = len(path) == len(task.path) + 1
        is_usual = key == "task_id" or (key == "task_group" and task.data.get(key) is None)
        if path[len(task.path)] == "expand" or (is_beside and is_usual):
            continue
        del written[key]
        if is_beside and (key == "dag" or (dag.groups and task.group)):
            message, code = f"dag-factory replaces `{key}` of a task by its own", Code.DAG_FACTORY_IGNORES
            yield dag.subject.finding(code, path, message, at_key=True, caret="remove it", fix=Entry(""))
        else:
            yield _made_itself(dag, path, key, is_group=is_beside and key == "task_group")


def _made_itself(dag: DagView, path: DataPath, key: str, *, is_group: bool) -> Diagnostic:
    """`is_group`: it stands where `task_group_name` is meant."""
    code, message = Code.UNKNOWN_ARGUMENT, f"`{key}` is what dag-factory makes itself"
    if key == "task_group":
        message += ", of `task_group_name`"
    if not is_group:
        return dag.subject.finding(code, path, message, at_key=True, caret="remove it")
    name = value_at(dag.data, path)
    fix = Word("task_group_name") if isinstance(name, str) and name in dag.groups else None
    return dag.subject.finding(code, path, message, at_key=True, caret="write `task_group_name`", fix=fix)


def check_sensor(dag: DagView, written: Mapping[str, DataPath]) -> Iterator[Diagnostic]:
    """Numbers of seconds that every sensor takes, where they are written."""
    for key in SECONDS_OF_SENSORS:
        value = value_at(dag.data, written[key]) if key in written else None
        if is_unset(value):
            yield unset(dag, written[key], str(value))
        elif isinstance(value, str):
            message, known = f"`{key}` must be a number of seconds", duration_of(meant_duration(value) or value)
            number = int(value) if value.isdecimal() else int(known.total_seconds()) if known is not None else 60
            help_text = f"write `{number}`, or `{seconds(number)}`"
            yield dag.subject.finding(Code.WRONG_TYPE, written[key], message, help=help_text)
        elif isinstance(value, list) or (isinstance(value, dict) and "__type__" not in value):
            message = f"`{key}` must be a duration object or a number, not {described(value)}"
            yield dag.subject.finding(Code.WRONG_TYPE, written[key], message, help=DURATION)
        elif isinstance(value, int | float) and value < 0:
            yield dag.subject.finding(Code.WRONG_VALUE, written[key], f"`{key}` must not be negative")
        elif key == "poke_interval" and value is None and key in written:
            yield dag.subject.finding(Code.WRONG_TYPE, written[key], "`poke_interval` must not be null")


def check_sensors_defaults(dag: DagView, path: DataPath, data: Mapping[str, Any]) -> Iterator[Diagnostic]:
    """`default_args` that hold for a sensor."""
    yield from check_sensor(dag, {key: (*path, key) for key in data})
    misfit = refused("mode", data, ("soft_fail",)) if "mode" in data and not is_unset(data["mode"]) else None
    if misfit is not None:
        message = f"`mode` of sensors {misfit.message}"
        yield dag.subject.finding(Code.WRONG_ARGUMENT, (*path, "mode"), message, caret=misfit.caret)


def _made_for_others(dag: DagView, task: Part, operator: Class, taken: Collection[str]) -> Iterator[Diagnostic]:
    """Keys of dag-factory that it reads for other operators only, and passes on to this one."""
    for made, (what, needed) in _MADE_FOR.items():
        name = MADE_FROM[made][0]
        keys = (*MADE_FROM[made], f"{name.removesuffix('_name')}_file") if not needed <= set(taken) else ()
        for key in (key for key in keys if key in task.data):
            message, place = f"`{operator.path}` has no argument `{key}`", (*task.path, key)
            help_text = f"dag-factory reads it for {what} only"
            yield dag.subject.finding(Code.UNKNOWN_ARGUMENT, place, message, at_key=True, help=help_text)


def _texts_for_functions(dag: DagView, task: Part, operator: Class) -> Iterator[Diagnostic]:
    """Text where the operator calls a function: dag-factory imports those of its own keys only."""
    view = dag.views[task.path]
    imported = {"python_callable", "execution_date_fn"} | SETTING_KEYS - {*_HOOKS}
    annotated_of_all = {p.name for p in operator.parameters or () if p.annotation}
    annotated = annotated_of_all - imported
    for name, path, value in view.given:
        if type(value) is not str or name not in (annotated_of_all if "expand" in path else annotated):
            continue
        annotation = next(p.annotation for p in operator.parameters or () if p.name == name)
        if name in _HOOKS or annotated_as(annotation or "").types == {"Callable"}:
            message = f"`{name}` of {operator.path.rpartition('.')[2]} is a function, and this is {described(value)}"
            sources = MADE_FROM.get(name, ()) if name in _MADE_FOR else ()
            help_text = f"write it as `{sources[0]}` or `{sources[1]}`" if len(sources) > 1 else ""
            is_made = bool(help_text) and _MADE_FOR[name][1] <= {p.name for p in operator.parameters or ()}
            yield dag.as_pipeline.finding(Code.WRONG_ARGUMENT, path, message, help=help_text if is_made else "")


def moments(operator: Class) -> dict[str, frozenset[str]]:
    """The arguments that are dates with a time, times of day or durations, and nothing else but numbers; the types of
    each. dag-factory makes no such object of text."""
    timed = (p for p in operator.parameters or () if p.annotation is not None and "time" in p.annotation)
    named = {p.name: annotated_as(p.annotation or "").types for p in timed}
    judged = {*SETTING_KEYS, *SECONDS_OF_SENSORS, "execution_delta"}
    return {
        name: types
        for name, types in named.items()
        if types & _WANTED.keys() and types <= {*_WANTED, "int", "float"} and name not in judged
    }


def _others_for_moments(
    dag: DagView, task: Part, operator: Class, timed: Mapping[str, Collection[str]]
) -> Iterator[Diagnostic]:
    """What is no date with a time, no time of day and no duration where an operator wants it."""
    for name, path, value in dag.views[task.path].given if timed else ():
        types = timed.get(name)
        if types is None or value is None or isinstance(value, datetime) or _is_made_later(value):
            continue
        is_number = isinstance(value, str) and value.strip().isdecimal() and "int" in types
        if is_number or ("timedelta" in types and not isinstance(value, str | date)):
            continue
        wanted = " or ".join(_WANTED[one] for one in sorted(_WANTED.keys() & types))
        what = "a date without one" if isinstance(value, date) else described(value)
        message = f"`{name}` of {operator.path.rpartition('.')[2]} is {wanted}, and this is {what}"
        help_text = f"write `{_moment(str(value), types)}`"
        severity = Severity.ERROR if {*types} == {"time"} else Severity.WARNING  # others fail in a run
        yield dag.as_pipeline.finding(Code.WRONG_ARGUMENT, path, message, help=help_text, severity=severity)


def _is_made_later(value: Any) -> bool:
    is_template = isinstance(value, str) and (type(value) is not str or "{{" in value)
    return is_template or (isinstance(value, dict) and OBJECT in value)


_WANTED = {"datetime": "a date with a time", "time": "a time of day", "timedelta": "a duration"}


def _moment(text: str, types: Collection[str]) -> str:
    """The object for a date, a time or a duration in words; an example where they cannot be read."""
    if "timedelta" in types:
        duration = duration_of(meant_duration(text) or text)
        return seconds(int(duration.total_seconds()) if duration is not None else None)
    with suppress(ValueError):
        if "datetime" in types and ("time" not in types or "-" in text or "/" in text):
            at = datetime.fromisoformat(meant_date(text) or text)
            clock = f", hour: {at.hour}, minute: {at.minute}" if at.hour or at.minute else ""
            return f"{{__type__: datetime.datetime, year: {at.year}, month: {at.month}, day: {at.day}{clock}}}"
        if ":" in text:
            known = time.fromisoformat(meant_time(text) or text)
            return f"{{__type__: datetime.time, hour: {known.hour}, minute: {known.minute}}}"
    if "time" in types:
        return "{__type__: datetime.time, hour: 10, minute: 30}"
    return "{__type__: datetime.datetime, year: 2026, month: 1, day: 31}"


def _headers(dag: DagView, path: DataPath, value: Any) -> Iterator[Diagnostic]:
    """dag-factory looks for the type of the content in them."""
    if not isinstance(value, dict):
        message = f"`headers` must be {MAPPING}, not {described(value)}: dag-factory looks into it"
        yield dag.subject.finding(Code.WRONG_TYPE, path, message)
    elif "__type__" not in value and "Content-Type" in value:
        kind = value["Content-Type"]
        if kind is None:
            yield dag.subject.finding(Code.WRONG_TYPE, (*path, "Content-Type"), "`Content-Type` must not be null")
        yield from wrong_kind(dag, (*path, "Content-Type"), kind, TEXT)
