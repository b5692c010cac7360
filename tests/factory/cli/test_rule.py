"""`factory rule`: a code's page in a terminal."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.findings.codes import Code
from tests.factory.cli.commands import factory


@pytest.mark.parametrize("name", ["PF102", "pf102", "unknown-key", "unknown_key"])
def test_a_code_by_any_of_its_names(name: str, tmp_path: Path) -> None:
    result = factory("rule", name, cwd=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert lines[:3] == ["PF102 unknown-key (error)", "", Code.UNKNOWN_KEY.summary]
    assert "    poll:" in lines
    assert lines.index("Wrong") < lines.index("Right")
    assert "```" not in result.stdout
    assert "\x1b" not in result.stdout


def test_all_codes_are_listed(tmp_path: Path) -> None:
    result = factory("rule", cwd=tmp_path)
    assert result.returncode == 0
    listed = [line.split()[:3] for line in result.stdout.splitlines()]
    assert listed == [[c.id, c.slug, c.severity.value] for c in sorted(Code, key=lambda c: c.id)]


@pytest.mark.parametrize(
    ("written", "answer"),
    [("unknown-kye", "did you mean unknown-key?"), ("PF999x", "`factory rule` lists all")],
)
def test_a_code_that_is_not_there(written: str, answer: str, tmp_path: Path) -> None:
    result = factory("rule", written, cwd=tmp_path)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith(f"factory rule: there is no code {written}; ")
    assert answer in result.stderr
