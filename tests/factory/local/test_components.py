"""Components that end by themselves or hang start again a few times: real processes, a real parent of orphans."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from factory.local.api import HealthWatch, merge
from tests.factory.local.test_processes import alive

PROGRAM = """
import os, sys, time
from pathlib import Path
from factory.local import components
from factory.local.components import Component
from factory.local.processes import adopt_orphans, end_descendants, reap

name, script, unhealthy, folder = sys.argv[1], sys.argv[2], sys.argv[3] == "unhealthy", Path(sys.argv[4])
components.PAUSES = (0.1, 0.2, 0.3)
components.STARTING_SECONDS = components.UNHEALTHY_SECONDS = components.GRACE_SECONDS = 0.3
adopt_orphans()
component = Component(name, ["sh", "-c", script], folder / f"{name}.log")
start = lambda component: component.start(os.environ, folder)
say = lambda event: print(event.lines(wide=True), flush=True)
begin = time.monotonic()
start(component)
keeper = components.Recovery([component], start, say)
while True:
    time.sleep(0.02)
    for pid, status in reap().items():
        if component.running and component.pid == pid:
            component.ended(status)
    if keeper.look({name: begin} if unhealthy else {}):
        break
print("for good:", component.how_it_ended, flush=True)
end_descendants(0)
"""


def told(folder: Path, name: str, script: str, health: str = "healthy") -> list[str]:
    command = [sys.executable, "-c", PROGRAM, name, script, health, str(folder)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=600, check=True)
    return result.stdout.splitlines()


def test_an_end_with_its_reason_three_restarts_and_the_end_for_good(tmp_path: Path) -> None:
    script = "echo started >> starts; echo 'orm.StaleDataError: 0 were matched'; echo Bye; exit 3"
    lines = told(tmp_path, "scheduler", script)
    log = tmp_path / "scheduler.log"
    again = f"scheduler ended with status 3, starts again in 0 s (log: {log})  orm.StaleDataError: 0 were matched"
    assert lines == [*[again] * 3, "for good: ended with status 3"]
    assert (tmp_path / "starts").read_text().count("started") == 4


def test_the_sample_api_starts_again_like_any_other(tmp_path: Path) -> None:
    again = f"local-api was killed by SIGKILL, starts again in 0 s (log: {tmp_path / 'local-api.log'})"
    assert told(tmp_path, "local-api", "kill -9 $$") == [*[again] * 3, "for good: was killed by SIGKILL"]


@pytest.mark.skipif(sys.platform != "linux", reason="orphans are adopted on Linux only")
def test_a_component_that_hangs_is_ended_with_what_it_started(tmp_path: Path) -> None:
    script = "trap '' TERM; echo $$ >> pids; setsid sleep 300 & echo $! >> pids; while :; do sleep 0.1; done"
    lines = told(tmp_path, "scheduler", script, "unhealthy")
    assert [line.partition(":")[0] for line in lines[:2]] == [
        "scheduler hangs",
        "scheduler was killed by SIGKILL, starts again in 0 s (log",
    ]
    assert len(lines) == 8
    pids = (tmp_path / "pids").read_text().split()
    assert len(pids) == 8
    assert [pid for pid in pids if alive(int(pid))] == []


@pytest.mark.skipif(sys.platform != "linux", reason="orphans are adopted on Linux only")
def test_orphans_of_a_component_that_ended_do_not_outlive_it(tmp_path: Path) -> None:
    """An API server's would keep its port, and a scheduler's go on with tasks that nobody watches."""
    told(tmp_path, "api-server", "setsid sleep 300 & echo $! >> pids; sleep 0.1; exit 1")
    assert [pid for pid in (tmp_path / "pids").read_text().split() if alive(int(pid))] == []


def answer(scheduler: str, dag_processor: str | None = "healthy", database: str = "healthy") -> dict[str, Any]:
    parts = {"metadatabase": database, "scheduler": scheduler, "dag_processor": dag_processor, "triggerer": "unhealthy"}
    return {name: {"status": status} for name, status in parts.items()}


def test_unhealthy_counts_from_its_first_answer_until_a_better_one() -> None:
    assert merge({}, answer("unhealthy"), 5.0) == {"scheduler": 5.0}
    assert merge({"scheduler": 5.0}, answer("unhealthy", "unhealthy"), 9.0) == {"scheduler": 5.0, "dag-processor": 9.0}
    assert merge({"scheduler": 5.0}, answer("healthy", None), 9.0) == {}


def test_nothing_is_known_without_an_answer_or_the_database() -> None:
    assert merge({"scheduler": 5.0}, None, 9.0) == {}
    assert merge({"scheduler": 5.0}, answer("unhealthy", database="unhealthy"), 9.0) == {}


@pytest.fixture
def url() -> Iterator[str]:
    """A server on loopback that finds the scheduler unhealthy."""

    class Health(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = self.path == "/api/v2/monitor/health"
            self.send_response(200 if found else 404)
            self.end_headers()
            self.wfile.write(json.dumps(answer("unhealthy")).encode())

        def log_message(self, *_: object) -> None:
            """Not into the test's output."""

    with HTTPServer(("127.0.0.1", 0), Health) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_the_health_check_is_asked_over_http(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "HTTP_PROXY", "http://127.0.0.1:9")
    watch = HealthWatch(url, interval=0.02)
    watch.start()
    deadline = time.monotonic() + 120
    while not watch.unhealthy_since() and time.monotonic() < deadline:
        time.sleep(0.02)
    watch.stop()
    assert set(watch.unhealthy_since()) == {"scheduler"}
