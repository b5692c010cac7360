"""The built-in `empty`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from schemas.model.base import Model
from schemas.model.task_base import TaskBase


class NoArguments(Model):
    """Takes no arguments."""


class EmptyTask(TaskBase):
    """Does nothing; joins or splits the paths of other tasks."""

    uses: Literal["empty"]
    """The built-in that does nothing."""
    with_: NoArguments = Field(default=NoArguments(), alias="with")
    """Takes no arguments."""
