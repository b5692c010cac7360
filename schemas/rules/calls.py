"""A dotted path with arguments that stands elsewhere than in a task's `uses`, against the source it names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from schemas.codes import Code
from schemas.data_path import DataPath
from schemas.diagnostics import Diagnostic
from schemas.mend import word
from schemas.rules.missing_code import hidden_module, no_callable
from schemas.source import Class, Function, NotInstalled, Parameter, SourceReader, TaskDecorated, Undecidable
from schemas.subject import Subject
from schemas.suggestions import meant, nearest


@dataclass(frozen=True, slots=True)
class Call:
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
            message = f"`{found.distribution_hint}` is not installed here, so this was not checked"
            yield subject.finding(Code.OPERATOR_NOT_INSTALLED, call.path, message)
        case TaskDecorated():
            message = f"`{call.dotted}` is made a task by `@{found.decorator}`; name the plain function"
            yield subject.finding(Code.NOT_CALLABLE, call.path, message)
        case _:
            yield no_callable(subject, call.path, found)


def _arguments(subject: Subject, call: Call, parameters: tuple[Parameter, ...] | None) -> Iterator[Diagnostic]:
    if call.arguments is None or parameters is None:
        return
    by_name = [p for p in parameters if p.kind in ("POSITIONAL_OR_KEYWORD", "KEYWORD_ONLY")]
    names = [p.name for p in by_name]
    missing = [p.name for p in by_name if p.required and p.name not in {*call.arguments, *call.given}]
    takes_any = any(p.kind == "VAR_KEYWORD" for p in parameters)
    unknown = [] if takes_any else [key for key in call.arguments if key not in names]
    for key in unknown:
        mend = word(key, names)
        yield subject.finding(
            Code.UNKNOWN_ARGUMENT,
            (*call.arguments_path, key),
            f"`{call.dotted}` has no argument `{key}`",
            at_key=True,
            caret=meant(key, names),
            allowed=tuple(names),
            mend=mend if mend is None or mend.text not in call.arguments else None,
        )
    typos = [nearest(key, missing) for key in unknown]
    for name in missing:
        if name not in typos:
            message = f"`{call.dotted}` needs the argument `{name}`"
            yield subject.finding(
                Code.MISSING_ARGUMENT, call.path, message, help=f"write it in `{call.arguments_path[-1]}`"
            )
