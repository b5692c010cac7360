"""Tasks of a trial run, wait and end as in Airflow: by its trigger rules, and with a trial's patience."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from typing import Any

import pytest
from airflow.sdk import TriggerRule

from factory.trial.supervisor import decide
from tests.factory.build.test_tasks_run import JOBS, PIPELINES

S, F, K, U = "success", "failed", "skipped", "upstream_failed"


@pytest.mark.parametrize(
    ("rule", "states", "decided"),
    [
        ("all_success", [S, S], "run"),
        ("all_success", [S, K], K),
        ("all_success", [S, K, F], U),
        ("all_failed", [F, U], "run"),
        ("all_failed", [F, S], K),
        ("all_done", [F, K, S], "run"),
        ("all_skipped", [K, K], "run"),
        ("all_skipped", [K, F], K),
        ("one_success", [F, S], "run"),
        ("one_success", [F, K], U),
        ("one_success", [K, K], K),
        ("one_failed", [S, F], "run"),
        ("one_failed", [S, S], K),
        ("one_done", [K, F], "run"),
        ("one_done", [K, U], K),
        ("none_failed", [S, K], "run"),
        ("none_failed", [K, K], "run"),
        ("none_failed", [S, U], U),
        ("none_failed_min_one_success", [S, K], "run"),
        ("none_failed_min_one_success", [K, K], K),
        ("none_failed_min_one_success", [S, F], U),
        ("none_skipped", [S, F], "run"),
        ("none_skipped", [S, K], K),
        ("all_done_min_one_success", [S, F], "run"),
        ("all_done_min_one_success", [S, K], K),
        ("all_done_min_one_success", [F, F], U),
        ("always", [F, U], "run"),
        ("all_success", [], "run"),
    ],
)
def test_a_rule_decides(rule: str, states: list[str], decided: str) -> None:
    assert decide(rule, states) == decided


@pytest.mark.parametrize(("setups", "decided"), [([S], "run"), ([F, S], "run"), ([K, K], K), ([F], U), ([], "run")])
def test_a_teardown_asks_its_setups(setups: list[str], decided: str) -> None:
    assert decide("all_done_setup_success", [F, *setups], setups) == decided


def test_every_rule_of_airflow_is_known() -> None:
    for rule in TriggerRule:
        assert decide(rule.value, [S]) in ("run", K, U)


EXPECTED = {
    "groups": {"rows": "success", "extract.rows": "success", "extract.deep.keep": "success", "after": "success"},
    "teardown": {
        "cluster.up": "success",
        "cluster.work": "failed",
        "cluster.more": "upstream_failed",
        "cluster.down": "success",
        "after": "upstream_failed",
        "broken": "failed",
        "nothing_to_end": "upstream_failed",
    },
    "teardown_fails": {"up": "success", "work": "success", "down": "failed"},
    "teardown_counts": {"work": "success", "each[0]": "success", "each[1]": "failed"},
    "conditions": {
        **{"a": "skipped", "b": "success", "c": "success", "d": "success", "f": "success", "h": "failed"},
        **{"e[0]": "success", "e[1]": "skipped", "e[2]": "success", "g[0]": "success", "g[1]": "skipped"},
    },
    "waits_on_condition": {"moment": "success", "look": "success"},
    "impatient": {
        **{"file": "failed", "soft": "skipped", "each[0]": "failed", "each[1]": "failed", "moment": "success"},
        **{"job": "failed", "other": "failed"},
    },
}
"""States of the pipelines of `tests/factory/build/task_pipelines`, as `test_tasks_run.py` sees them in Airflow."""

IMPATIENT = """
tasks:
  - {id: file, uses: wait_file, with: {filepath: /nowhere/a.csv}}
  - {id: soft, uses: wait_file, with: {filepath: /nowhere/a.csv, deferrable: false, soft_fail: true}}
  - {id: each, uses: again.Look, with: {mode: reschedule}, expand: {place: [a, b]}}
  - {id: moment, uses: wait_until, with: {target_time: "{{ '2100-01-01T00:00:00Z' }}"}}
  - {id: job, uses: again.Job}
  - {id: other, uses: wait_dag, with: {external_dag_id: elsewhere, external_task_id: job}}
"""
AGAIN = """
from datetime import timedelta
from airflow.providers.standard.triggers.temporal import TimeDeltaTrigger
from airflow.sdk import BaseOperator, BaseSensorOperator

class Look(BaseSensorOperator):
    def __init__(self, place, **kwargs):
        super().__init__(**kwargs)

    def poke(self, context):
        return False

class Job(BaseOperator):
    def execute(self, context, event=None):
        self.defer(trigger=TimeDeltaTrigger(timedelta(hours=1)), method_name="execute")
"""


RUN = """
import json, sys
from datetime import UTC, datetime
from pathlib import Path
from factory.loading.pipelines import load_pipelines
from factory.trial.memory import Memory
from factory.trial.run import Trial, run
dags = load_pipelines(Path(sys.argv[1])).dags
for name in sys.argv[2:]:
    patience = 0.3 if name == "impatient" else None
    for result in run(Trial(dags[name], Memory(), datetime(2026, 1, 2, tzinfo=UTC), patience=patience)):
        shown = result.output if result.error is None else str(result.error)
        print("RESULT", json.dumps([name, result.name, result.state, shown]))
"""


@pytest.fixture(scope="module")
def trials(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, str, str, Any]]:
    """Pipeline, task, state and output of every task: one process for all, whose start costs seconds."""
    folder = tmp_path_factory.mktemp("trials")
    shutil.copytree(PIPELINES, folder / "pipelines")
    for name, text in {"jobs.py": JOBS, "impatient.yaml": IMPATIENT, "again.py": AGAIN}.items():
        (folder / "pipelines" / name).write_text(text)
    environment = {**os.environ, "AIRFLOW_HOME": str(folder / "home"), "TEST_KEPT": str(folder)}
    command = [sys.executable, "-c", RUN, str(folder / "pipelines"), *EXPECTED, "mapped"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr[-3000:]
    lines = [line.removeprefix("RESULT ") for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    return [tuple(json.loads(line)) for line in lines]


@pytest.mark.parametrize("name", EXPECTED)
def test_tasks_end_as_in_airflow(trials: list[tuple[str, str, str, Any]], name: str) -> None:
    assert {task: state for pipeline, task, state, _ in trials if pipeline == name} == EXPECTED[name]


def test_with_patience_a_task_that_waits_says_so(trials: list[tuple[str, str, str, Any]]) -> None:
    said = {task: text for pipeline, task, _, text in trials if pipeline == "impatient"}

    assert said["file"] == "Trigger timeout"
    assert "exceeds the specified timeout of 0.3" in said["each[1]"]
    assert said["job"] == "it still waits"
    assert "needs a running Airflow (GetTICount)" in said["other"]


def test_mapped_tasks_get_their_items(trials: list[tuple[str, str, str, Any]]) -> None:
    outputs = {task: output for pipeline, task, _, output in trials if pipeline == "mapped"}

    assert [outputs[f"cross[{index}]"] for index in range(6)] == [111, 121, 112, 122, 113, 123]
