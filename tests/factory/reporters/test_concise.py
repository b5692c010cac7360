"""`concise`: one line for each finding, as editors and grep like it."""

from __future__ import annotations

import re
from pathlib import Path

from factory.reporters.full import concise
from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic, Span

from .findings import edges, real, snapshot


def test_findings_of_a_file(tmp_path: Path) -> None:
    rendered = concise(real(tmp_path))

    assert rendered + "\n" == snapshot("concise.txt", rendered)


def test_each_finding_is_one_line_that_begins_with_its_place() -> None:
    lines = concise(edges()).split("\n")

    assert len(lines) == len(edges())
    assert all(re.match(r"a\.yaml:\d+:\d+: PF\d{3} \S", line) for line in lines)


def test_a_message_cannot_break_the_line() -> None:
    finding = Diagnostic(Code.WRONG_VALUE, "a\nb\r\x1b[31mc\u2028d", "a.yaml", Span(1, 2, 1, 3), caret="e\nf")

    assert concise([finding]).isprintable()


def test_nothing_found_is_nothing_said() -> None:
    assert concise([]) == ""
