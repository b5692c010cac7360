"""What new users do in their first hour, on what `make run` starts. One Airflow for the module."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.harness import LocalRun, RunClient, local_run

SECONDS = 40.0
"""What users see within ten seconds may take this long on a busy machine."""

TASK = "tasks: [{id: a, uses: empty}]\n"


class Scene:
    """The run, its API, and the folder that the tests edit."""

    def __init__(self, run: LocalRun) -> None:
        self.run = run
        self.api: RunClient = run.api()

    def write(self, name: str, text: str) -> Path:
        target = self.run.pipelines / name
        draft = target.with_name(f".{target.name}.draft")
        draft.write_text(text)
        draft.replace(target)
        return target

    def soon(self, found: Any, what: str, seconds: float = SECONDS) -> Any:
        return self.run.wait_for(found, seconds, what)

    def parsed(self, dag_id: str, after: datetime) -> dict[str, Any]:
        """The DAG as Airflow read it after a moment."""

        def read() -> dict[str, Any] | None:
            dag = self.api.dag(dag_id)
            return dag if dag and datetime.fromisoformat(dag["last_parsed_time"]) > after else None

        found: dict[str, Any] = self.soon(read, f"{dag_id} to be read")
        return found

    def save(self, dag_id: str, text: str) -> dict[str, Any]:
        """Write the file of a DAG; the DAG when Airflow has read it."""
        now = datetime.now(UTC)
        self.write(f"{dag_id}.yaml", text)
        return self.parsed(dag_id, now)

    def shell(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """A command in another shell, in another folder; it knows of Airflow what `environment` says."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
        return subprocess.run(
            command, cwd="/", env={**kept, **environment}, capture_output=True, text=True, check=False, timeout=180
        )


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    root = tmp_path_factory.mktemp("first hour")
    pipelines = root / "pipelines"
    pipelines.mkdir()
    (pipelines / "poll.yaml").write_text('schedule: "* * * * *"\npoll: {url: "${env.LOCAL_API_URL}"}\n')
    with local_run(pipelines, root / "home") as run:
        yield Scene(run)


AIRFLOW = (sys.executable, "-m", "airflow")


def test_an_airflow_command_in_the_home_sees_the_same_airflow(scene: Scene) -> None:
    scene.soon(lambda: scene.api.dag("poll"), "the pipeline")
    home = str(scene.run.home)
    for command in (("tasks", "list", "poll"), ("dags", "list", "--output", "plain"), ("dags", "reserialize")):
        done = scene.shell(*AIRFLOW, *command, AIRFLOW_HOME=home)
        assert done.returncode == 0, done.stderr
        assert ("poll" in done.stdout) or command[1] == "reserialize"
    tried = scene.shell(*AIRFLOW, "tasks", "test", "poll", "poll", AIRFLOW_HOME=home)
    assert tried.returncode == 0, tried.stderr
    assert [dag["dag_id"] for dag in scene.api.dags()] == ["poll"]
    assert bundles(scene) == [("pipelines", True)]
    assert scene.api.dag("poll") is not None


def test_factory_airflow_has_the_runs_environment(scene: Scene) -> None:
    """Whatever the shell has set, and with what the pipelines need."""
    command = (sys.executable, "-m", "factory.cli", "airflow", "--airflow-home", str(scene.run.home))
    environment = {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "postgresql://elsewhere/airflow", "PYTHONPATH": "/nowhere"}
    tried = scene.shell(*command, "tasks", "test", "poll", "poll", **environment)
    assert tried.returncode == 0, tried.stderr
    assert f"GET {scene.run.local_api_url}" in tried.stdout + tried.stderr


def test_a_shell_with_other_settings_takes_no_pipeline_away(scene: Scene, tmp_path: Path) -> None:
    """As in a cluster, where somebody's shell has the database and not the bundle."""
    database = f"sqlite:///{scene.run.home / 'airflow.db'}?timeout=60"
    settings = {
        "AIRFLOW_HOME": str(tmp_path),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": database,
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    }
    done = scene.shell(*AIRFLOW, "dags", "reserialize", **settings)
    assert done.returncode == 0, done.stderr
    scene.soon(lambda: dict(bundles(scene))["pipelines"], "the bundle to be active again")
    polls = len(scene.api.runs("poll"))
    scene.soon(lambda: len(scene.api.runs("poll")) > polls, "polls to go on", 90)
    assert scene.api.dag("poll") is not None


def bundles(scene: Scene) -> list[tuple[str, bool]]:
    import sqlite3  # noqa: PLC0415

    with sqlite3.connect(f"file:{scene.run.home / 'airflow.db'}?mode=ro", uri=True) as database:
        return [(name, bool(active)) for name, active in database.execute("SELECT name, active FROM dag_bundle")]
