"""What Airflow's metadata database has of a bundle; only for processes that may use it.

Models are imported in the functions: a task's process imports the bundle and may not touch them.
"""

from __future__ import annotations

from collections.abc import Collection


def registered_dags(bundle_name: str) -> frozenset[str]:
    """The ids of the bundle's DAGs, stale ones included."""
    from airflow.models.dag import DagModel  # noqa: PLC0415
    from airflow.utils.session import create_session  # noqa: PLC0415
    from sqlalchemy import select  # noqa: PLC0415

    with create_session() as session:
        return frozenset(session.scalars(select(DagModel.dag_id).where(DagModel.bundle_name == bundle_name)))


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


DELETE_EVENTS = ("delete_dag", "cli_dag_delete")
"""Of the REST API (and so the UI), and of the command line."""


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
