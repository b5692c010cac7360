"""`sarif`: Static Analysis Results Interchange Format 2.1.0, as GitHub code scanning and editors read it.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html; the sections in brackets below are its.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from factory.reporters.text import paragraph, phrase, repository_path
from schemas.findings.codes import Code, Severity, rule_page
from schemas.findings.diagnostics import Diagnostic, Span

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "note"}


def render(diagnostics: Sequence[Diagnostic]) -> str:
    """One JSON object with one run (3.14)."""
    codes = sorted({d.code for d in diagnostics}, key=lambda code: code.id)
    index = {code: number for number, code in enumerate(codes)}
    run = {
        "tool": {"driver": {"name": "pipeline-factory", "rules": [_rule(code) for code in codes]}},
        # (3.14.17) Else a column would be counted in UTF-16 units.
        "columnKind": "unicodeCodePoints",
        "results": [_result(d, index[d.code]) for d in diagnostics],
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2)


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
