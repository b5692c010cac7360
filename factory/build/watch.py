"""`poll.watch` → the asset whose watcher polls from the triggerer."""

from __future__ import annotations

from datetime import timedelta
from typing import NoReturn, cast

from airflow.sdk import DAG, Asset, AssetWatcher

from factory.build.built_ins.http import request_arguments
from factory.http.state import state_asset, state_name
from factory.operators.http_stateful import StatefulHttpOperator
from factory.operators.http_watch import HttpWatchTrigger
from schemas.expressions.reading import ExpandReference, TaskReference
from schemas.model.built_ins.http import POLL_TASK_ID, Poll
from schemas.model.cursor import ValueDetection


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
