"""Values that dag-factory turns into something else: callbacks, functions of files, objects, mapped arguments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from schemas.compose.env_values import EnvText
from schemas.dagfactory.dag_view import DagView, Part, shown
from schemas.dagfactory.keys import CALLBACKS, DAG_CALLBACKS, FILE_PARTS
from schemas.dagfactory.merging import OBJECT_KEYS
from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic
from schemas.findings.paths import DataPath

_DATES = frozenset({"start_date", "end_date"})
_OBJECT_PARTS = frozenset({"__type__", "__args__"})


def check(dag: DagView) -> Iterator[Diagnostic]:
    """Findings in values of any place, and in the keys that name functions."""
    yield from _objects(dag, (), dag.data)
    default_args = dag.data.get("default_args")
    yield from _functions(dag, (), dag.data, DAG_CALLBACKS)
    yield from _functions(dag, ("default_args",), default_args, CALLBACKS)
    for group in dag.groups.values():
        yield from _functions(dag, (*group.path, "default_args"), group.data.get("default_args"), CALLBACKS)
    for task in dag.tasks.values():
        yield from _functions(dag, task.path, task.data, CALLBACKS)
        yield from _mapping(dag, task)
        yield from _variables(dag, task)


def _functions(dag: DagView, path: DataPath, data: Any, callbacks: tuple[str, ...]) -> Iterator[Diagnostic]:
    if not isinstance(data, dict):
        return
    for callback in callbacks:
        value = data.get(callback)
        if value is None or isinstance(value, str) or _is_object(value):
            continue
        if not isinstance(value, dict) or not isinstance(value.get("callback"), str):
            yield dag.subject.finding(
                Code.WRONG_TYPE,
                (*path, callback),
                f"`{callback}` must be a dotted path, or a mapping with `callback` and its arguments",
            )
    for name_key, file_key in FILE_PARTS:
        if path == () and name_key.removesuffix("_name") not in DAG_CALLBACKS:
            continue
        for key, other in ((name_key, file_key), (file_key, name_key)):
            if data.get(key) is None or data.get(other) is not None:
                continue
            message = f"`{key}` stands without `{other}`"
            yield dag.subject.finding(
                Code.MISSING_KEY, (*path, key), message, at_key=True, help=f"write `{other}`, too"
            )
        yield from _unset(dag, (*path, file_key), data.get(file_key))


def _unset(dag: DagView, path: DataPath, value: Any) -> Iterator[Diagnostic]:
    if isinstance(value, str) and not isinstance(value, EnvText) and "$" in value:
        name = value[value.index("$") + 1 :].strip("{").split("/")[0].split("}")[0]
        yield dag.subject.finding(
            Code.UNSET_VARIABLE,
            path,
            f"`{name}` is not set, so there is no such file",
        )


def _mapping(dag: DagView, task: Part) -> Iterator[Diagnostic]:
    expand, partial = task.data.get("expand"), task.data.get("partial")
    for key, value in (("expand", expand), ("partial", partial)):
        if value is not None and not isinstance(value, dict):
            yield dag.subject.finding(Code.WRONG_TYPE, (*task.path, key), f"`{key}` must be a mapping")
    if partial is not None and not expand and "operator" in task.data:
        message = "`partial` stands without `expand`"
        help_text = "write its arguments beside `operator`, or add `expand`"
        yield dag.subject.finding(Code.MISSING_KEY, (*task.path, "partial"), message, at_key=True, help=help_text)
    if not isinstance(expand, dict) or not isinstance(partial, dict):
        return
    for key in partial:
        if key in task.data or key in expand:
            where = "beside `operator`" if key in task.data else "in `expand`"
            message = f"`{key}` stands in `partial` and {where}"
            yield dag.subject.finding(
                Code.CONFLICTING_KEYS,
                (*task.path, "partial", key),
                message,
                at_key=True,
                caret="take one of them away",
            )


def _variables(dag: DagView, task: Part) -> Iterator[Diagnostic]:
    key = "variables_as_arguments"
    written = task.data.get(key)
    if written is None:
        return
    path = (*task.path, key)
    entries = written if isinstance(written, list) else [written]
    if not isinstance(written, list) or not all(
        isinstance(e, dict) and {"variable", "attribute"} <= e.keys() for e in entries
    ):
        message = "`variables_as_arguments` must be a list of `{variable, attribute}`"
        yield dag.subject.finding(Code.WRONG_TYPE, path, message)
        return
    first = entries[0] if entries else {}
    yield dag.subject.finding(
        Code.VARIABLE_AT_PARSE,
        path,
        "dag-factory asks Airflow for these Variables each time it reads the file, also when nothing runs",
        at_key=True,
        help=f'write `{first.get("attribute", "argument")}: "{{{{ var.value.{first.get("variable", "NAME")} }}}}"`',
    )


def _objects(dag: DagView, path: DataPath, value: Any) -> Iterator[Diagnostic]:
    """`__type__` and its like anywhere, and dates where they are objects that nobody may expect."""
    if isinstance(value, dict):
        if not OBJECT_KEYS.isdisjoint(value) or "__args__" in value:
            yield from _object(dag, path, value)
        for key, child in value.items():
            if isinstance(child, dict | list) or (isinstance(child, date) and key not in _DATES):
                yield from _objects(dag, (*path, key), child)
    elif isinstance(value, list):
        for index, child in enumerate(value):
            if isinstance(child, dict | list | date):
                yield from _objects(dag, (*path, index), child)
    elif isinstance(value, date):
        yield dag.subject.finding(
            Code.YAML11_VALUE,
            path,
            f"dag-factory reads `{value}` as a date object; YAML 1.2 reads text",
            caret=f'write "{value}" for the text',
        )


def _object(dag: DagView, path: DataPath, value: Mapping[str, Any]) -> Iterator[Diagnostic]:
    kind = value.get("__type__")
    if "__args__" in value and "__type__" not in value:
        message = "dag-factory drops `__args__` where there is no `__type__`"
        yield dag.subject.finding(Code.BAD_OBJECT, (*path, "__args__"), message, at_key=True)
    if "__type__" in value and (not isinstance(kind, str) or "." not in kind):
        message = "`__type__` must be the dotted path of a class or a function"
        yield dag.subject.finding(Code.BAD_OBJECT, (*path, "__type__"), message)
    arguments = value.get("__args__")
    if "__args__" in value and not isinstance(arguments, list) and not _is_object(arguments):
        message = "`__args__` must be a list"
        yield dag.subject.finding(Code.BAD_OBJECT, (*path, "__args__"), message)
    for key in ("__and__", "__or__", "__join__"):
        if key not in value:
            continue
        others = [other for other in value if other not in (key, *_OBJECT_PARTS)]
        if not isinstance(value[key], list) or not value[key]:
            message = f"`{key}` must be a list of at least one item"
            yield dag.subject.finding(Code.BAD_OBJECT, (*path, key), message)
        elif others:
            message = f"`{shown(others[0])}` stands beside `{key}`, and dag-factory drops it"
            yield dag.subject.finding(Code.BAD_OBJECT, (*path, others[0]), message, at_key=True)


def _is_object(value: Any) -> bool:
    return isinstance(value, dict) and "__type__" in value
