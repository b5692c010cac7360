"""A defect of ours in the check of one file: it is said, and no other file waits for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from schemas import judge
from schemas.check import Checker, CheckOptions
from schemas.codes import Code
from schemas.diagnostics import Diagnostic
from schemas.subject import Subject


def test_a_file_whose_check_fails_is_a_finding_and_the_others_are_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / f"{name}.yaml").write_text("tasks:\n  - {id: load, uses: empty}\n")

    def defect(subject: Subject) -> Iterator[Diagnostic]:
        if subject.path == "b.yaml":
            raise ZeroDivisionError("by nothing")
        yield from ()

    monkeypatch.setattr(judge, "RULES", (*judge.RULES, defect))

    result = Checker(tmp_path).folder()

    (finding,) = result.diagnostics
    assert finding.code is Code.CHECK_FAILED
    assert (finding.file, finding.message) == ("pipelines/b.yaml", "checking it failed: ZeroDivisionError: by nothing")
    assert [pipeline.file for pipeline in result.pipelines] == ["a.yaml", "c.yaml"]
    assert "Traceback" in caplog.text


def test_a_path_that_begins_with_the_name_of_the_pipelines_folder(tmp_path: Path) -> None:
    folder = tmp_path / "flows"
    (folder / "sales").mkdir(parents=True)
    (folder / "sales" / "etl.py").write_text("def run(): ...\n")
    (folder / "sales" / "orders.yaml").write_text("tasks:\n  - {id: a, uses: flows.sales.etl.run}\n")

    (finding,) = Checker(folder, CheckOptions(environ={})).folder().diagnostics

    assert (finding.code, finding.caret) == (Code.UNKNOWN_MODULE, "leave out `flows.`")
