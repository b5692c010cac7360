"""What every task has: its id, what it waits for, and Airflow's settings beside `uses` and `with`; and the arguments of
every Airflow sensor (airflow.sdk.BaseSensorOperator, 3.3): how it waits, and for how long."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from schemas.expressions.reading import WORD
from schemas.model.fields import Matrix, Model, OrTaskOutput, PlainValue
from schemas.model.settings import TaskSettings
from schemas.model.times import Duration, PositiveDuration

TASK_ID_PATTERN = rf"^{WORD}+$"
"""Letters and digits of any script, `_` and `-`: Airflow's KEY_REGEX without the dot."""

LONGEST_ID = 250
"""Characters; Airflow accepts no more, groups included."""

POLL_TASK_ID = "poll"


def commit_task_id(task_id: str) -> str:
    """Id of the task that moves the state of a request when all tasks after the request have succeeded."""
    return f"{task_id}_commit"


TaskId = Annotated[str, Field(pattern=TASK_ID_PATTERN, max_length=LONGEST_ID)]


Mapped = dict[str, OrTaskOutput[list[PlainValue] | dict[str, PlainValue]]]
MappedRows = OrTaskOutput[list[dict[str, PlainValue]]]


class TaskBase(TaskSettings):
    """What every task has. Derived models say what `uses` and `with` are."""

    templated: ClassVar[frozenset[str]] = frozenset()
    """The arguments that Airflow renders: they accept templates and tasks' outputs."""
    functions: ClassVar[frozenset[str]] = frozenset()
    """The arguments that name a Python function by its dotted path."""
    exclusive: ClassVar[tuple[tuple[str, str], ...]] = ()
    """Pairs of arguments of which only one can be written."""
    looking: ClassVar[tuple[str, ...]] = ()
    """The arguments of a sensor that the triggerer ignores: it checks in its own way."""
    mappable: ClassVar[frozenset[str]] = frozenset()
    """The arguments of a built-in that can be in `expand`: the operator gets their values as they are."""

    id: TaskId
    """Name of the task: letters, digits, `_` and `-`; unique in the file."""
    needs: list[str] = []
    """Ids of the tasks that must finish first, in `[ ]`. Tasks that `with` refers to need not be listed."""
    params: dict[str, PlainValue] | None = None
    """Values for the task's templates, and for the `params` of its function, by name, in place of the pipeline's: a
    value, or a JSON Schema mapping with `default`. The params that a run is started with win."""
    matrix: Matrix | None = None
    """One task for each combination of these lists; `${matrix.key}` is the task's own value, also in its `id`."""
    setup: bool = False
    """`true`: the task creates something that other tasks use, and a `teardown` removes it again."""
    teardown: list[str] | None = None
    """Makes the task a teardown: ids of the setups that it cleans up, in `[ ]`; may be empty. It runs when its setups
    have succeeded, whatever happened to the tasks in between, and does not decide the state of the run."""
    on_failure_fail_dagrun: bool | None = None
    """`true`: when this teardown fails, the run fails. Default: `false`."""
    run_if: str | None = None
    """Template that decides, each time the task starts, whether it runs or is skipped: `"{{ params.full }}"`."""
    skip_if: str | None = None
    """The opposite of `run_if`: the task is skipped when this is true."""
    expand: Mapped | None = None
    """A list for each argument: a run makes one task for every combination of their items. A list, a mapping, or a
    task's output: `{file: "${tasks.list.output}"}`."""
    expand_kwargs: MappedRows | None = None
    """Instead of `expand`: a list of mappings, or a task's output. One task for each mapping, with the arguments in
    it."""
    uses: str
    """What the task does."""
    with_: Any = Field(default={}, alias="with")
    """Its arguments."""

    @property
    def is_mapped(self) -> bool:
        """Whether a run makes several tasks of it."""
        return self.expand is not None or self.expand_kwargs is not None

    @property
    def mapped_names(self) -> tuple[str, ...]:
        """The arguments that are mapped, as far as the file says."""
        rows = self.expand_kwargs if isinstance(self.expand_kwargs, list) else []
        return tuple(dict.fromkeys(name for mapping in (self.expand or {}, *rows) for name in mapping))

    @property
    def written_arguments(self) -> Mapping[str, Any]:
        """The arguments that are written, by the model's names."""
        return {name: getattr(self.with_, name) for name in self.with_.model_fields_set}


CONTEXT_NAMES = frozenset(
    {
        "asset_state_store",
        "conn",
        "dag",
        "dag_run",
        "data_interval_end",
        "data_interval_start",
        "ds",
        "ds_nodash",
        "exception",
        "expanded_ti_count",
        "inlet_events",
        "inlets",
        "logical_date",
        "macros",
        "map_index_template",
        "outlet_events",
        "outlets",
        "params",
        "partition_date",
        "partition_key",
        "prev_data_interval_end_success",
        "prev_data_interval_start_success",
        "prev_end_date_success",
        "prev_start_date_success",
        "reason",
        "run_id",
        "task",
        "task_instance",
        "task_instance_key_str",
        "task_reschedule_count",
        "task_state_store",
        "templates_dict",
        "test_mode",
        "ti",
        "triggering_asset_events",
        "try_number",
        "ts",
        "ts_nodash",
        "ts_nodash_with_tz",
        "var",
    }
)
"""The names that Airflow gives a running function (airflow.sdk.definitions.context.Context, 3.3).

A test holds this list against the installed Airflow's."""


class SensorArguments(Model):
    """The arguments that sensors have in common."""

    poke_interval: PositiveDuration | None = None
    """Time between two checks. Default: `60s`."""
    timeout: PositiveDuration | None = None
    """Longest wait in total; then the task fails. Default: Airflow's, 7 days."""
    soft_fail: bool = False
    """Skip the task instead of failing it when the wait is over or a check fails."""
    never_fail: bool = False
    """Skip the task also when a check ends in an error of any kind."""
    silent_fail: bool = False
    """Log the error of a check and check again."""
    mode: Literal["poke", "reschedule"] | None = None
    """How it waits without `deferrable`: `poke` keeps its worker, `reschedule` releases it between two checks."""
    exponential_backoff: bool = False
    """Increase the time between two checks each time."""
    max_wait: Duration | None = None
    """Longest time between two checks, with `exponential_backoff`."""


class DeferrableSensorArguments(SensorArguments):
    """The arguments of a sensor that can wait in the triggerer, without a worker."""

    deferrable: bool | None = None
    """Wait in the triggerer, which uses no worker. Default: `true`, unless a setting that the triggerer ignores is set
    (`mode`, `exponential_backoff`, `max_wait`, `silent_fail`)."""


LOOKING = ("mode", "exponential_backoff", "max_wait", "silent_fail")
"""How often and how a worker checks. The triggerer ignores these: it checks in its own way."""
