"""What the terminal tells of attempts, from answers as Airflow's API gives them before and after a stop."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from factory.local.api import AirflowClient
from factory.local.finished_tasks import FinishedTasks
from factory.local.logs import TaskLogs

NOW = datetime.now(UTC)
START = NOW - timedelta(minutes=5)
TASK = "/dags/report/dagRuns/scheduled__1/taskInstances/check"


def attempt(number: int, state: str, *, queued: timedelta, ended: timedelta, **more: Any) -> dict[str, Any]:
    """Times are counted from the start of the run."""
    return {
        "dag_id": "report",
        "dag_run_id": "scheduled__1",
        "task_id": "check",
        "map_index": -1,
        "operator": "CheckOperator",
        "try_number": number,
        "max_tries": 0,
        "state": state,
        "scheduled_when": (START + queued).isoformat(),
        "queued_when": (START + queued).isoformat(),
        "start_date": (START + queued).isoformat(),
        "end_date": (START + ended).isoformat(),
        "duration": (ended - queued).total_seconds(),
        **more,
    }


@contextmanager
def airflow(answers: Mapping[str, Any]) -> Iterator[AirflowClient]:
    class Api(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer = answers.get(self.path.partition("?")[0].removeprefix("/api/v2"))
            self.send_response(404 if answer is None else 200)
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Api)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield AirflowClient(f"http://127.0.0.1:{server.server_port}", "admin", "secret")
    finally:
        server.shutdown()
        server.server_close()


CHECKED: dict[str, Any] = {"broken": [], "rules": 4, "rows": 5}


def answers(last: dict[str, Any], *earlier: dict[str, Any], output: dict[str, Any] = CHECKED) -> dict[str, Any]:
    return {
        "/dags/~/dagRuns/~/taskInstances": {"task_instances": [last], "next_cursor": None},
        f"{TASK}/tries": {"task_instances": [*earlier, last]},
        f"{TASK}/xcomEntries/return_value": {"value": output},
    }


def told(
    tmp_path: Path,
    last: dict[str, Any],
    *earlier: dict[str, Any],
    stops: bool = False,
    output: dict[str, Any] = CHECKED,
) -> list[tuple[str, str]]:
    with airflow(answers(last, *earlier, output=output)) as client:
        tasks = FinishedTasks(client, START, TaskLogs(tmp_path))
        if stops:
            tasks.stopping()
        events = [event for task in tasks.poll() for event in task.events()]
    return [(" ".join(event.text.split()), event.detail) for event in events]


def log(folder: Path, number: int, error: str) -> None:
    path = folder / "dag_id=report" / "run_id=scheduled__1" / "task_id=check" / f"attempt={number}.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"level": "error", "event": error}))


SECONDS, MINUTES, DAYS = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)
GOOD = attempt(2, "success", queued=20 * SECONDS, ended=30 * SECONDS)


def test_an_attempt_that_the_last_stop_ended_is_not_told_as_failed(tmp_path: Path) -> None:
    for start_date in (None, (START - 3 * MINUTES).isoformat()):
        killed = attempt(1, "failed", queued=-3 * MINUTES, ended=10 * SECONDS, start_date=start_date)
        assert told(tmp_path, GOOD, killed) == [
            ("stopped report check", "try 1 was ended by the last stop, and the task ran again by itself"),
            ("success report check 10.0 s 0 of 4 rules broken, 5 rows", ""),
        ]


def test_an_earlier_attempt_of_this_run_failed_and_has_no_note_of_the_last(tmp_path: Path) -> None:
    log(tmp_path, 1, "no such table")
    failed = attempt(1, "failed", queued=1 * SECONDS, ended=10 * SECONDS, max_tries=1)
    assert told(tmp_path, {**GOOD, "max_tries": 1}, failed)[0] == (
        "failed report check 9.0 s try 1 of 2",
        "no such table",
    )


def test_a_stop_says_that_it_ended_a_task_and_what_comes_next(tmp_path: Path) -> None:
    for error in ("Bash command failed. The command returned a non-zero exit code -15.", "Received `signal_code=15`"):
        log(tmp_path, 1, error)
        ended = attempt(1, "failed", queued=1 * SECONDS, ended=1 * DAYS)
        ((_, reason),) = told(tmp_path, ended, stops=True)
        assert reason.startswith("ended by the stop; to run it again, clear it in the UI")
        ((_, reason),) = told(tmp_path, {**ended, "state": "up_for_retry", "max_tries": 1}, stops=True)
        assert reason == "ended by the stop; it is tried again after the next start"


def test_a_failure_of_its_own_stays_one_during_a_stop(tmp_path: Path) -> None:
    log(tmp_path, 1, "no such table")
    ended = attempt(1, "failed", queued=1 * SECONDS, ended=1 * DAYS)
    assert told(tmp_path, ended, stops=True)[0][1] == "no such table"


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ({"rows_loaded": 1}, "1 row into orders"),
        ({"rows_loaded": 4000, "columns_added": ["note"]}, "4,000 rows into orders, new column note"),
        (
            {"rows_loaded": 4, "columns_added": ["a", "p__v_text", "b"], "values_of_another_type": {"p__v_text": 1}},
            "4 rows into orders, new columns a, b, 1 value of another type in p__v_text",
        ),
        ({"rows_loaded": 4, "values_of_another_type": {"p__v_text": 0}}, "4 rows into orders"),
        (
            {"rows_loaded": 3, "duplicates": 1, "rows_discarded": 2, "values_discarded": 2},
            "3 rows into orders, 1 duplicate, 2 rows left out, 2 values left out",
        ),
        ({"broken": [{}], "rules": 1, "rows": 1}, "1 of 1 rule broken, 1 row"),
    ],
)
def test_what_a_load_or_a_check_did_is_said(tmp_path: Path, output: dict[str, Any], said: str) -> None:
    ((text, _),) = told(tmp_path, {**GOOD, "try_number": 1}, output={"table": "orders", **output})
    assert text.removeprefix("success report check 10.0 s ") == said
