"""Text → document of dag-factory's language, with positions and with a warning wherever YAML 1.1 and 1.2 differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from schemas.compose.env_values import is_airflows_own, looks_like_secret
from schemas.dagfactory.scalars import Difference, ScalarReader, Variable
from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic
from schemas.folder.dialect import DIALECT, has_shape, is_forced
from schemas.text.document import Document, document_from_text
from schemas.text.lines import TextLines


@dataclass(frozen=True)
class DagFactoryDocument(Document):
    """A document whose `data` is what dag-factory would have read: YAML 1.1, environment variables expanded.

    Text that holds a variable's value is an `EnvText`. `notes` are what reading it has to say.
    """

    dialect = DIALECT
    notes: tuple[Diagnostic, ...] = ()


def dag_factory_document(text: str, file: str, environ: Mapping[str, str]) -> DagFactoryDocument | None:
    """Read a text that may be dag-factory's; None where neither its shape nor a comment says that it is."""
    document = read_dag_factory(text, file, environ)
    if is_forced(text) or has_shape(document.data):
        return document
    # What only YAML 1.1 finds wrong must not hide whose file it is.
    return document if document.diagnostics and has_shape(document_from_text(text, file).data) else None


def read_dag_factory(text: str, file: str, environ: Mapping[str, str]) -> DagFactoryDocument:
    """Read a text that is dag-factory's: one of its documents, or its defaults."""
    scalars = ScalarReader(environ)
    read = document_from_text(text, file, scalars)
    # A date where a date belongs means the same as its text; elsewhere a rule says that it is an object.
    differences = [d for d in scalars.differences.values() if not isinstance(d.old, date)]
    secrets = [v for v in scalars.variables.values() if v.is_set and _is_secret(v.name)]
    if read.diagnostics or not (differences or secrets):
        return DagFactoryDocument(file, read.text, read.data, read.diagnostics)
    place = _Place(file, read.text, TextLines(read.text))
    notes = (*(_difference(d, place) for d in differences), *(_secret(v, place) for v in secrets))
    return DagFactoryDocument(file, read.text, read.data, (), notes)


@dataclass(frozen=True, slots=True)
class _Place:
    file: str
    text: str
    lines: TextLines


def _is_secret(name: str) -> bool:
    return looks_like_secret(name) or is_airflows_own(name)


def _difference(found: Difference, place: _Place) -> Diagnostic:
    old, new = _described(found.old), _described(found.new)
    keep = found.written if isinstance(found.old, str) else _written(found.old)
    caret = f'write "{keep}"' if isinstance(found.old, str) else f'write {keep}, or "{found.written}" for the text'
    return Diagnostic(
        Code.YAML11_VALUE,
        f"dag-factory reads `{found.written}` as {old}; YAML 1.2 reads {new}",
        place.file,
        place.lines.span(found.start, found.end),
        caret=caret,
        text=place.text,
        severity=Code.YAML11_VALUE.severity,
    )


def _secret(found: Variable, place: _Place) -> Diagnostic:
    return Diagnostic(
        Code.SECRET_VARIABLE,
        f"`{found.name}` looks like a secret; dag-factory writes its value into the DAG, where Airflow shows it",
        place.file,
        place.lines.span(found.start, found.end),
        help="keep it in an Airflow connection or Variable: `{{ conn.NAME.password }}`, `{{ var.value.NAME }}`",
        text=place.text,
        severity=Code.YAML11_VALUE.severity,
    )


def _described(value: Any) -> str:
    if isinstance(value, str):
        return "text"
    return f"the number {_written(value)}" if not isinstance(value, bool) else _written(value)


def _written(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
