"""Dotted paths, and what they name, against the source."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from typing import Any

from schemas.dagfactory.dag_view import DagView, Part
from schemas.dagfactory.keys import (
    CALLBACKS,
    DAG_CALLBACKS,
    DAG_KEYS,
    OWN_ARGUMENTS,
    SECONDS,
    in_seconds,
)
from schemas.dagfactory.named_code import named_code
from schemas.dagfactory.rules.arguments import of_decorated, of_function, of_operator, taken_by_decorated
from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic
from schemas.findings.paths import DataPath
from schemas.findings.problem import Word, typo_fix
from schemas.findings.suggestions import meant, nearest
from schemas.rules.moved_paths import place_of
from schemas.source import Class, Function, SourceReader
from schemas.source.results import Result

_BASE = "airflow.sdk.BaseOperator"
_PYTHON = "PythonOperator"
_BESIDE = "it is a key of the DAG: write it beside `default_args`"


def check_shape(dag: DagView) -> Iterator[Diagnostic]:
    """What can be said about `operator` and `decorator` without reading source."""
    for task in dag.tasks.values():
        if "operator" in task.data and "decorator" in task.data:
            message = "`operator` and `decorator` exclude each other"
            yield dag.subject.finding(
                Code.CONFLICTING_KEYS, (*task.path, "decorator"), message, at_key=True, caret="take one of them away"
            )
        elif "operator" not in task.data and "decorator" not in task.data:
            yield _nothing_to_run(dag, task)
        for key in ("operator", "decorator"):
            path = task.data.get(key)
            if key in task.data and (not isinstance(path, str) or "." not in path):
                message = f"`{key}` must be a dotted path"
                place = place_of(path) if isinstance(path, str) and key == "operator" else None
                caret = f"write `{place}`" if place is not None else ""
                fix = Word(place) if place is not None else None
                yield dag.subject.finding(Code.UNKNOWN_USES, (*task.path, key), message, caret=caret, fix=fix)
        if "decorator" in task.data and not task.data.keys() & {"python_callable", "python_callable_name"}:
            message = f"`python_callable` is missing in task `{task.id}`"
            yield dag.subject.finding(Code.MISSING_KEY, (*task.path, "decorator"), message, at_key=True)


def check(dag: DagView, reader: SourceReader) -> Iterator[Diagnostic]:
    """Findings in every path and its arguments. Where reading source cannot decide there are none."""
    known: frozenset[str] | None = frozenset()
    for task in dag.tasks.values():
        taken = yield from _task(dag, task, reader)
        known = known | taken if known is not None and taken is not None else None
    yield from _default_args(dag, reader, known)
    places: list[tuple[DataPath, Any]] = [((), dag.data), (("default_args",), dag.data.get("default_args"))]
    places += [((*g.path, "default_args"), g.data.get("default_args")) for g in dag.groups.values()]
    places += [(task.path, task.data) for task in dag.tasks.values()]
    for path, mapping in places:
        if isinstance(mapping, dict):
            yield from _callbacks(dag, path, mapping, reader)


def _nothing_to_run(dag: DagView, task: Part) -> Diagnostic:
    help_text = ""
    default = dag.subject.effective.layers[-1].data.get("default")
    if isinstance(default, dict) and isinstance(default.get("tasks"), list) and isinstance(dag.data.get("tasks"), list):
        help_text = "lists of tasks are not merged with those of `default`; write both as mappings by task id"
    typo = nearest("operator", [key for key in task.data if key not in OWN_ARGUMENTS])
    return dag.subject.finding(
        Code.MISSING_KEY,
        task.path,
        f"task `{task.id}` has neither `operator` nor `decorator`",
        at_key=True,
        caret=f"is `{typo}` `operator`?" if typo is not None else "",
        help=help_text,
    )


def _task(dag: DagView, task: Part, reader: SourceReader) -> Generator[Diagnostic, None, frozenset[str] | None]:
    """Returns the names that the task's operator takes; None where that cannot be told."""
    callable_path = task.data.get("python_callable")
    function: Result | None = None
    if isinstance(callable_path, str):
        function = yield from named_code(dag, (*task.path, "python_callable"), callable_path, reader)
    key = "operator" if "operator" in task.data else "decorator"
    dotted = task.data.get(key)
    if not isinstance(dotted, str) or "." not in dotted:
        return None
    if key == "decorator":
        return (yield from _decorated(dag, task, function, reader))
    found = yield from named_code(dag, (*task.path, key), dotted, reader)
    if not isinstance(found, Class) or not found.is_operator or found.parameters is None:
        if isinstance(found, Function) or (isinstance(found, Class) and found.is_operator is False):
            message = f"`{dotted}` is no Airflow operator or sensor"
            yield dag.subject.finding(Code.NOT_CALLABLE, (*task.path, key), message)
        return None
    if "decorator" not in task.data:
        yield from of_operator(dag, task, found, found.parameters)
    if isinstance(function, Function) and found.path.endswith(_PYTHON):
        yield from of_function(dag, task, function)
    return frozenset(p.name for p in found.parameters)


def _decorated(
    dag: DagView, task: Part, function: Result | None, reader: SourceReader
) -> Generator[Diagnostic, None, frozenset[str] | None]:
    base = reader.find(_BASE)
    if not isinstance(function, Function) or not isinstance(base, Class) or base.parameters is None:
        return None
    if not task.data["decorator"].endswith(".task"):
        return None
    taken = taken_by_decorated(base)
    yield from of_decorated(dag, task, function, taken)
    return taken


def _default_args(dag: DagView, reader: SourceReader, known: frozenset[str] | None) -> Iterator[Diagnostic]:
    """Airflow reads over what no operator takes."""
    default_args = dag.data.get("default_args")
    if not isinstance(default_args, dict) or known is None:
        return
    base = reader.find(_BASE)
    if not isinstance(base, Class) or base.parameters is None:
        return
    taken = known | {p.name for p in base.parameters} | OWN_ARGUMENTS | {"timezone"}
    for key in default_args:
        if key in taken:
            continue
        path = ("default_args", key)
        if key not in DAG_KEYS and key not in SECONDS and nearest(key, taken) is not None:
            yield dag.subject.finding(
                Code.UNKNOWN_KEY,
                path,
                f"no task takes `{key}` of `default_args`",
                at_key=True,
                caret=meant(key, taken),
                fix=typo_fix(key, taken),
            )
            continue
        yield dag.subject.finding(
            Code.DAG_FACTORY_IGNORES,
            path,
            f"no task takes `{key}` of `default_args`, and Airflow ignores it there",
            at_key=True,
            help=in_seconds(key, default_args[key]) if key in SECONDS else _BESIDE if key in DAG_KEYS else "",
        )


def _callbacks(dag: DagView, path: DataPath, mapping: Mapping[str, Any], reader: SourceReader) -> Iterator[Diagnostic]:
    for key in CALLBACKS if path else DAG_CALLBACKS:
        value = mapping.get(key)
        if isinstance(value, str):
            yield from named_code(dag, (*path, key), value, reader)
        elif isinstance(value, dict) and isinstance(value.get("callback"), str):
            yield from named_code(dag, (*path, key, "callback"), value["callback"], reader)
