"""Runs of the pipelines of docs/recipes.md, in one process; started by test_recipes_run.py.

Each recipe has a warehouse of its own, an SQLite file with the tables that a team would have. Prints one JSON line for
each run: the tasks' states by id.
"""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from airflow.jobs.job import Job
from airflow.jobs.scheduler_job_runner import SchedulerJobRunner
from airflow.models.backfill import _create_backfill
from airflow.models.dagrun import DagRun
from airflow.sdk import DagRunState
from airflow.sdk.exceptions import ParamValidationError
from airflow.triggers.callback import CallbackTrigger
from airflow.utils.db import initdb
from airflow.utils.session import create_session
from airflow.utils.sqlalchemy import prohibit_commit
from airflow.utils.types import DagRunType
from sqlalchemy import select

from factory.loading.pipelines import build_checked
from schemas.check import Checker
from schemas.findings.diagnostics import Severity

from .http.forked_runs import ForkedRuns

VISITS = """
    CREATE TABLE visits (visits INTEGER, minutes INTEGER, spent REAL);
    WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 199)
    INSERT INTO visits SELECT i % 20, (i * 7) % 60, 3.0 * (i % 20) + 0.5 * ((i * 7) % 60) + 2 FROM n;
    INSERT INTO visits VALUES (1, 1, NULL);
    CREATE TABLE customers (id INTEGER, visits INTEGER, minutes INTEGER);
    INSERT INTO customers VALUES (1, 10, 30), (2, 0, 0);
    """
"""What customers spend is 3 for each visit, 0.5 for each minute, and 2 more."""
TABLES = {
    "training_on_assets": """
        CREATE TABLE orders (customer);
        INSERT INTO orders VALUES (1), (2), (2), (3), (3), (3);
        CREATE TABLE survey (customer, score);
        INSERT INTO survey VALUES (1, 3), (2, 5), (3, 7);
        CREATE TABLE features (customer, orders);
        CREATE TABLE labels (customer, score);
        CREATE TABLE models (slope REAL, intercept REAL);
        """,
    "hourly_windows": """
        CREATE TABLE clicks (page, clicked_at);
        INSERT INTO clicks VALUES ('/', '2026-01-05 00:59:59+00:00'), ('/', '2026-01-05 01:00:00+00:00'),
            ('/', '2026-01-05 01:30:00+00:00'), ('/cart', '2026-01-05 01:59:59+00:00'),
            ('/', '2026-01-05 03:00:00+00:00');
        CREATE TABLE clicks_per_hour (hour, page, clicks);
        """,
    "per_environment": "CREATE TABLE rates (currency PRIMARY KEY, rate INTEGER);",
    "pytorch_model": VISITS,
    "keras_model": VISITS,
}
"""What the databases of recipes hold before a run, by recipe."""
FOLDER = Path(os.environ["TEST_FOLDER"])
MONDAY = datetime(2026, 1, 5, tzinfo=UTC)


class Recipes:
    """Runs of the recipes' DAGs; each says what came of it."""

    def __init__(self, runs: ForkedRuns) -> None:
        self.runs = runs
        self._scheduler = SchedulerJobRunner(Job())

    def run(self, dag_id: str, date: datetime = MONDAY, label: str = "", **conf: Any) -> str:
        """Make a run and finish it."""
        run_id = self.runs.start(dag_id, date, conf)
        self._finish(dag_id, run_id, label)
        return run_id

    def finish_queued(self, dag_id: str, kind: DagRunType) -> int:
        """Finish the runs that Airflow has made; return how many there were."""
        with create_session() as session:
            queued = select(DagRun).where(
                DagRun.dag_id == dag_id, DagRun.run_type == kind, DagRun.state == DagRunState.QUEUED
            )
            runs = session.scalars(queued).all()
            for run in runs:
                run.state = DagRunState.RUNNING
            found = [run.run_id for run in runs]
        for run_id in found:
            self._finish(dag_id, run_id, kind.value)
        return len(found)

    def create_scheduled(self) -> None:
        """What a scheduler does in each of its rounds."""
        with create_session() as session, prohibit_commit(session) as guard:
            self._scheduler._create_dagruns_for_dags(guard, session)
            guard.commit()

    def _finish(self, dag_id: str, run_id: str, label: str) -> None:
        states = self.runs.finish(dag_id, run_id)
        print("RAN", json.dumps([f"{dag_id} {label}".strip(), states]), flush=True)


def orders_to_warehouse(recipes: Recipes) -> None:
    recipes.run("orders_to_warehouse")
    recipes.run("orders_to_warehouse", MONDAY.replace(minute=10), "again")


def training_on_assets(recipes: Recipes) -> None:
    recipes.run("features")
    recipes.create_scheduled()
    assert recipes.finish_queued("train", DagRunType.ASSET_TRIGGERED) == 0, "there were no labels yet"
    recipes.run("labels")
    recipes.create_scheduled()
    assert recipes.finish_queued("train", DagRunType.ASSET_TRIGGERED) == 1


def pytorch_model(recipes: Recipes) -> None:
    network(recipes, "pytorch")


def keras_model(recipes: Recipes) -> None:
    network(recipes, "keras")


def network(recipes: Recipes, name: str) -> None:
    recipes.run(f"train_{name}")
    recipes.create_scheduled()
    assert recipes.finish_queued(f"predict_{name}", DagRunType.ASSET_TRIGGERED) == 1


def hourly_windows(recipes: Recipes) -> None:
    _create_backfill(
        dag_id="hourly_windows",
        from_date=MONDAY.replace(hour=1),
        to_date=MONDAY.replace(hour=3),
        max_active_runs=4,
        reverse=False,
        dag_run_conf=None,
        triggering_user_name="test",
    )
    assert recipes.finish_queued("hourly_windows", DagRunType.BACKFILL_JOB) == 3


def manual_job(recipes: Recipes) -> None:
    try:
        recipes.run("manual_job", MONDAY.replace(hour=2), "wrong", customer=0)
    except ParamValidationError as error:
        print("REFUSED", str(error).splitlines()[0], flush=True)


def per_environment(recipes: Recipes) -> None:
    recipes.run("exchange_rates")
    recipes.run("exchange_rates", MONDAY.replace(minute=5), "unchanged")


def wait_for_other(recipes: Recipes) -> None:
    recipes.run("ledger", MONDAY.replace(hour=1))
    recipes.run("invoices", MONDAY.replace(hour=3))
    failed = recipes.run("ledger", MONDAY.replace(day=6, hour=1), "marked as failed")
    with create_session() as session:
        session.scalars(select(DagRun).where(DagRun.run_id == failed)).one().state = DagRunState.FAILED
    recipes.run("invoices", MONDAY.replace(day=6, hour=3), "without books")


def late_report(recipes: Recipes) -> None:
    """The deadline of a run passes; what the scheduler then leaves to the triggerer is run here."""
    run_id = recipes.runs.start("late_report", MONDAY)
    with create_session() as session:
        run = session.scalars(select(DagRun).where(DagRun.run_id == run_id)).one()
        (late,) = run.deadlines
        print("LATE", late.deadline_time - run.queued_at, flush=True)
        late.handle_miss(session)
        trigger = CallbackTrigger(**late.callback.trigger.kwargs)
    asyncio.run(_events(trigger))


def kubernetes_pod(recipes: Recipes) -> None:
    """What the pod would be; there is no cluster to run it in."""
    cluster = {
        "clusters": [{"name": "none", "cluster": {"server": "http://127.0.0.1:9"}}],
        "users": [{"name": "nobody", "user": {}}],
        "contexts": [{"name": "test", "context": {"cluster": "none", "user": "nobody"}}],
        "current-context": "test",
    }
    connection = {"conn_type": "kubernetes", "extra": {"kube_config": json.dumps(cluster)}}
    os.environ["AIRFLOW_CONN_KUBERNETES_DEFAULT"] = json.dumps(connection)
    task = recipes.runs.dags["kubernetes_pod"].get_task("score")
    task.render_template_fields({"ds": "2026-01-05"})
    container = task.build_pod_request_obj().spec.containers[0]
    print("POD", container.image, container.args, container.resources.limits, flush=True)


async def _events(trigger: Any) -> None:
    async for event in trigger.run():
        print("EVENT", event.payload["state"], event.payload.get("body"), flush=True)


RECIPES = (
    orders_to_warehouse,
    training_on_assets,
    hourly_windows,
    manual_job,
    per_environment,
    wait_for_other,
)
NETWORKS = (pytorch_model, keras_model)
"""Only run by their names, where PyTorch and TensorFlow are installed."""
NEED_A_PACKAGE = (late_report, kubernetes_pod)


@contextmanager
def warehouse(recipe: str) -> Iterator[None]:
    """The connection `warehouse` is the recipe's own file while it runs."""
    place = FOLDER / f"{recipe}.db"
    with closing(sqlite3.connect(place)) as database, database:
        database.executescript(TABLES.get(recipe, ""))
    os.environ["AIRFLOW_CONN_WAREHOUSE"] = json.dumps({"conn_type": "sqlite", "host": str(place)})
    yield
    del os.environ["AIRFLOW_CONN_WAREHOUSE"]


def main() -> None:
    initdb()
    recipes = Recipes(ForkedRuns(forks=False))
    names = sys.argv[1:]
    for recipe in (one for one in NETWORKS if one.__name__ in names) if names else RECIPES:
        with warehouse(recipe.__name__):
            recipe(recipes)
    for recipe in () if names else NEED_A_PACKAGE:
        if recipe.__name__ in recipes.runs.dags:
            recipe(recipes)
        else:
            say_what_is_missing(recipe.__name__)


def say_what_is_missing(recipe: str) -> None:
    """What Airflow shows as the import error of the pipeline."""
    checker = Checker(FOLDER / "recipes" / recipe)
    loaded = build_checked(checker, checker.file(f"{recipe}.yaml"))
    errors = [d.message for d in loaded.diagnostics if d.severity is Severity.ERROR]
    print("MISSING", json.dumps([recipe, list(loaded.dags), errors]), flush=True)


if __name__ == "__main__":
    main()
