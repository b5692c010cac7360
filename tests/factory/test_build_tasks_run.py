"""The structure of tasks in a real Airflow: groups, mapped tasks and what decides whether a task runs.

One migration and one process for all runs: both cost many seconds.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

PIPELINES = {
    "groups.yaml": """
        tasks:
          - {id: rows, uses: jobs.give, with: {value: outer}}
          - id: extract
            tasks:
              - {id: rows, uses: jobs.give, with: {value: inner}}
              - id: deep
                tasks:
                  - {id: keep, uses: jobs.keep, with: {name: deep, value: "${tasks.rows.output}"}}
          - {id: after, uses: jobs.keep, needs: [extract], with: {name: after, value: "${tasks.extract.rows.output}"}}
        """,
}

JOBS = """
import json, os
from pathlib import Path

def give(value):
    return value

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
from factory.build import build
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
    for path, text in PIPELINES.items():
        (pipelines / path).write_text(textwrap.dedent(text))
        load = f"load_stub(globals(), {path!r}, Path({str(pipelines)!r}))\n"
        (root / "home" / "dags" / f"{path}.py").write_text(stub + load)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(pipelines), *PIPELINES],
        capture_output=True,
        text=True,
        env={
            **environment,
            "AIRFLOW_HOME": str(root / "home"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "TEST_KEPT": str(kept),
        },
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-5000:]
    return Runs(kept, done.stdout + done.stderr)


def test_references_look_in_their_own_group_first(runs: Runs) -> None:
    tasks = ("run", "rows", "extract.rows", "extract.deep.keep", "after")
    assert runs.states("groups") == dict.fromkeys(tasks, "success")
    assert (runs.kept("groups", "deep"), runs.kept("groups", "after")) == ("inner", "inner")
