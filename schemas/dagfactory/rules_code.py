"""Dotted paths, and the arguments that go to what they name, against the source."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from typing import Any

from schemas.codes import Code
from schemas.context_names import CONTEXT_NAMES
from schemas.dagfactory.dag_view import DagView, Part
from schemas.dagfactory.keys import (
    CALLBACKS,
    DAG_CALLBACKS,
    DAG_KEYS,
    MADE_FROM,
    OWN_ARGUMENTS,
    TASK_KEYS,
)
from schemas.dagfactory.named_code import named_code
from schemas.data_path import DataPath
from schemas.diagnostics import Diagnostic
from schemas.mend import word
from schemas.source import Class, Function, Parameter, SourceReader
from schemas.source.arguments import by_name, missing_names, unknown_names
from schemas.source.results import Result
from schemas.suggestions import did_you_mean, meant, nearest

_BASE = "airflow.sdk.BaseOperator"
_PYTHON = "PythonOperator"
_FROM_BOTH = frozenset({"multiple_outputs", "op_args", "op_kwargs", "templates_dict", "show_return_value_in_logs"})
"""Arguments of a decorated task beside those of every task (`airflow.sdk.bases.decorator.DecoratedOperator`)."""


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
                yield dag.subject.finding(Code.UNKNOWN_USES, (*task.path, key), message)
        if "decorator" in task.data and not task.data.keys() & {"python_callable", "python_callable_name"}:
            message = f"`python_callable` is missing in task `{task.id}`"
            yield dag.subject.finding(Code.MISSING_KEY, (*task.path, "decorator"), message, at_key=True)


def check(dag: DagView, reader: SourceReader) -> Iterator[Diagnostic]:
    """Findings in every path and its arguments. Where reading source cannot decide there are none."""
    known: set[str] | None = set()
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


def _task(dag: DagView, task: Part, reader: SourceReader) -> Generator[Diagnostic, None, set[str] | None]:
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
        yield from _arguments(dag, task, found.parameters, f"`{found.path}`")
    if isinstance(function, Function) and found.path.endswith(_PYTHON):
        yield from _op_kwargs(dag, task, function)
    return {p.name for p in found.parameters}


def _arguments(dag: DagView, task: Part, parameters: tuple[Parameter, ...], who: str) -> Iterator[Diagnostic]:
    written = _argument_paths(task)
    given = set(written)
    for made, sources in MADE_FROM.items():
        if any(source in task.data for source in sources):
            given.add(made)
    names = [p.name for p in by_name(parameters)]
    for key in unknown_names(parameters, written):
        free = [name for name in names if name not in given]
        yield dag.subject.finding(
            Code.UNKNOWN_ARGUMENT,
            written[key],
            f"{who} has no argument `{key}`",
            at_key=True,
            caret=meant(key, free),
            mend=word(key, free),
        )
    defaults = dag.data.get("default_args")
    filled = {"task_id", *(defaults if isinstance(defaults, dict) else ()), *_variables(task)}
    group = dag.groups.get(task.group) if task.group is not None else None
    if group is not None and isinstance(group.data.get("default_args"), dict):
        filled |= group.data["default_args"].keys()
    mapped = (task.data.get("expand", {}), task.data.get("partial", {}))
    for key in missing_names(parameters, given, filled) if all(isinstance(m, dict) for m in mapped) else ():
        yield dag.subject.finding(Code.MISSING_ARGUMENT, (*task.path, "operator"), f"{who} needs the argument `{key}`")


def _argument_paths(task: Part) -> dict[str, DataPath]:
    """The arguments that are written for an operator, beside it, in `partial` and in `expand`."""
    found: dict[str, DataPath] = {}
    for key in task.data:
        if key not in TASK_KEYS and key not in OWN_ARGUMENTS:
            found[key] = (*task.path, key)
    for part in ("partial", "expand"):
        mapping = task.data.get(part)
        for key in mapping if isinstance(mapping, dict) else ():
            found.setdefault(key, (*task.path, part, key))
    return found


def _variables(task: Part) -> Iterator[str]:
    entries = task.data.get("variables_as_arguments")
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict) and isinstance(entry.get("attribute"), str):
            yield entry["attribute"]


def _op_kwargs(dag: DagView, task: Part, function: Function) -> Iterator[Diagnostic]:
    arguments = task.data.get("op_kwargs", {})
    mapped = {part: task.data.get(part) for part in ("expand", "partial")}
    if not isinstance(arguments, dict) or "op_args" in task.data or any(mapped.values()):
        return
    parameters = function.parameters
    names = [p.name for p in by_name(parameters)]
    for key in unknown_names(parameters, arguments):
        yield dag.subject.finding(
            Code.UNKNOWN_ARGUMENT,
            (*task.path, "op_kwargs", key),
            f"`{function.path}` has no argument `{key}`",
            at_key=True,
            caret=did_you_mean(nearest(key, [name for name in names if name not in arguments])),
            allowed=tuple(names),
        )
    for key in missing_names(parameters, arguments, CONTEXT_NAMES):
        yield dag.subject.finding(
            Code.MISSING_ARGUMENT,
            (*task.path, "python_callable"),
            f"`{function.path}` needs the argument `{key}`",
            help="write it in `op_kwargs`",
        )


def _decorated(
    dag: DagView, task: Part, function: Result | None, reader: SourceReader
) -> Generator[Diagnostic, None, set[str] | None]:
    base = reader.find(_BASE)
    if not isinstance(function, Function) or not isinstance(base, Class) or base.parameters is None:
        return None
    own = [p for p in base.parameters if p.kind != "VAR_KEYWORD"]
    taken = {p.name for p in own} | _FROM_BOTH
    written = _argument_paths(task)
    names = [p.name for p in by_name(function.parameters)]
    if not task.data["decorator"].endswith(".task"):
        return None
    for key, path in written.items():
        if key in names or key in taken or key == "python_callable":
            continue
        if function.has_var_keyword and path[len(task.path)] in ("expand", "partial"):
            continue
        yield dag.subject.finding(
            Code.UNKNOWN_ARGUMENT,
            path,
            f"`{function.path}` has no argument `{key}`",
            at_key=True,
            caret=did_you_mean(nearest(key, [name for name in names if name not in written])),
            allowed=tuple(names),
        )
    for key in missing_names(function.parameters, written, CONTEXT_NAMES):
        yield dag.subject.finding(
            Code.MISSING_ARGUMENT,
            (*task.path, "python_callable"),
            f"`{function.path}` needs the argument `{key}`",
            help="write it beside `decorator`",
        )
    return taken


def _default_args(dag: DagView, reader: SourceReader, known: set[str] | None) -> Iterator[Diagnostic]:
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
        if key not in DAG_KEYS and nearest(key, taken) is not None:
            yield dag.subject.finding(
                Code.UNKNOWN_KEY,
                path,
                f"no task takes `{key}` of `default_args`",
                at_key=True,
                caret=meant(key, taken),
                mend=word(key, taken),
            )
            continue
        yield dag.subject.finding(
            Code.DAG_FACTORY_IGNORES,
            path,
            f"no task takes `{key}` of `default_args`, and Airflow ignores it there",
            at_key=True,
            help="it is a key of the DAG: write it beside `default_args`" if key in DAG_KEYS else "",
        )


def _callbacks(dag: DagView, path: DataPath, mapping: Mapping[str, Any], reader: SourceReader) -> Iterator[Diagnostic]:
    for key in CALLBACKS if path else DAG_CALLBACKS:
        value = mapping.get(key)
        if isinstance(value, str):
            yield from named_code(dag, (*path, key), value, reader)
        elif isinstance(value, dict) and isinstance(value.get("callback"), str):
            yield from named_code(dag, (*path, key, "callback"), value["callback"], reader)
