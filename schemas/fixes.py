"""Edits of a text by span: what stands between them stays as it is, byte for byte."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator

from schemas.diagnostics import Fix, Span
from schemas.text_lines import TextLines


def apply(raw: bytes, fixes: Iterable[Fix]) -> bytes:
    """The file with its fixes, none of which overlap. Spans count in the text without byte order mark."""
    mark = codecs.BOM_UTF8 if raw.startswith(codecs.BOM_UTF8) else b""
    text = raw.decode("utf-8-sig")
    lines = TextLines(text)
    pieces = []
    done = 0
    for fix in _in_order(fixes):
        start, end = (
            lines.line_start(line) + column - 1
            for line, column in ((fix.span.line, fix.span.column), (fix.span.end_line, fix.span.end_column))
        )
        pieces += [text[done:start], fix.replacement]
        done = end
    return mark + "".join([*pieces, text[done:]]).encode()


def spans(fixes: Iterable[Fix]) -> Iterator[Span]:
    """Where the replacements of fixes of one line each stand in the new text."""
    line = shift = 0
    for fix in _in_order(fixes):
        shift = shift if fix.span.line == line else 0
        line, start = fix.span.line, fix.span.column + shift
        yield Span(line, start, line, start + len(fix.replacement))
        shift += len(fix.replacement) - (fix.span.end_column - fix.span.column)


def _in_order(fixes: Iterable[Fix]) -> list[Fix]:
    return sorted(fixes, key=lambda fix: fix.span)
