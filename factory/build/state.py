"""What remembers between runs: who moves the state, how many runs there may be, and `poll.watch` → an asset whose
watcher polls from the triggerer."""

from __future__ import annotations

import importlib
import sys
from datetime import timedelta
from typing import TYPE_CHECKING, NoReturn, cast

from airflow.sdk import DAG, Asset, AssetWatcher, TriggerRule

from factory.build.built_ins import request_arguments
from factory.http.state import state_asset, state_name
from factory.operators.http_stateful import StatefulHttpOperator
from factory.operators.http_watch import HttpWatchTrigger
from schemas.expressions.reading import ExpandReference, TaskReference
from schemas.model.http import Poll
from schemas.model.polling import ValueDetection
from schemas.model.task_base import POLL_TASK_ID, commit_task_id

if TYPE_CHECKING:
    from airflow.sdk.types import Operator


_STRICT = frozenset({TriggerRule.ALL_SUCCESS, TriggerRule.NONE_FAILED, TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS})
"""A failure before a task of these rules is its own failure, too."""


def build_state(dag: DAG, *, max_active_runs: int | None) -> None:
    """Give each task that remembers a last task that moves its state when all behind it have succeeded; where nothing
    is behind it, or with `commit: poll`, it does so itself. One run at a time, unless the pipeline says otherwise:
    two at once would ask for the same rows."""
    remembering = _remembering(dag)
    # Looked up before there are commits, so that one does not count as what is behind another task that remembers.
    behind = {task.task_id: _behind(dag, task) for task in remembering}
    waited_for = {
        task.task_id: [other for other in behind[task.task_id] if _counts(dag, other, task)] for task in remembering
    }
    for task in remembering:
        task.commits = task.commits or not behind[task.task_id]
        if not task.commits:
            _add_commit(dag, task, waited_for[task.task_id])
    if remembering and max_active_runs is None:
        dag.max_active_runs = 1


def _behind(dag: DAG, task: StatefulHttpOperator) -> list[Operator]:
    return [dag.task_dict[task_id] for task_id in sorted(task.get_flat_relative_ids(upstream=False))]


def _remembering(dag: DAG) -> list[StatefulHttpOperator]:
    # Imported where a built-in has needed it: every import is paid again in each process that parses a DAG.
    module = sys.modules.get("factory.operators.http_stateful")
    if module is None:
        return []
    return [task for task in dag.tasks if isinstance(task, module.StatefulHttpOperator)]


def _add_commit(dag: DAG, task: StatefulHttpOperator, waited_for: list[Operator]) -> None:
    operator = importlib.import_module("factory.operators.http_stateful").PollCommitOperator
    commit = operator(
        task_id=commit_task_id(task.task_id),
        poll_task_id=task.task_id,
        state=task.state,
        # Skipped tasks took nothing, and what is skipped as a whole has nothing to move. With `fail_fast` Airflow takes
        # no other rule than its default.
        trigger_rule=TriggerRule.ALL_SUCCESS if dag.fail_fast else TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS,
    )
    # Where conditions skipped all that takes from the poll, nobody has seen what it brought: a later run is to ask
    # for it again. Beside the poll, which has succeeded, a commit would run all the same.
    conditional = _conditional(dag, task)
    commit.set_upstream(waited_for if all(one.task_id in conditional for one in waited_for) else [task, *waited_for])


def _conditional(dag: DAG, poll: StatefulHttpOperator) -> frozenset[str]:
    """The tasks behind a poll that `run_if` or `skip_if` may skip, by their own or because of those before them."""
    module = sys.modules.get("factory.operators.selection")
    if module is None:
        return frozenset()
    found: set[str] = set()
    for task in dag.topological_sort():  # type: ignore[no-untyped-call] # Airflow's has no annotations
        before = task.upstream_task_ids - {poll.task_id}
        hook = task.partial_kwargs.get("pre_execute") if task.is_mapped else task._pre_execute_hook
        if (
            isinstance(hook, module.TaskCondition)
            or (task.trigger_rule == TriggerRule.ALL_SUCCESS and before & found)
            or (
                task.trigger_rule == TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS
                and before
                and task.upstream_task_ids <= found
            )
        ):
            found.add(task.task_id)
    return frozenset(found)


def _counts(dag: DAG, task: Operator, poll: StatefulHttpOperator) -> bool:
    """Whether a failure of the task may not show in the tasks behind it."""
    return not any(_shows(dag.task_dict[task_id], task, poll) for task_id in task.downstream_task_ids)


def _shows(after: Operator, task: Operator, poll: StatefulHttpOperator) -> bool:
    """Whether `after` cannot end well when `task` fails. Airflow skips a task as soon as one before it is skipped,
    whatever becomes of the others before it: so these must be such that `task` is skipped with them, or the poll
    itself, which then moves nothing."""
    harmless = {poll.task_id, task.task_id}
    if task.trigger_rule == TriggerRule.ALL_SUCCESS:
        harmless |= task.upstream_task_ids
    return after.trigger_rule in _STRICT and after.upstream_task_ids <= harmless


def build_watch(dag_id: str, poll: Poll, every: timedelta, timezone: str) -> Asset:
    """The asset of a watched poll: the one that keeps its state, so that the trigger knows the last answer."""
    request = poll.as_task().with_
    detection = request.change_detection
    name = state_name(dag_id, POLL_TASK_ID, request.state_key)
    trigger = HttpWatchTrigger(
        dag_id=dag_id,
        state=name,
        request=request_arguments(request, _no_reference, timezone),
        every=every,
        detection={"path": detection.path} if isinstance(detection, ValueDetection) else str(detection),
    )
    asset = state_asset(name)
    asset.watchers = [AssetWatcher(name=name, trigger=trigger)]
    return asset


def share_watch(dag: DAG, watched: Asset) -> None:
    """Let the poll's inlet be the same asset, watchers included: of assets that have one name, Airflow takes in one."""
    state = cast(StatefulHttpOperator, dag.task_dict[POLL_TASK_ID]).state
    state.watchers = watched.watchers


def _no_reference(reference: TaskReference | ExpandReference, /, *, as_text: bool) -> NoReturn:
    raise AssertionError(f"the first task cannot refer to {reference} ({as_text=})")
