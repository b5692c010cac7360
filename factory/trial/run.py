"""Runs the tasks of a DAG one after the other, each in Airflow's own task runner, against a trial's memory."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import prod
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pendulum
from airflow.sdk import DAG, BaseSensorOperator, TaskInstanceState
from airflow.sdk._shared.module_loading import import_string
from airflow.sdk.api.datamodels._generated import DagRun, DagRunState, DagRunType, TIRunContext
from airflow.sdk.bases.operator import TRIGGER_FAIL_REPR, TriggerFailureReason
from airflow.sdk.definitions.mappedoperator import MappedOperator
from airflow.sdk.definitions.timetables.assets import AssetOrTimeSchedule, AssetTriggeredTimetable
from airflow.sdk.definitions.xcom_arg import XComArg
from airflow.sdk.execution_time import task_runner
from airflow.sdk.execution_time.comms import DeferTask, RescheduleTask
from airflow.sdk.execution_time.supervisor import set_supervisor_comms
from airflow.sdk.serde import deserialize, serialize

from factory.trial.memory import RETURN_VALUE, Memory, TaskResult
from factory.trial.report import task_log
from factory.trial.supervisor import BEGUN, FAILED, RUN, SKIPPED, SUCCESS, MemorySupervisor, NotInATrialError, decide

if TYPE_CHECKING:
    from airflow.sdk.types import Operator

_NO_BUNDLE: Any = SimpleNamespace(name="trial", version=None, path=None)
LONGEST_PAUSE_SECONDS = 60.0
"""Between two looks of a sensor that gives its worker back in between."""
_SOON_SECONDS = 0.1
"""Between two looks of any sensor, where the trial has little patience."""
_MOMENTS = "airflow.providers.standard.triggers.temporal."
"""Where the triggers are that wait for nothing but a moment."""


class StillWaitingError(Exception):
    """A task waits for longer than the trial does."""


@dataclass(frozen=True)
class Trial:
    """What to run. `only` are the tasks that run; the outputs of others are in the memory, or missing.

    `date` is the logical date, which a run that assets start has only where a person gives one (`is_dated`), and `conf`
    what a person enters when the DAG is triggered, as in Airflow. `patience` are the seconds after which a task that
    waits has waited in vain; pauses are left out then. Without it, tasks wait
    for as long as they say.
    """

    dag: DAG
    memory: Memory
    date: datetime
    only: Collection[str] | None = None
    conf: Mapping[str, Any] = field(default_factory=dict)
    patience: float | None = None
    is_dated: bool = False

    @property
    def is_by_assets(self) -> bool:
        timetable = self.dag.timetable
        return isinstance(timetable, AssetTriggeredTimetable) and not isinstance(timetable, AssetOrTimeSchedule)


def run(
    trial: Trial, ended: Callable[[TaskResult], None] = lambda _: None, begins: Callable[[str], None] = lambda _: None
) -> list[TaskResult]:
    """Run the tasks in order; a failed one is not tried again. `ended` is called for each as soon as it ends, `begins`
    with its id before."""
    results: list[TaskResult] = []
    states: dict[str, dict[int, str]] = {}
    skipped: set[tuple[str, int]] = set()
    for task in trial.dag.topological_sort():  # type: ignore[no-untyped-call] # Airflow says no types here
        if not isinstance(getattr(task, "task_id", None), str):
            continue  # a group
        if trial.only is not None and task.task_id not in trial.only:
            continue
        begins(task.task_id)
        for result in _instances(trial, task, states, skipped):
            states.setdefault(task.task_id, {})[result.map_index] = result.state
            results.append(result)
            ended(result)
    return results


def _instances(
    trial: Trial, task: Operator, states: Mapping[str, Mapping[int, str]], skipped: set[tuple[str, int]]
) -> Iterator[TaskResult]:
    decided = decide(task.trigger_rule.value, _states_before(trial, task, states), _setups(task, states))
    if decided != RUN:
        yield TaskResult(task.task_id, -1, decided)
        return
    count = _count(trial.memory, task)
    trial.memory.counts[task.task_id] = 1 if count is None else count
    if count == 0:
        yield TaskResult(task.task_id, -1, SKIPPED)
        return
    for index in (-1,) if count is None else range(count):
        if (task.task_id, -1) in skipped or (task.task_id, index) in skipped:
            yield TaskResult(task.task_id, index, SKIPPED)
        else:
            yield _run_one(trial, task, index, skipped)


def _states_before(trial: Trial, task: Operator, states: Mapping[str, Mapping[int, str]]) -> Iterator[str]:
    """The states of the instances that a task waits for; a task that is not run counts as successful."""
    for task_id in task.upstream_task_ids:
        if task_id in states:
            yield from states[task_id].values()
        elif trial.only is not None and task_id not in trial.only:
            yield SUCCESS


def _setups(task: Operator, states: Mapping[str, Mapping[int, str]]) -> Iterator[str]:
    if task.is_teardown:
        for upstream in task.upstream_list:
            if upstream.is_setup:
                yield from states.get(upstream.task_id, {}).values()


def _count(memory: Memory, task: Operator) -> int | None:
    """How many instances a run makes of a task; None where it is not mapped."""
    counts = [_length(memory, group._expand_input.value) for group in task.iter_mapped_task_groups()]
    if isinstance(task, MappedOperator):
        counts.append(_length(memory, task._get_specified_expand_input().value))
    return prod(counts) if counts else None


def _length(memory: Memory, value: Any) -> int:
    """Of `expand`, a mapping of names to lists, the number of combinations; of `expand_kwargs` that of the rows."""
    if isinstance(value, XComArg):
        return _length_of_output(memory, value)
    if isinstance(value, Mapping):
        return prod(_length_of_output(memory, v) if isinstance(v, XComArg) else len(v) for v in value.values())
    return len(value)


def _length_of_output(memory: Memory, argument: XComArg) -> int:
    ((operator, key),) = argument.iter_references()
    found = memory.xcoms.get((operator.task_id, key or RETURN_VALUE), {})
    if set(found) <= {-1}:
        value: Any = deserialize(found.get(-1))
        return len(value) if value is not None else 0
    return len(found)


def _run_one(trial: Trial, task: Operator, index: int, skipped: set[tuple[str, int]]) -> TaskResult:
    started = time.monotonic()
    instance_id = uuid4()
    supervisor = MemorySupervisor(trial.memory, trial.dag.dag_id)
    if trial.patience is not None:
        _hurry(task, trial.patience)
    next_method: str | None = None
    next_kwargs, reschedules = None, 0
    with set_supervisor_comms(supervisor):
        while True:
            context = _run_context(trial, next_method, next_kwargs, reschedules)
            instance = _instance(trial, task, index, instance_id, context)
            state, message, error = task_runner.run(instance, instance.get_template_context(), task_log(task.task_id))
            if isinstance(error, KeyboardInterrupt):
                instance.task.on_kill()  # the runner counts it as a failure, and leaves the task's processes
                raise error
            if not isinstance(message, DeferTask | RescheduleTask):
                break
            if trial.patience is not None and time.monotonic() - started > trial.patience:
                error = StillWaitingError("it still waits")
                break
            if isinstance(message, DeferTask):
                next_method, next_kwargs = asyncio.run(_after_trigger(message, trial.patience))
            else:
                reschedules += 1
                pause = (message.reschedule_date - datetime.now(UTC)).total_seconds()
                time.sleep(min(max(pause, 0.0), LONGEST_PAUSE_SECONDS))
    for other in supervisor.skipped:
        skipped.add((other, -1) if isinstance(other, str) else (other[0], other[1]))
    output = trial.memory.xcoms.get((task.task_id, RETURN_VALUE), {}).get(index)
    ended = SUCCESS if state == TaskInstanceState.SUCCESS else SKIPPED if state == TaskInstanceState.SKIPPED else FAILED
    if ended == FAILED and error is None:  # as one that asks a person
        error = NotInATrialError(f"the task is {state}, which needs a running Airflow")
    return TaskResult(task.task_id, index, ended, time.monotonic() - started, output, error)


def _hurry(task: Operator, patience: float) -> None:
    """Have a sensor look again soon, and give up early: as its arguments say, in Airflow's own way."""
    if isinstance(task, MappedOperator):
        if issubclass(task.operator_class, BaseSensorOperator):
            task.partial_kwargs.update(poke_interval=_SOON_SECONDS, timeout=patience)
    elif isinstance(task, BaseSensorOperator):
        task.poke_interval = min(task.poke_interval, _SOON_SECONDS)
        task.timeout = min(task.timeout, patience)


def _run_context(trial: Trial, next_method: str | None, next_kwargs: Any, reschedules: int) -> TIRunContext:
    has_date = trial.is_dated or not trial.is_by_assets
    start, end = _interval(trial.dag, trial.date) if has_date else (None, None)
    run = DagRun(
        dag_id=trial.dag.dag_id,
        run_id=f"trial__{trial.date.isoformat()}",
        logical_date=trial.date if has_date else None,
        data_interval_start=start,
        data_interval_end=end,
        run_after=trial.date,
        start_date=datetime.now(UTC),
        end_date=None,
        run_type=DagRunType.MANUAL if has_date else DagRunType.ASSET_TRIGGERED,
        state=DagRunState.RUNNING,
        conf=dict(trial.conf),
        consumed_asset_events=[],
        partition_key=None,
    )
    return TIRunContext(
        dag_run=run,
        task_reschedule_count=reschedules,
        max_tries=0,
        should_retry=False,
        next_method=next_method,
        next_kwargs=next_kwargs,
        xcom_keys_to_clear=[BEGUN],
    )


def _interval(dag: DAG, date: datetime) -> tuple[datetime, datetime]:
    """The data interval that Airflow gives a run of this date that somebody starts."""
    infer = getattr(dag.timetable, "infer_manual_data_interval", None)
    if infer is None:
        return date, date
    found = infer(run_after=pendulum.instance(date))
    return found.start, found.end


def _instance(trial: Trial, task: Any, index: int, instance_id: UUID, context: TIRunContext) -> Any:
    return task_runner.RuntimeTaskInstance.model_construct(
        id=instance_id,
        task_id=task.task_id,
        dag_id=trial.dag.dag_id,
        run_id=context.dag_run.run_id,
        try_number=1,
        map_index=index,
        dag_version_id=instance_id,
        task=task,
        bundle_instance=_NO_BUNDLE,
        max_tries=0,
        start_date=datetime.now(UTC),
        state=TaskInstanceState.RUNNING,
        is_mapped=index >= 0 and isinstance(task, MappedOperator),
        _ti_context_from_server=context,
    )


async def _after_trigger(message: DeferTask, patience: float | None) -> tuple[str, Any]:
    """Where and with what a task goes on: as Airflow's triggerer decides after its trigger's first event, or without
    one. With little patience a moment has come at once."""
    arguments: Any = deserialize(message.trigger_kwargs)  # type: ignore[type-var] # as Airflow stores them
    kept: Any = deserialize(message.next_kwargs)
    own = message.trigger_timeout.total_seconds() if message.trigger_timeout is not None else None
    limit = min((each for each in (own, patience) if each is not None), default=None)
    reason = TriggerFailureReason.TRIGGER_FAILURE.value
    try:
        async with asyncio.timeout(limit) as clock:
            trigger = import_string(message.classpath)(**arguments)
            if patience is not None and message.classpath.startswith(_MOMENTS):
                return message.next_method, serialize({**(kept or {}), "event": trigger.moment})
            async for event in trigger.run():
                return message.next_method, serialize({**(kept or {}), "event": event.payload})
    except Exception as error:
        # Whatever a trigger raises fails its task, which says so.
        reason = TriggerFailureReason.TRIGGER_TIMEOUT.value if clock.expired() else f"{reason}: {error}"
    return TRIGGER_FAIL_REPR, serialize({"error": reason})
