"""Runs of real DAGs, each task in a forked process of its own that can be killed.

What is Airflow's: the database, the DAG runs and their states, the execution API's routes (called in the task's
process, as `dag.test()` does) and the task runner. What stands in for the scheduler and the supervisor is here: who
starts which task, and that a process which ended by a signal is a failed try, as the executor would report it.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pendulum
from airflow import settings
from airflow.dag_processing.bundles.manager import DagBundlesManager
from airflow.dag_processing.dagbag import BundleDagBag, sync_bag_to_db
from airflow.models.asset import AssetModel
from airflow.models.asset_state_store import AssetStateStoreModel
from airflow.models.dagbag import DBDagBag
from airflow.models.dagrun import DagRun
from airflow.models.taskinstance import TaskInstance, clear_task_instances
from airflow.sdk import DAG, DagRunState, TaskInstanceState
from airflow.sdk.definitions.dag import _run_task
from airflow.sdk.execution_time.supervisor import in_process_api_server
from airflow.utils.session import create_session
from airflow.utils.types import DagRunTriggeredByType, DagRunType
from sqlalchemy import select

InChild = Callable[[TaskInstance], None]


class ForkedRuns:
    """All DAGs of Airflow's dags folder, ready to run; made once in a process. Without `forks` tasks run in this very
    process, which costs less and cannot be killed."""

    def __init__(self, *, forks: bool = True) -> None:
        self._forks = forks
        self._runs = 0
        self.killed = 0
        """How many tasks' processes have ended by a signal."""
        manager = DagBundlesManager()
        manager.sync_bundles_to_db()
        (bundle,) = manager.get_all_dag_bundles()
        bag = BundleDagBag(dag_folder=bundle.path, bundle_path=bundle.path, bundle_name=bundle.name)
        assert not bag.import_errors, bag.import_errors
        sync_bag_to_db(bag, bundle.name, None)
        self.dags: dict[str, DAG] = dict(bag.dags)
        if forks:
            asyncio.run(_warm_up())

    def start(self, dag_id: str, logical_date: datetime | None = None, conf: dict[str, Any] | None = None) -> str:
        """Make a run, by default of now; return its id."""
        self._runs += 1
        now = logical_date or datetime.now(UTC) + timedelta(seconds=self._runs)
        with create_session() as session:
            dag = DBDagBag().get_latest_version_of_dag(dag_id, session=session)
            assert dag is not None
            run = dag.create_dagrun(
                run_id=f"run_{self._runs}",
                logical_date=now,
                run_after=now,
                data_interval=dag.timetable.infer_manual_data_interval(run_after=pendulum.instance(now)),
                conf=conf,
                run_type=DagRunType.MANUAL,
                triggered_by=DagRunTriggeredByType.TEST,
                state=DagRunState.QUEUED,
                start_date=now,
                session=session,
            )
            run.state = DagRunState.RUNNING
            return str(run.run_id)

    def clear(self, dag_id: str, run_id: str, *task_ids: str) -> None:
        """Clear tasks of a run, all if none is named."""
        with create_session() as session:
            found = session.scalars(
                select(TaskInstance).where(TaskInstance.dag_id == dag_id, TaskInstance.run_id == run_id)
            )
            tasks = [ti for ti in found if not task_ids or ti.task_id in task_ids]
            clear_task_instances(tasks, session, dag_run_state=DagRunState.RUNNING)

    def finish(
        self, dag_id: str, run_id: str, in_child: InChild = lambda _: None, behind: Callable[[], None] = lambda: None
    ) -> dict[str, str]:
        """Run all until the run has ended; return the tasks' states, by id or by `id[index]` for mapped ones.

        `in_child` is called in each process, `behind` when one has ended.
        """
        dag = self.dags[dag_id]
        while True:
            with create_session() as session:
                run = session.scalar(select(DagRun).where(DagRun.dag_id == dag_id, DagRun.run_id == run_id))
                assert run is not None
                run.dag = DBDagBag().get_latest_version_of_dag(dag_id, session=session)
                ready, _ = run.update_state(session=session)
                for instance in ready:
                    instance.try_number += 1
                    instance.state = TaskInstanceState.SCHEDULED
                session.commit()
                if run.state in (DagRunState.SUCCESS, DagRunState.FAILED):
                    instances = run.get_task_instances(session=session)
                    return {_name(instance): str(instance.state) for instance in instances}
                session.expunge_all()
            if not ready:
                # Nothing started: states of tasks behind others were set, or a try waits for its time.
                time.sleep(0.02)
            for instance in ready:
                if not self._forks:
                    _run(instance, dag, in_child)
                    continue
                status = _in_own_process(lambda one=instance: _run(one, dag, in_child))
                self.killed += status < 0
                if status != 0:
                    _report_failure(instance, dag)
                behind()


def stored(asset: str) -> dict[str, Any]:
    """What is kept under an asset's name."""
    with create_session() as session:
        rows = session.execute(
            select(AssetStateStoreModel.key, AssetStateStoreModel.value)
            .join(AssetModel, AssetModel.id == AssetStateStoreModel.asset_id)
            .where(AssetModel.name == asset)
        )
        return {key: json.loads(value) for key, value in rows}


async def _warm_up() -> None:
    """Build the execution API before the first fork, so that the tasks do not each build it. Leaves no thread."""
    app = in_process_api_server().app
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://in-process") as client,
    ):
        assert (await client.get("/health")).status_code == 200


def _name(instance: TaskInstance) -> str:
    return instance.task_id if instance.map_index < 0 else f"{instance.task_id}[{instance.map_index}]"


def _run(instance: TaskInstance, dag: DAG, in_child: InChild) -> None:
    in_child(instance)
    _run_task(ti=instance, task=dag.task_dict[instance.task_id], run_triggerer=True)


def _report_failure(instance: TaskInstance, dag: DAG) -> None:
    """What the scheduler does when an executor reports a task that ended without a word."""
    with create_session() as session:
        found = session.get(TaskInstance, instance.id)
        assert found is not None
        if found.state == TaskInstanceState.SUCCESS:
            return
        found.task = DBDagBag().get_latest_version_of_dag(dag.dag_id, session=session).get_task(found.task_id)
        found.handle_failure(error="killed", session=session)


def _in_own_process(work: Callable[[], Any]) -> int:
    """Exit status of a forked process, negative for a signal."""
    settings.engine.dispose(close=False)
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    status = 1
    try:
        # A connection of the database that two processes share breaks.
        settings.engine.dispose(close=False)
        settings.async_engine.sync_engine.dispose(close=False)
        work()
        status = 0
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
