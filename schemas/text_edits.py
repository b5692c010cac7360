"""A text with edits of single lines, and where in the original a place of it stands."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

from schemas.diagnostics import Diagnostic, Fix, Span
from schemas.text_lines import TextLines


class _Edit(NamedTuple):
    line: int
    start: int
    old_end: int
    new_end: int


class EditedText(NamedTuple):
    """`text` is `original` after edits none of which adds or takes away a line."""

    original: str
    text: str
    edits: tuple[_Edit, ...] = ()

    def edited(self, fixes: Iterable[Fix]) -> EditedText:
        """After more edits, given in places of `text`; of two that touch the first counts."""
        lines, text, edits = TextLines(self.text), self.text, list(self.edits)
        for fix in reversed(_apart(fixes)):
            span, start = fix.span, lines.line_start(fix.span.line) + fix.span.column - 1
            text = text[:start] + fix.replacement + text[start + span.end_column - span.column :]
            edits.append(_Edit(span.line, span.column, span.end_column, span.column + len(fix.replacement)))
        return EditedText(self.original, text, tuple(edits))

    def is_edited(self, line: int) -> bool:
        """Whether a line is another one than in the original."""
        return any(edit.line == line for edit in self.edits)

    def in_original(self, diagnostic: Diagnostic, file: str) -> Diagnostic:
        """A finding of `text`, which is that of `file`, as one of `original`."""
        related = tuple(r._replace(span=self._span(r.span)) if r.file == file else r for r in diagnostic.related)
        if diagnostic.file != file:
            return replace(diagnostic, related=related)
        # An edit of a line that is edited already is left for when that is done.
        fix = diagnostic.fix if not self.is_edited(diagnostic.span.line) else None
        span = self._span(diagnostic.span)
        return replace(diagnostic, span=span, related=related, fix=fix, text=self.original)

    def _span(self, span: Span) -> Span:
        start = self._column(span.line, span.column)
        return Span(span.line, start, span.end_line, max(start + 1, self._column(span.end_line, span.end_column)))

    def _column(self, line: int, column: int) -> int:
        for edit in reversed(self.edits):
            if edit.line == line and column > edit.start:
                behind = column >= edit.new_end
                column = column - edit.new_end + edit.old_end if behind else min(column, edit.old_end)
        return column


def _apart(fixes: Iterable[Fix]) -> list[Fix]:
    apart: list[Fix] = []
    for fix in sorted(fixes, key=lambda fix: fix.span):
        before = apart[-1].span if apart else None
        if before is None or (before.end_line, before.end_column) <= (fix.span.line, fix.span.column):
            apart.append(fix)
    return apart
