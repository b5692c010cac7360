"""The built-in `wait_until`, in the words of Airflow's DateTimeSensor and TimeSensor."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from schemas.model.sensor import LOOKING, DeferrableSensorArguments
from schemas.model.task_base import TaskBase
from schemas.model.times import Moment


class WaitUntilArguments(DeferrableSensorArguments):
    """A moment."""

    target_time: Moment
    """A date with a time, a template that gives one, or a time of the day on which the task runs, such as `06:30`.
    Without an offset it is in the pipeline's `timezone`; the result of a template without one is in UTC."""


class WaitUntilTask(TaskBase):
    """Waits for a moment."""

    templated: ClassVar[frozenset[str]] = frozenset({"target_time"})
    looking: ClassVar[tuple[str, ...]] = LOOKING

    uses: Literal["wait_until"]
    """The built-in that waits for a moment."""
    with_: WaitUntilArguments = Field(alias="with")
    """The moment."""
