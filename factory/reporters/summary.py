"""How many pipelines were checked, and how much was found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from schemas.findings.codes import Severity
from schemas.findings.diagnostics import Diagnostic


class Summary(NamedTuple):
    pipelines: int
    errors: int
    warnings: int
    notes: int

    @classmethod
    def of(cls, diagnostics: Sequence[Diagnostic], pipelines: int) -> Summary:
        errors, warnings, notes = (sum(d.severity is severity for d in diagnostics) for severity in Severity)
        return cls(pipelines, errors, warnings, notes)

    def text(self) -> str:
        """One line for a person: "2 pipelines checked: 1 error, 2 warnings"."""
        counts = ((self.errors, "error"), (self.warnings, "warning"), (self.notes, "note"))
        found = [_count(number, noun) for number, noun in counts if number]
        return f"{_count(self.pipelines, 'pipeline')} checked: {', '.join(found) or 'all good'}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' if number != 1 else ''}"
