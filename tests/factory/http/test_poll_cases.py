"""The cases of `cases/`, by the operator and by `dag.test()`."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowSkipException, TaskDeferred

from factory.build.dag import build
from factory.http.errors import HttpError
from schemas.check import check_file
from tests.programs import module_program

from .conftest import TaskInstance
from .poll_cases import CASES, Case, Ran, connections

CHECKOUT = Path(__file__).resolve().parents[3]
SAMPLE = ("a-file-of-new-rows", "a-job-until-it-is-done", "every-request-is-said")


@dataclass
class Store:
    values: dict[str, Any] = field(default_factory=dict)

    def get(self, key: str, default: Any = None) -> Any:
        return self.values.get(key, default)

    def set(self, key: str, value: Any, *, retention: Any = None) -> None:  # noqa: ARG002 # Airflow's
        self.values[key] = json.loads(json.dumps(value))


@dataclass
class Run:
    run_id: str
    run_after: datetime = datetime(2100, 1, 1, tzinfo=UTC)
    clear_number: int = 0


class Numbered(TaskInstance):
    try_number = 1


@pytest.mark.parametrize("folder", CASES, ids=lambda path: path.name)
def test_case(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    for name, value in connections().items():
        monkeypatch.setenv(name, value)
    monkeypatch.syspath_prepend(str(folder))
    with Case.served(folder) as case:
        result = check_file(tmp_path, case.put_into(tmp_path, tmp_path / "out"))
        assert [d for d in result.diagnostics if d.severity.value == "error"] == []
        (pipeline,) = result.pipelines
        store = Store()
        for number, run in enumerate(case.runs):
            case.server.received.clear()
            capfd.readouterr()
            ran = executed(build(pipeline).task_dict["poll"], store, number)
            ran.log += "".join(capfd.readouterr())
            assert case.wrong(run, ran) == []


def executed(task: Any, store: Store, number: int) -> Ran:
    context = {
        "ti": Numbered(),
        "run_id": f"run {number}",
        "dag_run": Run(f"run {number}"),
        "task_state_store": Store(),
        "asset_state_store": {getattr(task, "state", None): store},
    }
    since: dict[str, Any] = {}
    state, output, log = "success", None, ""
    while True:
        try:
            output = task.execute(context, **since)
        except TaskDeferred as deferred:
            since = deferred.kwargs or {}
            continue
        except AirflowSkipException as error:
            state, log = "skipped", str(error)
        except (HttpError, AirflowException) as error:
            state, log = "failed", str(error)
        pushed = context["ti"].pushed
        headers, mark = pushed.get("http", {}).get("headers"), store.values.get("watermark")
        return Ran(
            state,
            output,
            log,
            headers,
            mark,
            json.dumps([pushed, task.operator_extra_links[0].get_link(task, ti_key=None)]),
        )


@pytest.mark.parametrize(
    "names",
    [
        pytest.param(SAMPLE, id="some"),
        pytest.param(tuple(path.name for path in CASES), id="all", marks=pytest.mark.soak),
    ],
)
def test_cases_as_dag_runs(names: tuple[str, ...], tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")} | {
        "AIRFLOW_HOME": str(tmp_path / "home"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__API_AUTH__JWT_SECRET": "0" * 64,
        "TEST_FOLDER": str(tmp_path),
        **connections(),
    }
    command = [*module_program("tests.factory.http.poll_case_runs"), *names]
    done = subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    ran = [json.loads(line.removeprefix("RAN ")) for line in done.stdout.splitlines() if line.startswith("RAN ")]
    assert {name for name, _, _ in ran} == set(names)
    assert [one for one in ran if one[2]] == []
