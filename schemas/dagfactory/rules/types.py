"""`__type__` anywhere: its path, and its arguments against what is called with them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from schemas.dagfactory.dag_view import DagView
from schemas.dagfactory.named_code import named_code
from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic
from schemas.findings.paths import DataPath
from schemas.rules.arguments import Arguments, argument_findings
from schemas.source import Class, Function, Parameter, SourceReader

_TIME = ("hour", "minute", "second", "microsecond", "tzinfo")
_FOLD = Parameter("fold", "KEYWORD_ONLY", required=False)


def _taken(*names: str, required: int = 0) -> tuple[Parameter, ...]:
    return tuple(Parameter(n, "POSITIONAL_OR_KEYWORD", i < required) for i, n in enumerate(names))


_OF_PYTHON: Mapping[str, tuple[Parameter, ...]] = {
    "datetime.date": _taken("year", "month", "day", required=3),
    "datetime.datetime": (*_taken("year", "month", "day", *_TIME, required=3), _FOLD),
    "datetime.time": (*_taken(*_TIME), _FOLD),
    "datetime.timedelta": _taken("days", "seconds", "microseconds", "milliseconds", "minutes", "hours", "weeks"),
}
"""What classes of Python take that are written in C, so that reading their source does not tell."""


def check(dag: DagView, reader: SourceReader) -> Iterator[Diagnostic]:
    """Findings in every mapping that stands for an object; where reading source cannot decide there are none."""
    if dag.subject.may_hold("__type__"):
        yield from _types(dag, (), dag.data, reader)


def _types(dag: DagView, path: DataPath, value: Any, reader: SourceReader) -> Iterator[Diagnostic]:
    if isinstance(value, dict):
        kind = value.get("__type__")
        if isinstance(kind, str) and "." in kind:
            found = yield from named_code(dag, (*path, "__type__"), kind, reader)
            parameters = found.parameters if isinstance(found, Class | Function) else None
            if kind in _OF_PYTHON:
                yield from _type_arguments(dag, path, value, kind, _OF_PYTHON[kind])
            elif isinstance(found, Class | Function) and parameters is not None:
                yield from _type_arguments(dag, path, value, found.path, parameters)
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        if isinstance(child, dict | list):
            yield from _types(dag, (*path, key), child, reader)


def _type_arguments(
    dag: DagView, path: DataPath, value: Mapping[str, Any], called: str, parameters: Sequence[Parameter]
) -> Iterator[Diagnostic]:
    """What stands beside `__type__`, and in `__args__`, against what is called with it."""
    positional = value.get("__args__", [])
    if not isinstance(positional, list):
        return
    takes = [p for p in parameters if p.kind in ("POSITIONAL_ONLY", "POSITIONAL_OR_KEYWORD")]
    if len(positional) > len(takes) and not any(p.kind == "VAR_POSITIONAL" for p in parameters):
        message = f"`{called}` takes {len(takes)} arguments by position, and these are {len(positional)}"
        yield dag.subject.finding(Code.UNKNOWN_ARGUMENT, (*path, "__args__"), message)
    filled = frozenset(p.name for p in takes[: len(positional)])
    written = {key: (*path, key) for key in value if key not in ("__type__", "__args__")}
    who, at = f"`{called}`", (*path, "__type__")
    arguments = Arguments(who, written, at, filled=filled, how="write it beside `__type__`")
    yield from argument_findings(dag.subject, arguments, parameters)
