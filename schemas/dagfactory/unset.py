"""A value that is nothing but variables which are not set where the file is checked: what it is cannot be told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from schemas.compose.env_values import EnvText
from schemas.dagfactory.dag_view import DagView
from schemas.dagfactory.scalars import variables
from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic
from schemas.findings.paths import DataPath


def is_unset(value: Any) -> bool:
    """Whether a value is one variable without a value here."""
    if not isinstance(value, str) or isinstance(value, EnvText):
        return False
    return any(written == value for written, _ in variables(value))


def unset(dag: DagView, path: DataPath, value: Any) -> Iterator[Diagnostic]:
    """The finding for a variable in a place where text cannot stand."""
    name = next(name for written, name in variables(value) if written == value)
    message = f"`{name}` is not set here, and as text it cannot be `{path[-1]}`"
    yield dag.subject.finding(Code.UNSET_VARIABLE, path, message, help="set it where Airflow reads the file, too")
