"""What the page *Pipelines* shows, read from Airflow's database: as plain data for JSON, times in ISO 8601 and UTC."""

from __future__ import annotations

import ast
import contextlib
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import AccessView, DagAccessEntity
from airflow.models.asset import AssetModel, DagScheduleAssetReference, TaskOutletAssetReference
from airflow.models.dag import DagModel, DagTag
from airflow.models.dagcode import DagCode
from airflow.models.dagrun import DagRun
from airflow.models.errors import ParseImportError
from airflow.models.xcom import XComModel
from airflow.utils.session import create_session
from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from factory.operators.http import XCOM_KEY
from schemas.findings.paths import walk
from schemas.folder.discovery import SUFFIXES
from schemas.text.document import document_from_text

STUB_SUFFIX = ".py"
"""Of the file behind a pipeline's DAG, as the bundle names it (`factory.bundle.source`)."""
RUNS = 10
"""Last runs of a pipeline in the list."""
POLLS = 50
"""Polls of one pipeline that its page shows."""
RECENT = timedelta(days=14)
"""Runs of these days are shown in the list: looking through all of a long history costs seconds."""
_PLACE = re.compile(r"--> .*?:(?P<line>[0-9]+):[0-9]+$", re.MULTILINE)
_SHOWN = re.compile(r"^r(?P<quotes>'''|\"\"\").*?(?P=quotes)$", re.DOTALL | re.MULTILINE)
_CHART_LINK = "_link_OpenTheChart"


def pipelines(user: Any) -> dict[str, Any]:
    """The pipelines that a user may read, and files that could not be read: a row for each."""
    readable = _readable(user)
    with create_session() as session:
        dags = list(session.scalars(select(DagModel).where(_is_ours(DagModel.relative_fileloc))))
        errors = _errors(session, user, dags, readable)
        mine = [dag for dag in dags if dag.dag_id in readable]
        ids = {dag.dag_id for dag in mine}
        runs, tags = _last_runs(session, user, ids), _tags(session, ids)
        rows = [_row(dag, runs[dag.dag_id], tags[dag.dag_id], errors.get(_place(dag), "")) for dag in mine]
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
        text = yaml_of(session.scalars(asked).first() or "")
        beside = session.scalars(
            select(DagModel).where(
                DagModel.relative_fileloc == dag.relative_fileloc, DagModel.bundle_name == dag.bundle_name
            )
        )
        error = _errors(session, user, list(beside), _readable(user)).get(_place(dag), "")
        return {
            **_row(dag, _runs(session, [dag_id])[dag_id], _tags(session, {dag_id})[dag_id], error),
            "text": text,
            "reads": _assets(session, DagScheduleAssetReference, dag_id),
            "writes": _assets(session, TaskOutletAssetReference, dag_id),
            "uses": uses(text),
            "polls": list(_polls(session, dag_id)),
            "charts": list(_charts(session, dag_id)),
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


def _row(dag: DagModel, runs: list[dict[str, Any]], tags: list[str], error: str) -> dict[str, Any]:
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
        "state": "broken" if error else _state(dag),
        "findings": _findings(error) if error else [],
    }


def _state(dag: DagModel) -> str:
    return "retired" if dag.is_stale else "paused" if dag.is_paused else "sound"


def _broken(path: str, text: str) -> dict[str, Any]:
    """A file that never was a DAG, or is none any more."""
    name = _file(path)
    empty = {"id": None, "description": "", "schedule": "", "cron": "", "next": None, "paused": False, "owner": ""}
    return {**empty, "name": name, "file": name, "tags": [], "runs": [], "state": "broken", "findings": _findings(text)}


def _file(stub: str) -> str:
    return stub.removesuffix(STUB_SUFFIX)


def _findings(text: str) -> list[dict[str, Any]]:
    """The findings of an import error as lint shows them, each with its line where it names one."""
    found = []
    for block in filter(str.strip, re.split(r"\n\s*\n(?=\S)", text)):
        place = _PLACE.search(block)
        found.append({"text": block.strip("\n"), "line": int(place["line"]) if place is not None else None})
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


# -- one pipeline -----------------------------------------------------------------------------------------------


def yaml_of(stub: str) -> str:
    """The pipeline's text in its stub, which the bundle wrote (`factory.bundle.stubs`)."""
    literal = _SHOWN.search(stub)
    if literal is not None:
        return str(ast.literal_eval(literal.group()))[1:]
    return "\n".join(line.removeprefix("#| ") for line in stub.splitlines() if line.startswith("#|"))


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
    """What the last polls of each task brought, the newest last."""
    asked = (
        select(XComModel, DagRun.run_after)
        .join(DagRun, and_(DagRun.dag_id == XComModel.dag_id, DagRun.run_id == XComModel.run_id))
        .where(XComModel.dag_id == dag_id, XComModel.key == XCOM_KEY)
        .order_by(DagRun.run_after.desc())
        .limit(POLLS)
    )
    for row, run_after in reversed(session.execute(asked).all()):
        facts = XComModel.deserialize_value(row)
        if isinstance(facts, dict):
            shown = {key: facts.get(key) for key in ("status", "rows", "pages", "bytes", "milliseconds", "retries")}
            yield {"task": row.task_id, "run": row.run_id, "at": _iso(run_after), **shown}


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


def chart(dag_id: str, run_id: str, task_id: str, map_index: int) -> str | None:
    """The path of the chart that a task drew, which is its output; None for a task without the button."""
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
    path = found.get("return_value")
    return path if _CHART_LINK in found and isinstance(path, str) else None
