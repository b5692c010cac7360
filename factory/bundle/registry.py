"""What Airflow's metadata database has of a bundle; only for processes that may use it.

Models are imported in the functions: a task's process imports the bundle and may not touch them.

What the bundle tells Airflow's metrics (StatsD, OpenTelemetry); docs/roll-out.md has an alert for each.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from factory.bundle.records import DagRecords, Database, RegisteredDag

log = logging.getLogger(__name__)


def database_of(bundle_name: str, before: DagRecords) -> Database | None:
    """What has become of the DAGs that were there `before`.

    None while the database does not answer: pipelines are read all the same.
    """
    from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415 - only the dag-processor may use the database

    try:
        active_again = reactivate(bundle_name)
        known = registered_dags(bundle_name)
        deleted = deleted_dags(before.gone_from(known))
        pause_returned(bundle_name, {*before.deleted, *deleted}, known)
        errors = frozenset(name for name, is_whole in import_errors(bundle_name).items() if not is_whole)
        return Database(known, deleted, active_again, errors, is_read_by_command())
    except SQLAlchemyError as error:
        log.warning("bundle %s: Airflow's database could not be asked about its DAGs: %s", bundle_name, error)
        return None


def registered_dags(bundle_name: str) -> dict[str, RegisteredDag]:
    """The bundle's DAGs, stale ones included."""
    from airflow.models.dag import DagModel  # noqa: PLC0415
    from airflow.models.dag_version import DagVersion  # noqa: PLC0415
    from airflow.utils.session import create_session  # noqa: PLC0415
    from sqlalchemy import select  # noqa: PLC0415

    columns = (DagModel.dag_id, DagModel.next_dagrun_create_after, DagModel.is_paused, DagVersion.id)
    is_there = ~(DagModel.is_stale | DagModel.has_import_errors)
    is_first = (DagVersion.dag_id == DagModel.dag_id) & (DagVersion.version_number == 1)
    asked = select(*columns, DagModel.relative_fileloc, is_there).outerjoin(DagVersion, is_first)
    asked = asked.where(DagModel.bundle_name == bundle_name)
    with create_session() as session:
        return {
            dag_id: RegisteredDag(
                math.inf if paused or moment is None else moment.timestamp(),
                str(first or ""),
                bool(paused),
                str(file or "") if is_sound else "",
            )
            for dag_id, moment, paused, first, file, is_sound in session.execute(asked)
        }


def deleted_dags(dag_ids: Collection[str]) -> frozenset[str]:
    """Those of the ids that somebody deleted, by the audit log: a lost or new database deletes nothing."""
    from airflow.models.log import Log  # noqa: PLC0415
    from airflow.utils.session import create_session  # noqa: PLC0415
    from sqlalchemy import select  # noqa: PLC0415

    if not dag_ids:
        return frozenset()
    with create_session() as session:
        found = session.scalars(select(Log.dag_id).where(Log.event.in_(DELETE_EVENTS), Log.dag_id.in_(dag_ids)))
        return frozenset(dag_id for dag_id in found if dag_id)


def pause_returned(bundle_name: str, deleted: Collection[str], known: Mapping[str, RegisteredDag]) -> None:
    """Pause DAGs that were deleted and are back, switched on, without that anybody did that.

    Their stubs have them come back paused. But a parse that was under way when the DAG was deleted has the stub from
    before, and a file that Airflow reads each second (its issue 73432) is back before the bundle looks.
    """
    from airflow.models.dag import DagModel  # noqa: PLC0415
    from airflow.models.log import Log  # noqa: PLC0415
    from airflow.utils.session import create_session  # noqa: PLC0415
    from sqlalchemy import func, select, update  # noqa: PLC0415

    for dag_id in sorted(deleted):
        if dag_id not in known or known[dag_id].is_paused:
            continue
        when_deleted = select(func.max(Log.id)).where(Log.event.in_(DELETE_EVENTS), Log.dag_id == dag_id)
        about_it = (Log.dag_id == dag_id) | Log.dag_id.is_(None)
        switched = select(func.max(Log.id)).where(Log.event.in_(SWITCH_EVENTS), about_it)
        with create_session() as session:
            if (session.scalar(switched) or 0) > (session.scalar(when_deleted) or 0):
                continue
            session.execute(update(DagModel).where(DagModel.dag_id == dag_id).values(is_paused=True))
        log.warning("bundle %s: the DAG %s was deleted in Airflow and is back; it is paused now", bundle_name, dag_id)


DELETE_EVENTS = ("delete_dag", "cli_dag_delete")
"""Of the REST API (and so the UI), and of the command line."""
SWITCH_EVENTS = ("patch_dag", "patch_dags", "cli_dag_pause", "cli_dag_unpause")
"""Of those that switch a DAG on or off; `patch_dags` names no DAG."""


def reactivate(bundle_name: str) -> bool:
    """Whether another process had made the bundle inactive; then it is active again.

    Every `airflow` command that reads DAGs does so with the bundles that its own configuration lacks
    (`DagBundlesManager.sync_bundles_to_db`), and Airflow then retires their DAGs.
    """
    from airflow.models.dagbundle import DagBundleModel  # noqa: PLC0415
    from airflow.utils.session import create_session  # noqa: PLC0415

    with create_session() as session:
        bundle = session.get(DagBundleModel, bundle_name)
        if bundle is None or bundle.active:
            return False
        bundle.active = True
        return True


def named_versions(bundle_name: str, runs_since: datetime) -> set[str]:
    """The versions that a DAG, or an unfinished or recent run, names.

    A new run takes `dag.bundle_version`; a run keeps `dag_run.bundle_version`, and its tasks may be sent with
    the one of their `dag_version` row; clearing takes the run's own or the DAG's latest. Runs that ended
    before `runs_since` no longer count. Only for processes that may use the database.
    """
    from airflow.models.dag import DagModel  # noqa: PLC0415
    from airflow.models.dag_version import DagVersion  # noqa: PLC0415
    from airflow.models.dagrun import DagRun  # noqa: PLC0415
    from airflow.models.taskinstance import TaskInstance  # noqa: PLC0415
    from airflow.utils.session import create_session  # noqa: PLC0415
    from airflow.utils.state import State  # noqa: PLC0415
    from sqlalchemy import func, or_, select  # noqa: PLC0415

    counts = or_(DagRun.state.in_(State.unfinished_dr_states), DagRun.end_date.is_(None), DagRun.end_date >= runs_since)
    ours = DagVersion.bundle_name == bundle_name
    latest = (
        select(DagVersion.dag_id, func.max(DagVersion.version_number).label("number"))
        .group_by(DagVersion.dag_id)
        .subquery()
    )
    queries = (
        select(DagModel.bundle_version).where(DagModel.bundle_name == bundle_name),
        select(DagRun.bundle_version).where(counts),
        select(DagVersion.bundle_version)
        .join(latest, (DagVersion.dag_id == latest.c.dag_id) & (DagVersion.version_number == latest.c.number))
        .where(ours),
        select(DagVersion.bundle_version)
        .join(DagRun, DagRun.created_dag_version_id == DagVersion.id)
        .where(ours, counts),
        select(DagVersion.bundle_version)
        .join(TaskInstance, TaskInstance.dag_version_id == DagVersion.id)
        .join(DagRun, (DagRun.dag_id == TaskInstance.dag_id) & (DagRun.run_id == TaskInstance.run_id))
        .where(ours, counts),
    )
    with create_session() as session:
        return {version for query in queries for version in session.scalars(query.distinct()) if version is not None}


def import_errors(bundle_name: str) -> dict[str, bool]:
    """The files of a bundle that Airflow has an import error for, and whether it is a whole traceback: an `airflow`
    command wrote it then (`show_only_the_message`). Only for processes that may use the database."""
    from airflow.models.errors import ParseImportError  # noqa: PLC0415 # as above
    from airflow.utils.session import create_session  # noqa: PLC0415
    from sqlalchemy import select  # noqa: PLC0415

    asked = select(ParseImportError.filename, ParseImportError.stacktrace.startswith(TRACEBACK))
    with create_session() as session:
        found = session.execute(asked.where(ParseImportError.bundle_name == bundle_name))
        return {name: bool(is_whole) for name, is_whole in found if name}


COMMAND_SECONDS = 60.0
"""So long a command may take from its entry in the audit log until it has read all files."""


def is_read_by_command() -> bool:
    """Whether an `airflow dags` or `airflow tasks` command has just begun, by the audit log."""
    from airflow.models.log import Log  # noqa: PLC0415 # as above
    from airflow.utils.session import create_session  # noqa: PLC0415
    from sqlalchemy import select  # noqa: PLC0415

    is_reader = Log.event.startswith("cli_dag_") | Log.event.startswith("cli_task_")
    is_recent = Log.dttm >= datetime.now(UTC) - timedelta(seconds=COMMAND_SECONDS)
    asked = select(Log.id).where(is_recent, is_reader, Log.event != "cli_dag_processor").limit(1)
    with create_session() as session:
        return session.scalar(asked) is not None


PREFIX = "pipeline_factory"
TRACEBACK = "Traceback (most recent call last)"


@contextmanager
def timed(name: str, bundle: str, *, in_task: bool = False) -> Iterator[None]:
    """Send how many milliseconds a step took as `NAME`; where it raises, count `NAME_failed` in its place."""
    began = time.monotonic()
    try:
        yield
    except Exception:
        _stats(in_task).incr(f"{PREFIX}.{name}_failed", tags={"bundle": bundle})
        raise
    _stats(in_task).timing(f"{PREFIX}.{name}", (time.monotonic() - began) * 1000, tags={"bundle": bundle})


def gauge(name: str, value: float, bundle: str) -> None:
    """Send a value, from the dag-processor."""
    _stats(False).gauge(f"{PREFIX}.{name}", value, tags={"bundle": bundle})


def _stats(in_task: bool):  # type: ignore[no-untyped-def] # two classes of one text, one for each kind of process
    # A task's process initializes the SDK's metrics, and servers Airflow's own.
    if in_task:
        from airflow.sdk.observability.stats import Stats  # noqa: PLC0415 # each process needs one of them

        return Stats
    from airflow.observability.stats import Stats as ServerStats  # noqa: PLC0415 # as above

    return ServerStats
