"""Findings for programs: `json`, everything that is known of each, as docs/lint.md describes it; `github`, workflow
commands, and `gitlab`, a Code Quality report, at the lines of a change; `sarif`, Static Analysis Results Interchange
Format 2.1.0, as GitHub code scanning and editors read it.

https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format
https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html; the sections in brackets below are its.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from hashlib import sha256
from json import dumps
from typing import Any
from urllib.parse import quote

from factory.reporters.text import Summary, paragraph, phrase, printable, repository_path, sentence
from schemas.findings.codes import Code, Severity, rule_page
from schemas.findings.diagnostics import Diagnostic, Fix, Span

VERSION = 1
"""Of `json`: it grows when a key is removed or changes its meaning; new keys may come without."""


def json(diagnostics: Sequence[Diagnostic], *, pipelines: int) -> str:
    """One JSON object; `pipelines` is how many were checked."""
    summary = Summary.of(diagnostics, pipelines)
    document = {
        "version": VERSION,
        "summary": {
            "pipelines": summary.pipelines,
            "errors": summary.errors,
            "warnings": summary.warnings,
            "notes": summary.notes,
        },
        "findings": [_finding(diagnostic) for diagnostic in diagnostics],
    }
    return dumps(document, indent=2)


def _finding(diagnostic: Diagnostic) -> dict[str, Any]:
    return {
        "code": diagnostic.code.id,
        "name": diagnostic.code.slug,
        "severity": diagnostic.severity.value,
        "message": diagnostic.message,
        "hint": diagnostic.caret,
        "help": diagnostic.help,
        "allowed": list(diagnostic.allowed),
        "file": diagnostic.file,
        **_span(diagnostic.span),
        "fix": _fix(diagnostic.fix),
        "related": [{"file": r.file, **_span(r.span), "message": r.message} for r in diagnostic.related],
    }


def _span(span: Span) -> dict[str, int]:
    return {"line": span.line, "column": span.column, "end_line": span.end_line, "end_column": span.end_column}


def _fix(fix: Fix | None) -> dict[str, Any] | None:
    return {**_span(fix.span), "replacement": fix.replacement} if fix is not None else None


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
    return dumps([_issue(d, seen) for d in diagnostics], indent=2)


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


_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "note"}


def sarif(diagnostics: Sequence[Diagnostic]) -> str:
    """One JSON object with one run (3.14)."""
    codes = sorted({d.code for d in diagnostics}, key=lambda code: code.id)
    index = {code: number for number, code in enumerate(codes)}
    run = {
        "tool": {"driver": {"name": "pipeline-factory", "rules": [_rule(code) for code in codes]}},
        # (3.14.17) Else a column would be counted in UTF-16 units.
        "columnKind": "unicodeCodePoints",
        "results": [_result(d, index[d.code]) for d in diagnostics],
    }
    return dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2)


def _rule(code: Code) -> dict[str, Any]:
    """(3.49)"""
    text = rule_page(code)
    return {
        "id": code.id,
        "name": code.slug,
        "shortDescription": {"text": code.summary},
        "help": {"text": text, "markdown": text},
        "defaultConfiguration": {"level": _LEVELS[code.severity]},
    }


def _result(diagnostic: Diagnostic, index: int) -> dict[str, Any]:
    """(3.27)"""
    result: dict[str, Any] = {
        "ruleId": diagnostic.code.id,
        "ruleIndex": index,
        "level": _LEVELS[diagnostic.severity],
        "message": {"text": paragraph(diagnostic)},
        "locations": [_location(diagnostic.file, diagnostic.span)],
    }
    if diagnostic.related:
        result["relatedLocations"] = [
            {"id": number, **_location(r.file, r.span), "message": {"text": phrase(r.message)}}
            for number, r in enumerate(diagnostic.related)
        ]
    if diagnostic.fix is not None:
        result["fixes"] = [
            {
                "artifactChanges": [
                    {
                        "artifactLocation": _artifact(diagnostic.file),
                        "replacements": [
                            {
                                "deletedRegion": _region(diagnostic.fix.span),
                                "insertedContent": {"text": diagnostic.fix.replacement},
                            }
                        ],
                    }
                ]
            }
        ]
    return result


def _location(file: str, span: Span) -> dict[str, Any]:
    return {"physicalLocation": {"artifactLocation": _artifact(file), "region": _region(span)}}


def _artifact(file: str) -> dict[str, str]:
    """(3.4) A URI, relative where the file lies below the folder of the checkout."""
    path = repository_path(file)
    if path.startswith("/"):
        return {"uri": f"file://{quote(os.fsencode(path))}"}
    return {"uri": quote(os.fsencode(path)), "uriBaseId": "%SRCROOT%"}


def _region(span: Span) -> dict[str, int]:
    """(3.30) The end is exclusive, as it is here."""
    return {
        "startLine": span.line,
        "startColumn": span.column,
        "endLine": span.end_line,
        "endColumn": span.end_column,
    }
