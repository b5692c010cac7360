"""`gitlab`: a Code Quality report."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

from factory.reporters.forges import gitlab
from schemas.findings.diagnostics import Span

from .findings import edges, real, snapshot


def test_findings_of_a_file(tmp_path: Path) -> None:
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
