"""Findings at the lines of a change: `github`, workflow commands, and `gitlab`, a Code Quality report.

https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from hashlib import sha256
from typing import Any

from factory.reporters.text import paragraph, printable, repository_path, sentence
from schemas.findings.codes import Severity
from schemas.findings.diagnostics import Diagnostic

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


def github(diagnostics: Iterable[Diagnostic]) -> str:
    """One command a line."""
    return "\n".join(_command(d) for d in diagnostics)


def _command(diagnostic: Diagnostic) -> str:
    span = diagnostic.span
    properties = {
        "file": printable(repository_path(diagnostic.file)),
        "line": span.line,
        "col": span.column,
        "endLine": span.end_line,
        "endColumn": span.end_column - 1,  # the last one, not the one behind it
        "title": f"{diagnostic.code.id} {diagnostic.code.slug}",
    }
    listed = ",".join(f"{name}={_property(str(value))}" for name, value in properties.items())
    # The log shows the text of the command and not its place.
    text = f"{printable(diagnostic.file)}:{span.line}:{span.column}: {diagnostic.code.id} {paragraph(diagnostic)}"
    return f"::{_COMMANDS[diagnostic.severity]} {listed}::{_data(text)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


_SEVERITIES = {Severity.ERROR: "major", Severity.WARNING: "minor", Severity.NOTE: "info"}


def gitlab(diagnostics: Iterable[Diagnostic]) -> str:
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
