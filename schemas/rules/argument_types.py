"""Values that do not fit the annotation of the parameter that they are for."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from schemas.findings.codes import Code, Severity
from schemas.findings.diagnostics import Diagnostic
from schemas.findings.suggestions import meant
from schemas.rules.subject import Subject
from schemas.rules.task_view import TaskView
from schemas.source import Parameter

_WORDS_FOR_BOOL = {"no": "false", "off": "false", "false": "false", "yes": "true", "on": "true", "true": "true"}
_NAMES = {
    **{"str": "text", "bool": "true or false", "int": "a whole number", "float": "a number", "timedelta": "a duration"},
    **{"time": "a time of day", "list": "a list", "tuple": "a list", "set": "a list", "dict": "a mapping"},
    **{"List": "a list", "Tuple": "a list", "Set": "a list", "Dict": "a mapping", "Mapping": "a mapping"},
}
"""Types that a value of YAML can be told to fit or not. `Sequence` and `Iterable` may be text."""
_SENSOR_MODES = ("poke", "reschedule")


class _Annotation(NamedTuple):
    """The types of an annotation without None, and the values of its `Literal`."""

    types: frozenset[str]
    literals: tuple[Any, ...]


class _Misfit(NamedTuple):
    message: str
    caret: str = ""
    help: str = ""
    allowed: tuple[str, ...] = ()
    severity: Severity = Severity.WARNING


def misfits(
    subject: Subject, task: TaskView, who: str, parameters: Sequence[Parameter], *, is_operator: bool
) -> Iterator[Diagnostic]:
    """Findings in the arguments of a call. A value that only a run knows is left alone."""
    arguments = task.arguments
    for parameter in parameters:
        value = arguments.get(parameter.name)
        if parameter.annotation is None or value is None or (isinstance(value, str) and type(value) is not str):
            continue
        found: _Misfit | None = None
        if is_operator and parameter.name == "mode" and "poke_interval" in {p.name for p in parameters}:
            found = _sensor_mode(value)
        elif not _is_known_later(value, is_operator=is_operator or _renders_natively(subject)):
            found = _misfit(value, _annotation(parameter.annotation))
        if found is not None:
            yield subject.finding(
                Code.WRONG_ARGUMENT,
                (*task.with_path, parameter.name),
                f"`{parameter.name}` of {who} {found.message}",
                caret=found.caret,
                help=found.help,
                allowed=found.allowed,
                severity=found.severity,
            )


def _renders_natively(subject: Subject) -> bool:
    return subject.data.get("render_template_as_native_obj") not in (None, False)


def _is_known_later(value: Any, *, is_operator: bool) -> bool:
    """Whether the value is an expression. A function gets the text that a template gives, whatever it is made of."""
    return isinstance(value, str) and ("${" in value or (is_operator and ("{{" in value or "{%" in value)))


def _sensor_mode(value: Any) -> _Misfit | None:
    if not isinstance(value, str) or value in _SENSOR_MODES or "{" in value:
        return None
    caret = meant(value, _SENSOR_MODES)
    return _Misfit(f"is `poke` or `reschedule`, not `{value}`", caret, "", _SENSOR_MODES, Severity.ERROR)


def _misfit(value: Any, annotation: _Annotation) -> _Misfit | None:
    types, literals = annotation
    if literals and not types and isinstance(value, str | int) and value not in literals:
        allowed = tuple(str(one) for one in literals)
        return _Misfit(f"cannot be `{value}`", meant(str(value), allowed), allowed=allowed)
    if not types or literals or not types <= _NAMES.keys() or _fits(value, types):
        return None
    wanted = " or ".join(dict.fromkeys(_NAMES[name] for name in sorted(types)))
    if isinstance(value, str) and ("{{" in value or "{%" in value):
        help_text = "write `render_template_as_native_obj: true` at the top of the file, or a `${…}` expression"
        return _Misfit(f"is {wanted}, and a template gives text", help=help_text)
    if isinstance(value, str):
        word = _WORDS_FOR_BOOL.get(value.lower()) if "bool" in types else None
        if types == {"time"}:
            help_text = "write `{$object: datetime.time, with: {hour: 10, minute: 30}}`"
            return _Misfit(f"is {wanted}, and this is text", help=help_text, severity=Severity.ERROR)
        help_text = "in YAML 1.2, `yes`, `no`, `on` and `off` are text" if word else ""
        return _Misfit(f"is {wanted}, not the text `{value}`", f"write `{word}`" if word else "", help_text)
    if isinstance(value, int | float):
        written = str(value).lower()
        caret = f'write "{written}"' if "str" in types else ""
        return _Misfit(f"is {wanted}, not {'' if isinstance(value, bool) else 'the number '}`{written}`", caret)
    return _Misfit(f"is {wanted}, not {'a mapping' if isinstance(value, dict) else 'a list'}")


def _fits(value: Any, types: frozenset[str]) -> bool:
    match value:
        case str():
            # Durations as text have a finding of their own.
            return not types.isdisjoint({"str", "timedelta"})
        case bool():
            return not types.isdisjoint({"bool", "int", "float"})
        case int() | float():
            return not types.isdisjoint({"int", "float"} if isinstance(value, int) else {"float"})
        case list():
            return not types.isdisjoint({"list", "tuple", "set", "List", "Tuple", "Set", "str"})
        case dict():
            return "$object" in value or not types.isdisjoint({"dict", "Dict", "Mapping", "str"})
    return True


@lru_cache(maxsize=1024)  # the same operators are used in many files
def _annotation(text: str) -> _Annotation:
    types: set[str] = set()
    literals: list[Any] = []
    try:
        waiting: list[ast.expr] = [ast.parse(text, mode="eval").body]
    except SyntaxError:
        return _Annotation(frozenset(), ())
    while waiting:
        match waiting.pop():
            case ast.BinOp(left=left, op=ast.BitOr(), right=right):
                waiting += [left, right]
            case ast.Subscript(value=ast.Name(id=name) | ast.Attribute(attr=name), slice=inner):
                parts = inner.elts if isinstance(inner, ast.Tuple) else [inner]
                if name in ("Optional", "Union", "Annotated"):
                    waiting += parts[:1] if name == "Annotated" else parts
                elif name == "Literal":
                    literals += [part.value for part in parts if isinstance(part, ast.Constant)]
                else:
                    types.add(name)
            case ast.Name(id=name) | ast.Attribute(attr=name):
                types.add(name)
            case ast.Constant(value=None):
                continue
            case ast.Constant(value=str() as quoted):
                inner_annotation = _annotation(quoted)
                types |= inner_annotation.types
                literals += inner_annotation.literals
            case _:
                types.add("")
    return _Annotation(frozenset(types), tuple(literals))
