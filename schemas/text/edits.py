"""A text with edits of single lines, and where a place of it is in the original; values over several lines replaced."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from schemas.findings.diagnostics import Diagnostic, Edit, Entry, Fix, InQuotes, Span, Word, Yaml
from schemas.findings.paths import DataPath
from schemas.text.document import Document
from schemas.text.lines import TextLines
from schemas.text.nodes import NumberTooLongError, plain_scalar


class _Edit(NamedTuple):
    start: int
    old_end: int
    new_end: int


class EditedText(NamedTuple):
    """`text` is `original` after edits that add and remove no lines; `edits`: of each line, the oldest first."""

    original: str
    text: str
    edits: Mapping[int, tuple[_Edit, ...]]

    @classmethod
    def of(cls, text: str) -> EditedText:
        """A text without edits."""
        return cls(text, text, {})

    def edited(self, fixes: Iterable[Fix]) -> EditedText:
        """After more edits, given in places of `text`; of two that touch the first counts."""
        lines, pieces, behind = TextLines(self.text), list[str](), 0
        new: dict[int, list[_Edit]] = {}
        for span, replacement in _apart(fixes):
            start = lines.line_start(span.line) + span.column - 1
            pieces += [self.text[behind:start], replacement]
            behind = lines.line_start(span.end_line) + span.end_column - 1
            new.setdefault(span.line, []).append(_Edit(span.column, span.end_column, span.column + len(replacement)))
        # Of one line the right one counts as the first: it moves no other.
        edits = {line: (*self.edits.get(line, ()), *reversed(made)) for line, made in new.items()}
        return EditedText(self.original, "".join([*pieces, self.text[behind:]]), {**self.edits, **edits})

    def is_edited(self, line: int) -> bool:
        """Whether a line differs from the original."""
        return line in self.edits

    def in_original(self, diagnostic: Diagnostic, file: str) -> Diagnostic:
        """A finding of `text`, which is that of `file`, as one of `original`."""
        related = tuple(r._replace(span=self._span(r.span)) if r.file == file else r for r in diagnostic.related)
        if diagnostic.file != file:
            return replace(diagnostic, related=related)
        # A line that is already edited gets its next fix afterwards.
        fix = diagnostic.fix if not self.is_edited(diagnostic.span.line) else None
        span = self._span(diagnostic.span)
        return replace(diagnostic, span=span, related=related, fix=fix, text=self.original)

    def _span(self, span: Span) -> Span:
        start = self._column(span.line, span.column)
        return Span(span.line, start, span.end_line, max(start + 1, self._column(span.end_line, span.end_column)))

    def _column(self, line: int, column: int) -> int:
        for edit in reversed(self.edits.get(line, ())):
            if column > edit.start:
                behind = column >= edit.new_end
                column = column - edit.new_end + edit.old_end if behind else min(column, edit.old_end)
        return column


def apply(raw: bytes, fixes: Iterable[Fix]) -> bytes:
    """A file with its fixes, given in places of its text; one that begins with a byte order mark keeps it."""
    mark = codecs.BOM_UTF8 if raw.startswith(codecs.BOM_UTF8) else b""
    return mark + EditedText.of(raw.decode("utf-8-sig")).edited(fixes).text.encode()


class NotEditableError(Exception):
    """Why a value is left to its author."""


class Replacement(NamedTuple):
    """What is written from one index of a text to another."""

    start: int
    end: int
    text: str


def replacing(document: Document, path: DataPath, text: str) -> Replacement:
    """A value that is written in a document, over however many lines, with one on one line in its place; an alias, too,
    but nothing that aliases name. Raises NotEditableError."""
    key_end, start, end = document.entry(path)
    begin = document.text.index(":", key_end) + 1
    if start < begin:  # the value of an alias is written at its anchor
        alias = _ALIAS.match(document.text, begin)
        return Replacement(begin, alias.end() if alias else begin, f" {text}")
    written = document.text[start:end]
    while "\n" in written and not written.rpartition("\n")[2].partition("#")[0].strip():  # what is below a block
        written = written.rpartition("\n")[0]
    end = start + len(written.rstrip())
    anchor = _ANCHOR.match(written)
    if name := anchor_in_use(document, path):
        raise NotEditableError(f"others use it as `*{name}`")
    if any(document.text[at] == "#" and not document.is_in_value(at) for at in range(start, end)):
        raise NotEditableError("it has comments inside")
    gap = document.text[begin:start]
    gap = gap if gap and "\n" not in gap and start < end else " "
    return Replacement(begin, max(begin, end), f"{gap}{anchor[0] if anchor else ''}{text}")


def anchor_in_use(document: Document, path: DataPath) -> str:
    """The name of a value's anchor, if aliases of the text use it."""
    anchor = _ANCHOR.match(document.text, document.entry(path)[1])
    alias = re.search(rf"\*{re.escape(anchor['name'])}(?![^\s,\]}}])", document.text) if anchor is not None else None
    return anchor["name"] if anchor is not None and alias is not None else ""


def spliced(raw: bytes, edits: Iterable[Replacement]) -> bytes:
    """A file with parts of its text replaced; one that begins with a byte order mark keeps it."""
    mark = codecs.BOM_UTF8 if raw.startswith(codecs.BOM_UTF8) else b""
    text = raw.decode("utf-8-sig")
    for edit in sorted(edits, reverse=True):
        text = text[: edit.start] + edit.text + text[edit.end :]
    return mark + text.encode()


_ALIAS = re.compile(r"\s*\*[^\s,\[\]{}]+")
_ANCHOR = re.compile(r"&(?P<name>[^\s,\[\]{}]+)\s+")


def replacements(fixes: Iterable[Fix]) -> Iterator[Span]:
    """Where the new parts of fixes are in the text that has them."""
    line = shift = 0
    for span, replacement in _apart(fixes):
        shift = shift if span.line == line else 0
        line, start = span.line, span.column + shift
        yield Span(line, start, line, start + len(replacement))
        shift += len(replacement) - (span.end_column - span.column)


def _apart(fixes: Iterable[Fix]) -> list[Fix]:
    apart: list[Fix] = []
    for fix in sorted(fixes, key=lambda fix: fix.span):
        before = apart[-1].span if apart else None
        if before is None or (before.end_line, before.end_column) <= (fix.span.line, fix.span.column):
            apart.append(fix)
    return apart


def fix_at(edit: Edit, document: Document, place: DataPath, span: Span, *, at_key: bool) -> Fix | None:
    """The fix of a key or a value of a document, which is at `span`; None where it would not be certain."""
    beside = document.at(place[:-1]) if at_key and isinstance(edit, Word | Entry) else None
    new = edit.text.partition(":")[0] if isinstance(edit, Entry) else edit.text if isinstance(edit, Word) else ""
    if isinstance(beside, dict) and new in beside and new != place[-1]:
        return None  # the key would be there twice
    if isinstance(edit, Entry):
        return _entry_fix(edit.text, document.lines, span, document.value_span(place))
    value = place[-1] if at_key and place else document.at(place)
    return _as_fix(edit, document.written(span), value, span)


def _as_fix(edit: Word | Yaml | InQuotes, written: str, value: Any, span: Span) -> Fix | None:
    """The fix for `written`, which is at `span` and has the value `value`; None if that is not certain."""
    mark = written[0] if len(written) > 1 and written[0] in "\"'" and written[-1] == written[0] else ""
    if _read(written, mark) != value:
        return None
    match edit:
        case Word(text):
            return Fix(span, f"{mark}{text}{mark}" if mark or _is_plain(text) else f'"{text}"')
        case Yaml(text):
            return Fix(span, text)
        case InQuotes():
            return Fix(span, f'"{written}"')


def _entry_fix(text: str, lines: TextLines, key: Span, value: Span) -> Fix | None:
    """The fix that replaces a key and its value by a text (see `Entry`); None where they are not on one line."""
    line = lines.line_text(key.line)
    before, between, behind = (
        line[: key.column - 1],
        line[key.end_column - 1 : value.column - 1],
        line[value.end_column - 1 :],
    )
    if not value.line == value.end_line == key.line or between.strip() != ":" or line[value.column - 1] in "|>":
        return None
    if text:
        return Fix(Span(key.line, key.column, key.line, value.end_column), text)
    if not before.strip() and not behind.partition("#")[0].strip():
        return Fix(Span(key.line, 1, key.line, value.end_column), "")
    # Inside `{ }`: with one of the commas beside it.
    start, end = key.column, value.end_column
    if behind.lstrip().startswith(","):
        rest = behind.lstrip()[1:]
        end += len(behind) - len(rest.lstrip())
    elif behind.lstrip().startswith("}") and before.rstrip().endswith(","):
        start = len(before.rstrip())
    elif not (behind.lstrip().startswith("}") and before.rstrip().endswith("{")):
        return None
    return Fix(Span(key.line, start, key.line, end), "")


def _read(written: str, mark: str) -> Any:
    if mark:
        inside = written[1:-1]
        return None if mark in inside or "\\" in inside else inside
    try:
        return plain_scalar(written)
    except NumberTooLongError:
        return None


def _is_plain(text: str) -> bool:
    """Whether a word needs no quotes, also inside `{ }` and `[ ]`."""
    return text.isprintable() and plain_scalar(text) == text and text[:1].isalnum() and not set(text) & set(":#,[]{}")


def flow(value: Any) -> str:
    """A value as YAML on one line."""
    if isinstance(value, dict):
        return f"{{{', '.join(f'{flow(key)}: {flow(one)}' for key, one in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(flow, value))}]"
    if isinstance(value, str) and _is_plain(value):
        return value
    written = json.dumps(value, ensure_ascii=False, default=str)
    return "".join(sign if sign.isprintable() else f"\\U{ord(sign):08x}" for sign in written)
