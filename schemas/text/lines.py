"""Lines and columns of a text as an editor counts them.

YAML 1.1 readers, PyYAML's among them, also break lines at U+0085, U+2028 and U+2029; editors and YAML 1.2 do
not. So positions are computed from the parser's code-point index, never from its line numbers.
"""

from __future__ import annotations

import re
from bisect import bisect_right

from schemas.findings.diagnostics import Span

_LINE_BREAK = re.compile(r"\r\n|\r|\n")


class TextLines:
    """Index → line and column, both from 1, columns in code points."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._starts = [0, *(m.end() for m in _LINE_BREAK.finditer(text))]

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
