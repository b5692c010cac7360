"""`concise`: one line each, as editors and grep like it."""

from __future__ import annotations

from collections.abc import Iterable

from factory.reporters.printable import phrase, printable
from schemas.diagnostics import Diagnostic


def render(diagnostics: Iterable[Diagnostic], *, colour: bool = False) -> str:  # noqa: ARG001 # all reporters alike
    """`file:line:col: CODE message (hint)` for each finding."""
    return "\n".join(_one(d) for d in diagnostics)


def _one(diagnostic: Diagnostic) -> str:
    span = diagnostic.span
    hint = f" ({phrase(diagnostic.caret)})" if diagnostic.caret else ""
    place = f"{printable(diagnostic.file)}:{span.line}:{span.column}"
    return f"{place}: {diagnostic.code.id} {phrase(diagnostic.message)}{hint}"
