"""The built-in `short_circuit`, in the words of Airflow's ShortCircuitOperator."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from schemas.model.base import Model
from schemas.model.fields import FunctionPath, OrTaskOutput, PlainValue
from schemas.model.task_base import TaskBase


class ShortCircuitArguments(Model):
    """A function that decides."""

    python_callable: FunctionPath
    """Function whose result decides: a value that is false in Python skips all tasks after this one."""
    op_kwargs: OrTaskOutput[dict[str, PlainValue]] | None = None
    """Its arguments, by name. `${tasks.ID.output}` gives another task's output; Airflow's context names need no
    argument."""
    ignore_downstream_trigger_rules: bool = True
    """`false` skips only the tasks directly after it; later ones follow their `trigger_rule`."""


class ShortCircuitTask(TaskBase):
    """Continues, or skips all tasks after it."""

    templated: ClassVar[frozenset[str]] = frozenset({"op_kwargs"})
    functions: ClassVar[frozenset[str]] = frozenset({"python_callable"})

    uses: Literal["short_circuit"]
    """The built-in that goes on or stops."""
    with_: ShortCircuitArguments = Field(alias="with")
    """What decides."""
