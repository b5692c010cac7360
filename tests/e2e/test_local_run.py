"""`factory run` with the real Airflow, once: start, lines, breaking and healing, and an end without leftovers."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path

from factory.local.process_tree import descendants
from tests.e2e.harness import LocalRun

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
        assert [pid for pid in started if Path(f"/proc/{pid}").exists()] == []
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
    broken = run.pipelines / "broken.yaml"
    broken.write_text("schedul: null\n" + LONG.partition("\n")[2])
    run.wait_for(lambda: run.printed("broken", "broken.yaml:1:1"), 30, "the broken pipeline")
    broken.write_text(LONG.replace('"@once"', "null"))
    run.wait_for(lambda: run.printed("healed", "broken"), 30, "the healed pipeline")
    broken.unlink()
    run.wait_for(lambda: run.printed("removed", "broken"), 30, "the removed pipeline")
    run.wait_for(lambda: run.printed("upstream_failed", "unlucky"), 60, "the failed task")
    poll = run.wait_for(lambda: run.printed("success", "poll", "200,"), 60, "a poll")
    assert poll[0].endswith("bytes") or poll[0].endswith("kB")
    api = run.api()
    run.wait_for(lambda: api.runs("long", "running"), 30, "the long task")


def password(run: LocalRun) -> str:
    file = run.home / "simple_auth_manager_passwords.json.generated"
    assert file.stat().st_mode & 0o077 == 0
    return str(json.loads(file.read_text())["admin"])
