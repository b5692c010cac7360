"""`concise`: one line each, as editors and grep like it."""

from __future__ import annotations

from collections.abc import Iterable

from factory.reporters.text import printable, sentence
from schemas.findings.codes import Severity
from schemas.findings.diagnostics import Diagnostic

_COLOURS = {Severity.ERROR: "31", Severity.WARNING: "33", Severity.NOTE: "36"}


def render(diagnostics: Iterable[Diagnostic], *, colour: bool = False) -> str:
    """`file:line:col: CODE message (hint)` for each finding."""
    return "\n".join(_one(d, colour) for d in diagnostics)


def _one(diagnostic: Diagnostic, colour: bool) -> str:
    span, code = diagnostic.span, diagnostic.code.id
    shown = f"\x1b[1;{_COLOURS[diagnostic.severity]}m{code}\x1b[0m" if colour else code
    return f"{printable(diagnostic.file)}:{span.line}:{span.column}: {shown} {sentence(diagnostic)}"
