"""Arguments that take a task's output in place of a value: those that Airflow renders."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

from pydantic import Discriminator, Tag, WithJsonSchema

from schemas.expression_patterns import TASK_OUTPUT
from schemas.references import run_reference

ValueT = TypeVar("ValueT")

TaskOutput = Annotated[str, WithJsonSchema({"type": "string", "pattern": TASK_OUTPUT})]
"""The text of a whole `${tasks.ID.output…}` or `${expand.NAME…}` reference; whoever builds the task makes a
reference of it."""


def _kind(value: Any) -> str:
    return "<output>" if run_reference(value) is not None else "<value>"


OrTaskOutput = Annotated[
    Annotated[ValueT, Tag("<value>")] | Annotated[TaskOutput, Tag("<output>")],
    Discriminator(_kind),
]
"""Told apart by what is written, so that a wrong value is held against one of the two only."""
