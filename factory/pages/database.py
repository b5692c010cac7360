"""What the page *Pipelines* shows, read from Airflow's database: as plain data for JSON, times in ISO 8601 and UTC."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import available_timezones

import pendulum
from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import AccessView, DagAccessEntity
from airflow.models.asset import (
    AssetModel,
    DagScheduleAssetReference,
    TaskOutletAssetReference,
)
from airflow.models.dag import DagModel, DagTag
from airflow.models.dag_version import DagVersion
from airflow.models.dagcode import DagCode
from airflow.models.dagrun import DagRun
from airflow.models.errors import ParseImportError
from airflow.models.serialized_dag import SerializedDagModel
from airflow.timetables.base import DagRunInfo, TimeRestriction
from airflow.utils.session import create_session
from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from factory.pages.results import (
    CALL,
    STUB_SUFFIX,
    charts,
    file_of,
    findings_of,
    iso,
    models,
    polls,
    said_of,
    uses,
    watermarks,
    yaml_of,
)
from factory.reporters.in_force import FINDING
from schemas.folder.project import SUFFIXES

log = logging.getLogger(__name__)

RUNS = 10
"""Last runs of a pipeline in the list."""
NEXT_RUNS = 5
"""Next runs of one pipeline."""
RECENT = timedelta(days=14)
"""Runs of these days are shown in the list: looking through all of a long history costs seconds."""


def pipelines(user: Any) -> dict[str, Any]:
    """The pipelines that a user may read, and files that could not be read: a row for each."""
    readable = _readable(user)
    with create_session() as session:
        dags = list(session.scalars(select(DagModel).where(_is_ours(DagModel.relative_fileloc))))
        errors = _errors(session, user, dags, readable)
        mine = [dag for dag in dags if dag.dag_id in readable]
        ids = {dag.dag_id for dag in mine}
        runs, tags, warned = _last_runs(session, user, ids), _tags(session, ids), _warned(session, user)
        rows = [
            _row(dag, runs[dag.dag_id], tags[dag.dag_id], errors.get(_place(dag), ""), is_warned=dag.dag_id in warned)
            for dag in mine
        ]
        known = {_place(dag) for dag in dags}  # one that is retired by its error, too
        rows += [_broken(place[1], text) for place, text in errors.items() if place not in known]
    return {"pipelines": sorted(rows, key=lambda row: row["name"].lower()), "now": iso(datetime.now(UTC))}


def pipeline(dag_id: str, user: Any) -> dict[str, Any] | None:
    """One pipeline: its text, what is wrong with it, its runs, what it reads and writes, what its polls brought."""
    with create_session() as session:
        dag = session.scalars(
            select(DagModel).where(DagModel.dag_id == dag_id, _is_ours(DagModel.relative_fileloc))
        ).first()
        if dag is None:
            return None
        asked = (
            select(DagCode.source_code).where(DagCode.dag_id == dag_id).order_by(DagCode.last_updated.desc()).limit(1)
        )
        stub = session.scalars(asked).first() or ""
        text, (warnings, in_force) = yaml_of(stub), said_of(stub, dag_id)
        beside = session.scalars(
            select(DagModel).where(
                DagModel.relative_fileloc == dag.relative_fileloc, DagModel.bundle_name == dag.bundle_name
            )
        )
        error = _errors(session, user, list(beside), _readable(user)).get(_place(dag), "")
        return {
            **_row(
                dag, _runs(session, [dag_id])[dag_id], _tags(session, {dag_id})[dag_id], error, is_warned=bool(warnings)
            ),
            "findings": findings_of(error or warnings, file_of(dag.relative_fileloc or "")),
            "next_runs": _next_runs(session, dag),
            "text": text,
            "in_force": in_force,
            "reads": _assets(session, DagScheduleAssetReference, dag_id),
            "writes": _assets(session, TaskOutletAssetReference, dag_id),
            "uses": uses(text),
            "watermarks": watermarks(session, dag_id),
            "polls": list(polls(session, dag_id)),
            "charts": charts(session, dag_id),
            "models": models(session, dag_id),
        }


def day(user: Any) -> dict[str, Any]:
    """The runs of the last 24 hours: for each ten minutes how many started, by the pipelines that a user may read."""
    readable = _readable(user, DagAccessEntity.RUN)
    now = datetime.now(UTC)
    begin = (now - timedelta(days=1)).replace(minute=0, second=0, microsecond=0)
    with create_session() as session:
        ours = set(session.scalars(select(DagModel.dag_id).where(_is_ours(DagModel.relative_fileloc)))) & readable
        # From when it was made: a run that Airflow was not there for waited for no slot.
        made = func.coalesce(DagRun.queued_at, DagRun.run_after)
        asked = select(DagRun.dag_id, made, DagRun.start_date, DagRun.state).where(made >= begin)
        slots: defaultdict[int, int] = defaultdict(int)
        waiting: defaultdict[int, int] = defaultdict(int)
        for dag_id, queued, start, state in session.execute(asked):
            if dag_id in ours:
                slot = int((queued - begin).total_seconds() // 600)
                slots[slot] += 1
                late = ((start or now) - queued).total_seconds() > 60
                waiting[slot] += 1 if late and (start or state == "queued") else 0
    return {"begin": iso(begin), "now": iso(now), "runs": slots, "late": waiting}


# -- whose ------------------------------------------------------------------------------------------------------


def _readable(user: Any, entity: DagAccessEntity | None = None) -> set[str]:
    """The ids of the DAGs that a user may read; with `entity` also that part of them."""
    manager = get_auth_manager()
    ids: set[str] = manager.get_authorized_dag_ids(user=user, method="GET")
    if entity is None or not ids or manager.is_authorized_dag(method="GET", access_entity=entity, user=user):
        return ids
    return set()


def _is_ours(column: Any) -> Any:
    """A DAG of a stub: `orders.yaml.py`."""
    return or_(*(column.like(f"%{suffix}{STUB_SUFFIX}") for suffix in SUFFIXES))


_Place = tuple[str | None, str]
"""A bundle, and a stub's path in it: two bundles may have files of one name."""


def _place(dag: DagModel) -> _Place:
    return dag.bundle_name, dag.relative_fileloc or ""


def _errors(session: Session, user: Any, dags: Iterable[DagModel], readable: set[str]) -> dict[_Place, str]:
    """The import errors that a user may see: of files whose DAGs, all of which are in `dags`, they may all read."""
    if not get_auth_manager().is_authorized_view(access_view=AccessView.IMPORT_ERRORS, user=user):
        return {}
    hidden = {_place(dag) for dag in dags if dag.dag_id not in readable}
    found = session.scalars(select(ParseImportError).where(_is_ours(ParseImportError.filename)))
    errors = {(one.bundle_name, one.filename or ""): one.stacktrace or "" for one in found}
    return {place: text for place, text in errors.items() if place not in hidden}


# -- rows -------------------------------------------------------------------------------------------------------


def _row(dag: DagModel, runs: list[dict[str, Any]], tags: list[str], error: str, *, is_warned: bool) -> dict[str, Any]:
    return {
        "id": dag.dag_id,
        "name": dag.dag_display_name,
        "file": file_of(dag.relative_fileloc or ""),
        "description": dag.description or "",
        "schedule": _schedule(dag),
        "cron": dag.timetable_summary or "",
        "next": iso(dag.next_dagrun_create_after) if not dag.is_paused and not dag.is_stale else None,
        "paused": dag.is_paused,
        "owner": dag.owners or "",
        "tags": tags,
        "runs": runs,
        "state": "broken" if error else _state(dag, is_warned=is_warned),
        "findings": findings_of(error, file_of(dag.relative_fileloc or "")),
    }


def _schedule(dag: DagModel) -> str:
    """In words, with the time zone where there is a time of day; our timetables have it behind the cron."""
    words, zone = dag.timetable_description or "", (dag.timetable_summary or "").rpartition(" ")[2]
    if "At " in words:
        return f"{words} ({zone if zone in _zones() else 'UTC'})"
    return words or dag.timetable_summary or "only by hand"


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _state(dag: DagModel, *, is_warned: bool) -> str:
    """Whether it is paused is told beside, as of a pipeline with warnings."""
    return "retired" if dag.is_stale else "warnings" if is_warned else "paused" if dag.is_paused else "sound"


def _broken(path: str, text: str) -> dict[str, Any]:
    """A file that never was a DAG, or is none any more."""
    name = file_of(path)
    empty = {"id": None, "description": "", "schedule": "", "cron": "", "next": None, "paused": False, "owner": ""}
    return {
        **empty,
        "name": name,
        "file": name,
        "tags": [],
        "runs": [],
        "state": "broken",
        "findings": findings_of(text, name),
    }


def _last_runs(session: Session, user: Any, ids: set[str]) -> defaultdict[str, list[dict[str, Any]]]:
    return _runs(session, ids & _readable(user, DagAccessEntity.RUN))


def _runs(session: Session, ids: Iterable[str]) -> defaultdict[str, list[dict[str, Any]]]:
    """The last runs of each DAG, the newest last."""
    wanted = set(ids)
    newest = func.row_number().over(partition_by=DagRun.dag_id, order_by=DagRun.run_after.desc()).label("newest")
    recent = select(DagRun.dag_id, DagRun.run_id, DagRun.state, DagRun.run_after, newest)
    is_recent = DagRun.run_after >= datetime.now(UTC) - RECENT
    # Of one pipeline only its own runs are read; of all, a list of thousands of ids would be no help.
    ranked = recent.where(is_recent, *([DagRun.dag_id.in_(wanted)] if len(wanted) == 1 else [])).subquery()
    found: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    asked = select(ranked).where(ranked.c.newest <= RUNS).order_by(ranked.c.run_after)
    for dag_id, run_id, state, run_after, _ in session.execute(asked):
        if dag_id in wanted:
            found[dag_id].append({"id": run_id, "state": str(getattr(state, "value", state)), "at": iso(run_after)})
    return found


def _tags(session: Session, ids: set[str]) -> defaultdict[str, list[str]]:
    found: defaultdict[str, list[str]] = defaultdict(list)
    for dag_id, name in session.execute(select(DagTag.dag_id, DagTag.name).order_by(DagTag.name)):
        if dag_id in ids:
            found[dag_id].append(name)
    return found


def _warned(session: Session, user: Any) -> set[str]:
    """The DAGs of whose text, which a user may see, lint warns."""
    newest = (
        select(DagVersion.dag_id, func.max(DagVersion.version_number).label("number"))
        .group_by(DagVersion.dag_id)
        .subquery()
    )
    asked = (
        select(DagCode.dag_id)
        .join(DagVersion, DagVersion.id == DagCode.dag_version_id)
        .join(newest, and_(newest.c.dag_id == DagVersion.dag_id, newest.c.number == DagVersion.version_number))
        .where(DagCode.source_code.like(f"%{CALL}%\n{FINDING}warning[%"))
    )
    return set(session.scalars(asked)) & _readable(user, DagAccessEntity.CODE)


# -- one pipeline -----------------------------------------------------------------------------------------------


def _next_runs(session: Session, dag: DagModel) -> list[str | None]:
    """The next moments at which runs start: the scheduler has planned the first, its timetable knows the others."""
    first = dag.next_dagrun_create_after
    if dag.is_paused or dag.is_stale or first is None:
        return []
    runs = [first]
    try:
        stored = SerializedDagModel.get_dag(dag.dag_id, session=session)
        interval = dag.next_dagrun_data_interval
        info = DagRunInfo(pendulum.instance(first), interval) if stored is not None and interval is not None else None
        ends = pendulum.instance(stored.end_date) if stored is not None and stored.end_date is not None else None
        while stored is not None and info is not None and len(runs) < NEXT_RUNS:
            restriction = TimeRestriction(None, ends, catchup=True)
            info = stored.timetable.next_dagrun_info_v2(last_dagrun_info=info, restriction=restriction)
            runs += [info.run_after] if info is not None else []
    except Exception:  # a timetable of the user's, which this process may not have
        log.exception("%s: its runs after the next one cannot be told", dag.dag_id)
    return [iso(run) for run in runs]


def _assets(session: Session, reference: Any, dag_id: str) -> list[str]:
    asked = (
        select(AssetModel.name).join(reference, reference.asset_id == AssetModel.id).where(reference.dag_id == dag_id)
    )
    return sorted(set(session.scalars(asked)))
