"""Tasks of a trial run, wait and end as in Airflow: by its trigger rules, and with a trial's patience."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from datetime import UTC, datetime
from itertools import combinations_with_replacement
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from airflow.models import import_all_models
from airflow.models.base import Base
from airflow.models.dagrun import DagRun
from airflow.models.taskinstance import TaskInstance
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, TriggerRule
from airflow.serialization.serialized_objects import DagSerialization
from airflow.ti_deps.dep_context import DepContext
from airflow.ti_deps.deps.trigger_rule_dep import TriggerRuleDep
from sqlalchemy import Engine, create_engine
from sqlalchemy.orm import Session

from factory.trial.supervisor import decide
from tests.factory.build.test_tasks_run import JOBS, PIPELINES, STATES
from tests.factory.cli.commands import factory
from tests.programs import program

S, F, K, U = "success", "failed", "skipped", "upstream_failed"


@pytest.fixture(scope="module")
def database() -> Engine:
    """Airflow's tables, without a row: its rule writes the state that it decides on."""
    import_all_models()
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    return engine


def decided_by_airflow(engine: Engine, rule: TriggerRule, states: tuple[str, ...]) -> str:
    """What `TriggerRuleDep` makes of a task behind others that ended in these states."""
    with DAG("d", schedule=None, start_date=datetime(2026, 1, 1, tzinfo=UTC)) as dag:
        last = EmptyOperator(task_id="last", trigger_rule=rule)
        for number in range(len(states)):
            EmptyOperator(task_id=f"before{number}") >> last
    stored = DagSerialization.from_dict(DagSerialization.to_dict(dag))
    run = DagRun(dag_id="d", run_id="r", run_type="manual")

    def instance(task_id: str, state: str | None = None) -> TaskInstance:
        made = TaskInstance(stored.get_task(task_id), dag_version_id=uuid4(), run_id="r", state=state)
        made.dag_run = run
        return made

    ended = [instance(f"before{number}", state) for number, state in enumerate(states)]
    asked = instance("last")
    context = DepContext(flag_upstream_failed=True, finished_tis=ended)
    with Session(engine) as session:
        statuses = list(TriggerRuleDep()._get_dep_statuses(asked, context, session=session))
        decided = str(asked.state)
        session.rollback()
    return "run" if all(status.passed for status in statuses) else decided


@pytest.mark.parametrize("rule", [rule for rule in TriggerRule if rule.value != "all_done_setup_success"])
def test_a_rule_decides_as_airflows(database: Engine, rule: TriggerRule) -> None:
    several = (states for count in (1, 2, 3) for states in combinations_with_replacement((S, F, K, U), count))
    for states in several:
        assert decide(rule.value, states) == decided_by_airflow(database, rule, states), (rule, states)
    assert decide(rule.value, []) == "run"


@pytest.mark.parametrize(("setups", "decided"), [([S], "run"), ([F, S], "run"), ([K, K], K), ([F], U), ([], "run")])
def test_a_teardown_asks_its_setups(setups: list[str], decided: str) -> None:
    assert decide("all_done_setup_success", [F, *setups], setups) == decided


def test_every_rule_of_airflow_is_known() -> None:
    for rule in TriggerRule:
        assert decide(rule.value, [S]) in ("run", K, U)


EXPECTED = {
    **STATES,
    "impatient": {
        **{"file": "failed", "soft": "skipped", "each": ["failed", "failed"], "moment": "success"},
        **{"job": "failed", "other": "failed"},
    },
}

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
    command = [*program(RUN), str(folder / "pipelines"), *EXPECTED, "mapped"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stderr[-3000:]
    lines = [line.removeprefix("RESULT ") for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    return [tuple(json.loads(line)) for line in lines]


@pytest.mark.parametrize("name", EXPECTED)
def test_tasks_end_as_in_airflow(trials: list[tuple[str, str, str, Any]], name: str) -> None:
    expected: dict[str, str] = {}
    for task, state in EXPECTED[name].items():
        expected |= {task: state} if isinstance(state, str) else {f"{task}[{i}]": one for i, one in enumerate(state)}
    assert {task: state for pipeline, task, state, _ in trials if pipeline == name} == expected


def test_with_patience_a_task_that_waits_says_so(trials: list[tuple[str, str, str, Any]]) -> None:
    said = {task: text for pipeline, task, _, text in trials if pipeline == "impatient"}

    assert said["file"] == "Trigger timeout"
    assert "exceeds the specified timeout of 0.3" in said["each[1]"]
    assert said["job"] == "it still waits"
    assert "needs a running Airflow (GetTICount)" in said["other"]


def test_mapped_tasks_get_their_items(trials: list[tuple[str, str, str, Any]]) -> None:
    outputs = {task: output for pipeline, task, _, output in trials if pipeline == "mapped"}

    assert [outputs[f"cross[{index}]"] for index in range(6)] == [111, 121, 112, 122, 113, 123]


WAITS = """
tasks:
  - {id: url, uses: steps.url}
  - {id: said, uses: steps.said}
  - {id: told, uses: steps.told}
  - {id: never, uses: steps.Sensor, with: {poke_interval: 0.1, timeout: 0.3, mode: reschedule}}
  - {id: kept, uses: steps.Deferred, with: {seconds: 0}}
  - {id: late, uses: steps.Deferred, with: {seconds: 60}}
  - {id: wrong, uses: steps.Deferred, with: {seconds: -1}}
"""
WAIT_STEPS = """
from datetime import timedelta
from airflow.sdk import BaseHook, BaseOperator, BaseSensorOperator
from airflow.sdk.log import mask_secret
from airflow.triggers.base import BaseTrigger, TriggerEvent

def url():
    c = BaseHook.get_connection("shop")
    raise ValueError(f"postgres://u:{c.password}@h")

def said():
    return [BaseHook.get_connection("shop").get_uri()]

def told():
    mask_secret("of-the-task")
    return {"of-the-task": "it is of-the-task"}

class Sensor(BaseSensorOperator):
    def poke(self, context):
        return False

class Trigger(BaseTrigger):
    def __init__(self, seconds):
        super().__init__()
        self.seconds = seconds

    def serialize(self):
        return "steps.Trigger", {"seconds": self.seconds}

    async def run(self):
        import asyncio
        await asyncio.sleep(self.seconds)
        if self.seconds < 0:
            raise ValueError("too early")
        yield TriggerEvent("came")

class Deferred(BaseOperator):
    def __init__(self, seconds, **kwargs):
        super().__init__(**kwargs)
        self.seconds = seconds

    def execute(self, context):
        kwargs = {"mine": 1}
        self.defer(trigger=Trigger(self.seconds), method_name="go_on", kwargs=kwargs, timeout=timedelta(seconds=0.5))

    def go_on(self, context, mine, event):
        return [mine, event]
"""


def test_secrets_are_hidden_and_waiting_ends(tmp_path: Path) -> None:
    (tmp_path / "pipelines").mkdir()
    (tmp_path / "pipelines" / "waits.yaml").write_text(WAITS)
    (tmp_path / "pipelines" / "steps.py").write_text(WAIT_STEPS)

    done = factory("try", "waits", "--json", "--conn", "shop=http://u:pw%40-1234@shop.example", cwd=tmp_path)

    found = {record["task"]: record for record in map(json.loads, done.stdout.splitlines())}
    assert not [secret for secret in ("pw@-1234", "pw%40-1234", "of-the-task") if secret in done.stdout + done.stderr]
    assert found["url"]["error"] == "ValueError: postgres://u:***@h"
    assert found["said"]["output"] == ["http://u:***@shop.example"]
    assert found["told"]["output"] == {"***": "it is ***"}
    assert "timed out" in found["never"]["error"]
    assert found["kept"]["output"] == [1, "came"]
    assert found["late"]["error"] == "TaskDeferralTimeout: Trigger timeout"
    assert found["wrong"]["error"] == "TaskDeferralError: Trigger failure: too early"


@pytest.mark.parametrize(
    ("schedule", "options", "is_dated"),
    [
        ("{assets: orders}", [], False),
        ("{assets: orders}", ["--date", "2026-01-02"], True),
        ('{assets: orders, cron: "0 6 * * *"}', [], True),
        ('"@daily"', [], True),
    ],
)
def test_what_assets_start_has_a_logical_date_only_from_a_person(
    tmp_path: Path, schedule: str, options: list[str], is_dated: bool
) -> None:
    (tmp_path / "report.yaml").write_text(
        f"schedule: {schedule}\ntasks:\n"
        "  - {id: dated, uses: bash, with: {bash_command: \"echo '{{ ds if ds is defined else 'none' }}'\"}}\n"
        "  - {id: ran, uses: bash, with: {bash_command: \"echo '{{ dag_run.run_after }} {{ run_id }}'\"}}\n"
    )

    done = factory("try", "report.yaml", *options, "--json", cwd=tmp_path)

    assert done.returncode == 0, done.stdout + done.stderr
    dated, ran = (json.loads(line) for line in done.stdout.splitlines())
    assert (dated["output"] != "none") is is_dated
    assert ran["state"] == "success"
