"""Findings of a text that nobody reads to the end: the first hundreds of a rule, and a note that there are more."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from schemas.findings.codes import Code, Severity
from schemas.findings.diagnostics import Diagnostic

MOST = 300
"""Errors of one rule in one file, and as many others. Each costs a comparison with what it may have meant, so that lint
would hang."""


def bounded(findings: Iterable[Diagnostic]) -> Iterator[Diagnostic]:
    """The findings of one rule, until there are `MOST` errors; then a note, at the last of them.

    Past `MOST` warnings and notes only errors follow: one of them may keep the DAG from being built.
    """
    errors = others = 0
    for finding in findings:
        if finding.severity is Severity.ERROR:
            errors += 1
        elif others < MOST:
            others += 1
        else:
            continue
        yield finding
        if errors >= MOST or (others == MOST and finding.severity is not Severity.ERROR):
            yield more_like(finding)
        if errors >= MOST:
            return


def more_like(finding: Diagnostic) -> Diagnostic:
    """The note that findings like this one may follow, which are not shown."""
    return replace(
        finding,
        code=Code.MORE_FINDINGS,
        message=f"{MOST} findings of one kind: what may follow in this file is not shown",
        caret="",
        help="mend these first, or what they have in common",
        allowed=(),
        fix=None,
        related=(),
        severity=Code.MORE_FINDINGS.severity,
    )
