"""`factory lint`: what it prints, where, and its exit status."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.factory.cli.commands import BAD, GOOD, factory


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "pipelines" / "sales").mkdir(parents=True)
    (tmp_path / "pipelines" / "good.yaml").write_text(GOOD)
    return tmp_path


def test_clean(project: Path) -> None:
    result = factory("lint", cwd=project)
    assert (result.returncode, result.stdout) == (0, "")
    assert result.stderr == "1 pipeline checked: all good\n"


def test_findings_of_all_files_in_one_pass(project: Path) -> None:
    (project / "pipelines" / "bad.yaml").write_text(BAD)
    (project / "pipelines" / "sales" / "worse.yml").write_text("a: b: c\n")
    result = factory("lint", "--format", "concise", cwd=project)
    assert result.returncode == 1
    assert [line.split(" ")[:2] for line in result.stdout.splitlines()] == [
        ["pipelines/bad.yaml:1:1:", "PF102"],
        ["pipelines/sales/worse.yml:1:4:", "PF010"],
    ]
    assert result.stderr == "3 pipelines checked: 2 errors\n"


def test_a_named_file_is_judged_with_all_others(project: Path) -> None:
    (project / "pipelines" / "bad.yaml").write_text(BAD)
    (project / "pipelines" / "copy.yaml").write_text(f"dag_id: good\n{GOOD}")
    result = factory("lint", "--format", "concise", "pipelines/copy.yaml", cwd=project)
    assert result.returncode == 1
    assert result.stdout == (
        "pipelines/copy.yaml:1:9: PF314 the DAG id `good` is also claimed by pipelines/good.yaml\n"
    )


def test_from_another_folder(project: Path) -> None:
    (project / "pipelines" / "sales" / "bad.yaml").write_text(BAD)
    inside = factory("lint", "--format", "concise", "bad.yaml", cwd=project / "pipelines" / "sales")
    assert inside.stdout.startswith(f"{project}/pipelines/sales/bad.yaml:1:1: PF102")
    outside = factory("lint", "--format", "concise", str(project / "pipelines" / "sales"), cwd=Path("/"))
    assert outside.returncode == 1
    assert "sales/bad.yaml:1:1: PF102" in outside.stdout


def test_pipelines_folder_of_the_environment(project: Path, tmp_path: Path) -> None:
    (project / "pipelines").rename(project / "flows")
    result = factory("lint", cwd=tmp_path, environment={"PIPELINES_FOLDER": str(project / "flows")})
    assert (result.returncode, result.stderr) == (0, "1 pipeline checked: all good\n")


def test_unset_variable_warns_or_fails(project: Path) -> None:
    (project / "pipelines" / "env.yaml").write_text("poll:\n  url: ${env.NOWHERE_SET}\n")
    relaxed = factory("lint", cwd=project)
    assert relaxed.returncode == 0
    assert "warning[unset-variable] PF318" in relaxed.stdout
    assert relaxed.stderr == "2 pipelines checked: 1 warning\n"
    strict = factory("lint", "--require-env", cwd=project)
    assert strict.returncode == 1
    assert "error[unset-variable] PF318" in strict.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere"], "nowhere: there is no such file or folder"),
        (["README.txt"], "not a pipeline"),
        (["empty"], "there are no pipelines in this folder"),
        (["--format", "xml"], "invalid choice"),
        (["--no-such"], "unrecognized arguments"),
    ],
)
def test_usage_errors(project: Path, arguments: list[str], words: str) -> None:
    (project / "README.txt").write_text("no pipeline")
    (project / "empty").mkdir()
    result = factory("lint", *arguments, cwd=project)
    assert result.returncode == 2
    assert words in result.stderr
    assert "Traceback" not in result.stderr


def test_no_pipelines_folder(tmp_path: Path) -> None:
    result = factory("lint", cwd=tmp_path)
    assert result.returncode == 2
    assert result.stderr == "factory lint: there is no folder pipelines; name the files or folders to look at\n"


def test_a_reader_that_goes_away_is_no_traceback(project: Path) -> None:
    for number in range(400):
        (project / "pipelines" / f"bad{number}.yaml").write_text(BAD)
    result = factory("lint", cwd=project)
    assert result.returncode == 1
    piped = subprocess.run(  # noqa: S602 # a pipe is what is tested
        f"'{sys.executable}' -m factory.cli lint | head -1",
        shell=True,
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert "Traceback" not in piped.stderr
    assert "BrokenPipe" not in piped.stderr
