"""A finding in running text, for formats that have one field for it."""

from __future__ import annotations

from factory.reporters.allowed_words import allowed_words
from factory.reporters.printable import phrase
from schemas.diagnostics import Diagnostic


def sentence(diagnostic: Diagnostic) -> str:
    """Message and hint on one line."""
    hint = f" ({phrase(diagnostic.caret)})" if diagnostic.caret else ""
    return f"{phrase(diagnostic.message)}{hint}"


def paragraph(diagnostic: Diagnostic) -> str:
    """The same, and below it the help and what is allowed."""
    lines = [sentence(diagnostic)]
    if diagnostic.help:
        lines.append(f"help: {phrase(diagnostic.help)}")
    if diagnostic.allowed:
        lines.append(f"allowed: {phrase(allowed_words(diagnostic))}")
    return "\n".join(lines)
