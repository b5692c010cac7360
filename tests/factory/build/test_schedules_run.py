"""Schedules in a real Airflow: its own database, and the steps its scheduler takes.

One migration and one process for all: both cost many seconds.
"""

from __future__ import annotations

import json
import os
import subprocess
import textwrap
from typing import Any

import pytest

from tests.programs import program

PIPELINES = {
    "producer.yaml": """
        user_defined_macros: {digits: {$object: string.digits}}
        user_defined_filters: {loud: {$object: words.loud}}
        params: {size: {type: integer, default: 3, minimum: 1, section: Shop}}
        tasks:
          - id: load
            uses: bash
            outlets: [orders, {name: stock, uri: "s3://shop/stock", extra: {a: 1}}]
            pre_execute: {$object: words.before}
            with: {bash_command: "echo {{ digits }} {{ 'abc' | loud }} {{ params.size }}"}
          - id: report
            uses: words.report
            inlets: [orders]
            outlets: [{alias: files}]
            with: {line: "${tasks.load.output}"}
        """,
    "all_of_them.yaml": """
        schedule: {assets: {all: [orders, {any: [{name: stock, uri: "s3://shop/stock"}, prices]}]}}
        tasks: [{id: a, uses: empty}]
        """,
    "one_is_missing.yaml": """
        schedule: {assets: {all: [orders, prices]}}
        tasks: [{id: a, uses: empty}]
        """,
    "by_alias.yaml": """
        schedule: {assets: {alias: files}}
        tasks: [{id: a, uses: empty}]
        """,
    "either.yaml": """
        schedule: {assets: orders, cron: ["0 6 * * *", "0 18 * * *"]}
        tasks: [{id: a, uses: empty}]
        """,
    "events.yaml": """
        schedule: {timetable: airflow.sdk.EventsTimetable, with: {event_dates: ["2026-03-01T06:00"]}}
        timezone: Asia/Seoul
        start_date: 2026-01-01
        catchup: true
        tasks: [{id: a, uses: empty}]
        """,
    "crons.yaml": """
        schedule: {cron: ["0 6 * * 1-5", "0 9 * * 6"]}
        timezone: Asia/Seoul
        start_date: 2026-01-03
        catchup: true
        tasks: [{id: a, uses: empty}]
        """,
    "every.yaml": """
        schedule: {every: 6h}
        start_date: 2026-01-01T01:00
        catchup: true
        tasks: [{id: a, uses: empty}]
        """,
    "windows.yaml": """
        schedule: {every: 6h, data_interval: true}
        start_date: 2026-01-01T01:00
        catchup: true
        tasks: [{id: a, uses: empty}]
        """,
    "partitions.yaml": """
        schedule: {timetable: airflow.sdk.CronPartitionTimetable, with: {cron: "0 5 * * *", key_format: "%d-%B"}}
        start_date: 2026-01-01
        catchup: true
        tasks: [{id: a, uses: empty}]
        """,
    "days.yaml": """
        schedule: {assets: hours, default_partition_mapper: {$object: airflow.sdk.StartOfDayMapper, with: {}}}
        tasks: [{id: a, uses: empty}]
        """,
}

WORDS = """
from airflow.sdk import Asset, AssetAlias

def loud(text):
    return text.upper()

def before(context):
    print("BEFORE", context["ti"].task_id)

def report(line, outlet_events):
    outlet_events[AssetAlias("files")].add(Asset("found"))
    print("LINE", line)
"""

RUN = """
import json, sys
from datetime import UTC, datetime
from pathlib import Path
from airflow.utils.db import initdb
initdb()
from airflow.dag_processing.collection import update_dag_parsing_results_in_db
from airflow.assets.manager import asset_manager
from airflow.jobs.job import Job
from airflow.jobs.scheduler_job_runner import SchedulerJobRunner
from airflow.models import DagModel, DagRun
from airflow.models.asset import AssetModel
from airflow.models.dagbundle import DagBundleModel
from airflow.serialization.serialized_objects import LazyDeserializedDAG
from airflow.utils.session import create_session
from airflow.utils.sqlalchemy import prohibit_commit
from factory.build.dag import build
from schemas.check import check_file
dags = {}
for path in sys.argv[2:]:
    (pipeline,) = check_file(Path(sys.argv[1]), path).pipelines
    dags[pipeline.dag_id] = build(pipeline)
with create_session() as session:
    session.add(DagBundleModel(name="b"))
with create_session() as session:
    lazy = [LazyDeserializedDAG.from_dag(dag) for dag in dags.values()]
    errors = {}
    update_dag_parsing_results_in_db("b", None, lazy, errors, 0.1, set(), session)
    assert not errors, errors
with create_session() as session:
    for model in session.query(DagModel):
        model.is_paused = False
run = dags["producer"].test(logical_date=datetime(2026, 1, 2, tzinfo=UTC))
print("STATE", run.state)
with create_session() as session:
    (hours,) = session.query(AssetModel).filter(AssetModel.name == "hours")
    asset_manager.register_asset_change(asset=hours, session=session, partition_key="2026-01-02T05:00:00")
runner = SchedulerJobRunner(Job())
with create_session() as session, prohibit_commit(session) as guard:
    runner._create_dagruns_for_partitioned_asset_dags(session)
    runner._create_dagruns_for_dags(guard, session)
    guard.commit()
with create_session() as session:
    runs = sorted([r.dag_id, r.run_type, str(r.partition_key), str(r.logical_date)] for r in session.query(DagRun))
print("RUNS", json.dumps(runs))
with create_session() as session:
    for r in session.query(DagRun):
        print("INTERVAL", r.dag_id, r.data_interval_start, r.data_interval_end, sep="|")
"""


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> str:
    root = tmp_path_factory.mktemp("schedules")
    pipelines = root / "pipelines"
    pipelines.mkdir()
    (pipelines / "words.py").write_text(WORDS)
    for path, text in PIPELINES.items():
        (pipelines / path).write_text(textwrap.dedent(text))
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    environment |= {"AIRFLOW_HOME": str(root / "home"), "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}
    command = [*program(RUN), str(pipelines), *PIPELINES]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def runs(log: str) -> list[list[Any]]:
    (line,) = (line for line in log.splitlines() if line.startswith("RUNS "))
    found: list[list[Any]] = json.loads(line.removeprefix("RUNS "))
    return found


def test_macros_filters_params_and_hooks_are_used(log: str) -> None:
    assert "STATE success" in log
    assert "BEFORE load" in log
    assert "LINE 0123456789 ABC 3" in log


@pytest.mark.parametrize("dag_id", ["all_of_them", "either", "by_alias"])
def test_assets_of_a_task_start_what_waits_for_them(log: str, dag_id: str) -> None:
    assert [kind for dag, kind, _, _ in runs(log) if dag == dag_id] == ["asset_triggered"]


def test_all_takes_all(log: str) -> None:
    assert not [run for run in runs(log) if run[0] == "one_is_missing"]


def test_a_timetable_with_dates_runs_on_them_in_the_time_zone_of_the_pipeline(log: str) -> None:
    assert [run for run in runs(log) if run[0] == "events"] == [
        ["events", "scheduled", "None", "2026-02-28 21:00:00+00:00"]
    ]


def test_the_next_of_several_crons_is_due(log: str) -> None:
    # A Saturday: the second one, at nine o'clock in Seoul.
    assert [run for run in runs(log) if run[0] == "crons"] == [
        ["crons", "scheduled", "None", "2026-01-03 00:00:00+00:00"]
    ]


@pytest.mark.parametrize(
    ("dag_id", "interval"), [("every", "01:00:00+00:00|2026-01-01 01"), ("windows", "01:00:00+00:00|2026-01-01 07")]
)
def test_a_run_covers_the_time_since_the_one_before_where_it_is_asked_to(log: str, dag_id: str, interval: str) -> None:
    assert f"INTERVAL|{dag_id}|2026-01-01 {interval}:00:00+00:00" in log


def test_a_cron_makes_runs_of_partitions(log: str) -> None:
    assert [run[1:3] for run in runs(log) if run[0] == "partitions"] == [["scheduled", "01-January"]]


def test_events_of_an_hour_make_a_run_of_its_day(log: str) -> None:
    assert [(kind, key) for dag, kind, key, _ in runs(log) if dag == "days"] == [("asset_triggered", "2026-01-02")]
