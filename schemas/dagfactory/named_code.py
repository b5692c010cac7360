"""What a dotted path names, and what is wrong with the path."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace

from schemas.compose.env_values import EnvText
from schemas.dagfactory.dag_view import DagView
from schemas.findings.diagnostics import Diagnostic
from schemas.findings.paths import DataPath
from schemas.rules.dotted_paths import hidden_module, no_callable, not_installed
from schemas.rules.moved_paths import moved, moved_to
from schemas.source import Class, Function, NotInstalled, SourceReader, TaskDecorated, Undecidable
from schemas.source.results import Result


def named_code(
    dag: DagView, path: DataPath, dotted: str, reader: SourceReader
) -> Generator[Diagnostic, None, Result | None]:
    """Returns what a path names; None where a finding says that it names nothing."""
    result, findings = _named(dag, path, dotted, reader)
    for finding in findings:
        yield _without_value(finding, dotted) if isinstance(dotted, EnvText) else finding
    return result


def _named(
    dag: DagView, path: DataPath, dotted: str, reader: SourceReader
) -> tuple[Result | None, tuple[Diagnostic, ...]]:
    hidden = reader.hidden_by(dotted)
    if hidden is not None:
        return None, (hidden_module(dag.subject, path, hidden),)
    found = reader.find(dotted)
    new = moved_to(dotted, found.path if isinstance(found, Function | Class) else None)
    findings: tuple[Diagnostic, ...] = ()
    if new is not None:
        findings = (moved(dag.subject, path, new, still_there=isinstance(found, Function | Class)),)
    match found:
        case Function() | Class() | Undecidable() | TaskDecorated():
            return found, findings
        case NotInstalled():
            return None, (*findings, not_installed(dag.subject, path, found))
        case _:
            return None, findings if new is not None else (no_callable(dag.subject, path, found),)


def _without_value(finding: Diagnostic, dotted: EnvText) -> Diagnostic:
    """The finding of a path that comes from the environment: its parts are in the message, in other words too."""
    message = f"what `{dotted.expression}` gives here names nothing that can be used"
    return replace(finding, message=message, caret="", help="", allowed=(), fix=None)
