"""Arguments by name against what a function or a class takes."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from schemas.expressions.reading import run_references
from schemas.findings.codes import Code, Severity
from schemas.findings.diagnostics import Diagnostic, typo_fix
from schemas.findings.paths import DataPath
from schemas.findings.suggestions import meant
from schemas.model.built_ins import BUILT_INS, built_in
from schemas.model.task_base import CONTEXT_NAMES
from schemas.rules.dotted_paths import look_up, no_function
from schemas.rules.expressions import has_expression
from schemas.rules.refused_values import CHECKED, Misfit, refused
from schemas.rules.subject import Subject
from schemas.rules.task_view import TaskView
from schemas.shape.places import mapping_at
from schemas.source import Class, Function, NotCallable, Parameter, SourceReader, TaskDecorated
from schemas.source.results import by_name, missing_names, unknown_names

_WORDS_FOR_BOOL = {"no": "false", "off": "false", "false": "false", "yes": "true", "on": "true", "true": "true"}
_NAMES = {
    **{"str": "text", "bool": "true or false", "int": "a whole number", "float": "a number", "timedelta": "a duration"},
    **{"time": "a time of day", "list": "a list", "tuple": "a list", "set": "a list", "dict": "a mapping"},
    **{"List": "a list", "Tuple": "a list", "Set": "a list", "Dict": "a mapping", "Mapping": "a mapping"},
}
"""Types that a value of YAML can be told to fit or not. `Sequence` and `Iterable` may be text."""
_TRUE_BUT_NO = ("no", "off")


class _Annotation(NamedTuple):
    """The types of an annotation without None, and the values of its `Literal`."""

    types: frozenset[str]
    literals: tuple[Any, ...]


def misfits(
    subject: Subject, task: TaskView, who: str, parameters: Sequence[Parameter], *, is_operator: bool
) -> Iterator[Diagnostic]:
    """Findings in the arguments of a call. A value that only a run knows is left alone."""
    arguments = task.arguments
    for parameter in parameters:
        value = arguments.get(parameter.name)
        if parameter.name not in arguments or (isinstance(value, str) and type(value) is not str):
            continue
        may_be_refused = is_operator and parameter.name in CHECKED
        found = refused(parameter.name, arguments, {p.name for p in parameters}) if may_be_refused else None
        known_later = value is None or _is_known_later(value, is_operator=is_operator or renders_natively(subject))
        known_later |= isinstance(value, str) and parameter.name.startswith("follow_task_ids")  # an id or a list of ids
        if found is None and parameter.annotation is not None and not known_later:
            found = _misfit(value, _annotation(parameter.annotation), is_operator=is_operator)
        if found is not None:
            place = (*task.with_path, parameter.name)
            yield subject.finding(
                Code.WRONG_ARGUMENT,
                place if found.item is None else (*place, found.item),
                f"`{parameter.name}` of {who} {found.message}",
                caret=found.caret,
                help=found.help,
                allowed=found.allowed,
                severity=found.severity,
            )


_OF_A_PARAM = re.compile(r"\s*\{\{-?\s*params(?:\.|\[(?P<mark>['\"]))(?P<name>\w+)(?(mark)(?P=mark)\])\s*-?\}\}\s*")
_KINDS = {"array": "a list", "object": "a mapping", "boolean": "true or false"}
_KINDS_OF_VALUES = {list: "a list", dict: "a mapping", bool: "true or false"}


def texts_of_params(subject: Subject, task: TaskView, annotated: Collection[str]) -> Iterator[Diagnostic]:
    """`{{ params.x }}` of a param that is no text, in arguments of a function whose type is unknown."""
    for name, value in task.arguments.items():
        match = _OF_A_PARAM.fullmatch(value) if type(value) is str and name not in annotated else None
        if match is None or renders_natively(subject):
            continue
        param = {**mapping_at(subject.data, ("params",)), **mapping_at(task.entry, ("params",))}.get(match["name"])
        kind, default = _KINDS_OF_VALUES.get(type(param)), param
        if isinstance(param, dict) and "type" in param:
            kind, default = _KINDS.get(str(param["type"])), param.get("default")
        if kind is not None:
            message = f"`params.{match['name']}` is {kind}, and a template gives its text"
            message += f" `{default}`, which is true" if default is False else ""
            help_text = "write `render_template_as_native_obj: true` at the top, or have the function take `params`"
            path, severity = (*task.with_path, name), Severity.WARNING
            yield subject.finding(Code.WRONG_ARGUMENT, path, message, help=help_text, severity=severity)


def renders_natively(subject: Subject) -> bool:
    return subject.data.get("render_template_as_native_obj") not in (None, False)


def _is_known_later(value: Any, *, is_operator: bool) -> bool:
    """Whether the value is an expression. A function gets the text that a template gives, whatever it is made of."""
    return isinstance(value, str) and (
        ("${" in value and not _is_text_of_a_run(value)) or (is_operator and ("{{" in value or "{%" in value))
    )


def _is_text_of_a_run(value: Any) -> bool:
    """Whether the value is a text with outputs in it: what it says is not known, but it is text."""
    return any(not expression.whole for expression, _ in run_references(value))


def words_taken_for_true(subject: Subject, task: TaskView, annotated: Collection[str]) -> Iterator[Diagnostic]:
    """`no` and `off` without quotes in arguments whose type is unknown: YAML 1.2 reads text, and any text is true."""
    for name, value in task.arguments.items():
        is_nothing = value == "None"
        if type(value) is not str or not (is_nothing or value.lower() in _TRUE_BUT_NO) or name in annotated:
            continue
        document, place = subject.effective.origin((*task.with_path, name))
        if document.written(document.value_span(place)) == value:
            message, path = f"`{name}` is the text `{value}`, which counts as true", (*task.with_path, name)
            caret = f"write `{'null' if is_nothing else 'false'}`, or '{value}' in quotes for the text"
            yield subject.finding(Code.WRONG_ARGUMENT, path, message, caret=caret, severity=Severity.WARNING)


def _misfit(value: Any, annotation: _Annotation, *, is_operator: bool) -> Misfit | None:
    types, literals = annotation
    if literals and _is_text_of_a_run(value):
        return None
    if literals and not types and isinstance(value, str | int) and value not in literals:
        allowed = tuple(str(one) for one in literals)
        return Misfit(f"cannot be `{value}`", meant(str(value), allowed), allowed=allowed)
    if not types or literals or not types <= _NAMES.keys() or _fits(value, types, is_operator=is_operator):
        return None
    wanted = " or ".join(dict.fromkeys(_NAMES[name] for name in sorted(types)))
    if isinstance(value, str) and ("{{" in value or "{%" in value):
        help_text = "write `render_template_as_native_obj: true` at the top of the file, or a `${…}` expression"
        return Misfit(f"is {wanted}, and a template gives text", help=help_text)
    if isinstance(value, str):
        word = _WORDS_FOR_BOOL.get(value.lower()) if "bool" in types else None
        help_text = "in YAML 1.2, `yes`, `no`, `on` and `off` are text" if word else ""
        return Misfit(f"is {wanted}, not the text `{value}`", f"write `{word}`" if word else "", help_text)
    if isinstance(value, int | float):
        written = str(value).lower()
        is_number = not isinstance(value, bool)  # as it is written, which may be `0755` or `1.10`
        caret = ("put it in quotes" if is_number else f'write "{written}"') if "str" in types else ""
        return Misfit(f"is {wanted}, not {'the number ' if is_number else ''}`{written}`", caret)
    return Misfit(f"is {wanted}, not {'a mapping' if isinstance(value, dict) else 'a list'}")


def _fits(value: Any, types: frozenset[str], *, is_operator: bool) -> bool:
    match value:
        case str():
            # Durations and times of day as text have a finding of their own; a function gets text.
            return not types.isdisjoint({"str", "timedelta", "time"} if is_operator else {"str", "timedelta"})
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


class Arguments(NamedTuple):
    """`who` is called with those of `written`, which has the path of each.

    What is missing is reported at `at`; `filled` are parameters that get a value elsewhere, or a finding.
    """

    who: str
    written: Mapping[str, DataPath]
    at: DataPath
    at_key: bool = False
    filled: Collection[str] = ()
    how: str = "write it in `with`"


def written_at(path: DataPath, arguments: Mapping[str, Any]) -> dict[str, DataPath]:
    """The place of each key of a mapping at a path."""
    return {name: (*path, name) for name in arguments}


def argument_findings(subject: Subject, arguments: Arguments, parameters: Sequence[Parameter]) -> Iterator[Diagnostic]:
    """Arguments that it does not take, and those it needs; one that is misspelt is not missing, too."""
    names = tuple(p.name for p in by_name(parameters))
    for name in unknown_names(parameters, arguments.written):
        if name.startswith("$"):
            continue  # reserved, which has its own finding
        fix = typo_fix(name, names)
        yield subject.finding(
            Code.UNKNOWN_ARGUMENT,
            arguments.written[name],
            f"{arguments.who} has no argument `{name}`",
            at_key=True,
            caret=meant(name, names),
            allowed=names,
            fix=fix if fix is not None and fix.text not in arguments.written else None,
        )
    for name in missing_names(parameters, arguments.written, arguments.filled):
        yield subject.finding(
            Code.MISSING_ARGUMENT,
            arguments.at,
            f"{arguments.who} needs the argument `{name}`",
            at_key=arguments.at_key,
            help=arguments.how,
        )


class Call(NamedTuple):
    """`dotted` is at `path`; `arguments` are at `arguments_path`, None where only Airflow passes any.

    `given` are the arguments that Airflow gives; `takes_class`: a class is allowed, too.
    """

    path: DataPath
    dotted: str
    arguments_path: DataPath
    arguments: Mapping[str, Any] | None
    given: frozenset[str]
    takes_class: bool = False


def check_call(subject: Subject, call: Call, reader: SourceReader) -> Iterator[Diagnostic]:
    """Findings of a call. None where reading source cannot decide."""
    found, findings = look_up(subject, call.path, call.dotted, reader)
    yield from findings
    match found:
        case Function():
            yield from _call_arguments(subject, call, found.parameters)
        case Class() if call.takes_class and not found.is_operator:
            yield from _call_arguments(subject, call, found.parameters)
        case Class():
            kind = "an operator" if found.is_operator else "a class"
            wanted = "a function or a notifier" if call.takes_class else "a function"
            yield subject.finding(Code.NOT_CALLABLE, call.path, f"`{call.dotted}` is {kind}, not {wanted}")
        case TaskDecorated() | NotCallable():
            yield no_function(subject, call.path, call.dotted, found)


def _call_arguments(subject: Subject, call: Call, parameters: tuple[Parameter, ...] | None) -> Iterator[Diagnostic]:
    if call.arguments is None or parameters is None:
        return
    arguments = Arguments(
        f"`{call.dotted}`",
        written_at(call.arguments_path, call.arguments),
        call.path,
        filled=call.given,
        how=f"write it in `{call.arguments_path[-1]}`",
    )
    yield from argument_findings(subject, arguments, parameters)


def check_named_functions(subject: Subject, reader: SourceReader) -> Iterator[Diagnostic]:
    """Findings in the functions, and in their arguments where there are `op_kwargs`."""
    for task in subject.tasks:
        if task.uses is None or task.uses not in BUILT_INS:
            continue
        for key in sorted(built_in(task.uses).functions & task.arguments.keys()):
            dotted, path = task.arguments[key], (*task.with_path, key)
            if not isinstance(dotted, str) or "." not in dotted or has_expression(subject, path):
                continue
            arguments = task.arguments.get("op_kwargs") or {} if key == "python_callable" else None
            known = arguments if isinstance(arguments, dict) else None  # of another task's output nothing is known
            yield from check_call(
                subject, Call(path, dotted, (*task.with_path, "op_kwargs"), known, CONTEXT_NAMES), reader
            )
