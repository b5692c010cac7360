"""Lines and columns of a text as an editor counts them.

YAML 1.1 readers, PyYAML's among them, also break lines at U+0085, U+2028 and U+2029; editors and YAML 1.2 do
not. So positions are computed from the parser's code-point index, never from its line numbers.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from itertools import takewhile

from schemas.findings.diagnostics import Span

_LINE_BREAK = r"\r\n|\r|\n"


class TextLines:
    """Index → line and column, both from 1, columns in code points."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._starts = [0, *(m.end() for m in re.finditer(_LINE_BREAK, text))]

    def position(self, index: int) -> tuple[int, int]:
        index = min(index, len(self._text))
        line = bisect_right(self._starts, index)
        return line, index - self._starts[line - 1] + 1

    def span(self, start: int, end: int) -> Span:
        """The span of text[start:end], cut at the end of its first line's text: a caret marks one line."""
        line, column = self.position(start)
        stop = min(end, self._line_end(line))
        end_column = max(column + (stop - start), column + 1)
        return Span(line, column, line, end_column)

    def line_text(self, line: int) -> str:
        """The text of a line without its break; empty after the last line."""
        if line > len(self._starts):
            return ""
        return self._text[self._starts[line - 1] : self._raw_end(line)]

    @property
    def count(self) -> int:
        """How many lines there are; after a final line break there is one more."""
        return len(self._starts)

    def line_start(self, line: int) -> int:
        return self._starts[line - 1]

    def _raw_end(self, line: int) -> int:
        end = self._starts[line] if line < len(self._starts) else len(self._text)
        while end > self._starts[line - 1] and self._text[end - 1] in "\r\n":
            end -= 1
        return end

    def _line_end(self, line: int) -> int:
        start, end = self._starts[line - 1], self._raw_end(line)
        return start + len(self._text[start:end].rstrip())


_SPACE = " \t\r\n"
_ESCAPE = r"(?s)\\(?:x.{2}|u.{4}|U.{8}|.)"
_ESCAPED_SPACE = r"\\(?:[nrt \t]|\r?\n)"


def span_inside(span: Span, lines: TextLines, text: str, value: str, part: tuple[int, int]) -> Span:
    """The place in `text` of a part of a scalar's value, cut at the end of its first line. `span` is the scalar's.

    The whole value's span where the text does not hold the value, as for an alias.
    """
    at = lines.line_start(span.line) + span.column - 1
    at += text[at : at + 1] in ("'", '"')
    if text.startswith(value, at) and not any(mark in value for mark in "\n'\\"):
        # The text is the value: no need to go through it, which may be long.
        inside = value[slice(*part)]
        first, last = part[0] + len(inside) - len(inside.lstrip(_SPACE)), part[0] + len(inside.rstrip(_SPACE))
        return lines.span(at + first, at + last) if first < last else span
    wanted = [read for read in range(*part) if value[read : read + 1] not in _SPACE]
    before_end = takewhile(lambda place: place[0] < part[1], _places(span, lines, text, value))
    places = [at for read, at in before_end if part[0] <= read]
    return lines.span(places[0], places[-1] + 1) if places and len(places) == len(wanted) else span


def _places(span: Span, lines: TextLines, text: str, value: str) -> Iterator[tuple[int, int]]:
    """The index of each character of a value → its place in the text, past quotes, escapes, indentation and folds.

    Space is left out: the text and the value have it in different places.
    """
    at, read = lines.line_start(span.line) + span.column - 1, 0
    style = text[at : at + 1]
    if style in ("|", ">"):
        at = lines.line_start(span.line + 1) if span.line < lines.count else len(text)
    elif style in ("'", '"'):
        at += 1
    escaped_space, escaped = re.compile(_ESCAPED_SPACE), re.compile(_ESCAPE)
    while read < len(value) and at < len(text):
        space = escaped_space.match(text, at) if style == '"' else None
        escape = escaped.match(text, at) if style == '"' else None
        if value[read] in _SPACE:
            read += 1
        elif text[at] in _SPACE:
            at += 1
        elif space is not None:
            at = space.end()
        elif escape is not None or text[at] == value[read]:
            yield read, at
            at = escape.end() if escape is not None else at + (2 if text.startswith("''", at) and style == "'" else 1)
            read += 1
        else:
            return
