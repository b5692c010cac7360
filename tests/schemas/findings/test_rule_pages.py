"""Every code has a page, and the examples of the page are what it says: CONTRIBUTING.md tells how one is written."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from schemas.check import Checker, CheckOptions
from schemas.findings.codes import RULE_PAGES, Code, rule_page
from schemas.rules.team_policy import project_policy

IN_WORDS = {
    Code.NOT_UTF8: "a page is UTF-8",
    Code.CHECK_FAILED: "no text is known that does it",
    Code.MORE_FINDINGS: "nobody reads 300 findings",
    Code.UNREADABLE: "it is about a file's rights and links, not about its text",
    Code.MISNAMED_FILE: "it is about a file's name, not about its text",
    Code.NUMBER_TOO_LONG: "nobody reads 300 digits",
    Code.EXTRA_NOT_INSTALLED: "it depends on what is installed",
    Code.BUILD_FAILED: "the build finds it, with Airflow",
    Code.NOT_CONVERTED: "`factory convert` finds it",
    Code.CONVERTED_OTHERWISE: "`factory convert` finds it",
}
"""Codes whose examples are words, not files, and why."""

NAMED = [pytest.param(code, id=code.id) for code in Code]
SHOWN = [pytest.param(code, id=code.id) for code in Code if code not in IN_WORDS]

PAGE = re.compile(
    r"# (?P<title>[^\n]+)\n\n(?P<text>.+)\n\n## Wrong\n\n(?P<wrong>.+)\n\n## Right\n\n(?P<right>.+)\n", re.S
)
BLOCK = re.compile(r"```(?P<language>\w+)\n(?P<body>.*?)^```", re.S | re.M)
PLACE = re.compile(r"# (?P<path>[\w./-]+\.(?:ya?ml|py|sql|toml))\n")
VARIABLE = re.compile(r"^# env (?P<name>\w+)=(?P<value>.*)$", re.M)


def parts(code: Code) -> dict[str, str]:
    match = PAGE.fullmatch(rule_page(code))
    assert match is not None, "a page is a title, text, `## Wrong` and `## Right`, a blank line between them"
    return match.groupdict()


def codes_found(example: str, folder: Path) -> list[str]:
    environ = {}
    for block in BLOCK.finditer(example):
        place = PLACE.match(block["body"])
        file = folder / (place["path"] if place is not None else "pipelines/orders.yaml")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(block["body"], encoding="utf-8")
        environ |= {variable["name"]: variable["value"] for variable in VARIABLE.finditer(block["body"])}
    project = project_policy(folder / "pipelines")
    result = Checker(folder / "pipelines", CheckOptions(environ=environ, policy=project.policy)).folder()
    return [diagnostic.code.id for diagnostic in (*project.diagnostics, *result.diagnostics)]


def test_there_is_a_page_for_every_code_and_no_other() -> None:
    assert sorted(path.name for path in RULE_PAGES.iterdir()) == sorted(f"{code.id}.md" for code in Code)


@pytest.mark.parametrize("code", NAMED)
def test_a_page_begins_with_name_and_summary(code: Code) -> None:
    found = parts(code)

    assert found["title"] == f"{code.id} {code.slug}"
    summary, _, why = found["text"].partition("\n\n")
    assert summary == code.summary
    assert why
    assert max(map(len, found["text"].splitlines())) <= 120


@pytest.mark.parametrize("code", SHOWN)
def test_the_wrong_example_gives_the_code_and_no_other(code: Code, tmp_path: Path) -> None:
    assert set(codes_found(parts(code)["wrong"], tmp_path)) == {code.id}


@pytest.mark.parametrize("code", SHOWN)
def test_the_right_example_gives_nothing(code: Code, tmp_path: Path) -> None:
    assert codes_found(parts(code)["right"], tmp_path) == []


def test_only_what_no_file_can_show_is_in_words() -> None:
    shown = {code for code in Code if BLOCK.search(parts(code)["wrong"]) and BLOCK.search(parts(code)["right"])}

    assert set(Code) - shown == IN_WORDS.keys()
