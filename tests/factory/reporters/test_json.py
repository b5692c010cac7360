"""`json`: everything that is known, in a form that docs/lint.md describes."""

from __future__ import annotations

import json
from pathlib import Path

from factory.reporters import programs
from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic, Span

from .findings import edges, real, snapshot


def test_findings_of_a_file(tmp_path: Path) -> None:
    rendered = programs.json(real(tmp_path), pipelines=1)

    assert rendered + "\n" == snapshot("json.json", rendered)


def test_nothing_found_is_still_a_document() -> None:
    assert json.loads(programs.json((), pipelines=3)) == {
        "version": 1,
        "summary": {"pipelines": 3, "errors": 0, "warnings": 0, "notes": 0},
        "findings": [],
    }


def test_every_finding_is_there_as_it_is() -> None:
    findings = edges()
    document = json.loads(programs.json(findings, pipelines=1))

    assert [f["message"] for f in document["findings"]] == [f.message for f in findings]
    assert [(f["line"], f["column"], f["end_line"], f["end_column"]) for f in document["findings"]] == [
        (f.span.line, f.span.column, f.span.end_line, f.span.end_column) for f in findings
    ]
    assert document["summary"] == {
        "pipelines": 1,
        "errors": sum(f.severity.value == "error" for f in findings),
        "warnings": 1,
        "notes": 1,
    }


def test_a_file_name_that_is_no_text_can_be_written() -> None:
    finding = Diagnostic(Code.UNREADABLE, "it is a folder", "\udcff.yaml", Span(1, 1, 1, 2))

    assert programs.json([finding], pipelines=1).isascii()
