"""What the page *Pipelines* shows, read from Airflow's database: as plain data for JSON, times in ISO 8601 and UTC."""

from __future__ import annotations

import ast
import contextlib
import logging
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pendulum
from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import AccessView, DagAccessEntity
from airflow.models.asset import (
    AssetModel,
    DagScheduleAssetReference,
    TaskInletAssetReference,
    TaskOutletAssetReference,
)
from airflow.models.asset_state_store import AssetStateStoreModel
from airflow.models.dag import DagModel, DagTag
from airflow.models.dag_version import DagVersion
from airflow.models.dagcode import DagCode
from airflow.models.dagrun import DagRun
from airflow.models.errors import ParseImportError
from airflow.models.serialized_dag import SerializedDagModel
from airflow.models.taskinstance import TaskInstance
from airflow.models.xcom import XComModel
from airflow.timetables.base import DagRunInfo, TimeRestriction
from airflow.utils.session import create_session
from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from factory.data.models import FACTS
from factory.http.state import MOVES, WATERMARK
from factory.operators.http import XCOM_KEY
from factory.reporters.in_force import FINDING, VALUE
from schemas.findings.paths import walk
from schemas.folder.discovery import SUFFIXES
from schemas.text.document import document_from_text

log = logging.getLogger(__name__)

STUB_SUFFIX = ".py"
"""Of the file behind a pipeline's DAG, as the bundle names it (`factory.bundle.source`)."""
RUNS = 10
"""Last runs of a pipeline in the list."""
POLLS = 50
"""Polls of one pipeline that its page shows."""
NEXT_RUNS = 5
"""Next runs of one pipeline."""
RECENT = timedelta(days=14)
"""Runs of these days are shown in the list: looking through all of a long history costs seconds."""
_PLACE = re.compile(r"--> (?P<file>.*?):(?P<line>[0-9]+):[0-9]+$", re.MULTILINE)
_SHOWN = re.compile(r"^r(?P<quotes>'''|\"\"\").*?(?P=quotes)$", re.DOTALL | re.MULTILINE)
_CHART_LINK = "_link_OpenTheChart"
_QUOTE = '"'
"""Airflow stores JSON."""
_TRAINS = "TrainOperator"
_CALL = "\nload_stub("
"""What separates, in a stub, the pipeline's text from what lint says of it (`factory.bundle.stubs`)."""


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
        known = {_place(dag) for dag in dags if not dag.is_stale}
        rows += [_broken(place[1], text) for place, text in errors.items() if place not in known]
    return {"pipelines": sorted(rows, key=lambda row: row["name"].lower()), "now": _iso(datetime.now(UTC))}


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
            "findings": _findings(error or warnings, _file(dag.relative_fileloc or "")),
            "next_runs": _next_runs(session, dag),
            "text": text,
            "in_force": in_force,
            "reads": _assets(session, DagScheduleAssetReference, dag_id),
            "writes": _assets(session, TaskOutletAssetReference, dag_id),
            "uses": uses(text),
            "watermarks": _watermarks(session, dag_id),
            "polls": list(_polls(session, dag_id)),
            "charts": list(_charts(session, dag_id)),
            "models": list(_models(session, dag_id)),
        }


def day(user: Any) -> dict[str, Any]:
    """The runs of the last 24 hours: for each ten minutes how many started, by the pipelines that a user may read."""
    readable = _readable(user, DagAccessEntity.RUN)
    now = datetime.now(UTC)
    begin = (now - timedelta(days=1)).replace(minute=0, second=0, microsecond=0)
    with create_session() as session:
        ours = set(session.scalars(select(DagModel.dag_id).where(_is_ours(DagModel.relative_fileloc)))) & readable
        asked = select(DagRun.dag_id, DagRun.run_after, DagRun.start_date, DagRun.state).where(
            DagRun.run_after >= begin
        )
        slots: defaultdict[int, int] = defaultdict(int)
        waiting: defaultdict[int, int] = defaultdict(int)
        for dag_id, run_after, start, state in session.execute(asked):
            if dag_id in ours:
                slot = int((run_after - begin).total_seconds() // 600)
                slots[slot] += 1
                late = ((start or now) - run_after).total_seconds() > 60
                waiting[slot] += 1 if late and (start or state == "queued") else 0
    return {"begin": _iso(begin), "now": _iso(now), "runs": slots, "late": waiting}


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
        "file": _file(dag.relative_fileloc or ""),
        "description": dag.description or "",
        "schedule": dag.timetable_description or dag.timetable_summary or "only by hand",
        "cron": dag.timetable_summary or "",
        "next": _iso(dag.next_dagrun_create_after) if not dag.is_paused and not dag.is_stale else None,
        "paused": dag.is_paused,
        "owner": dag.owners or "",
        "tags": tags,
        "runs": runs,
        "state": "broken" if error else _state(dag, is_warned=is_warned),
        "findings": _findings(error, _file(dag.relative_fileloc or "")),
    }


def _state(dag: DagModel, *, is_warned: bool) -> str:
    """Whether it is paused is told beside, as of a pipeline with warnings."""
    return "retired" if dag.is_stale else "warnings" if is_warned else "paused" if dag.is_paused else "sound"


def _broken(path: str, text: str) -> dict[str, Any]:
    """A file that never was a DAG, or is none any more."""
    name = _file(path)
    empty = {"id": None, "description": "", "schedule": "", "cron": "", "next": None, "paused": False, "owner": ""}
    return {
        **empty,
        "name": name,
        "file": name,
        "tags": [],
        "runs": [],
        "state": "broken",
        "findings": _findings(text, name),
    }


def _file(stub: str) -> str:
    return stub.removesuffix(STUB_SUFFIX)


def _findings(text: str, file: str) -> list[dict[str, Any]]:
    """The findings of a text as lint shows them, each with its line where it names one of the file."""
    found: list[dict[str, Any]] = []
    for block in filter(str.strip, re.split(r"\n\s*\n(?=\S)", text)):
        place = _PLACE.search(block)
        is_here = place is not None and f"/{place['file']}".endswith(f"/{file}")
        found.append({"text": block.strip("\n"), "line": int(place["line"]) if place is not None and is_here else None})
    return found


def _iso(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat(timespec="seconds") if moment is not None else None


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
            found[dag_id].append({"id": run_id, "state": str(getattr(state, "value", state)), "at": _iso(run_after)})
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
        .where(DagCode.source_code.like(f"%{_CALL}%\n{FINDING}warning[%"))
    )
    return set(session.scalars(asked)) & _readable(user, DagAccessEntity.CODE)


# -- one pipeline -----------------------------------------------------------------------------------------------


def yaml_of(stub: str) -> str:
    """The pipeline's text in its stub, which the bundle wrote (`factory.bundle.stubs`)."""
    literal = _SHOWN.search(stub)
    if literal is not None:
        return str(ast.literal_eval(literal.group()))[1:]
    return "\n".join(line.removeprefix("#| ") for line in stub.splitlines() if line.startswith("#|"))


def said_of(stub: str, dag_id: str) -> tuple[str, str]:
    """Lint's warnings, and the DAG's values in force, below the text in a stub (`factory.reporters.in_force`)."""
    lines = stub.rpartition(_CALL)[2].splitlines()
    warnings = "\n".join(line.removeprefix(FINDING) for line in lines if line.startswith(FINDING))
    documents = "\n".join(line.removeprefix(VALUE) for line in lines if line.startswith(VALUE)).split("\n---\n")
    heads = (f"# {dag_id}\n", f"# {dag_id}, ")
    return warnings, next((document for document in documents if f"{document}\n".startswith(heads)), "")


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
    return [_iso(run) for run in runs]


def uses(text: str) -> dict[str, list[str]]:
    """Connections, tables and hosts that a text names, by the keys that name them."""
    data = document_from_text(text, "").data
    found: dict[str, set[str]] = {"connections": set(), "tables": set(), "hosts": set()}
    for path, value in walk(data).texts:
        key = str(path[-1]) if path else ""
        if key == "conn_id" or key.endswith("_conn_id"):
            found["connections"].add(value)
        elif key == "table":
            found["tables"].add(value)
        elif value.startswith(("http://", "https://")):
            with contextlib.suppress(ValueError):  # a template, such as `https://{{ params['host'] }}/`, is no host
                found["hosts"].add(urlsplit(value).hostname or "")
    return {kind: sorted(filter(None, names)) for kind, names in found.items()}


def _assets(session: Session, reference: Any, dag_id: str) -> list[str]:
    asked = (
        select(AssetModel.name).join(reference, reference.asset_id == AssetModel.id).where(reference.dag_id == dag_id)
    )
    return sorted(set(session.scalars(asked)))


def _polls(session: Session, dag_id: str) -> Iterator[dict[str, Any]]:
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
            yield {"task": row.task_id, "run": row.run_id, "at": _iso(run_after), **shown}


def _watermarks(session: Session, dag_id: str) -> list[str]:
    """Where the polls of a DAG go on from; other things that they remember, such as tokens, are not shown."""
    asked = (
        select(AssetModel.name, AssetStateStoreModel.value)
        .join(AssetStateStoreModel, AssetStateStoreModel.asset_id == AssetModel.id)
        .join(TaskInletAssetReference, TaskInletAssetReference.asset_id == AssetModel.id)
        .where(TaskInletAssetReference.dag_id == dag_id, AssetStateStoreModel.key == WATERMARK)
    )
    return sorted({f"{value.strip(_QUOTE)} ({name})" for name, value in session.execute(asked)})


def _charts(session: Session, dag_id: str) -> Iterator[dict[str, str]]:
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


def _models(session: Session, dag_id: str) -> Iterator[dict[str, str]]:
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
