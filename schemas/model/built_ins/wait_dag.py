"""The built-in `wait_dag`, in the words of Airflow's ExternalTaskSensor."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from schemas.model.fields import FunctionPath, OrTaskOutput, TaskState
from schemas.model.sensor import LOOKING, DeferrableSensorArguments
from schemas.model.task_base import TaskBase
from schemas.model.times import Duration

_States = Annotated[list[TaskState], Field(min_length=1)]


class WaitDagArguments(DeferrableSensorArguments):
    """A run of another DAG, or tasks of it; by default the run of the same logical date."""

    external_dag_id: str = Field(min_length=1)
    """The DAG to wait for."""
    external_task_id: str | None = Field(default=None, min_length=1)
    """One task of it, instead of the whole run."""
    external_task_ids: OrTaskOutput[Annotated[list[str], Field(min_length=1)]] | None = None
    """Several tasks of it."""
    external_task_group_id: str | None = Field(default=None, min_length=1)
    """A task group of it."""
    execution_delta: Duration | None = None
    """How much earlier the other run's logical date is: `1d` waits for yesterday's."""
    execution_date_fn: FunctionPath | None = None
    """Function that gets the logical date and returns the date, or the dates, of the other DAG's runs."""
    allowed_states: _States | None = None
    """States that end the wait. Default: `[success]`. Of a DAG they are `queued`, `running`, `success` and `failed`."""
    failed_states: _States | None = None
    """States that fail the task. Default: none, so that it keeps waiting when the run fails."""
    skipped_states: _States | None = None
    """States that skip the task."""


class WaitDagTask(TaskBase):
    """Waits for another DAG."""

    templated: ClassVar[frozenset[str]] = frozenset(
        {"external_dag_id", "external_task_id", "external_task_ids", "external_task_group_id"}
    )
    looking: ClassVar[tuple[str, ...]] = LOOKING
    functions: ClassVar[frozenset[str]] = frozenset({"execution_date_fn"})
    exclusive: ClassVar[tuple[tuple[str, str], ...]] = (
        ("external_task_id", "external_task_ids"),
        ("external_task_id", "external_task_group_id"),
        ("external_task_ids", "external_task_group_id"),
        ("execution_delta", "execution_date_fn"),
    )

    uses: Literal["wait_dag"]
    """The built-in that waits for another DAG."""
    with_: WaitDagArguments = Field(alias="with")
    """The DAG."""
