"""What Airflow calls: construction, initialize, versions, and real discovery and import of the stubs."""

from __future__ import annotations

import ast
import inspect
import json
import multiprocessing
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from airflow.dag_processing.bundles.base import BundleUsageTrackingManager
from airflow.dag_processing.bundles.manager import DagBundlesManager
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk.execution_time import task_runner

from factory.bundle import PipelineBundle
from factory.bundle.source import FolderUnavailableError
from factory.bundle.store import BundleError

from .bundles import NAME, Bench, SmallBundle, contents, version_of


def test_the_docs_list_every_argument_and_its_default() -> None:
    page = (Path(__file__).parents[3] / "docs" / "roll-out.md").read_text(encoding="utf-8")
    section = page.partition("## What the bundle takes\n")[2].partition("\n## ")[0]
    parameters = inspect.signature(PipelineBundle).parameters.values()
    own = {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}

    assert set(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)) == set(own)
    for name, default in re.findall(r"^\| `(\w+)` \| (\d+) \|", section, re.MULTILINE):
        assert own[name] == int(default)


def test_where_the_folder_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PIPELINES_FOLDER", raising=False)
    assert PipelineBundle(name="p").folder == tmp_path / "pipelines"
    monkeypatch.setenv("PIPELINES_FOLDER", "from_env")
    assert PipelineBundle(name="p").folder == tmp_path / "from_env"
    assert PipelineBundle(name="p", folder="/given").folder == Path("/given")


def test_a_missing_folder_is_no_trouble_where_it_is_not_needed(bench: Bench) -> None:
    bench.write("a.yaml", "x: 1\n")
    version = version_of(bench.refreshed())
    shutil.rmtree(bench.folder)
    bench.bundle(version).initialize()
    with pytest.raises(FolderUnavailableError, match=r"pipelines does not exist"):
        bench.bundle().initialize()


def test_before_the_first_refresh_there_is_no_version(bench: Bench) -> None:
    assert bench.bundle().get_current_version() is None


@pytest.mark.parametrize("sign", ["environment", "supervisor"])
def test_command_line_reads_the_folder_and_an_unpinned_task_does_not(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, sign: str
) -> None:
    bench.write("a.yaml", "x: 1\n")
    bench.bundle().initialize()
    bench.write("b.yaml", "x: 1\n")
    with monkeypatch.context() as task:
        if sign == "environment":
            task.setenv("_AIRFLOW_PROCESS_CONTEXT", "client")
        else:
            task.setattr(task_runner, "SUPERVISOR_COMMS", object(), raising=False)
            task.setenv("_AIRFLOW_PROCESS_CONTEXT", "server")
        bench.bundle().initialize()
    assert not (bench.current / "b.yaml.py").exists()
    bench.bundle().initialize()
    assert (bench.current / "b.yaml.py").exists()


def test_a_command_line_names_the_version_that_it_read(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Airflow writes it to the DAGs that `airflow tasks list` and the like show."""
    bench.write("a.yaml", "x: 1\n")
    shell = bench.bundle()
    shell.initialize()
    assert shell.version == version_of(shell)
    assert shell.path == bench.current
    bench.write("b.yaml", "x: 1\n")
    shell.refresh()
    monkeypatch.setenv("_AIRFLOW_PROCESS_CONTEXT", "server")
    server = bench.bundle()
    server.initialize()
    assert server.version is None


@pytest.mark.parametrize("differs", ["environment", "folder"])
def test_a_shell_with_another_environment_or_folder_changes_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, differs: str
) -> None:
    bench.write("a.yaml", "x: 1\n")
    bench.bundle().initialize()
    before = contents(bench.base)
    if differs == "environment":
        monkeypatch.setenv("PIPELINE_ENVIRONMENT", "prod")
        shell = bench.bundle()
    else:
        other = bench.folder.parent / "checkout"
        other.mkdir()
        shell = SmallBundle(name=NAME, folder=str(other))
    shell.initialize()
    assert shell.is_initialized
    assert contents(bench.base) == before
    assert f"the dag-processor reads {bench.folder}, and this process would read" in caplog.text
    monkeypatch.setenv("_AIRFLOW_PROCESS_CONTEXT", "server")
    shell.initialize()
    assert contents(bench.base) != before, "the dag-processor itself takes its new settings"


def test_an_old_version_keeps_its_files_after_edits_and_is_rebuilt(bench: Bench) -> None:
    bench.write("a.yaml", "x: 1\n")
    bundle = bench.refreshed()
    version, files = version_of(bundle), contents(bench.current)
    bench.write("a.yaml", "x: 2\n")
    bundle.refresh()
    shutil.rmtree(bench.base / "snapshots")
    pinned = bench.bundle(version)
    pinned.initialize()
    assert pinned.is_initialized
    assert contents(pinned.path) == files
    assert version_of(pinned) == version


def test_a_version_that_is_nowhere_is_one_line_and_never_newer_text(bench: Bench) -> None:
    bench.write("a.yaml", "x: 1\n")
    bench.refreshed()
    version = "a" * 40
    pinned = bench.bundle(version)
    with pytest.raises(BundleError) as caught:
        pinned.initialize()
    assert version in str(caught.value)
    assert str(bench.base) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not pinned.path.exists()


def start_as_reader(bench: Bench, version: str | None, answers: multiprocessing.SimpleQueue[str]) -> None:
    if os.geteuid() == 0:
        os.setuid(65534)  # root may write anywhere
    pinned = bench.bundle(version)
    try:
        pinned.initialize()
        answers.put(str(len(contents(pinned.path))))
    except BundleError as e:
        answers.put(str(e))


def test_tasks_need_only_read_the_storage(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    # pytest's own folders are closed to other users.
    with tempfile.TemporaryDirectory() as folder:
        monkeypatch.setenv("AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH", folder)
        here = Bench(bench.folder, Path(folder))
        bench.write("a.yaml", "x: 1\n")
        version = version_of(here.refreshed())
        folders = [Path(folder), *(path for path in Path(folder).rglob("*") if path.is_dir())]
        for path in folders:
            path.chmod(0o555)
        (here.storage / "_locks/pipelines.lock").chmod(0o444)
        fork = multiprocessing.get_context("fork")
        answers = fork.SimpleQueue()
        for wanted in (version, None, "b" * 40):
            task = fork.Process(target=start_as_reader, args=(here, wanted, answers))
            task.start()
            task.join(300)
        for path in folders:
            path.chmod(0o755)
        assert answers.get() == str(len(contents(here.current)))
        assert answers.get() == str(len(contents(here.current)))
        refused = answers.get()
        assert refused.startswith(f"bundle pipelines: version {'b' * 40} is not available in the store {here.base}")
        assert "\n" not in refused


def test_a_pinned_bundle_is_never_refreshed(bench: Bench) -> None:
    bench.write("a.yaml", "x: 1\n")
    with pytest.raises(BundleError, match="pinned"):
        bench.bundle(version_of(bench.refreshed())).refresh()


def test_airflows_own_clean_up_finds_what_it_removes_and_harms_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.write("a.yaml", "x: 1\n")
    version = version_of(bench.refreshed())
    bench.bundle(version).initialize()
    record = bench.storage / "_tracking" / NAME / version
    record.parent.mkdir(parents=True)
    record.write_text("2020-01-01T00:00:00+00:00")
    monkeypatch.setenv("AIRFLOW__DAG_PROCESSOR__STALE_BUNDLE_CLEANUP_MIN_VERSIONS", "0")
    configure(monkeypatch, bench)
    BundleUsageTrackingManager().remove_stale_bundle_versions()
    assert not record.exists()
    pinned = bench.bundle(version)
    pinned.initialize()
    assert contents(pinned.path) == contents(bench.current)


def configure(monkeypatch: pytest.MonkeyPatch, bench: Bench) -> None:
    config = {
        "name": NAME,
        "classpath": f"{SmallBundle.__module__}.SmallBundle",
        "kwargs": {"folder": str(bench.folder), "refresh_interval": 7, "view_url_template": "https://x/{version}"},
    }
    monkeypatch.setenv("AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST", json.dumps([config]))
    monkeypatch.setenv("AIRFLOW__CORE__LOAD_EXAMPLES", "False")


def test_airflow_loads_the_healthy_and_shows_the_broken(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.write("sales/orders.yaml", "dag_id: orders\n")
    bench.write("sales/it's odd #1 (ü).yml", "dag_id: odd\n")
    bench.write("-dash.yaml", "dag_id: dash\n")
    bench.write("bad.yaml", "fails\n")
    bench.write("one.yaml", "dag_id: twice\n")
    bench.write("two.yaml", "dag_id: twice\n")
    bench.write("airflow_dag.py", "raise SystemExit('a DAG file? no, import airflow')\n")
    bench.write("trap.yaml.py", "raise SystemExit('airflow dag')\n")
    os.mkfifo(bench.folder / "pipe.yaml")
    configure(monkeypatch, bench)
    monkeypatch.setenv("AIRFLOW__CORE__DAGBAG_IMPORT_ERROR_TRACEBACKS", "False")
    bundle = DagBundlesManager().get_bundle(NAME)
    assert bundle.refresh_interval == 7
    assert bundle.view_url_template() == "https://x/{version}"
    bundle.initialize()
    bag = DagBag(bundle.path, bundle_path=bundle.path, bundle_name=NAME, safe_mode=True)
    assert sorted(bag.dag_ids) == ["dash", "odd", "orders"]
    assert bag.dags["orders"].relative_fileloc == "sales/orders.yaml.py"
    assert bag.import_errors == {
        "bad.yaml.py": "bad.yaml: broken",
        "one.yaml.py": "one.yaml: the DAG id twice is also that of two.yaml",
        "two.yaml.py": "two.yaml: the DAG id twice is also that of one.yaml",
        "pipe.yaml.py": "pipe.yaml: is not a regular file",
    }


def test_a_name_that_cannot_be_copied_is_one_import_error(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__CORE__DAGBAG_IMPORT_ERROR_TRACEBACKS", "False")
    bench.write("good.yaml", "dag_id: good\n")
    bench.write(f"sales/{'n' * 250}.yaml", "dag_id: long\n")
    Path(os.fsdecode(os.fsencode(bench.folder) + b"/\xff.yaml")).write_text("dag_id: bytes\n")
    bundle = bench.bundle()
    bundle.initialize()
    bag = DagBag(bundle.path, bundle_path=bundle.path, bundle_name=NAME, safe_mode=True)
    assert bag.dag_ids == ["good"]
    assert sorted(bag.import_errors.values()) == [
        "\\udcff.yaml: its name is not UTF-8; rename it",
        f"sales/{'n' * 250}.yaml: its name is too long; shorten it",
    ]
    # Both go to Airflow's database, as UTF-8.
    assert "".join([*bag.import_errors, *bag.import_errors.values()]).encode()


def test_no_bytecode_is_written_or_read(bench: Bench) -> None:
    bench.write("team/jobs.py", "VALUE = 1\n")
    bench.write("a.yaml", "x: 1\n")
    bundle = bench.refreshed()
    for value in (1, 2):
        module = bench.write("team/jobs.py", f"VALUE = {value}\n")
        os.utime(module, (1000, 1000))
        bundle.refresh()
        code = "import team.jobs, importlib.util as u, sys; print(team.jobs.VALUE, sys.dont_write_bytecode)"
        out = subprocess.run(
            [sys.executable, "-c", code],
            cwd=bench.current,
            env={k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"},
            capture_output=True,
            text=True,
            check=True,
        )
        assert out.stdout.split() == [str(value), "False"]
        assert not out.stderr
    assert not list(bench.base.rglob("*.pyc"))


def test_importing_the_bundle_is_light() -> None:
    code = (
        "import airflow.dag_processing.bundles.base, sys; before = set(sys.modules)\n"
        "import factory.bundle.pipeline_bundle\n"
        "print(sorted({'.'.join(m.split('.')[:2]) for m in sys.modules if m not in before\n"
        "  and m.split('.')[0] in ('airflow', 'schemas', 'pydantic', 'sqlalchemy', 'yaml')}))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    names = ["schemas", "schemas.findings", "schemas.folder"]
    assert ast.literal_eval(out.stdout) == names, "which say what is a pipeline, by name"
