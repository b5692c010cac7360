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
from schemas.findings.meant_times import meant_time
from schemas.findings.paths import DataPath, walk
from schemas.findings.suggestions import did_you_mean, meant
from schemas.rules.refused_values import CHECKED, Misfit, refused
from schemas.rules.run_context import renders_natively
from schemas.rules.subject import Subject
from schemas.rules.task_view import TaskView
from schemas.shape.places import mapping_at
from schemas.source import Function, Parameter
from schemas.source.facts import by_name, missing_names, unknown_names

_WORDS_FOR_BOOL = {"no": "false", "off": "false", "false": "false", "yes": "true", "on": "true", "true": "true"}
_NAMES = {
    **{"str": "text", "bool": "true or false", "int": "a whole number", "float": "a number", "timedelta": "a duration"},
    **{"time": "a time of day", "datetime": "a date", "list": "a list", "tuple": "a list", "set": "a list"},
    **{"List": "a list", "Tuple": "a list", "Set": "a list"},
    **dict.fromkeys(("dict", "Dict", "Mapping"), "a mapping"),
}
"""Types that a value of YAML can be told to fit or not. `Sequence` and `Iterable` may be text."""
_LONGEST_LITERAL = 1_000
_MOMENTS = frozenset({"timedelta", "time", "datetime"})


class _Annotation(NamedTuple):
    """The types of an annotation without None, and the values of its `Literal`."""

    types: frozenset[str]
    literals: tuple[Any, ...]


def misfits(  # a call and what is looked at of it
    subject: Subject,
    task: TaskView,
    who: str,
    parameters: Sequence[Parameter],
    *,
    is_operator: bool,
    besides: Collection[str] = (),
) -> Iterator[Diagnostic]:
    """Findings in the arguments of a call, `besides` some, and in each value that a task is mapped over. A value that
    only a run knows is left alone."""
    known = {parameter.name: parameter.annotation for parameter in parameters}
    for name, place, value in task.given:
        if name not in known or name in besides or (isinstance(value, str) and type(value) is not str):
            continue
        may_be_refused = is_operator and name in CHECKED
        found = refused(name, {**task.arguments, name: value}, known) if may_be_refused else None
        known_later = value is None or _is_known_later(
            value, is_operator=is_operator or renders_natively(subject, task)
        )
        known_later |= isinstance(value, str) and name.startswith("follow_task_ids")  # an id or a list of ids
        if found is None and (annotation := known[name]) is not None and not known_later:
            found = _misfit(value, annotated_as(annotation), is_operator=is_operator)
        if found is not None:
            is_word = isinstance(value, str) and found.caret in ("write `true`", "write `false`")
            yield subject.finding(
                Code.WRONG_ARGUMENT,
                place if found.item is None else (*place, found.item),
                f"`{name}` of {who} {found.message}",
                caret=found.caret,
                help=_why_text(subject, place) if is_word else found.help,
                allowed=found.allowed,
                severity=found.severity if place == (*task.with_path, name) else Severity.WARNING,  # only runs make it
            )


def _why_text(subject: Subject, path: DataPath) -> str:
    _, text, span = subject.value_span(path)
    is_quoted = "".join(text.splitlines()[span.line - 1 : span.line])[span.column - 1 : span.column] in ("'", '"')
    return "the quotes make it text" if is_quoted else "in YAML 1.2, `yes`, `no`, `on` and `off` are text"


def values_of_function(subject: Subject, task: TaskView, function: Function) -> Iterator[Diagnostic]:
    """Findings in the values that a function gets, where its annotations or the document tell that they do not fit."""
    annotated = {p.name for p in function.parameters if p.annotation is not None}
    yield from misfits(subject, task, f"`{function.path}`", function.parameters, is_operator=False)
    yield from words_taken_for_true(subject, task, annotated)
    yield from texts_of_params(subject, task, annotated)
    yield from read_as_values(subject, task, task.arguments.keys() - annotated)


def read_as_values(subject: Subject, task: TaskView, rendered: Collection[str]) -> Iterator[Diagnostic]:
    """Texts without a template that native rendering makes numbers and the like; `rendered`: of these arguments."""
    for name, path, _, text in _texts(task) if renders_natively(subject, task) else ():
        is_rendered = type(text) is str and name in rendered and len(text) <= _LONGEST_LITERAL
        if not is_rendered or any(mark in text for mark in ("{{", "{%", "${")):
            continue
        try:
            value = ast.literal_eval(text)
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            continue
        if not isinstance(value, str):
            message = f"native rendering makes {_KINDS_OF_VALUES.get(type(value)) or f'`{value}`'} of this text"
            help_text = f"to keep the text, write \"'{text}'\"" if re.fullmatch(r"[\w.+-]+", text) else ""
            yield subject.finding(Code.WRONG_ARGUMENT, path, message, help=help_text, severity=Severity.WARNING)


def _texts(task: TaskView) -> Iterator[tuple[str, DataPath, bool, str]]:
    """Each text that is given for an argument: its name, the path of the text, whether it is all of the value."""
    for name, path, value in task.given:
        yield from ((name, (*path, *place), not place, text) for place, text in walk(value).texts)


def as_calls(task: TaskView) -> Iterator[TaskView]:
    """The task as if its `op_kwargs` were its arguments, for each that it is mapped over once."""
    single = {key: value for key, value in task.entry.items() if key not in ("expand", "expand_kwargs")}
    for name, path, value in task.given:
        if name == "op_kwargs" and isinstance(value, dict):
            yield task._replace(entry=single, arguments=value, with_path=path)


_OF_A_PARAM = (
    r"\s*\{\{-?\s*params(?:\.get\((?P<quote>['\"])|\[(?P<mark>['\"])|\.)(?P<name>\w+)(?(mark)(?P=mark)\])(?(quote)(?P=quote)\))"
    r"\s*-?\}\}\s*"
)
_KINDS = {"array": "a list", "object": "a mapping", "boolean": "true or false"}
_KINDS_OF_VALUES = {list: "a list", tuple: "a list", dict: "a mapping", bool: "true or false"}


def texts_of_params(subject: Subject, task: TaskView, annotated: Collection[str]) -> Iterator[Diagnostic]:
    """`{{ params.x }}` of a param that is no text, in arguments of a function whose type is unknown."""
    is_asked = subject.may_hold("params.", "params[") and not renders_natively(subject, task)
    for name, path, is_whole, value in _texts(task) if is_asked else ():
        match = re.fullmatch(_OF_A_PARAM, value) if not is_whole or name not in annotated else None
        if match is None or type(value) is not str:
            continue
        param = {**mapping_at(subject.data, ("params",)), **mapping_at(task.entry, ("params",))}.get(match["name"])
        kind, default = _KINDS_OF_VALUES.get(type(param)), param
        if isinstance(param, dict) and "type" in param:
            kind, default = _KINDS.get(str(param["type"])), param.get("default")
        if kind is not None:
            which = f" `{default}`, which is true" if default is False else ""
            message = f"`params.{match['name']}` is {kind}, and a template gives its text{which}"
            help_text = "write `render_template_as_native_obj: true` for the DAG, or have the function take `params`"
            yield subject.finding(Code.WRONG_ARGUMENT, path, message, help=help_text, severity=Severity.WARNING)


def _is_known_later(value: Any, *, is_operator: bool) -> bool:
    """Whether the value is an expression. A function gets the text that a template gives, whatever it is made of."""
    is_template = isinstance(value, str) and is_operator and ("{{" in value or "{%" in value)
    return is_template or (isinstance(value, str) and "${" in value and not _is_text_of_a_run(value))


def _is_text_of_a_run(value: Any) -> bool:
    """Whether the value is a text with outputs in it: what it says is not known, but it is text."""
    return any(not expression.whole for expression, _ in run_references(value))


def words_taken_for_true(subject: Subject, task: TaskView, annotated: Collection[str]) -> Iterator[Diagnostic]:
    """`no` and `off` without quotes in arguments whose type is unknown: YAML 1.2 reads text, and any text is true. In a
    list with other words, such as countries, text is meant."""
    for name, path, value in task.given:
        is_word = type(value) is str and (value == "None" or value.lower() in ("no", "off")) and name not in annotated
        others = mapping_at(task.entry, ("expand",)).get(name, ()) if is_word and path[-1] != name else ()
        if not is_word or not all(str(one).lower() in (*_WORDS_FOR_BOOL, "none") for one in others):
            continue
        document, place = subject.effective.origin(path)
        if document.written(document.value_span(place)) == value:
            caret = f"write `{'null' if value == 'None' else 'false'}`, or '{value}' in quotes for the text"
            message, warning = f"`{name}` is the text `{value}`, which counts as true", Severity.WARNING
            yield subject.finding(Code.WRONG_ARGUMENT, path, message, caret=caret, severity=warning)


def _misfit(value: Any, annotation: _Annotation, *, is_operator: bool) -> Misfit | None:
    types, literals = annotation
    is_other = isinstance(value, str | int) and value not in literals and not _is_text_of_a_run(value)
    if literals and not types and is_other:
        allowed = tuple(str(one) for one in literals)
        return Misfit(f"cannot be `{value}`", meant(str(value), allowed), allowed=allowed)
    if not types or literals or not types <= _NAMES.keys() or _fits(value, types, is_operator=is_operator):
        return None
    wanted = " or ".join(dict.fromkeys(_NAMES[name] for name in sorted(types)))
    if isinstance(value, str) and ("{{" in value or "{%" in value):
        help_text = "write `render_template_as_native_obj: true` for the DAG, or a `${…}` expression"
        return Misfit(f"is {wanted}, and a template gives text", help=help_text)
    if isinstance(value, str):
        word = _WORDS_FOR_BOOL.get(value.lower()) if "bool" in types else None
        return Misfit(f"is {wanted}, not the text `{value}`", f"write `{word}`" if word else "")
    if isinstance(value, int | float):
        written = str(value).lower()
        is_number = not isinstance(value, bool)  # as it is written, which may be `0755` or `1.10`
        in_quotes = "put it in quotes" if is_number else f'write "{written}"'
        caret = did_you_mean(meant_time(value)) if "time" in types else in_quotes if "str" in types else ""
        message = f"is {wanted}, not {'the number ' if is_number else ''}`{written}`"
        is_refused = is_operator and types <= _MOMENTS - {"timedelta"}
        return Misfit(message, caret, severity=Severity.ERROR if is_refused else Severity.WARNING)
    if isinstance(value, dict):
        return Misfit(f"is {wanted}, not a mapping")
    pairs = [str(one).split("=", 1) for one in value if isinstance(value, list)]
    is_meant = bool(pairs) and all(len(pair) > 1 for pair in pairs) and "dict" in types
    caret = f"write `{{{', '.join(map(': '.join, pairs))}}}`" if is_meant else ""
    return Misfit(f"is {wanted}, not a list", caret)


def _fits(value: Any, types: frozenset[str], *, is_operator: bool) -> bool:
    match value:
        case str():
            # Durations and times of day as text have a finding of their own; a function gets text.
            return not types.isdisjoint(_MOMENTS | {"str"} if is_operator else {"str", "timedelta", "datetime"})
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
def annotated_as(text: str) -> _Annotation:
    """What an annotation says."""
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
                inner_annotation = annotated_as(quoted)
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
