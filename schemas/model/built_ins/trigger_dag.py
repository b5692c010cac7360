"""The built-in `trigger_dag`, in the words of Airflow's TriggerDagRunOperator."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from schemas.model.base import Model
from schemas.model.fields import OrTaskOutput, PlainValue, RunState
from schemas.model.task_base import TaskBase
from schemas.model.times import DateOrTemplate, PositiveDuration

_States = Annotated[list[RunState], Field(min_length=1)]


class TriggerDagArguments(Model):
    """A run of another DAG."""

    trigger_dag_id: str = Field(min_length=1)
    """The DAG to start."""
    conf: OrTaskOutput[dict[str, PlainValue]] | None = None
    """The run's params, by name."""
    trigger_run_id: str | None = Field(default=None, min_length=1)
    """Id of the new run. Default: generated from its date."""
    logical_date: DateOrTemplate | None = None
    """Logical date of the new run: a date, or a template that gives one. Default: now; `null` for a run without."""
    run_after: DateOrTemplate | None = None
    """Moment before which the new run does not start."""
    reset_dag_run: bool = False
    """If there is a run of that date, run it again."""
    skip_when_already_exists: bool = False
    """If there is a run of that date, skip the task."""
    fail_when_dag_is_paused: bool = False
    """Fail if the DAG is paused."""
    wait_for_completion: bool = False
    """Wait until the new run has ended."""
    deferrable: bool = True
    """With `wait_for_completion`: wait in the triggerer, which uses no worker."""
    poke_interval: PositiveDuration | None = None
    """With `wait_for_completion`: time between two checks. Default: `60s`."""
    allowed_states: _States | None = None
    """With `wait_for_completion`: states that end the wait. Default: `[success]`."""
    failed_states: _States | None = None
    """With `wait_for_completion`: states that fail the task. Default: `[failed]`."""
    note: str | None = None
    """Text shown with the new run."""
    openlineage_inject_parent_info: bool = True
    """Tell OpenLineage, if it is used, which task started the run."""


class TriggerDagTask(TaskBase):
    """Starts a run of another DAG."""

    templated: ClassVar[frozenset[str]] = frozenset(
        {"trigger_dag_id", "trigger_run_id", "logical_date", "run_after", "conf"}
    )

    uses: Literal["trigger_dag"]
    """The built-in that starts another DAG."""
    with_: TriggerDagArguments = Field(alias="with")
    """The DAG."""
