"""The built-ins that decide what runs: `empty`, `branch`, `short_circuit`, `latest_only` and `trigger_dag`."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from schemas.model.fields import FunctionPath, Model, OrTaskOutput, PlainValue, RunState
from schemas.model.task_base import TaskBase
from schemas.model.times import DateOrTemplate, PositiveDuration


class NoArguments(Model):
    """Takes no arguments."""


class EmptyTask(TaskBase):
    """Does nothing; joins or splits the paths of other tasks."""

    uses: Literal["empty"]
    """The built-in that does nothing."""
    with_: NoArguments = Field(default=NoArguments(), alias="with")
    """Takes no arguments."""


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


class LatestOnlyTask(TaskBase):
    """Skips the tasks directly after it in all runs but the latest scheduled one and those triggered manually."""

    uses: Literal["latest_only"]
    """The built-in that lets only the latest run go on."""
    with_: NoArguments = Field(default=NoArguments(), alias="with")
    """Takes no arguments."""


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
