"""What a pipeline's runs brought, read from Airflow's database: polls and their watermarks, charts, models."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from airflow.models.asset import AssetModel, TaskInletAssetReference
from airflow.models.asset_state_store import AssetStateStoreModel
from airflow.models.dagrun import DagRun
from airflow.models.taskinstance import TaskInstance
from airflow.models.xcom import XComModel
from airflow.utils.session import create_session
from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from factory.data.models import FACTS
from factory.http.state import MOVES, WATERMARK
from factory.operators.http import XCOM_KEY

POLLS = 50
"""Polls of one pipeline that its page shows."""
_CHART_LINK = "_link_OpenTheChart"
_QUOTE = '"'
"""Airflow stores JSON."""
_TRAINS = "TrainOperator"


def iso(moment: datetime | None) -> str | None:
    """A moment as the page gets it."""
    return moment.astimezone(UTC).isoformat(timespec="seconds") if moment is not None else None


def polls(session: Session, dag_id: str) -> Iterator[dict[str, Any]]:
    """What the last polls of each task brought, the newest last, and the watermarks that they came to."""
    asked = (
        select(XComModel, DagRun.run_after)
        .join(DagRun, and_(DagRun.dag_id == XComModel.dag_id, DagRun.run_id == XComModel.run_id))
        .where(XComModel.dag_id == dag_id)
        .order_by(DagRun.run_after.desc())
        .limit(POLLS)
    )
    moves = {
        (row.run_id, row.task_id, row.map_index): XComModel.deserialize_value(row)
        for row in session.scalars(asked.where(XComModel.key == MOVES))
    }
    for row, run_after in reversed(session.execute(asked.where(XComModel.key == XCOM_KEY)).all()):
        facts = XComModel.deserialize_value(row)
        if isinstance(facts, dict):
            shown = {key: facts.get(key) for key in ("status", "rows", "pages", "bytes", "milliseconds", "retries")}
            moved = moves.get((row.run_id, row.task_id, row.map_index))
            shown["watermark"] = moved.get(WATERMARK) if isinstance(moved, dict) else None
            yield {"task": row.task_id, "run": row.run_id, "at": iso(run_after), **shown}


def watermarks(session: Session, dag_id: str) -> list[str]:
    """Where the polls of a DAG go on from; other things that they remember, such as tokens, are not shown."""
    asked = (
        select(AssetModel.name, AssetStateStoreModel.value)
        .join(AssetStateStoreModel, AssetStateStoreModel.asset_id == AssetModel.id)
        .join(TaskInletAssetReference, TaskInletAssetReference.asset_id == AssetModel.id)
        .where(TaskInletAssetReference.dag_id == dag_id, AssetStateStoreModel.key == WATERMARK)
    )
    return sorted({f"{value.strip(_QUOTE)} ({name})" for name, value in session.execute(asked)})


def charts(session: Session, dag_id: str) -> Iterator[dict[str, str]]:
    """The last chart of each task that draws one; the address is below the API server's."""
    asked = (
        select(XComModel.task_id, XComModel.run_id, XComModel.map_index)
        .where(XComModel.dag_id == dag_id, XComModel.key == _CHART_LINK)
        .order_by(XComModel.timestamp.desc())
        .limit(100)
    )
    seen = set()
    for task_id, run_id, map_index in session.execute(asked):
        if task_id not in seen:
            seen.add(task_id)
            yield {"task": task_id, "run": run_id, "index": str(map_index)}


def models(session: Session, dag_id: str) -> Iterator[dict[str, str]]:
    """The last model of each task that trains one."""
    asked = (
        select(TaskInstance.task_id, TaskInstance.run_id, TaskInstance.map_index)
        .where(TaskInstance.dag_id == dag_id, TaskInstance.operator == _TRAINS, TaskInstance.state == "success")
        .order_by(TaskInstance.end_date.desc())
        .limit(100)
    )
    seen = set()
    for task_id, run_id, map_index in session.execute(asked):
        if task_id not in seen:
            seen.add(task_id)
            yield {"task": task_id, "run": run_id, "index": str(map_index)}


def drawn(dag_id: str, run_id: str, task_id: str, map_index: int) -> str | None:
    """The path of what a task made to be looked at: of a chart its output, of a model what is written beside it; None
    for any other task."""
    keys = ("return_value", _CHART_LINK)
    with create_session() as session:
        asked = select(XComModel).where(
            XComModel.dag_id == dag_id,
            XComModel.run_id == run_id,
            XComModel.task_id == task_id,
            XComModel.map_index == map_index,
            XComModel.key.in_(keys),
        )
        found = {row.key: XComModel.deserialize_value(row) for row in session.scalars(asked)}
        trained = select(TaskInstance.operator).where(
            TaskInstance.dag_id == dag_id,
            TaskInstance.run_id == run_id,
            TaskInstance.task_id == task_id,
            TaskInstance.map_index == map_index,
        )
        made = found.get("return_value")
        if isinstance(made, dict) and isinstance(made.get("model"), str) and session.scalar(trained) == _TRAINS:
            return f"{made['model'].rstrip('/')}/{FACTS}"
    return made if _CHART_LINK in found and isinstance(made, str) else None
