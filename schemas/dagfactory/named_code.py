"""What a dotted path names, and what is wrong with the path."""

from __future__ import annotations

from collections.abc import Generator

from schemas.dagfactory.dag_view import DagView
from schemas.data_path import DataPath
from schemas.diagnostics import Diagnostic
from schemas.rules.missing_code import hidden_module, no_callable, not_installed
from schemas.rules.moved_paths import moved, moved_to
from schemas.source import Class, Function, NotInstalled, SourceReader, TaskDecorated, Undecidable
from schemas.source.results import Result


def named_code(
    dag: DagView, path: DataPath, dotted: str, reader: SourceReader
) -> Generator[Diagnostic, None, Result | None]:
    """Returns what a path names; None where a finding says that it names nothing."""
    hidden = reader.hidden_by(dotted)
    if hidden is not None:
        yield hidden_module(dag.subject, path, hidden)
        return None
    found = reader.find(dotted)
    new = moved_to(dotted, found.path if isinstance(found, Function | Class) else None)
    if new is not None:
        yield moved(dag.subject, path, new, still_there=isinstance(found, Function | Class))
    match found:
        case Function() | Class() | Undecidable() | TaskDecorated():
            return found
        case NotInstalled():
            yield not_installed(dag.subject, path, found)
        case _:
            if new is None:
                yield no_callable(dag.subject, path, found)
    return None
