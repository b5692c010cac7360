"""`factory run` with the real Airflow, once: start, lines, breaking and healing, and an end without leftovers."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

from factory.local.home import Home
from factory.local.process_tree import children, descendants
from tests.e2e.harness import LocalRun, RunClient
from tests.factory.local.test_warden import alive

SOUND = """\
schedule: "@once"
start_date: 2026-01-01
tasks:
  - id: unlucky
    uses: bash
    retries: 1
    retry_delay: 1s
    with: {bash_command: "exit 3"}
  - id: after
    uses: empty
    needs: [unlucky]
"""
LONG = """\
schedule: "@once"
start_date: 2026-01-01
tasks:
  - id: wait
    uses: bash
    with: {bash_command: "sleep 600"}
"""
ENVIRONMENT = """\
schedule: "@once"
start_date: 2026-01-01
tasks:
  - id: print
    uses: bash
    with: {bash_command: "env"}
"""
POLL = """\
schedule: "* * * * *"
poll:
  url: ${env.LOCAL_API_URL}
"""


def test_a_run_shows_what_happens_and_leaves_nothing(tmp_path: Path) -> None:
    pipelines = tmp_path / "my pipelines"
    pipelines.mkdir()
    (pipelines / "unlucky.yaml").write_text(SOUND)
    (pipelines / "long.yaml").write_text(LONG)
    (pipelines / "poll.yaml").write_text(POLL)
    (pipelines / "environment.yaml").write_text(ENVIRONMENT)
    shell = {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "postgresql://elsewhere/airflow", "PYTHONPATH": "/nowhere"}
    run = LocalRun(pipelines, tmp_path / "a home", environment=shell)
    try:
        run.start()
        assert run.printed("Ignored from your shell:", "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN")
        assert (run.home / "airflow.db").exists()
        follow(run)
        started = descendants(run.process.pid)
        begin = time.monotonic()
        status = run.stop(signal.SIGTERM)
        assert status == 0
        assert time.monotonic() - begin < 15
        assert run.printed("failed", "long", "wait"), run.tail()
        # No line twice, none lost, over the whole run.
        assert [len(run.printed(*words)) for words in LINES] == [1] * len(LINES), run.tail()
        assert [pid for pid in started if alive(pid)] == []
        assert run.processes() == {}
        assert "admin" not in "".join(line for line in run.output if password(run) in line)
    finally:
        run.kill_left()


LINES = [
    ("found", "unlucky", "@once"),
    (" failed ", "unlucky", "try 1 of 2"),
    (" failed ", "unlucky", "try 2 of 2"),
    (" upstream_failed ", "unlucky", "after"),
    (" failed ", "long", "wait"),
    ("broken", "broken.yaml", "broken.yaml:1:1"),
    ("healed", "broken"),
    ("removed", "broken"),
]


def follow(run: LocalRun) -> None:
    kill(run, "dag-processor")
    broken = run.pipelines / "broken.yaml"
    broken.write_text("schedul: null\n" + LONG.partition("\n")[2])
    run.wait_for(lambda: run.printed("broken", "broken.yaml:1:1"), 90, "the broken pipeline")
    broken.write_text(LONG.replace('"@once"', "null"))
    run.wait_for(lambda: run.printed("healed", "broken"), 30, "the healed pipeline")
    broken.unlink()
    run.wait_for(lambda: run.printed("removed", "broken"), 30, "the removed pipeline")
    run.wait_for(lambda: run.printed("upstream_failed", "unlucky"), 60, "the failed task")
    poll = run.wait_for(lambda: run.printed("success", "poll", "200,"), 60, "a poll")
    assert poll[0].endswith("bytes") or poll[0].endswith("kB")
    assert run.printed(" failed ", "try 2 of 2", "exit code 3"), run.tail()
    api = run.api()
    run.wait_for(lambda: api.runs("environment", "success"), 30, "the task that prints its environment")
    assert_no_key_in_a_tasks_environment(run, api)
    run.wait_for(lambda: api.runs("long", "running"), 30, "the long task")


def kill(run: LocalRun, name: str) -> None:
    """As the system does where memory is short. What follows in the test needs the restarted component."""
    (worker,) = children(run.process.pid)
    command = [b"-P", b"-m", b"airflow", name.encode()]
    (pid,) = (pid for pid in children(worker) if Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[1:5] == command)
    os.kill(pid, signal.SIGKILL)
    run.wait_for(lambda: run.printed(f"{name} was killed by SIGKILL, starts again in 1 s", f"{name}.log"), 10, "a word")


def assert_no_key_in_a_tasks_environment(run: LocalRun, api: RunClient) -> None:
    (last, *_) = api.runs("environment", "success")
    log = api.log("environment", last["dag_run_id"], "print")
    # By name too: Airflow masks secrets that it knows in a log.
    assert "AIRFLOW__CORE__FERNET_KEY_CMD=" in log
    assert "AIRFLOW__CORE__FERNET_KEY=" not in log
    assert not [key for key in Home(run.home).read_keys().values() if key in log]


def password(run: LocalRun) -> str:
    file = run.home / "simple_auth_manager_passwords.json.generated"
    assert file.stat().st_mode & 0o077 == 0
    return str(json.loads(file.read_text())["admin"])
