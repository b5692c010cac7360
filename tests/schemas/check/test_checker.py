"""A bug of ours in the check of one file is a finding, and no other file waits for it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from schemas.check import Checker, CheckOptions, across, language
from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic
from schemas.rules.subject import Subject


def test_a_file_whose_check_fails_is_a_finding_and_the_others_are_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / f"{name}.yaml").write_text("tasks:\n  - {id: load, uses: empty}\n")

    def bug(subject: Subject) -> Iterator[Diagnostic]:
        if subject.path == "b.yaml":
            raise ZeroDivisionError("by nothing")
        yield from ()

    monkeypatch.setattr(language, "RULES", (*language.RULES, bug))

    result = Checker(tmp_path).folder()

    (finding,) = result.diagnostics
    assert finding.code is Code.CHECK_FAILED
    assert (finding.file, finding.message) == ("pipelines/b.yaml", "checking it failed: ZeroDivisionError: by nothing")
    assert [pipeline.file for pipeline in result.pipelines] == ["a.yaml", "c.yaml"]
    assert "Traceback" in caplog.text


def test_a_rule_across_files_that_fails_is_a_finding_and_takes_no_other_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "a.yaml").write_text("tasks:\n  - {id: load, uses: empty, outlets: [orders]}\n")
    (tmp_path / "b.yaml").write_text("tasks:\n  - {id: load, uses: nothing}\n")
    (tmp_path / "c.YAML").write_text("")

    def bug(subjects: Iterable[Subject]) -> Iterator[Diagnostic]:
        raise ZeroDivisionError(f"by {len(list(subjects))}")

    monkeypatch.setattr(across.assets, "across", bug)

    result = Checker(tmp_path).folder()

    found = [(d.file, d.code) for d in result.diagnostics]
    assert found == [
        ("pipelines", Code.CHECK_FAILED),
        ("pipelines/b.yaml", Code.UNKNOWN_USES),
        ("pipelines/c.YAML", Code.MISNAMED_FILE),
    ]
    assert result.diagnostics[0].message == ("checking its files against each other failed: ZeroDivisionError: by 1")
    assert [pipeline.file for pipeline in result.pipelines] == ["a.yaml"]
    assert "Traceback" in caplog.text


def test_what_is_found_is_the_same_in_every_process() -> None:
    """Python makes another order of a set's texts in each."""
    text = "vars:\n  url: https://${vars.host}/orders\nother: 1\npoll:\n  url: ${vars.url}\n"
    code = f"from schemas.check import check_text; print(check_text({text!r}).diagnostics)"
    outputs = {
        subprocess.run(  # our own interpreter
            [sys.executable, "-c", code], env={**os.environ, "PYTHONHASHSEED": seed}, stdout=subprocess.PIPE, check=True
        ).stdout
        for seed in ("1", "2", "3", "4")
    }

    assert len(outputs) == 1


def test_a_path_that_begins_with_the_name_of_the_pipelines_folder(tmp_path: Path) -> None:
    folder = tmp_path / "flows"
    (folder / "sales").mkdir(parents=True)
    (folder / "sales" / "etl.py").write_text("def run(): ...\n")
    (folder / "sales" / "orders.yaml").write_text("tasks:\n  - {id: a, uses: flows.sales.etl.run}\n")

    (finding,) = Checker(folder, CheckOptions(environ={})).folder().diagnostics

    assert (finding.code, finding.caret) == (Code.UNKNOWN_MODULE, "remove `flows.`")
