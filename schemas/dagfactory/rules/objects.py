"""Mappings that dag-factory makes objects or text from (`__type__`, `__and__`, `__or__`, `__join__`); date objects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from schemas.dagfactory.dag_view import DagView, is_unset, shown, unset
from schemas.dagfactory.keys import C_PARAMETERS
from schemas.dagfactory.merging import OBJECT_KEYS
from schemas.dagfactory.rules.code import named_code
from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic
from schemas.findings.paths import DataPath
from schemas.rules.arguments import Arguments, argument_findings
from schemas.shape.places import name
from schemas.source import Class, Function, Parameter, SourceReader

_DATES = frozenset({"start_date", "end_date"})


def check(dag: DagView) -> Iterator[Diagnostic]:
    """The shape of such mappings, and dates that are objects where nobody may expect it."""
    for path, value in _walk((), dag.data):
        if isinstance(value, dict) and (not OBJECT_KEYS.isdisjoint(value) or "__args__" in value):
            yield from _object(dag, path, value)
        elif isinstance(value, date) and path[-1] not in _DATES:
            message = f"dag-factory reads `{value}` as a date object; YAML 1.2 reads text"
            caret = f'write "{value}" for the text'
            yield dag.subject.finding(Code.YAML11_VALUE, path, message, caret=caret)


def check_arguments(dag: DagView, reader: SourceReader) -> Iterator[Diagnostic]:
    """The paths of objects and their arguments, as far as their source can be read."""
    if not dag.subject.may_hold("__type__"):
        return
    for path, value in _walk((), dag.data):
        kind = value.get("__type__") if isinstance(value, dict) else None
        if not isinstance(kind, str) or "." not in kind:
            continue
        found = yield from named_code(dag, (*path, "__type__"), kind, reader)
        if kind in C_PARAMETERS:
            yield from _arguments(dag, path, value, kind, _c_parameters(kind))
            yield from _numbers(dag, path, value)
        elif isinstance(found, Class | Function) and found.parameters is not None:
            yield from _arguments(dag, path, value, found.path, found.parameters)


def _walk(path: DataPath, value: Any) -> Iterator[tuple[DataPath, Any]]:
    """Every mapping and every date in a value."""
    if isinstance(value, dict | date):
        yield path, value
    for key, child in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        if isinstance(child, dict | list | date):
            yield from _walk((*path, key), child)


def _object(dag: DagView, path: DataPath, value: Mapping[str, Any]) -> Iterator[Diagnostic]:
    kind, arguments = value.get("__type__"), value.get("__args__")
    if "__args__" in value and "__type__" not in value:
        message = "dag-factory drops `__args__` where there is no `__type__`"
        yield dag.subject.finding(Code.BAD_OBJECT, (*path, "__args__"), message, at_key=True)
    if "__type__" in value and (not isinstance(kind, str) or "." not in kind):
        message = "`__type__` must be the dotted path of a class or a function"
        yield dag.subject.finding(Code.BAD_OBJECT, (*path, "__type__"), message)
    if "__args__" in value and not isinstance(arguments, list) and not is_object(arguments):
        yield dag.subject.finding(Code.BAD_OBJECT, (*path, "__args__"), "`__args__` must be a list")
    for key in ("__and__", "__or__", "__join__"):
        if key not in value:
            continue
        others = [other for other in value if other not in (key, "__type__", "__args__")]
        if not isinstance(value[key], list) or not value[key]:
            message = f"`{key}` must be a list of at least one item"
            yield dag.subject.finding(Code.BAD_OBJECT, (*path, key), message)
        elif others:
            message = f"dag-factory drops `{shown(others[0])}` beside `{key}`"
            yield dag.subject.finding(Code.BAD_OBJECT, (*path, others[0]), message, at_key=True)


def is_object(value: Any) -> bool:
    """Whether a value is a mapping from which dag-factory makes an object."""
    return isinstance(value, dict) and "__type__" in value


def _c_parameters(kind: str) -> list[Parameter]:
    known = C_PARAMETERS[kind]
    positional = [Parameter(n, "POSITIONAL_OR_KEYWORD", i < known.required) for i, n in enumerate(known.names)]
    return [*positional, *(Parameter(name, "KEYWORD_ONLY", required=False) for name in known.by_name_only)]


def _numbers(dag: DagView, path: DataPath, value: Mapping[str, Any]) -> Iterator[Diagnostic]:
    """Parts of a duration or a date that are text."""
    listed = value["__args__"] if isinstance(value.get("__args__"), list) else []
    parts: list[tuple[DataPath, Any]] = [((*path, key), part) for key, part in value.items() if key != "__type__"]
    parts += [((*path, "__args__", index), part) for index, part in enumerate(listed)]
    for place, part in parts:
        if is_unset(part):
            yield unset(dag, place, part)
        elif isinstance(part, str):
            yield dag.subject.finding(
                Code.WRONG_TYPE, place, f"{name(place, dag.subject.effective)} must be a number, not text"
            )


def _arguments(
    dag: DagView, path: DataPath, value: Mapping[str, Any], called: str, parameters: Sequence[Parameter]
) -> Iterator[Diagnostic]:
    """What is beside `__type__` and in `__args__`, against what is called with it."""
    positional = value.get("__args__", [])
    if not isinstance(positional, list):
        return
    takes = [p for p in parameters if p.kind in ("POSITIONAL_ONLY", "POSITIONAL_OR_KEYWORD")]
    if len(positional) > len(takes) and not any(p.kind == "VAR_POSITIONAL" for p in parameters):
        message = f"`{called}` takes {len(takes)} arguments by position, and these are {len(positional)}"
        yield dag.subject.finding(Code.UNKNOWN_ARGUMENT, (*path, "__args__"), message)
    filled = frozenset(p.name for p in takes[: len(positional)])
    written = {key: (*path, key) for key in value if key not in ("__type__", "__args__")}
    at = (*path, "__type__")
    arguments = Arguments(f"`{called}`", written, at, filled=filled, how="write it beside `__type__`")
    yield from argument_findings(dag.subject, arguments, parameters)
