"""Text from a user's file as a terminal may show it."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

from schemas.findings.codes import Severity
from schemas.findings.diagnostics import Diagnostic

LONGEST = 500
_JOINER = "\u200d"  # inside emoji; not printable by Unicode's word, and harmless


def printable(text: str) -> str:
    """Tabs as four spaces, and nothing that breaks the line or moves the cursor."""
    return "".join("    " if c == "\t" else c if c.isprintable() or c == _JOINER else "�" for c in text)


def phrase(text: str) -> str:
    """A message on one line; values that it quotes may be long."""
    return printable(text if len(text) <= LONGEST else f"{text[:LONGEST]}…")


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


LONG = 10
"""Words; with more, a list hides the few that matter."""
_NEAREST = 6
_MEANT = re.compile(r"did you mean `(?P<word>[^`]+)`\?")


def allowed_words(diagnostic: Diagnostic) -> str:
    """All of a short list; of a long one those near to what was meant, where that is known."""
    words = diagnostic.allowed
    meant = _MEANT.fullmatch(diagnostic.caret)
    if len(words) <= LONG or meant is None:
        return ", ".join(words)
    near = sorted(words, key=lambda word: SequenceMatcher(None, meant["word"], word).ratio(), reverse=True)[:_NEAREST]
    return f"{', '.join(word for word in words if word in near)}, … ({len(words)} in all)"


_ROOTS = ("GITHUB_WORKSPACE", "CI_PROJECT_DIR")


def repository_path(file: str) -> str:
    """The POSIX path of a shown file below the checkout of a CI job; as it is outside of one."""
    root = next((os.environ[name] for name in _ROOTS if os.environ.get(name)), None)
    place = os.path.realpath(file)
    if root is None or not place.startswith(f"{os.path.realpath(root)}{os.sep}"):
        return file.replace(os.sep, "/")
    return os.path.relpath(place, os.path.realpath(root)).replace(os.sep, "/")


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
