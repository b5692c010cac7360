"""The built-ins that wait, decide and start other DAGs, in a real Airflow.

One migration and one process for all runs: both cost many seconds.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from tests.factory.http.http_server import Server
from tests.programs import program

PIPELINES = Path(__file__).parent / "built_in_pipelines"

ALERTS = """
import os
from pathlib import Path
from airflow.sdk import BaseNotifier

FOLDER = Path(os.environ["TEST_FOLDER"])

def tell(name, text, dag, context):
    assert context.get("dag") is dag
    with (FOLDER / f"told.{name}").open("a") as file:
        print(text, file=file)

async def tell_later(text, **context):
    tell("execute", text, context["dag"], context)

def broken():
    raise RuntimeError("the message could not be sent")

def tell_late(text, context):
    (FOLDER / "told.late").write_text(f"{text} {context['dag_run']['run_id']}")

class Note(BaseNotifier):
    template_fields = ("text",)

    def __init__(self, text, **more):
        super().__init__(**more)
        self.text = text

    def notify(self, context):
        tell("note", self.text, context.get("dag"), context)
"""

JOBS = """
import os
from pathlib import Path

def keep(name):
    Path(os.environ["TEST_FOLDER"], "kept").write_text(name)

class WrongError(Exception):
    pass

def fail(message, exception="WrongError"):
    raise {"WrongError": WrongError, "ConnectionError": ConnectionError}[exception](message)

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
import os, sqlite3, sys, time
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread
from airflow.utils.db import initdb
initdb()
from airflow.sdk.definitions.callback import SyncCallback
from airflow.sdk.execution_time.callback_supervisor import execute_callback
from airflow.serialization.serialized_objects import DagSerialization
import structlog
from factory.build.dag import build
log = structlog.get_logger()
from schemas.check import check_file
folder = Path(sys.argv[1])

def write_what_is_waited_for():
    # Not after a time: on a busy machine it would be there before anybody waits. `DAG.test` queues the task again
    # while it waits, so its state does not tell.
    database = f"file:{os.environ['AIRFLOW_HOME']}/airflow.db?mode=ro"
    asked = "SELECT 1 FROM task_instance WHERE task_id = 'later_file' AND next_method IS NOT NULL"
    while sqlite3.connect(database, uri=True).execute(asked).fetchone() is None:
        time.sleep(0.2)
    (folder.parent / "in" / "later" / "one.csv").write_text("1")

for path in sys.argv[2:]:
    result = check_file(folder, path)
    assert result.pipelines, result.diagnostics
    (pipeline,) = result.pipelines
    if path == "waits.yaml":
        Thread(target=write_what_is_waited_for, daemon=True).start()
    dag = build(pipeline)
    if dag.deadline:
        # `DAG.test` of Airflow 3.3.2 fails at any deadline, so what a late run starts is started here.
        DagSerialization.to_dict(dag)
        sys.path.append(str(folder))
        for alert in dag.deadline:
            callback = alert.callback.serialize()
            print("LATE", type(alert.callback).__name__, callback["path"], alert.interval, flush=True)
            if isinstance(alert.callback, SyncCallback):
                context = {"dag_run": {"run_id": "r1"}}
                arguments = {**callback["kwargs"], "context": context}
                assert execute_callback(callback["path"], arguments, "late.yaml.py", folder, log) == (True, None)
        continue
    run = dag.test(logical_date=datetime(2026, 1, 2, tzinfo=UTC))
    for instance in run.get_task_instances():
        print("RESULT", pipeline.dag_id, instance.task_id, instance.state)
from airflow.models.dagrun import DagRun
for run in DagRun.find(dag_id="upstream", state="queued"):
    print("STARTED", run.conf["name"], "late" if run.run_after > datetime.now(UTC) else "now")
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
    (pipelines / "alerts.py").write_text(ALERTS)
    stub = "# airflow dag\nfrom pathlib import Path\nfrom factory.stub_loader import load_stub\n"
    paths = sorted(file.name for file in PIPELINES.glob("*.yaml"))
    for path in paths:
        shutil.copy(PIPELINES / path, pipelines)
        load = f"load_stub(globals(), {path!r}, Path({str(pipelines)!r}))\n"
        (root / "home" / "dags" / f"{path}.py").write_text(stub + load)
    done = subprocess.run(
        [*program(RUN), str(pipelines), *paths],
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
        timeout=600,
    )
    log = done.stdout + done.stderr
    assert done.returncode == 0, log[-5000:]
    results = [line.split() for line in log.splitlines() if line.startswith("RESULT ")]
    return Runs({(dag, task): state for _, dag, task, state in results}, log, root)


def test_what_is_waited_for_comes(runs: Runs, answers: LateAnswers) -> None:
    states = runs.of("waits")
    assert states.pop("earlier_dag") == "skipped"
    assert states == dict.fromkeys(states, "success"), runs.log[-5000:]
    assert len(states) == 11
    assert answers.asked == {"/exports/2026-01-02": 2, "/state": 2}


def test_what_is_over_is_not_deferred_for(runs: Runs) -> None:
    deferred = [line for line in runs.log.splitlines() if "Pausing task as DEFERRED" in line]
    assert {line.rpartition("task_id=")[2] for line in deferred} == {"later_file", "http"}


def test_a_dag_starts_another(runs: Runs) -> None:
    started = sorted(line for line in runs.log.splitlines() if line.startswith("STARTED"))
    assert started == ["STARTED by waits now", "STARTED later late"]


def test_a_branch_and_a_short_circuit_decide(runs: Runs) -> None:
    states = runs.of("decides")
    skipped = {task for task, state in states.items() if state == "skipped"}
    assert skipped == {"other", "load", "report"}
    assert {state for task, state in states.items() if task not in skipped} == {"success"}


def test_who_is_told_of_tasks_and_runs(runs: Runs) -> None:
    told = {file.suffix[1:]: file.read_text().split("\n")[:-1] for file in runs.folder.glob("told.*")}
    assert runs.of("notifies") == {
        "good": "success",
        "other": "success",
        "bad": "failed",
        "group.skips": "skipped",
        "tries": "failed",
        "gives_up": "failed",
    }
    assert sorted(told["success"]) == ["good", "other"]
    assert told["execute"] == ["2026-01-02"]
    assert told["failure"] == ["bad of notifies"]
    assert told["skipped"] == ["group.skips"]
    assert told["retry"] == ["1", "2"]
    assert sorted(told["note"]) == ["2026-01-02 no rows", "late"]
    (run,) = told["run"]
    assert run.startswith("manual__")
    assert "the message could not be sent" in runs.log


def test_who_is_told_of_a_late_run(runs: Runs) -> None:
    smtp = "airflow.providers.smtp.notifications.smtp.SmtpNotifier"
    assert [line for line in runs.log.splitlines() if line.startswith("LATE")] == [
        "LATE SyncCallback alerts.tell_late 0:45:00",
        "LATE SyncCallback alerts.Note 0:45:00",
        f"LATE AsyncCallback {smtp} 0:05:00",
    ]
    assert (runs.folder / "told.late").read_text() == "late r1"
