"""A text that cannot be read, with its mistakes out of the way, so that the rest of it can be checked, too."""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import NamedTuple

from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic, Fix, Span
from schemas.folder.dialect import has_shape
from schemas.text.construct import construct
from schemas.text.document import Document, Parse
from schemas.text.edits import EditedText
from schemas.text.lines import TextLines
from schemas.text.nodes import compose
from schemas.text.syntax_errors import CONFLICT
from schemas.text.value_accidents import TAB

_MOST_ROUNDS = 30
_BUDGET = 200_000
"""Characters that are read again for one file: the time for hostile ones is bounded."""
_READABLE = frozenset({Code.DUPLICATE_KEY, Code.TAG, Code.KEY_NOT_TEXT, Code.NUMBER_TOO_LONG, Code.NO_SUCH_DATE})
"""Findings of reading beside which the rest of the text is read as it is."""
_NO_BEGINNING = "did not find expected <document start>"
"""The text ends, for the parser, where its first lines do: their indentation is wrong."""
_MOST_OF_A_LINE = 5
"""Edits of one kind in one line: one that does not help comes back."""
_RECOVERABLE = _READABLE | {Code.YAML_SYNTAX, Code.NEEDS_QUOTES, Code.SEVERAL_DOCUMENTS}
_TOP_KEY = re.compile(r"[\w\"'$][^#]*:(?:\s|$)")
_ITEM = re.compile(r"(?P<indent> *)-(?:\s|$)")
_NEEDED_BY_OTHERS = re.compile(r"(?:vars|matrix|environments)\s*:")


class Recovered(NamedTuple):
    """`document` is what can be read of the edited text, `found` all that keeps it from being read, in places of the
    original. `complete`: nothing was left out, so that what is missing is missing.
    `unsure`: the lines around what was moved, where a finding may come of that."""

    document: Document
    text: EditedText
    found: tuple[Diagnostic, ...]
    complete: bool
    unsure: frozenset[int]


def recovered(document: Document, parse: Parse) -> Recovered | None:
    """What can be made of a document with findings of reading; None where nothing can."""
    return _Recovery(document, parse).run()


def noted(finding: Diagnostic, note: str) -> Diagnostic:
    """A finding that says what was not checked because of it."""
    known = note in finding.help
    return finding if known else replace(finding, help="; ".join(filter(None, (finding.help, note))))


_Key = tuple[Code, str, int]


def _key(finding: Diagnostic) -> _Key:
    return finding.code, finding.message, finding.span.line


class _Recovery:
    def __init__(self, document: Document, parse: Parse) -> None:
        self._document = document
        self._parse = parse
        self._text = EditedText.of(document.text)
        self._found = {_key(d): d for d in document.diagnostics}
        self._complete = True
        self._left_out: set[int] = set()
        self._unsure: set[int] = set()
        self._tried: Counter[_Key] = Counter()

    def run(self) -> Recovered | None:
        current = self._document
        if current.dialect or not current.text:
            return None
        for _ in range(min(_MOST_ROUNDS, _BUDGET // len(current.text))):
            hopeless = any(d.message == _NO_BEGINNING for d in current.diagnostics)
            if hopeless or not _RECOVERABLE.issuperset(d.code for d in current.diagnostics):
                return None
            if all(d.code in _READABLE and d.fix is None for d in current.diagnostics):
                return self._result(current)
            text = self._edited(current)
            if text is None or text.text == self._text.text:
                return None
            self._text = text
            current = self._parse(text.text, current.file)
            for finding in current.diagnostics:
                one = text.in_original(finding, current.file)
                # Of many lines that begin with a tab the first says it; what an edit has made or moved is no finding.
                line = finding.span.line
                made = (
                    text.is_edited(line)
                    or line in self._unsure
                    or (finding.is_about_indentation and text.is_edited(line - 1))
                )
                if one.message != TAB and not made:
                    self._found.setdefault(_key(one), one)
        return None

    def _result(self, current: Document) -> Recovered | None:
        if current.diagnostics:
            root = compose(current.text)
            data = construct(root, current.text, current.file)[0] if root is not None else None
            current = replace(current, data=data, diagnostics=())
        if not isinstance(current.data, dict) or has_shape(current.data):
            return None
        return Recovered(current, self._text, tuple(self._found.values()), self._complete, frozenset(self._unsure))

    def _edited(self, current: Document) -> EditedText | None:
        """The text without what its findings are about: edited, else left out."""
        edits = [(_key(d), edit) for d in current.diagnostics if (edit := d.fix or d.assumed) is not None]
        edits = [(key, edit) for key, edit in edits if self._tried[key] < _MOST_OF_A_LINE]
        self._tried.update(key for key, _ in edits)
        lines = TextLines(current.text)
        if edits:
            # An entry of a list that is text now was meant as a task.
            self._complete &= not any(_is_whole_entry(lines, edit) for _, edit in edits)
            for finding in current.diagnostics:
                if finding.fix is None and finding.assumed is not None:
                    self._doubt(lines, finding)
            return self._text.edited(edit for _, edit in edits)
        first = current.diagnostics[0]
        if first.code is Code.SEVERAL_DOCUMENTS:
            return self._blanked(lines, range(first.span.line, lines.count + 1))
        if first.message == CONFLICT:
            return self._blanked(lines, _other_side(lines, first.span.line))
        reindented = list(_reindented(lines, first)) if first.code is Code.YAML_SYNTAX else []
        if first.message == TAB:
            reindented = [_without_tab(lines, first.span.line)]
        if reindented and first.span.line not in self._left_out:
            self._left_out.add(first.span.line)
            self._complete = False  # where a line belongs is a guess
            self._doubt(lines, first)
            return self._text.edited(reindented)
        without = self._without(lines, first.span.line)
        if without is not None:
            self._note(first)
        return without

    def _without(self, lines: TextLines, line: int) -> EditedText | None:
        """Without the entry of a list at the top, or else the whole value of the key at the top, that a line is in."""
        first, behind = _block(lines, line)
        if first == 0 or _NEEDED_BY_OTHERS.match(lines.line_text(first)):
            return None
        entry, behind_entry = _entry(lines, line, first, behind)
        if entry > 0 and entry not in self._left_out:
            self._left_out.add(entry)
            first, behind = entry, behind_entry
        self._complete = False
        return self._blanked(lines, range(first, behind))

    def _doubt(self, lines: TextLines, finding: Diagnostic) -> None:
        line = finding.span.line
        first, behind = _block(lines, line)
        if first == 0:
            return
        self._note(finding)
        entry, behind_entry = _entry(lines, line, first, behind)
        self._unsure.update(range(entry, behind_entry) if entry > 0 else range(first, behind))

    def _note(self, finding: Diagnostic) -> None:
        key = _key(finding)
        if key in self._found:
            self._found[key] = noted(self._found[key], "the rest of this block was not checked")

    def _blanked(self, lines: TextLines, numbers: Iterable[int]) -> EditedText:
        lengths = {number: len(lines.line_text(number)) for number in numbers}
        return self._text.edited(Fix(Span(n, 1, n, length + 1), " " * length) for n, length in lengths.items())


def _is_whole_entry(lines: TextLines, edit: Fix) -> bool:
    return lines.line_text(edit.span.line)[: edit.span.column - 1].strip() == "-"


def _other_side(lines: TextLines, line: int) -> Iterator[int]:
    """The marks of a conflict of git that begins at a line, and the lines between the last two."""
    inside = False
    for number in range(line, lines.count + 1):
        text = lines.line_text(number)
        inside = inside or text.startswith("=======")
        if inside or text.startswith("<<<<<<<"):
            yield number
        if text.startswith(">>>>>>>"):
            return


def _block(lines: TextLines, line: int) -> tuple[int, int]:
    """The first line of a key at the top, and the first line after its value; 0 where there is no such key."""
    tops = [n for n in range(1, lines.count + 1) if _TOP_KEY.match(lines.line_text(n))]
    first = max((n for n in tops if n <= line), default=0)
    return first, min((n for n in tops if n > line), default=lines.count + 1)


def _entry(lines: TextLines, line: int, first: int, behind: int) -> tuple[int, int]:
    """The same for an entry of a list that is the value of a key at the top; 0 where there is none."""
    dashes = [(n, len(m["indent"])) for n in range(first + 1, behind) if (m := _ITEM.match(lines.line_text(n)))]
    if not dashes:
        return 0, behind
    entries = [n for n, indent in dashes if indent == dashes[0][1]]
    return max((n for n in entries if n <= line), default=0), min((n for n in entries if n > line), default=behind)


def _reindented(lines: TextLines, finding: Diagnostic) -> Iterator[Fix]:
    """A line that is indented like none above it, and all that belongs to it, moved to the nearest that is."""
    line = finding.span.line
    own = _indent(lines, line)
    is_item = _ITEM.match(lines.line_text(line)) is not None
    open_columns = _open_columns(lines, line)
    if own is not None and not is_item and (own, True) in open_columns:
        yield Fix(Span(line, own + 1, line, own + 1), "- ")
        return
    columns = [column for column, of_item in open_columns if column != own and of_item is is_item]
    if own is None or not columns or not finding.is_about_indentation:
        return
    target = min(columns, key=lambda column: abs(column - own))
    for number in range(line, lines.count + 1):
        indent = _indent(lines, number)
        if indent is not None and indent < own:
            return
        if indent is not None:
            yield Fix(Span(number, 1, number, indent + 1), " " * (indent - own + target))


def _without_tab(lines: TextLines, line: int) -> Fix:
    """A line that a tab indents, where the one above it lets it stand."""
    text = lines.line_text(line)
    written = len(text) - len(text.lstrip(" \t"))
    columns = _open_columns(lines, line)
    is_item = text.lstrip().startswith("- ")
    fitting = [column for column, of_item in columns if of_item is is_item]
    above = next((n for n in range(line - 1, 0, -1) if _indent(lines, n) is not None), 0)
    opened = bool(columns) and lines.line_text(above).split(" #", 1)[0].rstrip().endswith(":")
    column = columns[0][0] + 2 if opened else next(iter(fitting), 0)
    return Fix(Span(line, 1, line, written + 1), " " * column)


def _open_columns(lines: TextLines, line: int) -> list[tuple[int, bool]]:
    """Where keys, and entries of lists (True), begin that the line above `line` belongs to, its own included."""
    columns: list[tuple[int, bool]] = []
    innermost = sys.maxsize
    for number in range(line - 1, 0, -1):
        indent = _indent(lines, number)
        if indent is None or indent >= innermost:
            continue
        innermost = indent
        item = _ITEM.match(lines.line_text(number))
        if item is not None:
            columns.append((indent + 2, False))
        columns.append((indent, item is not None))
        if indent == 0:
            break
    return columns


def _indent(lines: TextLines, line: int) -> int | None:
    """None for a line that is blank or only a comment."""
    text = lines.line_text(line)
    stripped = text.lstrip(" ")
    return None if not stripped.strip() or stripped.startswith("#") else len(text) - len(stripped)
