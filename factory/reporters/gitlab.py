"""`gitlab`: a Code Quality report, which GitLab shows in merge requests.

https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from hashlib import sha256
from typing import Any

from factory.reporters.text import repository_path, sentence
from schemas.findings.codes import Severity
from schemas.findings.diagnostics import Diagnostic

_SEVERITIES = {Severity.ERROR: "major", Severity.WARNING: "minor", Severity.NOTE: "info"}


def render(diagnostics: Iterable[Diagnostic]) -> str:
    """One JSON list."""
    seen: Counter[str] = Counter()
    return json.dumps([_issue(d, seen) for d in diagnostics], indent=2)


def _issue(diagnostic: Diagnostic, seen: Counter[str]) -> dict[str, Any]:
    path = repository_path(diagnostic.file)
    text = sentence(diagnostic)
    # Without the line: a finding that only moved is not a new one. Equal ones of a file are counted.
    identity = f"{path}\0{diagnostic.code.id}\0{text}"
    seen[identity] += 1
    return {
        "description": f"{diagnostic.code.id} {text}",
        "check_name": diagnostic.code.slug,
        "fingerprint": sha256(f"{identity}\0{seen[identity]}".encode()).hexdigest(),
        "severity": _SEVERITIES[diagnostic.severity],
        "location": {"path": path, "lines": {"begin": diagnostic.span.line, "end": diagnostic.span.end_line}},
    }
