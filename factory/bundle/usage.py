"""Which versions of a bundle Airflow can still ask for, by its metadata database."""

from __future__ import annotations

from datetime import datetime


def named_versions(bundle_name: str, runs_since: datetime) -> set[str]:
    """The versions that a DAG, or an unfinished or recent run, names.

    A new run takes `dag.bundle_version`; a run keeps `dag_run.bundle_version`, and its tasks may be sent with
    the one of their `dag_version` row; clearing takes the run's own or the DAG's latest. Runs that ended
    before `runs_since` no longer count. Only for processes that may use the database.
    """
    # Imported here: a task's process imports the bundle and may not touch the models.
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
