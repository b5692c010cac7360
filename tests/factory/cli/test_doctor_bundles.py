"""`factory doctor` asks and reads what a bundle is made of: its source, its storage, its store."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from airflow.models.connection import Connection
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from factory.bundle import PipelineBundle
from factory.bundle.archives import ArchiveStore
from factory.bundle.records import State
from tests.factory.bundle.s3 import STORE, connection, running_s3

from .commands import GOOD
from .installations import GIT, doctor_of, environment_of, wrong

AS_A_USER = (
    ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
    if os.geteuid() == 0 and shutil.which("setpriv")
    else []
)
"""Root may write whatever it wants to, and users may not."""

LOCAL = "airflow.dag_processing.bundles.local.LocalDagBundle"


@pytest.fixture
def processor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """What the dag-processor does with a bundle: it writes a version, whose name comes back."""
    monkeypatch.setenv("AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH", str(tmp_path / "storage"))

    def refresh(name: str, **kwargs: Any) -> str:
        environment_of(tmp_path, {})
        bundle = PipelineBundle(name=name, **{"folder": str(tmp_path / "pipelines"), **kwargs})
        bundle.refresh()
        version = bundle.get_current_version()
        assert version is not None
        return version.version

    return refresh


def test_sources_are_asked(tmp_path: Path) -> None:
    repository = tmp_path / "repository"
    (repository / "pipelines").mkdir(parents=True)
    (repository / "pipelines" / "orders.yaml").write_text(GOOD)
    author = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
    for arguments in (["init", "-q", "-b", "main"], ["add", "."], [*author, "commit", "-q", "-m", "one"]):
        subprocess.run(["git", *arguments], cwd=repository, check=True)
    kwargs = {"repo_url": f"file://{repository}", "tracking_ref": "main", "subdir": "pipelines"}
    (tmp_path / "home").mkdir()
    database = create_engine(f"sqlite:///{tmp_path}/home/airflow.db")
    Connection.metadata.create_all(database, tables=[Connection.metadata.tables["connection"]])
    with Session(database) as session, session.begin():
        session.add(Connection("in_database", conn_type="git", host=kwargs["repo_url"]))
    sources: dict[str, dict[str, Any]] = {
        "sound": {"classpath": GIT, "kwargs": kwargs},
        "connected": {"classpath": GIT, "kwargs": {"git_conn_id": "in_database", "tracking_ref": "main"}},
        "subdir": {"classpath": GIT, "kwargs": {**kwargs, "subdir": "pipeline"}},
        "git": {"classpath": GIT, "kwargs": {"repo_url": "file:///nowhere.git", "tracking_ref": "main"}},
        "folder": {"classpath": LOCAL, "kwargs": {"path": "/nowhere"}},
        "class": {"classpath": "airflow.nowhere.Bundle"},
    }
    status, lines = doctor_of(tmp_path, {name: {"source": source} for name, source in sources.items()})
    found = [line for line in wrong(lines) if "no dag-processor has written a version" not in line]

    assert status == 0
    shown = f"repo_url file://{repository}, tracking_ref main"
    assert f"ok      bundle sound: reads {GIT} ({shown}, subdir pipelines)" in lines
    assert any(
        line == f"ok      bundle connected: reads {GIT} (git_conn_id in_database, tracking_ref main)" for line in lines
    )
    assert "factory-doctor-" not in "".join(lines)
    for line, said in zip(
        found,
        (
            rf"subdir: {GIT} \(repo_url \S+, tracking_ref main, subdir pipeline\) does not exist here",
            rf"git: the source {GIT} cannot be read here: '/nowhere.git' does not appear to be a git repository",
            rf"folder: {LOCAL} \(path /nowhere\) does not exist here",
            r"class: the source airflow.nowhere.Bundle cannot be read here: ModuleNotFoundError: No module named \S+",
        ),
        strict=True,
    ):
        assert re.fullmatch(f"warning bundle {said}; the dag-processor needs it, workers do not", line), line
    assert not (tmp_path / "storage").exists()


def test_a_worker_is_compared_with_the_state_in_the_store(tmp_path: Path, processor: Callable[..., str]) -> None:
    same, other = (f"file://{tmp_path}/{name}" for name in ("same", "other"))
    version = processor("same", store=same)
    processor("other", store=other)
    shutil.rmtree(tmp_path / "storage")
    state = State(version, written_by="airflow-pipeline-factory 0.0.1", problems={"a.yaml": "is a fifo"})
    ArchiveStore(other).set_state(state)
    bundles = {"same": {"folder": "pipelines", "store": same}, "other": {"folder": "pipelines", "store": other}}
    status, lines = doctor_of(tmp_path, bundles, PIPELINE_ENVIRONMENT="nope")
    found = wrong(lines)

    assert any(line.startswith(f"ok      bundle same: version {version[:12]}, written by ") for line in lines)
    assert (status, len(found)) == (1, 4)
    assert found[0].startswith("warning bundle same: PIPELINE_ENVIRONMENT is nope, and no pipeline declares the envi")
    assert "bundle other: the dag-processor runs airflow-pipeline-factory 0.0.1, and this process" in found[2]
    assert found[3] == "warning bundle other: a.yaml is a fifo"


def test_what_is_wrong_in_the_store_is_an_error(tmp_path: Path, processor: Callable[..., str]) -> None:
    said = {
        "cut": "is damaged: .*; remove it and restart the dag-processor, which writes it again",
        "gone": "cannot be read: there is no such object; restart the dag-processor, which writes it again",
        "current": "/current is damaged; remove it and restart the dag-processor, which writes it again",
        "no_current": "/current is missing or damaged; the next edit writes it again",
        "state": "/state.json is missing or damaged; the next edit writes it again",
    }
    version = processor("whole", store=f"file://{tmp_path}/whole")
    for name in said:
        shutil.copytree(tmp_path / "whole", tmp_path / name)
    shutil.rmtree(tmp_path / "storage")
    (tmp_path / "cut" / f"{version}.gz").write_bytes((tmp_path / "whole" / f"{version}.gz").read_bytes()[:100])
    (tmp_path / "gone" / f"{version}.gz").unlink()
    (tmp_path / "current" / "current").write_text("x")
    (tmp_path / "no_current" / "current").unlink()
    (tmp_path / "state" / "state.json").write_text("x")
    bundles = {name: {"folder": "pipelines", "store": f"file://{tmp_path}/{name}"} for name in said}
    status, lines = doctor_of(tmp_path, bundles)

    assert status == 1
    for line, (name, text) in zip(wrong(lines), said.items(), strict=True):
        assert re.fullmatch(rf"error   bundle {name}: \D+ file://{tmp_path}/{name}.*{text}", line), line


@pytest.mark.skipif(os.geteuid() == 0 and not AS_A_USER, reason="root may write everything")
def test_a_store_that_is_read_only_is_enough_for_a_worker(tmp_path: Path, processor: Callable[..., str]) -> None:
    store = f"file://{tmp_path}/store"
    processor("p", store=store)
    (tmp_path / "store").chmod(0o555)
    environment = {**os.environ, **environment_of(tmp_path, {"p": {"folder": "pipelines", "store": store}})}
    command = [*AS_A_USER, sys.executable, "-m", "factory.cli", "doctor"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    (tmp_path / "store").chmod(0o755)

    assert (done.returncode, done.stderr) == (0, "")
    (line,) = wrong(done.stdout.splitlines())
    assert line.startswith(f"warning bundle p: the store {store}: it cannot be written and read: PermissionError")
    assert line.endswith("; reading is enough for a worker, the dag-processor must write")


def test_a_storage_that_has_lost_something_is_an_error_until_it_is_written_again(
    tmp_path: Path, processor: Callable[..., str]
) -> None:
    again = "restart the dag-processor, which writes it again"
    said = {
        "objects": rf"version \w+ in \S+: content \w+ cannot be read \(No such file or directory\); {again}",
        "manifests": rf"version \w+ in \S+: it is not in the store; {again}",
        "snapshots": rf"version \w+ in \S+: \S+ is missing or damaged; remove \S+ and {again}",
        "edited": rf"version \w+ in \S+: \S+/orders.yaml is missing or damaged; remove \S+ and {again}",
        "current.json": rf"\S+/current.json is damaged; {again}",
    }
    storage = tmp_path / "storage"
    versions = {name: processor(name) for name in said}
    for name in ("objects", "manifests", "snapshots"):
        shutil.rmtree(storage / name / name)
    (storage / "current.json" / "current.json").write_text('{"version": ')
    edited = storage / "edited" / "snapshots" / versions["edited"]
    (edited / "orders.yaml").unlink()
    (edited / "orders.yaml").write_text("tasks: []")
    bundles = {name: {"folder": "pipelines"} for name in said}
    status, lines = doctor_of(tmp_path, bundles)
    shutil.rmtree(edited)
    for name in said:
        processor(name)

    assert status == 1
    for line, (name, text) in zip(wrong(lines), said.items(), strict=True):
        assert re.fullmatch(f"error   bundle {name}: {text}", line), line
    assert wrong(doctor_of(tmp_path, bundles)[1]) == []


def test_a_folder_that_has_lost_its_pipelines_and_a_storage_that_is_a_file(
    tmp_path: Path, processor: Callable[..., str]
) -> None:
    folder = tmp_path / "lost"
    folder.mkdir()
    (folder / "orders.yaml").write_text(GOOD)
    processor("lost", folder=str(folder))
    (folder / "orders.yaml").unlink()
    processor("lost", folder=str(folder))
    (tmp_path / "storage" / "file").write_text("")
    status, lines = doctor_of(tmp_path, {"lost": {"folder": str(folder)}, "file": {"folder": "pipelines"}})

    assert status == 1
    assert len(wrong(lines)) == 3
    assert wrong(lines)[0] == f"warning bundle lost: {folder} has no pipeline"
    assert wrong(lines)[1].startswith(f"warning bundle lost: {folder} has no pipeline any more; those that were there")
    assert wrong(lines)[2] == (
        f"error   bundle file: the storage {tmp_path}/storage/file cannot be used: {tmp_path}/storage/file is not a "
        "folder; set [dag_processor] dag_bundle_storage_path to one"
    )


def test_a_storage_that_takes_nothing_is_an_error(tmp_path: Path) -> None:
    """A limit of the size of files stands for a full disk: permissions tell of neither."""
    (tmp_path / "file").write_text("")
    bundles = {"p": {"folder": "pipelines", "store": f"file://{tmp_path}/file/store"}}
    environment = {**os.environ, **environment_of(tmp_path, bundles)}
    code = (
        "import resource, signal, pipeline_factory; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)); raise SystemExit(pipeline_factory.main())"
    )
    command = [sys.executable, "-c", code, "doctor"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, check=False, capture_output=True, text=True)

    assert done.returncode == 1
    assert [line for line in done.stdout.splitlines() if line.startswith("error")] == [
        f"error   bundle p: storage {tmp_path}/storage/p cannot be written: File too large; make room there, or set "
        "[dag_processor] dag_bundle_storage_path to another folder",
        f"error   bundle p: the store file://{tmp_path}/file/store cannot be used: {tmp_path}/file is not a folder; "
        "choose another `store`",
    ]


def test_what_is_wrong_in_front_of_a_store_is_named(tmp_path: Path) -> None:
    """The connection, the bucket, Airflow's own configuration."""
    with running_s3() as url:
        right = {name: value for name, value in connection(url).items() if name.startswith("AIRFLOW_CONN")}
        (variable,) = right

        def said(store: str = STORE, **environment: str) -> list[str]:
            bundles = {"p": {"folder": "pipelines", "store": store, "store_timeout": 20}}
            _, lines = doctor_of(tmp_path, bundles, AWS_EC2_METADATA_DISABLED="true", **{**right, **environment})
            return [line for line in lines if line.startswith("error")]

        for unusable in ("", '{"conn_type'):
            (line,) = said(**{variable: unusable})
            assert "; the connection pipeline_store is missing or cannot be read here (" in line
            assert line.endswith(f"set {variable}")
        (line,) = said(**{variable: "http://127.0.0.1:1"})
        assert line.endswith("; the connection pipeline_store has the type 'http', and this store needs 'aws'")
        (line,) = said("s3://pipeline_store@nowhere/team")
        assert line.endswith("cannot be written and read: there is no such bucket")
        (line,) = said(AIRFLOW__CORE__XCOM_BACKEND="nowhere.Backend")
        assert line.startswith("error   bundle p: Airflow's configuration is wrong: ")
        assert 'check "xcom_backend" key in "core" section' in line
        assert said() == []
