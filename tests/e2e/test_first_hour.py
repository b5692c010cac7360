"""What new users do in their first hour, on what `make run` starts. One Airflow for the module."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
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

    def save(self, dag_id: str, text: str, name: str = "") -> dict[str, Any]:
        """Write the file of a DAG, or another one that it uses; the DAG when Airflow has read it."""
        before = self.version(dag_id)
        self.write(name or f"{dag_id}.yaml", text)
        self.soon(lambda: self.version(dag_id) != before, f"{dag_id} to be read")
        dag = self.api.dag(dag_id)
        assert dag is not None
        return dag

    def version(self, dag_id: str) -> str:
        """Of the bundle, when the DAG was read; empty before it was."""
        dag = self.api.dag(dag_id)
        return dag["bundle_version"] if dag else ""

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
    for command in (("tasks", "list", "poll"), ("dags", "reserialize")):
        done = scene.shell(*AIRFLOW, *command, AIRFLOW_HOME=home)
        assert done.returncode == 0, done.stderr
        assert ("poll" in done.stdout) or command[1] == "reserialize"
    assert [dag["dag_id"] for dag in scene.api.dags()] == ["poll"]
    assert bundles(scene) == [("pipelines", True)]
    assert scene.api.dag("poll") is not None


def test_factory_airflow_has_the_runs_environment(scene: Scene) -> None:
    """Whatever the shell has set, and with what the pipelines need."""
    command = (sys.executable, "-m", "factory.cli", "airflow", "--airflow-home", str(scene.run.home))
    environment = {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "postgresql://elsewhere/airflow", "PYTHONPATH": "/nowhere"}
    listed = scene.shell(*command, "tasks", "list", "poll", **environment)
    assert (listed.returncode, listed.stdout.split()[-1:]) == (0, ["poll"]), listed.stderr
    refused = scene.shell(*command[:-1], "/nowhere", "dags", "list")
    assert (refused.returncode, "start it once, with `make run`" in refused.stderr) == (2, True)


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


def test_a_new_and_a_moved_schedule_start_with_the_next_slot(scene: Scene) -> None:
    """The slot before is minutes ago: Airflow alone would run it."""
    saved = datetime.now(UTC)
    dag = scene.save("fresh", f'schedule: "{daily(saved - timedelta(minutes=10))}"\n{TASK}')
    assert datetime.fromisoformat(dag["next_dagrun_run_after"]) > saved
    asked = scene.save("asked", f'schedule: "{daily(saved - timedelta(hours=2))}"\nstart_date: 2026-01-01\n{TASK}')
    assert asked["timetable_summary"].startswith(str((saved - timedelta(hours=2)).minute))
    scene.soon(lambda: scene.api.runs("asked", "success"), "the run that start_date asks for")
    scene.soon(lambda: scene.run.printed("started", "asked", "runs now for"), "a line about it")
    moved = scene.save("asked", f'schedule: "{daily(saved - timedelta(minutes=10))}"\n{TASK}')
    assert datetime.fromisoformat(moved["next_dagrun_run_after"]) > saved
    assert scene.api.runs("fresh") == []
    assert len(scene.api.runs("asked")) == 1


def test_the_zone_is_beside_the_schedule(scene: Scene) -> None:
    dag = scene.save("zoned", f'schedule: "0 7 * * *"\ntimezone: Europe/Berlin\n{TASK}')
    assert dag["timetable_summary"] == "0 7 * * * Europe/Berlin"
    scene.soon(lambda: scene.run.printed("found", "zoned", "0 7 * * * Europe/Berlin"), "the line about it")


def daily(moment: datetime) -> str:
    return f"{moment.minute} {moment.hour} * * *"


def test_a_deleted_dag_comes_back_paused_and_is_told(scene: Scene) -> None:
    scene.save("gone", f'schedule: "0 7 * * *"\n{TASK}')
    scene.soon(lambda: scene.run.printed("found", "gone"), "the line about it")
    # The bundle has to have seen it in the database before.
    time.sleep(7)
    scene.api.send("DELETE", "/dags/gone", {})
    back = scene.soon(lambda: scene.api.dag("gone"), "the DAG to come back", 90)
    assert back["is_paused"]
    scene.soon(lambda: scene.run.printed("deleted", "gone", "comes back within a minute, paused"), "a line about it")
    scene.soon(lambda: scene.run.printed("found", "gone", "(paused)"), "a line about its return")
    assert not scene.run.printed("unread", "gone")
    # Once more: the first return must not use up the memory of it.
    time.sleep(12)
    scene.api.send("PATCH", "/dags/gone", {"is_paused": False})
    scene.api.send("DELETE", "/dags/gone", {})
    assert scene.soon(lambda: scene.api.dag("gone"), "the DAG to come back", 90)["is_paused"]


def test_the_code_tab_keeps_the_text_that_ran(scene: Scene) -> None:
    """Also where only a Python file was fixed, so that the DAG is the same to Airflow."""
    scene.write("steps.py", "def work():\n    raise ValueError('broken')\n")
    scene.save("fixed", "# the first text\ntasks: [{id: work, uses: steps.work}]\n")
    first = scene.api.trigger("fixed")
    scene.soon(lambda: state(scene, "fixed", first) == "failed", "the run to fail", 90)
    scene.save("fixed", "def work():\n    return 1\n", name="steps.py")
    scene.save("fixed", "# the second text\ntasks: [{id: work, uses: steps.work}]\n")
    second = scene.api.trigger("fixed")
    scene.soon(lambda: state(scene, "fixed", second) == "success", "the run of the fixed file", 90)
    runs = {run["dag_run_id"]: run["dag_versions"][-1]["version_number"] for run in scene.api.runs("fixed")}
    assert runs[first] < runs[second]
    texts = {
        run: scene.api.get(f"/dagSources/fixed?version_number={number}")["content"] for run, number in runs.items()
    }
    assert "# the first text" in texts[first]
    assert "# the second text" in texts[second]


def state(scene: Scene, dag_id: str, run_id: str) -> str:
    return next((run["state"] for run in scene.api.runs(dag_id) if run["dag_run_id"] == run_id), "")


def test_the_terminal_says_what_is_not_read_and_who_was_not_told(scene: Scene) -> None:
    (scene.run.pipelines / "elsewhere.yaml").symlink_to("/etc/hostname")
    (scene.run.pipelines / "loop").symlink_to(".")
    scene.write("UPPER.YAML", TASK)
    text = "notifications: {on_failure: [{uses: alerts.tell}]}\n"
    scene.write("alerts.py", "def tell(context):\n    raise ConnectionError('no such mail server')\n")
    scene.save("alarm", f"{text}tasks: [{{id: a, uses: bash, with: {{bash_command: exit 1}}, {text.strip()}}}]\n")
    scene.api.trigger("alarm")
    scene.soon(lambda: scene.run.printed("broken", "elsewhere.yaml", "is a link out of"), "the link")
    scene.soon(lambda: scene.run.printed("ignored", "loop", "is a link to a folder that contains it"), "the loop")
    scene.soon(lambda: scene.run.printed("broken", "UPPER.YAML", "call it `UPPER.yaml`"), "the misnamed file")
    scene.soon(lambda: scene.run.printed("failed", "alarm", "exit code 1"), "the task's own reason", 90)
    words = "not notified", "alarm", "no such mail server"
    scene.soon(lambda: len(scene.run.printed(*words)) == 2, "the notifications of the task and of the run", 90)


def test_a_removed_file_with_a_run_under_way_says_that_it_waits(scene: Scene) -> None:
    scene.save("waits", "tasks: [{id: a, uses: bash, with: {bash_command: sleep 300}}]\n")
    run_id = scene.api.trigger("waits")
    scene.soon(lambda: state(scene, "waits", run_id) == "running", "the run")
    (scene.run.pipelines / "waits.yaml").rename(scene.run.pipelines / "waits_no_more.yaml")
    scene.soon(
        lambda: scene.run.printed("removed", "waits", "1 unfinished run: they wait until the file is back"), "it"
    )


def test_an_error_of_ours_has_no_traceback_and_others_keep_theirs(scene: Scene) -> None:
    scene.write("wrong.yaml", "schedul: null\n" + TASK)
    scene.soon(lambda: errors(scene, "wrong.yaml.py"), "the import error")
    (text,) = errors(scene, "wrong.yaml.py")
    assert text.startswith("error[unknown-key] PF102")
    assert "Traceback" not in text
    (linked,) = errors(scene, "elsewhere.yaml.py")
    assert linked.startswith("elsewhere.yaml: is a link out of")
    setting = ("config", "get-value", "core", "dagbag_import_error_tracebacks")
    assert scene.shell(*AIRFLOW, *setting, AIRFLOW_HOME=str(scene.run.home)).stdout.split()[-1] == "True"


def errors(scene: Scene, file: str) -> list[str]:
    return [error["stack_trace"] for error in scene.api.import_errors() if error["filename"] == file]


def test_a_package_is_taken_up_without_a_restart(scene: Scene, tmp_path: Path) -> None:
    wheel = tmp_path / "greetings_of_a_test-1.0-py3-none-any.whl"
    about = "greetings_of_a_test-1.0.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("greetings_of_a_test.py", "def hello():\n    return 'hello'\n")
        archive.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: greetings-of-a-test\nVersion: 1.0\n")
        archive.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{about}/RECORD", "")
    try:
        scene.write("greets.yaml", "tasks: [{id: a, uses: greetings_of_a_test.hello}]\n")
        scene.soon(lambda: scene.run.printed("broken", "greets.yaml", "greetings_of_a_test"), "the error")
        scene.run.requirements.write_text("no-such-package-of-a-test==9\n")
        scene.soon(lambda: scene.run.printed("could not be installed", "packages.log"), "a word about it", 120)
        scene.run.requirements.write_text(f"{wheel}\n")
        scene.soon(lambda: scene.run.printed("Installed the packages of requirements-extra.txt"), "pip", 120)
        scene.soon(lambda: scene.run.printed("healed", "greets"), "the pipeline to heal", 90)
        run_id = scene.api.trigger("greets")
        scene.soon(lambda: state(scene, "greets", run_id) == "success", "the run", 90)
    finally:
        scene.shell(sys.executable, "-m", "pip", "uninstall", "--yes", "greetings-of-a-test")
