"""No report repeats a secret that lint has found, and its carets stand where they should."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory.reporters import FORMATS, full, render
from factory.reporters.full import without_secrets
from schemas.check import CheckOptions, check_file
from schemas.findings.diagnostics import Diagnostic, Span

from .findings import snapshot

TEXT = """\
poll:
  url: https://me:hun7er-1@example.com/{{ ds }}
  headers: {Authorization: Bearer hun7er-2, Accpt: 1, Cookie: "hun7er-3"}
tasks:
  - id: store
    uses: http
    with: {url: "http://me:hun7er-4@localhost/x", headers: {authorization: "Basic hun7er-5="}, methd: GET}
  - {id: say, uses: bash, with: {bash_command: "echo ghp_hun7erAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA https://a:hun7er@b/"}}
"""


def found(folder: Path) -> tuple[Diagnostic, ...]:
    (folder / "orders.yaml").write_text(TEXT)
    return check_file(folder, "orders.yaml", CheckOptions(environ={})).diagnostics


def test_the_lines_that_are_shown_hold_no_secret(tmp_path: Path) -> None:
    rendered = full.render(found(tmp_path))

    assert rendered + "\n" == snapshot("full-secrets.txt", rendered)


@pytest.mark.parametrize("name", FORMATS)
def test_no_format_holds_one(tmp_path: Path, name: str) -> None:
    text = render(name, found(tmp_path), pipelines=1, colour=False)

    assert "PF402" in text
    assert "PF403" in text
    assert "hun7er" not in text


@given(st.text("ab", min_size=30, max_size=30), st.integers(0, 4), st.integers(5, 9), st.integers(12, 15))
def test_what_is_not_secret_stays_and_is_marked(line: str, start: int, width: int, second: int) -> None:
    secrets = [Span(1, start + 1, 1, start + width + 1), Span(1, second + 6, 1, second + 7)]
    shown, first, last = without_secrets(line, 25, 28, secrets)

    assert shown[first:last] == line[25:28]
    assert shown == line[:start] + "***" + line[start + width : second + 5] + "***" + line[second + 6 :]
    marked = without_secrets(line, start, start + width, secrets)
    assert marked[0][marked[1] : marked[2]] == "***"
    assert without_secrets(line, 0, start, secrets)[1:] == (0, start)
