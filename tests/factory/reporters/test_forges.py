"""`github`: workflow commands, escaped as the runner unescapes them; `gitlab`: a Code Quality report."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory.reporters.programs import github, gitlab
from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic, Span

from .findings import edges, real, snapshot

COMMAND = re.compile(r"::(error|warning|notice) ([^:]*)::(.*)")
SPAN = Span(3, 5, 3, 9)


def read(line: str) -> tuple[dict[str, str], str]:
    """The properties and the text, as github.com/actions/runner reads them (ActionCommand.cs)."""
    match = COMMAND.fullmatch(line)
    assert match is not None, line
    properties = dict(part.split("=", 1) for part in match[2].split(","))
    for name, value in properties.items():
        for escape, character in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
            value = value.replace(escape, character)  # noqa: PLW2901 # one after the other, `%25` last
        properties[name] = value
    text = match[3].replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")
    return properties, text


def test_findings_of_a_file(tmp_path: Path) -> None:
    rendered = github(real(tmp_path))

    assert rendered + "\n" == snapshot("github.txt", rendered)


def test_each_severity_has_its_command() -> None:
    commands = [line.split(" ")[0] for line in github(edges()).split("\n")]

    assert commands[-3:] == ["::error", "::warning", "::notice"]


def test_the_last_column_is_that_of_the_last_character() -> None:
    properties, _ = read(github([Diagnostic(Code.WRONG_VALUE, "m", "a.yaml", SPAN)]))

    assert (properties["line"], properties["col"], properties["endColumn"]) == ("3", "5", "8")


@given(
    st.text(max_size=40),
    st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=40),
)
def test_no_text_breaks_out_of_its_command(message: str, file: str) -> None:
    finding = Diagnostic(
        Code.WRONG_VALUE, f"100% :: {message}", f"a,b:{file}%0A.yaml", SPAN, caret=message, help=message
    )
    properties, text = read(github([finding]))

    assert properties["file"].startswith("a,b:")
    assert properties["file"].endswith("%0A.yaml")
    assert properties["title"] == "PF104 wrong-value"
    assert ":3:5: PF104 100% :: " in text


def test_paths_are_those_of_the_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "flows").mkdir()
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path))
    monkeypatch.chdir(tmp_path / "flows")
    for shown, path in (
        ("a.yaml", "flows/a.yaml"),
        ("../a.yaml", "a.yaml"),
        ("/elsewhere/a.yaml", "/elsewhere/a.yaml"),
    ):
        assert read(github([Diagnostic(Code.WRONG_VALUE, "m", shown, SPAN)]))[0]["file"] == path


def test_findings_for_gitlab(tmp_path: Path) -> None:
    rendered = gitlab(real(tmp_path))

    assert rendered + "\n" == snapshot("gitlab.json", rendered)


def test_each_finding_has_a_fingerprint_of_its_own() -> None:
    issues = json.loads(gitlab(edges()))
    prints = [issue["fingerprint"] for issue in issues]

    assert len(set(prints)) == len(edges())
    assert all(re.fullmatch(r"[0-9a-f]{64}", fingerprint) for fingerprint in prints)
    assert {issue["severity"] for issue in issues} == {"major", "minor", "info"}


def test_a_finding_that_moved_is_the_same_one(tmp_path: Path) -> None:
    finding = real(tmp_path)[0]
    moved = replace(finding, span=Span(90, 1, 90, 2))
    (first,), (second,) = json.loads(gitlab([finding])), json.loads(gitlab([moved]))

    assert first["fingerprint"] == second["fingerprint"]
    assert second["location"]["lines"] == {"begin": 90, "end": 90}


def test_nothing_found_is_an_empty_list() -> None:
    assert gitlab([]) == "[]"
