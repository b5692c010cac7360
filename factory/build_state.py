"""What remembers between runs: who moves the state, and how many runs there may be."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING

from airflow.sdk import DAG, TriggerRule

from schemas.poll import commit_task_id

if TYPE_CHECKING:
    from airflow.sdk.types import Operator

    from factory.operators.http_stateful import StatefulHttpOperator

_STRICT = frozenset({TriggerRule.ALL_SUCCESS, TriggerRule.NONE_FAILED, TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS})
"""A failure before a task of these rules is its own failure, too."""


def build_state(dag: DAG, *, max_active_runs: int | None) -> None:
    """Give each task that remembers a last task that moves its state when all behind it have succeeded; where nothing
    is behind it, or with `commit: poll`, it does so itself. One run at a time, unless the pipeline says otherwise:
    two at once would ask for the same rows."""
    remembering = _remembering(dag)
    for task in remembering:
        behind = [dag.task_dict[task_id] for task_id in sorted(task.get_flat_relative_ids(upstream=False))]
        task.commits = task.commits or not behind
        if not task.commits:
            _add_commit(dag, task, behind)
    if remembering and max_active_runs is None:
        dag.max_active_runs = 1


def _remembering(dag: DAG) -> list[StatefulHttpOperator]:
    # Imported where a built-in has needed it: every import is paid again in each process that parses a DAG.
    module = sys.modules.get("factory.operators.http_stateful")
    if module is None:
        return []
    return [task for task in dag.tasks if isinstance(task, module.StatefulHttpOperator)]


def _add_commit(dag: DAG, task: StatefulHttpOperator, behind: list[Operator]) -> None:
    operator = importlib.import_module("factory.operators.poll_commit").PollCommitOperator
    commit = operator(
        task_id=commit_task_id(task.task_id),
        poll_task_id=task.task_id,
        state=task.state,
        # Skipped tasks took nothing, and what is skipped as a whole has nothing to move. With `fail_fast` Airflow takes
        # no other rule than its default.
        trigger_rule=TriggerRule.ALL_SUCCESS if dag.fail_fast else TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS,
    )
    commit.set_upstream([task, *(other for other in behind if _counts(other))])


def _counts(task: Operator) -> bool:
    """Whether a failure of the task would not show in the tasks behind it."""
    return not task.downstream_task_ids or any(other.trigger_rule not in _STRICT for other in task.downstream_list)
