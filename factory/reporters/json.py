"""`json`: everything that is known of each finding, for programs. docs/lint.md describes the form.

`version` grows when a key is removed or changes its meaning; new keys may come without.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from factory.reporters.text import Summary
from schemas.findings.diagnostics import Diagnostic, Fix, Span

VERSION = 1


def render(diagnostics: Sequence[Diagnostic], *, pipelines: int) -> str:
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
    return json.dumps(document, indent=2)


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
