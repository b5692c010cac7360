"""`factory lint --fix` and `--diff`: what is fixed, written and said."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from factory.cli import UsageError
from factory.cli.lint import Change, write
from tests.factory.cli.commands import BAD, GOOD, factory


def test_a_file_that_links_lead_to_is_mended_once(project: Path) -> None:
    folder = project / "pipelines"
    (folder / "sales" / "daily.yaml").write_text(GOOD.replace("daily", "dayly"))
    (folder / "linked.yaml").symlink_to("sales/daily.yaml")
    (folder / "team").symlink_to("sales")
    (folder / "weekly.yaml").write_text(GOOD.replace("daily", "wekly"))
    diff = factory("lint", "--diff", cwd=project)
    assert [line for line in diff.stdout.splitlines() if line.startswith("+++")] == [
        "+++ b/pipelines/sales/daily.yaml",
        "+++ b/pipelines/weekly.yaml",
    ]
    done = factory("lint", "--fix", cwd=project)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "4 findings fixed in 2 files\n5 pipelines checked: all good\n"
    assert (folder / "linked.yaml").is_symlink()
    assert (folder / "sales" / "daily.yaml").read_text() == GOOD


def test_fix_writes_and_reports_what_is_left(project: Path) -> None:
    bad = project / "pipelines" / "bad.yaml"
    bad.write_bytes(
        b"\xef\xbb\xbf# kept\r\nschedul: '@daily'  # kept\r\ncolour: red\r\npoll: {url: 'http://a.example/'}"
    )
    bad.chmod(0o640)
    result = factory("lint", "--fix", "--format", "concise", cwd=project)
    assert result.returncode == 1
    assert result.stdout == "pipelines/bad.yaml:3:1: PF102 unknown key `colour` at the top level\n"
    assert result.stderr == "1 finding fixed in 1 file\n2 pipelines checked: 1 error\n"
    assert bad.read_bytes() == (
        b"\xef\xbb\xbf# kept\r\nschedule: '@daily'  # kept\r\ncolour: red\r\npoll: {url: 'http://a.example/'}"
    )
    assert bad.stat().st_mode & 0o777 == 0o640
    assert [path.name for path in bad.parent.iterdir() if path.is_file()] in (
        ["bad.yaml", "good.yaml"],
        ["good.yaml", "bad.yaml"],
    )
    again = factory("lint", "--fix", cwd=project)
    assert again.stderr.startswith("0 findings fixed in 0 files\n")


def test_a_test_file_is_fixed_together_with_its_pipeline(project: Path) -> None:
    folder = project / "pipelines"
    (folder / "a.yaml").write_text("tasks: [{id: load, uses: empty}]\n")
    test = folder / "a.test.yaml"
    test.write_text("tests:\n- naem: x\n  task: laod # it\n  epxect: {tasks: {'load': sucess}}\n")
    found = factory("lint", "--format", "concise", str(folder / "a.yaml"), cwd=project).stdout
    assert [line.split(": ")[0].rpartition("yaml:")[2] for line in found.splitlines()] == ["2:3", "3:9", "4:3", "4:28"]
    done = factory("lint", "--fix", str(folder / "a.yaml"), cwd=project)
    assert test.read_text() == "tests:\n- name: x\n  task: load # it\n  expect: {tasks: {'load': success}}\n"
    assert (done.returncode, done.stderr.splitlines()[0]) == (0, "4 findings fixed in 1 file")


def test_diff_is_a_patch_and_writes_nothing(project: Path) -> None:
    bad = project / "pipelines" / "bad.yaml"
    text = "schedul: '@daily'\ntasks:\n  - {id: a, uses: empti}"
    bad.write_text(text)
    result = factory("lint", "--diff", cwd=project)
    assert result.returncode == 1
    assert result.stderr == "2 findings can be fixed in 1 file\n"
    assert bad.read_text() == text
    applied = subprocess.run(
        ["git", "apply", "-"], cwd=project, input=result.stdout, text=True, capture_output=True, check=False
    )
    assert applied.returncode == 0, applied.stderr
    assert bad.read_text() == "schedule: '@daily'\ntasks:\n  - {id: a, uses: empty}"
    clean = factory("lint", "--diff", cwd=project)
    assert (clean.returncode, clean.stdout) == (0, "")


def test_only_named_files_are_mended(project: Path) -> None:
    for name in ("one", "two"):
        (project / "pipelines" / f"{name}.yaml").write_text(BAD)
    factory("lint", "--fix", "pipelines/one.yaml", cwd=project)
    assert (project / "pipelines" / "one.yaml").read_text() != BAD
    assert (project / "pipelines" / "two.yaml").read_text() == BAD


def test_standard_input_is_mended_to_standard_output(project: Path) -> None:
    named = ("-", "--stdin-filename", "pipelines/good.yaml")
    result = factory("lint", "--fix", *named, cwd=project, standard_input=f"colour: red\n{BAD}")
    assert result.stdout == f"colour: red\n{GOOD}"
    assert "PF102" in result.stderr
    assert (project / "pipelines" / "good.yaml").read_text() == GOOD
    diff = factory("lint", "--diff", *named, cwd=project, standard_input=BAD)
    assert "+schedule: '@daily'\n" in diff.stdout


@pytest.mark.parametrize(("option", "lines"), [("--fix", GOOD.splitlines()), ("--diff", ["+schedule: '@daily'"])])
def test_defaults_are_not_mended_with_standard_input(project: Path, option: str, lines: list[str]) -> None:
    (project / "pipelines" / "_defaults.yaml").write_text("catchup: 'yes'\n")
    named = ("-", "--stdin-filename", "pipelines/good.yaml")
    result = factory("lint", option, *named, cwd=project, standard_input=BAD)
    assert set(lines) <= set(result.stdout.splitlines())
    assert "catchup" not in result.stdout


@pytest.mark.parametrize(
    ("before", "words"), [(b"other", "changed in the meantime"), (None, "cannot be written: no such file")]
)
def test_what_cannot_be_written_is_left_and_said(project: Path, before: bytes | None, words: str) -> None:
    place = project / "pipelines" / "bad.yaml"
    if before is not None:
        place.write_bytes(b"mine")
    with pytest.raises(UsageError, match=words):
        write([Change(place, "pipelines/bad.yaml", before or b"", b"theirs")])
    assert before is None or place.read_bytes() == b"mine"
    assert not list(project.rglob(".bad*"))
