"""`factory run` with the real Airflow: lines, breaking and healing, and an end without leftovers (see `scene`)."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import requests

from factory.local.home import Home
from factory.local.processes import children
from tests.e2e.conftest import SOON_SECONDS, Scene
from tests.e2e.harness import LocalRun, RunClient

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
  - id: given_up
    uses: ends.give_up
    retries: 3
    retry_policy: {rules: [{exception: ValueError, action: fail}]}
  - {id: died, uses: ends.die}
"""
ENDS = """\
import os

def give_up():
    raise ValueError("no use")

def die():
    os._exit(3)
"""
LONG = """\
schedule: "@once"
start_date: 2026-01-01
tasks:
  - id: wait
    uses: bash
    with: {bash_command: "sleep 86400"}
"""
ENVIRONMENT = """\
schedule: "@once"
start_date: 2026-01-01
tasks:
  - id: print
    uses: bash
    with: {bash_command: "env"}
"""
DIES = """\
schedule: null
tasks:
  - {id: a, uses: dies_at_import.Operator}
"""
DIES_AT_IMPORT = """\
import os
from airflow.sdk import BaseOperator

class Operator(BaseOperator):
    pass

os._exit(126)
"""
SLOW = "import time; time.sleep(5)"
"""Airflow has dropped what was wrong, and does not know yet what is in the file."""
POLL = """\
schedule: "* * * * *"
poll:
  url: ${env.LOCAL_API_URL}
"""


def test_a_run_shows_what_happens_and_leaves_nothing(scene: Scene) -> None:
    run = scene.run
    assert run.printed("Ignored from your shell:", "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN")
    assert run.printed("first task", "may take half a minute")
    assert (run.home / "airflow.db").exists()
    texts = {"ends.py": ENDS, "dies_at_import.py": DIES_AT_IMPORT}
    texts |= {"unlucky.yaml": SOUND, "long.yaml": LONG, "poll.yaml": POLL, "environment.yaml": ENVIRONMENT}
    for name, text in texts.items():
        scene.write(name, text)
    follow(run)
    assert_said_once(run, LINES)
    assert "found" in run.printed("unlucky ")[0]
    scene.at_end.append(lambda: assert_said_once(run, [*OF_OUR_OWN, (" failed ", "long", "wait")]))
    secret = password(run)
    scene.at_end.append(lambda: assert_not_said(run, secret))


def assert_said_once(run: LocalRun, lines: list[tuple[str, ...]]) -> None:
    """None of them twice, none lost."""
    said = {words: run.printed(*words) for words in lines}
    assert {words: found for words, found in said.items() if len(found) != 1} == {}, run.tail()


def assert_not_said(run: LocalRun, secret: str) -> None:
    assert [line for line in run.output if secret in line and "admin" in line] == []


OF_OUR_OWN: list[tuple[str, ...]] = [
    ("found", "unlucky", "@once"),
    (" failed ", "unlucky", "try 1 of 2"),
    (" failed ", "unlucky", "try 2 of 2"),
    (" upstream_failed ", "unlucky", "after"),
    (" failed ", "given_up", "try 1 of 4, not tried again", "ValueError: no use"),
    (" failed ", "died", "its process exited with 3"),
    (
        "unread",
        "dies.yaml",
        "could not be read by Airflow: the process that reads it exited with 126",
        "dies.yaml.py.log",
    ),
    ("healed", "dies"),
]
"""What is printed of pipelines that only this file has."""
LINES = [
    *OF_OUR_OWN,
    ("broken", "broken.yaml", "broken.yaml:1:1"),
    ("healed", "broken"),
    ("removed", "broken"),
    ("local-api was killed by SIGKILL, starts again in 1 s", "local-api.log"),
    ("missing", "is missing; its pipelines stay as they were"),
    ("back", "is there again"),
]


def follow(run: LocalRun) -> None:
    kill(run, "dag-processor")
    broken = run.pipelines / "broken.yaml"
    broken.write_text("schedul: null\n" + LONG.partition("\n")[2])
    run.wait_for(lambda: run.printed("broken", "broken.yaml:1:1"), SOON_SECONDS, "the broken pipeline")
    broken.write_text(LONG.replace('"@once"', "null"))
    run.wait_for(lambda: run.printed("healed", "broken"), SOON_SECONDS, "the healed pipeline")
    broken.unlink()
    run.wait_for(lambda: run.printed("removed", "broken"), SOON_SECONDS, "the removed pipeline")
    run.wait_for(lambda: run.printed("upstream_failed", "unlucky"), SOON_SECONDS, "the failed task")
    poll = run.wait_for(lambda: run.printed("success", "poll", "200,"), SOON_SECONDS, "a poll")
    assert poll[0].endswith("bytes") or poll[0].endswith("kB")
    assert run.printed(" failed ", "try 2 of 2", "exit code 3"), run.tail()
    lose_and_heal(run)
    api = run.api()
    run.wait_for(lambda: api.runs("environment", "success"), SOON_SECONDS, "the task that prints its environment")
    assert_no_key_in_a_tasks_environment(run, api)
    run.wait_for(lambda: api.runs("long", "running"), SOON_SECONDS, "the long task")


def lose_and_heal(run: LocalRun) -> None:
    """What Airflow tells nobody, and the sample API."""
    kill(run, "local-api", "local_api.py")
    (run.pipelines / "dies.yaml").write_text(DIES)
    run.wait_for(lambda: run.printed("unread", "dies.yaml"), SOON_SECONDS, "the unread pipeline")
    (run.pipelines / "dies_at_import.py").write_text(DIES_AT_IMPORT.replace("os._exit(126)", SLOW))
    run.wait_for(lambda: run.printed("healed", "dies"), SOON_SECONDS, "the pipeline that is read again")
    away = run.pipelines.rename(run.pipelines.with_name("away"))
    run.wait_for(lambda: run.printed("missing"), SOON_SECONDS, "a word about the folder")
    away.rename(run.pipelines)
    run.wait_for(lambda: run.printed("back", "is there again"), SOON_SECONDS, "a word about the folder")
    answer = run.wait_for(lambda: reachable(run.local_api_url), SOON_SECONDS, "the sample API to answer again")
    assert answer == requests.codes.ok


def reachable(url: str) -> int:
    try:
        return requests.get(url, timeout=5).status_code
    except requests.ConnectionError:
        return 0


def kill(run: LocalRun, name: str, argument: str = "") -> None:
    """As the system does where memory is short. What follows in the test needs the restarted component."""
    (worker,) = children(run.process.pid)
    mark = (argument or f"airflow\0{name}").encode()
    (pid,) = (pid for pid in children(worker) if mark in Path(f"/proc/{pid}/cmdline").read_bytes())
    os.kill(pid, signal.SIGKILL)
    run.wait_for(
        lambda: run.printed(f"{name} was killed by SIGKILL, starts again", f"{name}.log"), SOON_SECONDS, "a word"
    )


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
