"""Arguments of operators whose values dag-factory or a constructor refuses: of sensors, functions, keys of its own."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from schemas.dagfactory.dag_view import DagView, Part, is_unset, unset
from schemas.dagfactory.keys import MADE_FROM, MAPPING, TEXT, seconds
from schemas.dagfactory.rules.settings import DURATION
from schemas.dagfactory.rules.shape import wrong_kind
from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic
from schemas.findings.paths import DataPath
from schemas.findings.suggestions import meant_duration
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


def check_values(dag: DagView, task: Part, operator: Class, written: Mapping[str, DataPath]) -> Iterator[Diagnostic]:
    """What is written for an operator, beside it, in `partial` and in `expand`."""
    taken = frozenset(p.name for p in operator.parameters or ())
    if taken >= SENSOR:
        yield from check_sensor(dag, written)
    yield from _made_for_others(dag, task, operator, taken)
    yield from _texts_for_functions(dag, task, operator)
    if operator.path == _HTTP and "headers" in task.data:
        yield from _headers(dag, (*task.path, "headers"), task.data["headers"])


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
    annotated = {p.name for p in operator.parameters or () if p.annotation and p.name not in imported}
    for name, path, value in view.given:
        if type(value) is not str or name not in annotated:
            continue
        annotation = next(p.annotation for p in operator.parameters or () if p.name == name)
        if name in _HOOKS or annotated_as(annotation or "").types == {"Callable"}:
            message = f"`{name}` of {operator.path.rpartition('.')[2]} is a function, and this is {described(value)}"
            sources = MADE_FROM.get(name, ()) if name in _MADE_FOR else ()
            help_text = f"write it as `{sources[0]}` or `{sources[1]}`" if len(sources) > 1 else ""
            is_made = bool(help_text) and _MADE_FOR[name][1] <= {p.name for p in operator.parameters or ()}
            yield dag.as_pipeline.finding(Code.WRONG_ARGUMENT, path, message, help=help_text if is_made else "")


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
