"""The built-ins that wait, decide and start other DAGs, in a real Airflow.

One migration and one process for all runs: both cost many seconds.
"""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from .operators.http_server import Server

PIPELINES = {
    "upstream.yaml": """
        description: What the others wait for and start.
        start_date: 2026-01-01
        params: {name: nobody}
        tasks:
          - {id: keep, uses: jobs.keep, with: {name: "{{ params.name }}"}}
        """,
    "waits.yaml": """
        start_date: 2026-01-01
        tasks:
          - id: file
            uses: wait_file
            with: {filepath: "${env.TEST_FOLDER}/in/{{ ds }}.csv", poke_interval: 1s, timeout: 1m}
          - id: later_file
            uses: wait_file
            with: {filepath: "later/*.csv", fs_conn_id: test_files, poke_interval: 1s, timeout: 1m}
          - id: http
            uses: wait_http
            with: {endpoint: "/exports/{{ ds }}", http_conn_id: test_api, poke_interval: 1s, timeout: 1m}
          - id: checked_http
            uses: wait_http
            with:
              endpoint: /state
              http_conn_id: test_api
              response_check: jobs.is_ready
              poke_interval: 1s
              timeout: 1m
          - id: sql
            uses: wait_sql
            with:
              conn_id: test_db
              sql: SELECT n FROM counts WHERE day = :day
              parameters: {day: "{{ ds }}"}
              success: jobs.at_least_three
              poke_interval: 1s
              timeout: 1m
          - {id: moment, uses: wait_until, with: {target_time: "{{ data_interval_end.add(hours=1) }}"}}
          - {id: date, uses: wait_until, with: {target_time: 2026-01-01T06:00, deferrable: false}}
          - {id: midnight, uses: wait_until, with: {target_time: "00:00"}}
          - id: dag
            uses: wait_dag
            with: {external_dag_id: upstream, external_task_id: keep, poke_interval: 1s, timeout: 1m}
          - id: earlier_dag
            uses: wait_dag
            with: {external_dag_id: upstream, execution_delta: 1d, soft_fail: true, timeout: 2s, poke_interval: 1s,
              mode: poke}
          - {id: start, uses: trigger_dag, with: {trigger_dag_id: upstream, conf: {name: "by {{ dag.dag_id }}"}}}
        """,
    "decides.yaml": """
        tasks:
          - {id: weekday, uses: bash, with: {bash_command: "echo friday"}}
          - id: choose
            uses: branch
            with: {python_callable: jobs.choose, op_kwargs: {day: "${tasks.weekday.output}"}}
          - {id: friday, uses: empty, needs: [choose]}
          - {id: other, uses: empty, needs: [choose]}
          - {id: has_rows, uses: short_circuit, with: {python_callable: jobs.has_rows, op_kwargs: {rows: []}}}
          - {id: load, uses: empty, needs: [has_rows]}
          - {id: report, uses: empty, needs: [load]}
          - {id: latest, uses: latest_only}
          - {id: publish, uses: empty, needs: [latest]}
        """,
}

JOBS = """
import os
from pathlib import Path

def keep(name):
    Path(os.environ["TEST_FOLDER"], "kept").write_text(name)

def is_ready(response):
    return response.json()["ready"]

def at_least_three(value):
    return value >= 3

def choose(day, ds):
    return f"{day}" if ds == "2026-01-02" else "other"

def has_rows(rows):
    return len(rows) > 0
"""

RUN = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from threading import Timer
from airflow.utils.db import initdb
initdb()
from factory.build import build
from schemas.check import check_file
folder = Path(sys.argv[1])
for path in sys.argv[2:]:
    (pipeline,) = check_file(folder, path).pipelines
    if path == "waits.yaml":
        Timer(3, lambda: (folder.parent / "in" / "later" / "one.csv").write_text("1")).start()
    run = build(pipeline).test(logical_date=datetime(2026, 1, 2, tzinfo=UTC))
    for instance in run.get_task_instances():
        print("RESULT", pipeline.dag_id, instance.task_id, instance.state)
from airflow.models.dagrun import DagRun
for run in DagRun.find(dag_id="upstream", state="queued"):
    print("STARTED", run.conf["name"])
"""


@dataclass(frozen=True)
class Runs:
    """State by (DAG, task), the whole log, and what tasks left in the folder."""

    states: dict[tuple[str, str], str]
    log: str
    folder: Path

    def of(self, dag_id: str) -> dict[str, str]:
        return {task: state for (dag, task), state in self.states.items() if dag == dag_id}


class LateAnswers:
    """404 and "not ready" at first, then what is waited for."""

    def __init__(self) -> None:
        self.asked: dict[str, int] = {}

    def __call__(self, handler: BaseHTTPRequestHandler) -> None:
        asked = self.asked[handler.path] = self.asked.get(handler.path, 0) + 1
        body = json.dumps({"ready": asked > 1}).encode()
        handler.send_response(200 if asked > 1 or handler.path == "/state" else 404)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)


@pytest.fixture(scope="module")
def answers() -> LateAnswers:
    return LateAnswers()


@pytest.fixture(scope="module")
def api(answers: LateAnswers) -> Iterator[Server]:
    server = Server(routes={"/exports/2026-01-02": answers, "/state": answers})
    yield server
    server.close()


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, api: Server) -> Runs:
    root = tmp_path_factory.mktemp("run")
    pipelines = root / "pipelines"
    for folder in (pipelines, root / "home" / "dags", root / "in" / "later"):
        folder.mkdir(parents=True)
    (root / "in" / "2026-01-02.csv").write_text("1")
    with sqlite3.connect(root / "test.db") as database:
        database.execute("CREATE TABLE counts (day TEXT, n INTEGER)")
        database.execute("INSERT INTO counts VALUES ('2026-01-02', 3)")
    (pipelines / "jobs.py").write_text(JOBS)
    stub = "# airflow dag\nfrom pathlib import Path\nfrom factory.stub_loader import load_stub\n"
    for path, text in PIPELINES.items():
        (pipelines / path).write_text(textwrap.dedent(text))
        load = f"load_stub(globals(), {path!r}, Path({str(pipelines)!r}))\n"
        (root / "home" / "dags" / f"{path}.py").write_text(stub + load)
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(pipelines), *PIPELINES],
        capture_output=True,
        text=True,
        env={
            **{name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")},
            "AIRFLOW_HOME": str(root / "home"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW_CONN_TEST_API": api.url(""),
            "AIRFLOW_CONN_TEST_FILES": json.dumps({"conn_type": "fs", "extra": {"path": str(root / "in")}}),
            "AIRFLOW_CONN_TEST_DB": json.dumps({"conn_type": "sqlite", "host": str(root / "test.db")}),
            "TEST_FOLDER": str(root),
        },
        check=False,
        timeout=300,
    )
    log = done.stdout + done.stderr
    assert done.returncode == 0, log[-5000:]
    results = [line.split() for line in log.splitlines() if line.startswith("RESULT ")]
    return Runs({(dag, task): state for _, dag, task, state in results}, log, root)


def test_what_is_waited_for_comes(runs: Runs, answers: LateAnswers) -> None:
    states = runs.of("waits")
    assert states.pop("earlier_dag") == "skipped"
    assert states == dict.fromkeys(states, "success"), runs.log[-5000:]
    assert len(states) == 10
    assert answers.asked == {"/exports/2026-01-02": 2, "/state": 2}


def test_a_dag_starts_another(runs: Runs) -> None:
    assert [line for line in runs.log.splitlines() if line.startswith("STARTED")] == ["STARTED by waits"]


def test_a_branch_and_a_short_circuit_decide(runs: Runs) -> None:
    states = runs.of("decides")
    skipped = {task for task, state in states.items() if state == "skipped"}
    assert skipped == {"other", "load", "report"}
    assert {state for task, state in states.items() if task not in skipped} == {"success"}
