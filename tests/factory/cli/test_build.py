"""`factory build` writes DAG files that the installed package builds, and touches nothing else."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from factory.bundle.output import write_dags
from factory.cli import main

from .commands import GOOD, factory

DAG_BAG = """
import json, sys
from airflow.dag_processing.dagbag import DagBag
bag = DagBag(sys.argv[1])
print(json.dumps([sorted(bag.dags), {path.rpartition("/")[2]: text for path, text in bag.import_errors.items()}]))
"""
OTHER = "from airflow.sdk import DAG\ndag = DAG('hand_written', schedule=None)\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    pipelines = tmp_path / "pipelines"
    (pipelines / "team").mkdir(parents=True)
    (pipelines / "orders.yaml").write_text("schedule: null\ntasks:\n  - {id: a, uses: shop.load}\n")
    (pipelines / "shop.py").write_text("def load():\n    '''airflow dag'''\n")
    (pipelines / "team" / "report.yaml").write_text(GOOD)
    return pipelines


def built(tmp_path: Path, *more: str, status: int = 0) -> str:
    done = factory("build", "--output", "dags", *more, cwd=tmp_path)
    assert done.returncode == status, done.stderr
    return done.stdout if status == 0 else done.stderr


def dags(tmp_path: Path) -> str:
    environment = {**os.environ, "AIRFLOW_HOME": str(tmp_path / "home")}
    command = [sys.executable, "-c", DAG_BAG, tmp_path / "dags"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return done.stdout.splitlines()[-1]


def test_an_airflow_with_a_dags_folder_builds_what_was_written(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "dags").mkdir()
    (tmp_path / "dags" / "hand_written.py").write_text(OTHER)
    (folder / "broken.yaml").write_text("schedul: null\n")
    assert built(tmp_path, status=1).startswith("pipelines/broken.yaml: has errors, and may be an import error")
    found = dags(tmp_path)

    assert found.startswith('[["hand_written", "orders", "team.report"], {"broken.yaml.py": "')
    assert "unknown key" in found


def test_only_what_changed_is_written_and_what_is_gone_is_removed(folder: Path, tmp_path: Path) -> None:
    built(tmp_path)
    (tmp_path / "dags" / "team" / "notes.txt").write_text("somebody's")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "dags").rglob("*") if path.is_file()}
    assert built(tmp_path) == "2 pipelines: 0 files written, 0 removed\n"
    assert before == {path: path.stat().st_mtime_ns for path in before}

    (folder / "shop.py").write_text("def load():\n    return 1\n")
    (folder / "team" / "report.yaml").unlink()
    said = built(tmp_path)
    assert sorted(said.splitlines()[:-1]) == [
        "removed dags/team/report.yaml",
        "removed dags/team/report.yaml.py",
        "wrote dags/orders.yaml.py",
        "wrote dags/shop.py",
    ]
    assert (tmp_path / "dags" / "team" / "notes.txt").exists()


def test_a_pipeline_that_is_an_import_error_is_named(folder: Path, tmp_path: Path) -> None:
    (folder / "bad.yaml").write_text("x: [\n")
    (folder / "cron.yaml").write_text(GOOD.replace("@daily", "99 * * * *"))
    (folder / "nothing.yaml").write_text("tasks:\n  - {id: a, uses: shop.lod}\n")
    done = factory("build", "--output", "dags", cwd=tmp_path)

    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "pipelines/bad.yaml: is an import error in Airflow; `factory lint pipelines/bad.yaml` says what is wrong",
        *(
            f"pipelines/{name}.yaml: has errors, and may be an import error in Airflow; "
            f"`factory lint pipelines/{name}.yaml` says what is wrong"
            for name in ("cron", "nothing")
        ),
    ]
    assert (tmp_path / "dags" / "bad.yaml.py").exists()


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("name", ["shop.py", "orders.yaml", "orders.yaml.py"])
def test_somebody_elses_file_is_never_overwritten(name: str, tmp_path: Path) -> None:
    (tmp_path / "dags").mkdir()
    (tmp_path / "dags" / name).write_text("other = 1\n")
    said = built(tmp_path, status=2)

    assert f"dags/{name} was not written by `factory build`" in said
    assert [path.name for path in (tmp_path / "dags").iterdir()] == [name]


@pytest.mark.usefixtures("folder")
def test_a_full_disk_is_named_with_the_file_that_it_did_not_take(tmp_path: Path) -> None:
    """A limit of the size of files ends a write in its middle, as a full disk does."""
    (tmp_path / "pipelines" / "large.csv").write_bytes(bytes(200_000))
    code = (
        "import resource, signal, pipeline_factory; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)); raise SystemExit(pipeline_factory.main())"
    )
    command = [sys.executable, "-c", code, "build", "--output", "dags"]
    done = subprocess.run(command, cwd=tmp_path, check=False, capture_output=True, text=True)

    assert done.returncode == 2
    assert "dags/large.csv cannot be written: File too large; the next build goes on from there" in done.stderr
    assert not list((tmp_path / "dags").rglob("*.new"))
    assert "2 pipelines: " in built(tmp_path)


def test_an_equal_file_of_somebody_else_stays_when_its_pipeline_goes(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "dags").mkdir()
    (tmp_path / "dags" / "shop.py").write_text((folder / "shop.py").read_text())
    built(tmp_path)
    (folder / "shop.py").unlink()
    (folder / "orders.yaml").unlink()
    said = built(tmp_path)

    assert "removed dags/orders.yaml.py" in said
    assert (tmp_path / "dags" / "shop.py").exists()


def test_lines_that_somebody_added_to_the_ignore_file_stay(folder: Path, tmp_path: Path) -> None:
    built(tmp_path)
    ignored = tmp_path / "dags" / ".airflowignore"
    assert ignored.read_text() == "/shop.py\n"
    ignored.write_text("old/\n/shop.py\n")
    (folder / "more.py").write_text("")
    built(tmp_path)
    assert ignored.read_text().splitlines() == ["/more.py", "/shop.py", "old/"]
    (folder / "more.py").unlink()
    (folder / "shop.py").unlink()
    built(tmp_path, status=1)  # whose function a pipeline names

    assert ignored.read_text() == "old/\n"


def test_a_file_that_keeps_changing_stays_as_it_was_built(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    built(tmp_path)
    monkeypatch.chdir(tmp_path)

    # Between any two readings, however busy the machine is; no writer beside it can promise that.
    def rewrite(_seconds: float) -> None:
        (folder / "team" / "report.yaml").write_text(f"# {next(number)}\n{GOOD}")

    number = itertools.count()
    monkeypatch.setattr("factory.bundle.source.time.sleep", rewrite)
    status = main(["build", "--output", "dags"])

    said = capsys.readouterr()
    assert status == 1
    assert "pipelines/team/report.yaml: keeps changing; what was built before stays" in said.err
    assert "2 pipelines: 0 files written, 0 removed" in said.out
    assert (tmp_path / "dags" / "team" / "report.yaml.py").exists()


def test_a_folder_that_cannot_be_read_stays_as_it_was_built(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_dags(folder, tmp_path / "dags")
    scandir = os.scandir

    def refusing(path: Any) -> Any:
        if not isinstance(path, int) and Path(path) == (folder / "team").resolve():
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    # As root, which tests may be, every folder can be read.
    monkeypatch.setattr(os, "scandir", refusing)
    done = write_dags(folder, tmp_path / "dags")

    assert (done.written, done.removed) == ((), ())
    assert done.problems["team/"].startswith("cannot be read: Permission denied")
    assert (tmp_path / "dags" / "team" / "report.yaml.py").exists()


def test_another_folder_takes_no_pipelines_away(folder: Path, tmp_path: Path) -> None:
    built(tmp_path)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "sales.yaml").write_text(GOOD)
    said = built(tmp_path, "--pipelines", "other", status=2)
    assert "none of the 2 pipelines that were built into dags is in other any more" in said.replace(f"{tmp_path}/", "")
    (folder / "team" / "report.yaml").unlink()
    built(tmp_path)
    (folder / "orders.yaml").rename(folder / "renamed.yaml")

    assert "removed dags/orders.yaml.py" in built(tmp_path)


@pytest.mark.usefixtures("folder")
def test_a_lost_record_is_written_again(tmp_path: Path) -> None:
    built(tmp_path)
    (tmp_path / "dags" / ".factory-build.json").unlink()
    stub = tmp_path / "dags" / "orders.yaml.py"
    stub.write_text(f"# an older one\n{stub.read_text()}")

    assert built(tmp_path).endswith("2 pipelines: 1 files written, 0 removed\n")


@pytest.mark.usefixtures("folder")
def test_a_file_where_a_folder_was_holds_nothing_up(folder: Path, tmp_path: Path) -> None:
    built(tmp_path)
    (folder / "team" / "report.yaml").unlink()
    shutil.rmtree(tmp_path / "dags" / "team")
    (tmp_path / "dags" / "team").write_text("somebody's")
    built(tmp_path)

    assert (tmp_path / "dags" / "team").read_text() == "somebody's"


@pytest.mark.usefixtures("folder")
def test_an_ignore_file_of_somebody_else_stays(tmp_path: Path) -> None:
    (tmp_path / "dags").mkdir()
    (tmp_path / "dags" / ".airflowignore").write_text("old/\n")
    built(tmp_path)

    assert (tmp_path / "dags" / ".airflowignore").read_text() == "old/\n"


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("output", "said"),
    [("pipelines/dags", "choose a folder outside of it"), ("", "argument --output: the path is empty")],
    ids=["inside the pipelines", "an empty path is not the current folder"],
)
def test_an_output_that_is_no_folder_for_dags_is_refused(output: str, said: str, tmp_path: Path) -> None:
    done = factory("build", "--output", output, cwd=tmp_path)

    assert done.returncode == 2
    assert said in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["pipelines"]


@pytest.mark.usefixtures("folder")
def test_building_needs_no_airflow(tmp_path: Path) -> None:
    code = "import sys; sys.modules['airflow'] = None\nimport pipeline_factory; sys.exit(pipeline_factory.main())"
    command = [sys.executable, "-c", code, "build", "--output", "dags"]
    assert subprocess.run(command, cwd=tmp_path, check=False).returncode == 0


@pytest.mark.usefixtures("folder")
def test_a_damaged_record_is_named(tmp_path: Path) -> None:
    built(tmp_path)
    (tmp_path / "dags" / ".factory-build.json").write_text("{")

    assert "dags/.factory-build.json is damaged" in built(tmp_path, status=2)


@pytest.mark.usefixtures("folder")
def test_a_record_that_names_a_file_elsewhere_removes_nothing(tmp_path: Path) -> None:
    built(tmp_path)
    (tmp_path / "precious.txt").write_text("mine")
    record = tmp_path / "dags" / ".factory-build.json"
    record.write_text(record.read_text().replace('"files": {', '"files": {"../precious.txt": "x",'))

    assert "is damaged (`../precious.txt` is not below it)" in built(tmp_path, status=2)
    assert (tmp_path / "precious.txt").exists()
