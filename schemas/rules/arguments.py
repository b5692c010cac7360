"""Arguments by name against what a function or a class takes."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic, typo_fix
from schemas.findings.paths import DataPath
from schemas.findings.suggestions import meant
from schemas.model.built_ins import BUILT_INS, built_in
from schemas.model.task_base import CONTEXT_NAMES
from schemas.rules.dotted_paths import look_up, no_function
from schemas.rules.expressions import has_expression
from schemas.rules.subject import Subject
from schemas.source import Class, Function, NotCallable, Parameter, SourceReader, TaskDecorated
from schemas.source.results import by_name, missing_names, unknown_names


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
