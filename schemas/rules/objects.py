"""`{$object: dotted.path, with: {…}}` against the source it names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from schemas.expressions.reading import TaskReference
from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic
from schemas.findings.paths import DataPath
from schemas.model.python_object import OBJECT
from schemas.rules.arguments import Arguments, argument_findings, written_at
from schemas.rules.expressions import stands_at
from schemas.rules.missing_code import hidden_module, no_callable, not_installed
from schemas.rules.module_elsewhere import written_from_elsewhere
from schemas.rules.python_objects import objects_of, objects_of_task
from schemas.rules.subject import Subject
from schemas.source import Class, Function, NotCallable, NotInstalled, SourceReader, TaskDecorated, Undecidable

_KEYS = (OBJECT, "with")
_OBJECT_WANTED = frozenset({"default_partition_mapper", "partition_mapper_config", "weight_rule", "trigger"})
"""Keys whose value is an object, never a class or a function."""


def check(subject: Subject, reader: SourceReader) -> Iterator[Diagnostic]:
    """Findings in every `$object` of the document; where reading source cannot decide there are none."""
    if not subject.may_hold(OBJECT):
        return
    for path, written in objects_of(subject):
        yield from _object(subject, reader, path, written)
    for task in subject.tasks:
        found = list(objects_of_task(task))
        if found and isinstance(reader.find(str(task.uses)), Function):
            yield subject.finding(
                Code.OBJECT_NOT_ALLOWED,
                found[0][0],
                "a function gets plain values: Airflow stores and shows them",
                help="make the object in the function, from plain values",
            )
            continue
        for path, written in found:
            yield from _object(subject, reader, path, written)
            yield from _outputs(subject, path)


def _object(subject: Subject, reader: SourceReader, path: DataPath, written: Mapping[str, Any]) -> Iterator[Diagnostic]:
    dotted, arguments = written[OBJECT], written.get("with")
    for key in written:
        if key not in _KEYS:
            message = f"beside `{OBJECT}` stands only `with`, the arguments it is called with"
            yield subject.finding(Code.BAD_PYTHON_OBJECT, (*path, key), message, at_key=True)
    if not isinstance(dotted, str):
        yield subject.finding(
            Code.BAD_PYTHON_OBJECT, (*path, OBJECT), f"`{OBJECT}` is the dotted path of a class or function"
        )
        return
    if not isinstance(arguments, dict | None):
        yield subject.finding(Code.BAD_PYTHON_OBJECT, (*path, "with"), "`with` are arguments by name: a mapping")
        return
    if stands_at(subject, (*path, OBJECT)):
        return
    yield from _named(subject, reader, path, dotted, arguments)


def _named(
    subject: Subject, reader: SourceReader, path: DataPath, dotted: str, arguments: Mapping[str, Any] | None
) -> Iterator[Diagnostic]:
    place = (*path, OBJECT)
    hidden = reader.hidden_by(dotted)
    if hidden is not None:
        yield hidden_module(subject, place, hidden)
        return
    found = reader.find(dotted)
    elsewhere = written_from_elsewhere(subject, place, dotted, found, reader)
    if elsewhere is not None:
        yield elsewhere
        return
    match found:
        case Class() | Function():
            if arguments is not None:
                written = Arguments(f"`{found.path}`", written_at((*path, "with"), arguments), place)
                if found.parameters is not None:
                    yield from argument_findings(subject, written, found.parameters)
            elif _OBJECT_WANTED.intersection(map(str, path[-2:])) and isinstance(found, Class):
                message = f"`{dotted}` is a class, and an object of it is wanted"
                help = "add `with: {}`, which calls it without arguments"
                yield subject.finding(Code.CLASS_IN_PLACE_OF_OBJECT, place, message, help=help)
        case Undecidable():
            return
        case NotCallable(kind="constant") if arguments is None:
            return
        case NotCallable(kind="constant"):
            yield subject.finding(
                Code.BAD_PYTHON_OBJECT, place, f"`{dotted}` is a value: it cannot be called with arguments"
            )
        case TaskDecorated():
            yield subject.finding(Code.NOT_CALLABLE, place, f"`{dotted}` is made a task by `@{found.decorator}`")
        case NotInstalled():
            yield not_installed(subject, place, found)
        case _:
            yield no_callable(subject, place, found)


def _outputs(subject: Subject, path: DataPath) -> Iterator[Diagnostic]:
    """An object is made before the run, a task's output is known in it."""
    for _, place, reference in subject.task_references:
        if place[: len(path)] == path and isinstance(reference, TaskReference):
            message = "an object is made when the DAG is built, before any task has an output"
            yield subject.finding(Code.OBJECT_NOT_ALLOWED, place, message)
