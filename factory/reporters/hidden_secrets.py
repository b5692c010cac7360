"""Secrets that stand in a file, left out of the lines that are shown of it: reports are read in the logs of CI and in
Airflow, by more people than the file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from schemas.codes import Code
from schemas.diagnostics import Diagnostic, Span

_SECRET = frozenset({Code.SECRET_IN_URL, Code.LITERAL_SECRET})
_SHOWN = "***"
"""Of one width, whatever it stands for: the length of a secret is not told."""


def secret_spans(diagnostics: Iterable[Diagnostic]) -> Mapping[str, Sequence[Span]]:
    """Where findings have found secrets, by the text of the file, in order and apart from each other."""
    found: dict[str, list[Span]] = {}
    for span, text in sorted({(d.span, d.text) for d in diagnostics if d.code in _SECRET}):
        before = found.setdefault(text, [])
        if before and before[-1].line == span.line and span.column < before[-1].end_column:
            last = before.pop()
            span = Span(last.line, last.column, last.line, max(last.end_column, span.end_column))  # noqa: PLW2901
        before.append(span)
    return found


def without_secrets(line: str, start: int, end: int, secrets: Iterable[Span]) -> tuple[str, int, int]:
    """A line with stars in place of the secrets of it, and where a range of it, counted from 0, is then."""
    shown, at = "", 0
    first, last = start, end
    for span in secrets:
        begin, stop = span.column - 1, span.end_column - 1
        shown += line[at:begin] + _SHOWN
        at = stop
        shorter = stop - begin - len(_SHOWN)
        first = first - shorter if start >= stop else min(first, len(shown) - len(_SHOWN)) if start > begin else first
        last = last - shorter if end >= stop else len(shown) if end > begin else last
    return shown + line[at:], first, last
