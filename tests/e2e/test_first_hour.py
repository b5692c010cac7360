"""What hurt new users in their first hour, on what `make run` starts."""

from __future__ import annotations

import json
import os
import sqlite3
import sys
import time
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from schemas.text.document import LET_READ
from tests.e2e.conftest import Scene
from tests.e2e.harness import AS_A_USER

TASK = "tasks: [{id: a, uses: empty}]\n"


AIRFLOW = (sys.executable, "-m", "airflow")
POLL = "local_api_poller"


def test_an_airflow_command_in_the_home_sees_the_same_airflow(scene: Scene) -> None:
    scene.soon(lambda: scene.api.dag(POLL), "the pipeline")
    scene.write("wrong.yaml", "schedul: null\n" + TASK)
    scene.write("UPPER.YAML", TASK)
    names = "wrong.yaml.py", "UPPER.YAML (not read).yaml.py"
    texts = [scene.soon(lambda name=name: scene.import_errors(name), "the import error") for name in names]
    for command in (("tasks", "list", POLL), ("dags", "reserialize")):
        done = scene.shell(*AIRFLOW, *command, AIRFLOW_HOME=str(scene.run.home))
        assert done.returncode == 0, done.stderr
        scene.soon(lambda: scene.api.dag(POLL)["bundle_version"], "the version that its next runs are tied to")
        scene.soon(lambda: [*map(scene.import_errors, names)] == texts, "the errors, as the dag-processor has them")
    assert not scene.run.printed("unread", "wrong.yaml")
    scene.remove("wrong.yaml", "UPPER.YAML")
    assert "example_bash_operator" not in {dag["dag_id"] for dag in scene.api.dags()}
    assert bundles(scene) == [("pipelines", True)]
    assert scene.api.dag(POLL) is not None


def test_factory_airflow_has_the_runs_environment(scene: Scene) -> None:
    """Whatever the shell has set, and with what the pipelines need."""
    command = (sys.executable, "-m", "factory.cli", "airflow", "--airflow-home", str(scene.run.home))
    environment = {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "postgresql://elsewhere/airflow", "PYTHONPATH": "/nowhere"}
    listed = scene.shell(*command, "tasks", "list", POLL, **environment)
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
    scene.soon(lambda: scene.api.dag(POLL), "the pipelines")
    scene.run_once(POLL)


def bundles(scene: Scene) -> list[tuple[str, bool]]:
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
    assert delete_and_wait(scene, "gone")["is_paused"]
    scene.soon(lambda: scene.run.printed("deleted", "gone", "comes back within a minute, paused"), "a line about it")
    # `paused` where it was back before the terminal looked again.
    scene.soon(
        lambda: scene.run.printed("found", "gone", "(paused)") or scene.run.printed("paused", "gone"),
        "a line about its return",
    )
    assert not scene.run.printed("unread", "gone")


@pytest.mark.soak
def test_a_dag_deleted_twice_comes_back_paused_twice(scene: Scene) -> None:
    """The first return must not use up the memory of it."""
    scene.save("gone_twice", f'schedule: "0 7 * * *"\n{TASK}')
    assert delete_and_wait(scene, "gone_twice")["is_paused"]
    time.sleep(5)
    scene.api.send("PATCH", "/dags/gone_twice", {"is_paused": False})
    assert delete_and_wait(scene, "gone_twice")["is_paused"]


@pytest.mark.soak
def test_a_deleted_dag_that_airflow_reads_each_second_comes_back_paused(scene: Scene) -> None:
    """Behind a run's notification Airflow 3.3 does that (73432): the DAG is back before the bundle has looked."""
    scene.write("told.py", "def tell(context):\n    pass\n")
    scene.save(
        "loops",
        'schedule: "0 7 * * *"\nnotifications: {on_failure: [{uses: told.tell}]}\n'
        "tasks: [{id: a, uses: bash, with: {bash_command: exit 1}}]\n",
    )
    scene.run_once("loops", "failed")
    time.sleep(15)
    for _ in range(2):
        delete_and_wait(scene, "loops")
        scene.soon(lambda: (scene.api.dag("loops") or {}).get("is_paused"), "the DAG to be paused")
        scene.api.send("PATCH", "/dags/loops", {"is_paused": False})
    time.sleep(7)
    assert not (scene.api.dag("loops") or {})["is_paused"], "who switches it on is not overruled"
    (scene.pipelines / "loops.yaml").unlink()
    scene.soon(lambda: scene.run.printed("removed", "loops"), "the line about it")


def delete_and_wait(scene: Scene, dag_id: str) -> dict[str, Any]:
    """The DAG when it is back."""
    # The bundle has to have seen it in the database before.
    time.sleep(7)
    scene.api.send("DELETE", f"/dags/{dag_id}", {})
    back: dict[str, Any] = scene.soon(lambda: scene.api.dag(dag_id), "the DAG to come back")
    return back


def test_the_code_tab_keeps_the_text_that_ran(scene: Scene) -> None:
    """Also where only a Python file was fixed, so that the DAG is the same to Airflow."""
    scene.write("steps.py", "def work():\n    raise ValueError('broken')\n")
    scene.save("fixed", "# the first text\ntasks: [{id: work, uses: steps.work}]\n")
    first = scene.run_once("fixed", "failed")
    scene.save("fixed", "def work():\n    return 1\n", name="steps.py")
    scene.save("fixed", "# the second text\ntasks: [{id: work, uses: steps.work}]\n")
    second = scene.run_once("fixed")
    runs = {run["dag_run_id"]: run["dag_versions"][-1]["version_number"] for run in scene.api.runs("fixed")}
    assert runs[first] < runs[second]
    texts = {
        run: scene.api.get(f"/dagSources/fixed?version_number={number}")["content"] for run, number in runs.items()
    }
    assert "# the first text" in texts[first]
    assert "# the second text" in texts[second]


def test_the_terminal_says_what_is_not_read(scene: Scene) -> None:
    (scene.pipelines / "elsewhere.yaml").symlink_to("/etc/hostname")
    (scene.pipelines / "loop").symlink_to(".")
    scene.write("UPPER.YAML", TASK)
    scene.soon(lambda: scene.run.printed("broken", "elsewhere.yaml", "is a link out of"), "the link")
    scene.soon(lambda: scene.run.printed("ignored", "loop", "is a link to a folder that contains it"), "the loop")
    scene.soon(lambda: scene.run.printed("broken", "UPPER.YAML ", "rename it to `UPPER.yaml`"), "the misnamed file")
    (linked,) = scene.import_errors("elsewhere.yaml.py")
    assert linked.startswith("elsewhere.yaml: is a link out of")
    scene.remove("elsewhere.yaml", "UPPER.YAML", "loop")


@pytest.mark.skipif(os.geteuid() == 0 and not AS_A_USER, reason="root may read everything")
def test_the_terminal_says_what_cannot_be_read(scene: Scene) -> None:
    """A folder, a file, and the folder of all pipelines; what Airflow has of them stays."""
    closed = scene.save("team.inner", TASK, name="team/inner.yaml") and scene.pipelines / "team"
    scene.save("secret", TASK)
    for path in (closed, scene.pipelines / "secret.yaml"):
        path.chmod(0)
    try:
        scene.soon(lambda: scene.run.printed("broken", "team ", "team/: cannot be read: Permission denied"), "a folder")
        scene.soon(lambda: scene.run.printed("broken", "secret.yaml", "cannot be read: Permission denied"), "a file")
        denied = f"cannot be read: Permission denied; {LET_READ}"
        assert scene.import_errors("team (not read).yaml.py") == [f"team/: {denied}"]
        assert scene.api.dag("team.inner") is not None
    finally:
        closed.chmod(0o755)
        (scene.pipelines / "secret.yaml").chmod(0o644)
    scene.soon(lambda: scene.run.printed("healed", " team") and scene.run.printed("healed", "secret"), "both again")
    scene.pipelines.chmod(0)
    try:
        scene.soon(lambda: scene.run.printed("missing", "cannot be read: Permission denied; its pipelines stay"), "all")
    finally:
        scene.pipelines.chmod(0o755)
    scene.soon(lambda: scene.run.printed("back", "is there again"), "a word about the folder")
    assert scene.api.dag("team.inner") is not None
    assert not scene.run.printed("removed", "team")


def test_a_folder_that_is_suddenly_empty_keeps_its_pipelines_and_is_told(scene: Scene) -> None:
    """As a link that is swapped too early, or a mount that is late."""
    away = scene.pipelines.rename(scene.pipelines.with_name("away"))
    scene.pipelines.mkdir()
    scene.soon(lambda: scene.run.printed("missing", "has no pipeline any more", "stay for 5 minutes"), "a word of it")
    scene.run_once(POLL)
    scene.pipelines.rmdir()
    away.rename(scene.pipelines)
    scene.soon(lambda: scene.run.printed("back", "has pipelines again"), "a word of their return")
    assert scene.api.dag(POLL) is not None
    assert not scene.run.printed("removed", POLL)


def test_the_terminal_says_who_was_not_told(scene: Scene) -> None:
    text = "notifications: {on_failure: [{uses: complaints.tell}]}\n"
    scene.write("complaints.py", "def tell(context):\n    raise ConnectionError('no such mail server')\n")
    scene.save("alarm", f"{text}tasks: [{{id: a, uses: bash, with: {{bash_command: exit 1}}, {text.strip()}}}]\n")
    scene.api.trigger("alarm")
    scene.soon(lambda: scene.run.printed("failed", "alarm", "exit code 1"), "the task's own reason")
    words = "not notified", "alarm", "no such mail server"
    scene.soon(lambda: len(scene.run.printed(*words)) == 2, "the notifications of the task and of the run")
    scene.remove("alarm.yaml")  # Airflow would read it again and again (73432)


def test_a_renamed_file_with_a_run_under_way_says_that_it_waits(scene: Scene) -> None:
    scene.save("waits", "tasks: [{id: a, uses: bash, with: {bash_command: sleep 300}}]\n")
    scene.soon(lambda: scene.run.printed("found", "waits "), "the line about it")
    run_id = scene.api.trigger("waits")
    scene.soon(lambda: scene.state("waits", run_id) == "running", "the run")
    renamed = (scene.pipelines / "waits.yaml").rename(scene.pipelines / "waits_no_more.yaml")
    said = "removed", "waits ", "1 unfinished run: they wait until the file is back"
    scene.soon(lambda: scene.run.printed(*said), "a line about it")
    renamed.rename(scene.pipelines / "waits.yaml")
    scene.soon(lambda: scene.api.dag("waits"), "the DAG to come back")
    scene.api.send("PATCH", f"/dags/waits/dagRuns/{run_id}", {"state": "failed"})


def test_an_error_of_ours_has_no_traceback_and_others_keep_theirs(scene: Scene, tmp_path: Path) -> None:
    """One dag-processor, with another bundle beside ours and no setting of its own, on a copy of the database."""
    bundles = []
    for name, classpath, argument in (
        ("ours", "factory.bundle.PipelineBundle", "folder"),
        ("theirs", "airflow.dag_processing.bundles.local.LocalDagBundle", "path"),
    ):
        (tmp_path / name).mkdir()
        bundles.append({"name": name, "classpath": classpath, "kwargs": {argument: str(tmp_path / name)}})
    (tmp_path / "ours" / "wrong.yaml").write_text("schedul: null\n" + TASK)
    (tmp_path / "theirs" / "wrong.py").write_text("from airflow.sdk import DAG\n\nDAG('a', schedul=None)\n")
    path = tmp_path / "airflow.db"
    with sqlite3.connect(scene.run.home / "airflow.db") as database, sqlite3.connect(path) as copy:
        database.backup(copy)
    settings = {
        "AIRFLOW_HOME": str(tmp_path),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{path}",
        "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps(bundles),
    }
    done = scene.shell(*AIRFLOW, "dag-processor", "--num-runs", "1", **settings)
    assert done.returncode == 0, done.stderr
    with sqlite3.connect(path) as copy:
        errors = dict(copy.execute("SELECT bundle_name, stacktrace FROM import_error WHERE bundle_name != 'pipelines'"))
    assert errors["ours"].startswith("error[unknown-key] PF102")
    assert "Traceback" not in errors["ours"]
    assert errors["theirs"].startswith("Traceback")
    assert 'wrong.py", line 3' in errors["theirs"]


@pytest.mark.soak
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
        scene.soon(lambda: scene.run.printed("could not be installed", "packages.log"), "a word about it")
        scene.run.requirements.write_text(f"{wheel}\n")
        scene.soon(lambda: scene.run.printed("Installed the packages of requirements-extra.txt"), "pip")
        scene.soon(lambda: scene.run.printed("healed", "greets"), "the pipeline to heal")
        scene.run_once("greets")
        scene.remove("greets.yaml")  # without its package it would be an import error of the next tests
    finally:
        scene.run.requirements.write_text("")
        scene.shell(sys.executable, "-m", "pip", "uninstall", "--yes", "greetings-of-a-test")
