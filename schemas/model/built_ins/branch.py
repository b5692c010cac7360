"""The built-in `branch`, in the words of Airflow's BranchPythonOperator."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from schemas.model.base import Model
from schemas.model.fields import FunctionPath, OrTaskOutput, PlainValue
from schemas.model.task_base import TaskBase


class BranchArguments(Model):
    """A function that chooses."""

    python_callable: FunctionPath
    """Function that returns the id of a task or group directly after this one, a list of ids, or None; the others
    directly after it are skipped. The id of a task in a group is `group.task`."""
    op_kwargs: OrTaskOutput[dict[str, PlainValue]] | None = None
    """Its arguments, by name. `${tasks.ID.output}` gives another task's output; Airflow's context names need no
    argument."""


class BranchTask(TaskBase):
    """Chooses which of the tasks directly after it run."""

    templated: ClassVar[frozenset[str]] = frozenset({"op_kwargs"})
    functions: ClassVar[frozenset[str]] = frozenset({"python_callable"})

    uses: Literal["branch"]
    """The built-in that chooses."""
    with_: BranchArguments = Field(alias="with")
    """What chooses."""
