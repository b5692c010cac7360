"""A dotted path with arguments that stands elsewhere than in a task's `uses`, against the source it names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic
from schemas.findings.paths import DataPath
from schemas.rules.arguments import Arguments, argument_findings, written_at
from schemas.rules.missing_code import hidden_module, no_callable, not_installed
from schemas.rules.module_elsewhere import written_from_elsewhere
from schemas.rules.subject import Subject
from schemas.source import Class, Function, NotInstalled, Parameter, SourceReader, TaskDecorated, Undecidable


class Call(NamedTuple):
    """`dotted` stands at `path`; `arguments`, None where nobody but Airflow gives any, stand at `arguments_path`.

    `given` are the arguments that Airflow gives; `takes_class`: a class can stand there, too.
    """

    path: DataPath
    dotted: str
    arguments_path: DataPath
    arguments: Mapping[str, Any] | None
    given: frozenset[str]
    takes_class: bool = False


def check_call(subject: Subject, call: Call, reader: SourceReader) -> Iterator[Diagnostic]:
    """Findings of a call. Where reading source cannot decide there are none."""
    hidden = reader.hidden_by(call.dotted)
    if hidden is not None:
        yield hidden_module(subject, call.path, hidden)
        return
    found = reader.find(call.dotted)
    elsewhere = written_from_elsewhere(subject, call.path, call.dotted, found, reader)
    if elsewhere is not None:
        yield elsewhere
        return
    match found:
        case Function():
            yield from _arguments(subject, call, found.parameters)
        case Class() if call.takes_class and not found.is_operator:
            yield from _arguments(subject, call, found.parameters)
        case Class():
            kind = "an operator" if found.is_operator else "a class"
            wanted = "a function or a notifier" if call.takes_class else "a function"
            yield subject.finding(Code.NOT_CALLABLE, call.path, f"`{call.dotted}` is {kind}, not {wanted}")
        case Undecidable():
            return
        case NotInstalled():
            yield not_installed(subject, call.path, found)
        case TaskDecorated():
            message = f"`{call.dotted}` is made a task by `@{found.decorator}`; name the plain function"
            yield subject.finding(Code.NOT_CALLABLE, call.path, message)
        case _:
            yield no_callable(subject, call.path, found)


def _arguments(subject: Subject, call: Call, parameters: tuple[Parameter, ...] | None) -> Iterator[Diagnostic]:
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
