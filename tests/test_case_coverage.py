"""Every code has three cases, each another way to make the mistake."""

from __future__ import annotations

import re

from schemas.findings.codes import Code

from .case_files import cases

KINDS = ("valid", "invalid", "dag_factory/valid", "dag_factory/invalid")

FOUND_ELSEWHERE = {
    Code.NOT_UTF8: "the file cannot hold a comment: tests/schemas/text/test_document.py",
    Code.UNREADABLE: "there is no file to write into: tests/schemas/text/test_document.py",
    Code.MORE_FINDINGS: "it takes hundreds of others: tests/schemas/findings/test_bounded.py",
    Code.CHECK_FAILED: "no text is known that does it: tests/schemas/check/test_checker.py",
    Code.MISNAMED_FILE: "it is no file in which cases say what they expect: tests/schemas/folder/test_discovery.py",
    Code.BAD_SETTING: "it is in another file: tests/schemas/rules/test_team_policy.py",
    Code.EXTRA_NOT_INSTALLED: "it depends on the machine: tests/schemas/rules/test_data_tasks.py",
    Code.BUILD_FAILED: "Airflow says it, when the DAG is built",
    Code.NOT_CONVERTED: "`factory convert` says it: tests/schemas/dagfactory/test_convert.py",
    Code.CONVERTED_OTHERWISE: "`factory convert` says it: tests/schemas/dagfactory/test_convert.py",
}
"""Codes without cases, and why."""


def test_every_code_has_three_cases() -> None:
    codes = {code.id: code for code in Code}
    names: dict[Code, set[str]] = {code: set() for code in Code}
    for case in [case for kind in KINDS for case in cases(kind)]:
        for line in case.expected():
            match = re.search(r": \d+:\d+ (\w+) ", line)
            code = codes.get(match[1]) if match is not None else None
            assert code is not None, f"{case.name} expects a code that does not exist: {line}"
            names[code].add(case.name)

    few = {code.id: sorted(found) for code, found in names.items() if len(found) < 3 and code not in FOUND_ELSEWHERE}
    assert few == {}
    assert [code for code in FOUND_ELSEWHERE if names[code]] == [], "it has a case now"
