"""Every case of `tests/cases`: a valid one gives pipelines, an invalid one exactly the findings that it names."""

from __future__ import annotations

import functools
import re
from importlib.util import find_spec

import pytest

from factory.reporters import full
from factory.reporters.full import concise
from schemas.check import CheckResult
from schemas.findings.codes import Code, Severity

from .case_files import Case, agree, cases, found

VALID = [*cases("valid"), *cases("dag_factory/valid")]
INVALID = [*cases("invalid"), *cases("dag_factory/invalid")]


@functools.cache
def checked(case: Case) -> CheckResult:
    """One check for all that is asked of it."""
    return case.check()


def named(items: list[Case]) -> list[object]:
    return [pytest.param(case, id=case.name, marks=[_skipped(name) for name in sorted(case.needs)]) for case in items]


def _skipped(module: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(find_spec(module) is None, reason=f"{module} is not installed")


@pytest.mark.parametrize("case", named(VALID))
def test_a_valid_case_gives_its_pipelines(case: Case) -> None:
    result = checked(case)

    assert_findings(case, [found(d) for d in result.diagnostics])
    assert not result.has_errors
    assert sorted({p.file for p in result.pipelines}) == sorted(case.pipelines)


@pytest.mark.parametrize("case", named(INVALID))
def test_an_invalid_case_gives_its_findings(case: Case) -> None:
    result = checked(case)

    assert_findings(case, [found(d) for d in result.diagnostics])
    assert result.has_errors


@pytest.mark.parametrize("case", named(INVALID))
def test_every_finding_can_be_shown(case: Case) -> None:
    diagnostics = checked(case).diagnostics

    assert len(concise(diagnostics).splitlines()) == len(diagnostics)
    for diagnostic in diagnostics:
        shown = full.render([diagnostic])
        assert diagnostic.message in shown
        assert re.search(r"^ *\| +\^+", shown, re.MULTILINE), "no caret below the excerpt"


def test_warnings_and_notes_do_not_keep_a_pipeline_from_being_built() -> None:
    severities = {d.severity for case in VALID for d in checked(case).diagnostics}

    assert severities <= {Severity.WARNING, Severity.NOTE}


def test_cases_have_names_that_say_what_they_show() -> None:
    names = [case.name for case in (*VALID, *INVALID)]

    assert [name for name in names if re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", name) is None] == []


def assert_findings(case: Case, findings: list[str]) -> None:
    expected = case.expected()
    # Which extras there are is the machine's matter: tests/schemas/rules/test_data_tasks.py
    findings = [line for line in findings if f" {Code.EXTRA_NOT_INSTALLED.id} " not in line]
    missing = [line for line in expected if not any(agree(line, other) for other in findings)]
    unexpected = [line for line in findings if not any(agree(other, line) for other in expected)]
    lines = "\n".join(f"# expect {line.split(': ', 1)[1]}" for line in unexpected)
    assert not missing, f"not found: {missing}; found in their place:\n{lines}"
    assert not unexpected, f"not expected, but found:\n{lines}"
    assert len(findings) == len(expected)
