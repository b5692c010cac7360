"""Clean-up of the store: a version goes when nothing can name it, a content when no version has it."""

from __future__ import annotations

import fcntl
import logging
import shutil
import time
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from factory.bundle.store import Store, StoreError

log = logging.getLogger(__name__)

# A run may be on its way into the database under the version that its DAG had a moment ago. Longer than from one
# pass to the next, so that a version goes only when two passes in a row found nobody who names it.
MIN_AGE_SECONDS = 2 * 3600.0
# So that one pass never holds up the dag-processor's loop for long; the next pass goes on.
MAX_VERSIONS = 200
MAX_OBJECTS = 20_000


def clean_up(store: Store, named: Iterable[str], current: str | None, versions_dir: Path, tracking: Path) -> int:
    """Remove what nobody can ask for; return the number of versions removed.

    `named` are the versions that Airflow's database names. `versions_dir` and `tracking` are Airflow's own
    `versions/` folder and usage records of this bundle. Call it under the bundle's lock.

    :raises StoreError: a kept manifest cannot be read, so nothing is known about its contents; they all stay.
    """
    young = time.time() - MIN_AGE_SECONDS
    keep = {*named, current}
    for version in keep & store.versions().keys():
        store.touch_manifest(str(version))  # its age counts from when it was last named
    gone = [v for v, last in sorted(store.versions().items()) if v not in keep and last < young][:MAX_VERSIONS]
    removed = 0
    for version in gone:
        if _release_tracking(tracking / version):
            store.remove_version(version)
            shutil.rmtree(versions_dir / version, ignore_errors=True)  # an empty folder, or already gone
            removed += 1
    _forget_lost_usage(versions_dir, tracking, young)
    _remove_unreferenced(store, young)
    return removed


def _release_tracking(record: Path) -> bool:
    """Remove Airflow's usage record of a version, unless a task holds it.

    Airflow's clean-up raises at a record whose version folder is missing, and skips all further bundles
    (`BundleUsageTrackingManager`), so both go together.
    """
    try:
        with record.open() as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            record.unlink()
    except FileNotFoundError:
        return True
    except BlockingIOError:
        return False
    return True


def _forget_lost_usage(versions_dir: Path, tracking: Path, before: float) -> None:
    """Remove old usage records whose version folder is missing, for the same reason."""
    if not tracking.is_dir():
        return
    for record in tracking.iterdir():
        if not (versions_dir / record.name).exists() and record.stat().st_mtime < before:
            _release_tracking(record)


def _remove_unreferenced(store: Store, before: float) -> None:
    referenced: set[str] = set()
    for version in store.versions():
        try:
            referenced.update(store.manifest(version).files.values())
        except StoreError as e:
            raise StoreError(f"version {version[:12]}: {e}; no contents were removed") from None
    stale = [token for token in store.object_tokens() if token not in referenced]
    for token in stale[:MAX_OBJECTS]:
        if store.object_path(token).stat().st_mtime < before:
            store.remove_object(token)


def named_versions(bundle_name: str, runs_since: datetime) -> set[str]:
    """The versions that a DAG, or an unfinished or recent run, names.

    A new run takes `dag.bundle_version`; a run keeps `dag_run.bundle_version`, and its tasks may be sent with
    the one of their `dag_version` row; clearing takes the run's own or the DAG's latest. Runs that ended
    before `runs_since` no longer count. Only for processes that may use the database.
    """
    # The models: only a process with database access may import them.
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
