"""The structure of tasks in a real Airflow: groups, mapped tasks and what decides whether a task runs.

One migration and one process for all runs: both cost many seconds.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.programs import program

PIPELINES = Path(__file__).parent / "task_pipelines"

JOBS = """
import json, os
from pathlib import Path

def give(value):
    return value

def add(a, b, c):
    return a + b + c

def fail():
    raise ValueError("told to")

def where(n):
    import sys
    return [n, sys.prefix]

def choose(made):
    import sys
    return "same" if made[1] == sys.prefix else "other"

def is_first(name):
    seen = Path(os.environ["TEST_KEPT"], f"asked.{name}")
    known = seen.exists()
    seen.touch()
    return not known

def is_second():
    return not is_first("poke")

def note(context):
    print("NOTED", context["ti"].task_id)

def keep(name, value, ti):
    folder = Path(os.environ["TEST_KEPT"])
    (folder / f"{ti.dag_id}.{name}.json").write_text(json.dumps(value))
"""

RUN = """
import json, sys
from datetime import UTC, datetime
from pathlib import Path
from airflow.utils.db import initdb
initdb()
from airflow.serialization.serialized_objects import DagSerialization
from factory.build.dag import build
from schemas.check import check_file
for path in sys.argv[2:]:
    result = check_file(Path(sys.argv[1]), path)
    (pipeline,) = result.pipelines
    one, other = (json.dumps(DagSerialization.to_dict(build(pipeline)), sort_keys=True) for _ in range(2))
    assert one == other, path
    assert "0x" not in one, path
    run = build(pipeline).test(logical_date=datetime(2026, 1, 2, tzinfo=UTC))
    print("RESULT", json.dumps([pipeline.dag_id, "", -1, run.state]))
    for ti in run.get_task_instances():
        print("RESULT", json.dumps([pipeline.dag_id, ti.task_id, ti.map_index, ti.state, ti.rendered_map_index]))
"""

STATES: Mapping[str, Mapping[str, str | list[str]]] = {
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
    "teardown_counts": {"work": "success", "each": ["success", "failed"]},
    "conditions": {
        **{"a": "skipped", "b": "success", "c": "success", "d": "success", "f": "success", "h": "failed"},
        **{"e": ["success", "skipped", "success"], "g": ["success", "skipped"]},
    },
    "waits_on_condition": {"moment": "success", "look": "success"},
}
"""How the tasks of pipelines end, here and in a trial (`test_trials.py`); those of a mapped task in a list."""


class Runs:
    """What the runs left behind."""

    def __init__(self, folder: Path, log: str) -> None:
        self._folder = folder
        self.log = log
        self._results = [json.loads(line[7:]) for line in log.splitlines() if line.startswith("RESULT ")]

    def states(self, dag_id: str) -> dict[str, str | list[str]]:
        """State by task id; those of a mapped task in a list. The run's own state is called `run`."""
        found: dict[str, Any] = {}
        for dag, task, index, state, *_ in sorted(self._results, key=lambda r: r[2]):
            if dag == dag_id and index < 0:
                found[task or "run"] = state
            elif dag == dag_id:
                found.setdefault(task, []).append(state)
        return found

    def names(self, dag_id: str, task_id: str) -> list[str]:
        """The names of the instances of a mapped task."""
        return [r[4] for r in sorted(self._results, key=lambda r: r[2]) if r[:2] == [dag_id, task_id]]

    def kept(self, dag_id: str, name: str) -> Any:
        """What a task gave to `jobs.keep` under a name."""
        return json.loads((self._folder / f"{dag_id}.{name}.json").read_text())


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    root = tmp_path_factory.mktemp("run")
    pipelines, kept = root / "pipelines", root / "kept"
    for folder in (pipelines, kept, root / "home" / "dags"):
        folder.mkdir(parents=True)
    (pipelines / "jobs.py").write_text(JOBS)
    stub = "# airflow dag\nfrom pathlib import Path\nfrom factory.stub_loader import load_stub\n"
    paths = sorted(file.name for file in PIPELINES.glob("*.yaml"))
    for path in paths:
        shutil.copy(PIPELINES / path, pipelines)
        load = f"load_stub(globals(), {path!r}, Path({str(pipelines)!r}))\n"
        (root / "home" / "dags" / f"{path}.py").write_text(stub + load)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    done = subprocess.run(
        [*program(RUN), str(pipelines), *paths],
        capture_output=True,
        text=True,
        env={
            **environment,
            "AIRFLOW_HOME": str(root / "home"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "TEST_KEPT": str(kept),
            "TEST_PYTHON": sys.executable,
        },
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-5000:]
    return Runs(kept, done.stdout + done.stderr)


def test_references_look_in_their_own_group_first(runs: Runs) -> None:
    assert runs.states("groups") == {"run": "success", **STATES["groups"]}
    assert (runs.kept("groups", "deep"), runs.kept("groups", "after")) == ("inner", "inner")


def test_tasks_are_mapped_over_lists_outputs_and_parts_of_outputs(runs: Runs) -> None:
    states = runs.states("mapped")
    assert {name: len(found) for name, found in states.items() if isinstance(found, list)} == {
        "cross": 6, "zipped": 2, "literal": 2, "pairs": 2, "shell": 2, "operator": 2,
    }  # fmt: skip
    assert states["run"] == "success", runs.log[-3000:]
    assert states["none"] == "skipped"
    assert runs.names("mapped", "cross") == ["1+10", "1+20", "2+10", "2+20", "3+10", "3+20"]
    assert runs.kept("mapped", "mapped") == {
        "cross": [111, 121, 112, 122, 113, 123],
        "last": 123,
        "zipped": [11, 22],
        "literal": [2, 4],
        "pairs": [["x", 1], ["y", 2]],
        "shell": ["2026-01-02", "b"],
        "operator": ["1", "2"],
    }
    assert runs.kept("mapped", "text") == "[2, 4]"


def test_groups_are_mapped_as_a_whole(runs: Runs) -> None:
    states = runs.states("mapped_groups")
    assert states["load.two"] == ["success", "success"]
    assert runs.kept("mapped_groups", "groups") == [[1111, 1112], ['{"day": 1}', '{"day": 2}']]
    assert states["rows.give"] == ["success", "success", "failed"]
    assert "${expand.n}: this row of `expand_kwargs` has no `n`" in runs.log


def test_a_teardown_runs_whatever_becomes_of_the_work_and_does_not_hide_a_failure(runs: Runs) -> None:
    assert runs.states("teardown") == {"run": "failed", **STATES["teardown"]}
    assert runs.states("teardown_fails") == {"run": "success", **STATES["teardown_fails"]}


def test_a_teardown_fails_the_run_where_it_is_asked_to(runs: Runs) -> None:
    assert runs.states("teardown_counts") == {"run": "failed", **STATES["teardown_counts"]}


def test_a_condition_decides_whether_a_task_runs(runs: Runs) -> None:
    assert runs.states("conditions") == {"run": "failed", **STATES["conditions"]}
    assert "NOTED f" in runs.log
    assert "`run_if: {{ params.full }}` gave 'False': the task is skipped" in runs.log


def test_a_condition_is_not_asked_again_after_a_wait(runs: Runs) -> None:
    assert runs.states("waits_on_condition") == {"run": "success", **STATES["waits_on_condition"]}
    assert "Pausing task as DEFERRED" in runs.log


def test_a_matrix_makes_a_task_of_each_row(runs: Runs) -> None:
    tasks = ("run", "load_eu", "load_us", "shop_x.one", "shop_x.two", "shop_y.one", "shop_y.two", "keep")
    assert runs.states("matrix") == dict.fromkeys(tasks, "success")
    assert runs.kept("matrix", "matrix") == [12, "y"]


def test_outputs_inside_texts(runs: Runs) -> None:
    states = runs.states("texts")
    assert (states.pop("none"), states.pop("run")) == ("failed", "failed")
    assert {state for found in states.values() for state in (found if isinstance(found, list) else [found])} == {
        "success"
    }
    assert "${tasks.count.output.no}: the value is empty, and the text `is ${tasks.count.output.no}` would" in runs.log
    assert runs.kept("texts", "texts") == {
        "shell": "--n=3 a/b 2026-01-023|2026-01-02|[1, 2]",
        "rows": [["--region=n, 3"], ["--region=m, 3"]],
        "text": '[1, 2] of ["--region=n", "--region=m"]: 220260102 ${tasks.count.output} $20260102 {{ ds }}',
        "mapped": [
            '3-2026-01-02/["n", "m"]',
            '3-2026-01-02/[1, "x"] 2026-01-02',
            "3-2026-01-02a/b 2026-01-02",
        ],
        "env": "x-3",
    }


def test_a_function_runs_in_another_python(runs: Runs) -> None:
    states = {"run": "success", "made": "success", "choose": "success", "keep": "success"}
    assert runs.states("elsewhere") == {**states, "other": "success", "same": "skipped"}
    number, prefix = runs.kept("elsewhere", "made")
    assert number == 1
    assert prefix != sys.prefix
