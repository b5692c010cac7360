"""`factory doctor` looks at an installation and says what is wrong, one line each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from factory.local.environment import local_environment
from factory.local.home import Home, Settings
from tests.factory.bundle.s3 import STORE, connection

from .commands import GOOD, factory

GOOD_SETTINGS = {
    "AIRFLOW__CORE__LAZY_LOAD_PLUGINS": "False",
    "AIRFLOW__DAG_PROCESSOR__BUNDLE_REFRESH_CHECK_INTERVAL": "1",
    "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "600",
    "AIRFLOW__DAG_PROCESSOR__FILE_PARSING_SORT_MODE": "modified_time",
    "AIRFLOW__DAG_PROCESSOR__STALE_BUNDLE_CLEANUP_INTERVAL": "0",
}


def doctor(tmp_path: Path, kwargs: dict[str, Any] | None = None, **more: str) -> tuple[int, list[str]]:
    (tmp_path / "pipelines").mkdir(exist_ok=True)
    (tmp_path / "pipelines" / "orders.yaml").write_text(GOOD)
    entry = {
        "name": "p",
        "classpath": "factory.bundle.PipelineBundle",
        "kwargs": {"folder": "pipelines", **(kwargs or {})},
    }
    environment = {
        **GOOD_SETTINGS,
        "AIRFLOW_HOME": str(tmp_path / "home"),
        "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH": str(tmp_path / "storage"),
        "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps([entry]),
        **more,
    }
    done = factory("doctor", cwd=tmp_path, environment=environment)
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout.splitlines()


def test_a_sound_installation_has_no_errors(tmp_path: Path) -> None:
    status, lines = doctor(tmp_path, {"store": f"file://{tmp_path}/store"})

    assert status == 0
    assert [line for line in lines if not line.startswith("ok ")] == [
        f"warning bundle p: no dag-processor has written a version into {tmp_path}/storage/p yet"
    ]
    assert f"ok      bundle p: store file://{tmp_path}/store can be written and read" in lines
    assert not list((tmp_path / "store").iterdir())


def test_other_versions_are_named(tmp_path: Path) -> None:
    (tmp_path / "storage" / "p").mkdir(parents=True)
    state = {"version": "0" * 40, "owners": {}, "written_by": "airflow-pipeline-factory 0.0.1"}
    (tmp_path / "storage" / "p" / "current.json").write_text(json.dumps(state))
    status, lines = doctor(tmp_path)

    assert status == 1
    assert any("the dag-processor runs airflow-pipeline-factory 0.0.1, and this process" in line for line in lines)


def test_a_store_that_does_not_answer_is_an_error(tmp_path: Path) -> None:
    settings = {
        name: value for name, value in connection("http://127.0.0.1:1").items() if name.startswith("AIRFLOW_CONN")
    }
    status, lines = doctor(tmp_path, {"store": STORE, "store_timeout": 2}, **settings)

    assert status == 1
    assert any(line.startswith(f"error   bundle p: the store {STORE}") for line in lines)


def test_settings_that_hurt_are_named(tmp_path: Path) -> None:
    bad = {
        "CORE__EXECUTOR": "CeleryExecutor",
        "CORE__LAZY_LOAD_PLUGINS": "True",
        "DAG_PROCESSOR__BUNDLE_REFRESH_CHECK_INTERVAL": "soon",
        "DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "30",
        "DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": "[]",
    }
    status, lines = doctor(tmp_path, **{f"AIRFLOW__{name}": value for name, value in bad.items()})

    assert status == 1
    for said in (
        "warning [core] lazy_load_plugins is True: workers import Airflow again for each task",
        "error   [dag_processor] bundle_refresh_check_interval is 'soon', which is not a number",
        "warning [dag_processor] min_file_process_interval is 30: every pipeline is parsed again so often",
        "warning no bundle of the class factory.bundle.PipelineBundle is configured",
    ):
        assert any(line.startswith(said) for line in lines), (said, lines)


def test_a_wrong_argument_of_the_bundle_is_named(tmp_path: Path) -> None:
    status, lines = doctor(tmp_path, {"foldr": "pipelines"})

    assert status == 1
    assert any("bundle p: TypeError" in line and "foldr" in line for line in lines)


def test_it_looks_at_the_airflow_of_factory_run_that_is_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pipelines").mkdir()
    home = Home(tmp_path / ".airflow")
    home.prepare()
    settings = Settings(tmp_path / "pipelines", home.path, 8080, 8000, None)
    home.configure(settings, local_environment({}, settings, home).airflow_cfg())
    (tmp_path / "other").mkdir()
    monkeypatch.delenv("AIRFLOW_HOME")

    here = factory("doctor", cwd=tmp_path / "pipelines")
    other = factory("doctor", "--airflow-home", "other", cwd=tmp_path)
    wrong = factory("doctor", "--airflow-home", "nowhere", cwd=tmp_path)

    assert here.stdout.splitlines()[0] == f"ok      home {home.path}, configuration {home.path}/airflow.cfg"
    assert f"ok      bundle pipelines: reads {tmp_path / 'pipelines'}\n" in here.stdout
    assert "warning [" not in here.stdout
    assert other.stdout.startswith(f"ok      home {tmp_path / 'other'}, configuration ")
    assert (other.returncode, other.stdout.count("no bundle of the class")) == (0, 1)
    assert (wrong.returncode, wrong.stderr) == (2, "factory doctor: --airflow-home nowhere: there is no such folder\n")
