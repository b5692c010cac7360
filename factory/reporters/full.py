"""For people. `full`: excerpt with caret, what was meant, what is allowed; `concise`: a line. Colours where asked."""

from __future__ import annotations

import textwrap
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from factory.reporters.text import LONG, allowed_words, columns, counted, phrase, printable, sentence, users
from schemas.findings.codes import Code, Severity
from schemas.findings.diagnostics import Diagnostic, Span
from schemas.text.lines import TextLines

_COLOURS = {Severity.ERROR: "31", Severity.WARNING: "33", Severity.NOTE: "36"}
_WIDTH = 110
_LONGEST_LINE = 160
_BEFORE = 60


def render(diagnostics: Iterable[Diagnostic], *, colour: bool = False) -> str:
    """All findings, a blank line between two; empty for none."""
    diagnostics = tuple(diagnostics)
    secrets = secret_spans(diagnostics)
    sources: dict[str, _Source] = {}
    for diagnostic in diagnostics:
        if diagnostic.text not in sources:
            sources[diagnostic.text] = _Source(diagnostic.text, secrets.get(diagnostic.text, ()))
    listed: dict[tuple[str, tuple[str, ...]], int] = {}
    return "\n\n".join(_one(d, sources, listed, colour) for d in diagnostics)


def concise(diagnostics: Iterable[Diagnostic], *, colour: bool = False) -> str:
    """`file:line:col: CODE message (hint)` for each finding, as editors and grep like it."""
    return "\n".join(_line(d, colour) for d in diagnostics)


def _line(diagnostic: Diagnostic, colour: bool) -> str:
    span, code = diagnostic.span, _paint(diagnostic.code.id, f"1;{_COLOURS[diagnostic.severity]}", colour)
    return f"{printable(diagnostic.file)}:{span.line}:{span.column}: {code} {sentence(diagnostic)}"


class _Source(TextLines):
    """A file's text as it may be shown."""

    def __init__(self, text: str, secrets: Sequence[Span]) -> None:
        super().__init__(text)
        self._secrets = secrets

    def shown(self, line: int, start: int = 0, end: int = 0) -> tuple[str, int, int]:
        """A line without its secrets, and a range of it, cut where it is long."""
        here = [span for span in self._secrets if span.line == line]
        return _window(*without_secrets(self.line_text(line), start, end, here))


def _one(
    diagnostic: Diagnostic,
    sources: dict[str, _Source],
    listed: dict[tuple[str, tuple[str, ...]], int],
    colour: bool,
) -> str:
    """`listed`: the lines with which a file's long lists of allowed words stand already."""
    span = diagnostic.span
    head = f"{diagnostic.severity.value}[{diagnostic.code.slug}] {diagnostic.code.id}"
    lines = [
        f"{_paint(head, _COLOURS[diagnostic.severity], colour)}: {phrase(diagnostic.message)}",
        f"  --> {printable(diagnostic.file)}:{span.line}:{span.column}",
    ]
    gutter = len(str(span.line))
    if diagnostic.text:
        lines += _excerpt(diagnostic, sources[diagnostic.text], gutter, colour)
    elif diagnostic.caret:
        lines.append(f"{' ' * gutter} = {phrase(diagnostic.caret)}")
    if diagnostic.help:
        lines += _note(gutter, "help", phrase(diagnostic.help))
    if used := users(diagnostic):
        lines += _note(gutter, "used at", used)
    if diagnostic.allowed:
        words = allowed_words(diagnostic)
        if len(diagnostic.allowed) > LONG and words == ", ".join(diagnostic.allowed):
            first = listed.setdefault((diagnostic.file, diagnostic.allowed), span.line)
            words = words if first == span.line else f"as in line {first}"
        lines += _note(gutter, "allowed", printable(words))
    return "\n".join(lines)


def _excerpt(diagnostic: Diagnostic, source: _Source, gutter: int, colour: bool) -> list[str]:
    """The line before, if it says more than blank, and the line of the span, with the caret below it."""
    span = diagnostic.span
    lines = [f"{' ' * gutter} |"]
    parent = _parent_line(source, span.line)
    if parent is not None:
        lines.append(f"{parent:>{gutter}} | {printable(source.shown(parent)[0])}")
    text, start, end = source.shown(span.line, span.column - 1, span.end_column - 1)
    before, marked = printable(text[:start]), printable(text[start:end])
    lines.append(f"{span.line:>{gutter}} | {printable(text)}".rstrip())
    carets = "^" * max(1, columns(marked))
    note = f" {phrase(diagnostic.caret)}" if diagnostic.caret else ""
    pointer = _paint(f"{carets}{note}", _COLOURS[diagnostic.severity], colour)
    lines.append(f"{' ' * gutter} | {' ' * columns(before)}{pointer}")
    return lines


def _window(text: str, start: int, end: int) -> tuple[str, int, int]:
    """What is shown of a line, and the marked range in it: a long line is cut around where the range begins."""
    if len(text) <= _LONGEST_LINE:
        return text, start, end
    first = min(max(0, start - _BEFORE), len(text) - _LONGEST_LINE)
    last = first + _LONGEST_LINE
    shown = ("…" if first else "") + text[first:last] + ("…" if last < len(text) else "")
    shift = first - (1 if first else 0)
    return shown, start - shift, min(end, last) - shift


def _parent_line(source: TextLines, line: int) -> int | None:
    """The nearest line above that is indented less: what the line belongs to."""
    own = _indent(source.line_text(line))
    if own == 0:
        return None
    for above in range(line - 1, max(0, line - 200), -1):
        text = source.line_text(above)
        if text.strip() and not text.lstrip().startswith("#") and _indent(text) < own:
            return above
    return None


def _indent(text: str) -> int:
    return len(text) - len(text.lstrip(" "))


def _note(gutter: int, label: str, text: str) -> list[str]:
    first = f"{' ' * gutter} = {label}: "
    wrapped = textwrap.wrap(
        text, _WIDTH, initial_indent=first, subsequent_indent=" " * len(first), break_long_words=False
    )
    return wrapped or [first.rstrip()]


def _paint(text: str, colour_code: str, colour: bool) -> str:
    return f"\x1b[1;{colour_code}m{text}\x1b[0m" if colour else text


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


def once(found: Iterable[Diagnostic], codes: Container[Code]) -> Iterator[Diagnostic]:
    """The findings; of those of these codes each message once, with the number of its other places."""
    by_what: dict[Any, list[Diagnostic]] = {}
    for one in found:
        by_what.setdefault(one.message if one.code in codes else one, []).append(one)
    for first, *others in by_what.values():
        more = f", here and in {counted(len(others), 'more place')}" if others else ""
        yield replace(first, message=first.message + more)
