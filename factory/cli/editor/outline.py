"""What a YAML text says line by line, also while it is half typed: keys, list items, and where the cursor is.

A parser gives nothing for a text that is not complete, which is most of the time while somebody types. Here only the
indentation counts, so the rest of the file stays known.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from schemas.expressions.reading import Expression, expressions
from schemas.findings.paths import DataPath

_KEY = re.compile(r"""(?P<key>"[^"]*"|'[^']*'|[^\s#'"\[\]{},][^#'"\[\]{},]*?)[ ]*:(?=\s|$)[ ]*""")
_BREAK = re.compile(r"\r\n|\r|\n")
_PROPERTIES = re.compile(r"^(?:[&!][^\s\[\]{},]*[ ]+)+")
_BLOCK = re.compile(r"(?:[&!][^\s\[\]{},]*[ ]+)*[|>][-+0-9]*[ ]*(?:#.*)?$")
_COMMENT = re.compile(r"(?:^|\s)#.*$")


class Entry(NamedTuple):
    """A key or a list's item: where it begins and its text, as it is written behind it.

    `line` counts from 0; `column` is where the key or the item begins, `value_column` where its text does.
    """

    path: DataPath
    line: int
    column: int
    value_column: int
    text: str

    @property
    def value(self) -> str:
        """The text without anchor, tag, quotes and comment."""
        text = _PROPERTIES.sub("", self.text)
        text = text if text[:1] in "\"'" else _COMMENT.sub("", text)
        text = text.strip()
        return text[1:-1] if len(text) > 1 and text[0] in "\"'" and text[-1] == text[0] else text


class Cursor(NamedTuple):
    """Where one types: in the value at `path` (`is_value`), or at a new key of the mapping, or item of the list, there.

    `typed` is the text of it before the cursor; it begins at `column`.
    """

    path: DataPath
    is_value: bool
    typed: str
    column: int


class _Level(NamedTuple):
    column: int
    key: str | int


@dataclass
class Outline:
    """The entries of a text, in its order."""

    text: str
    entries: list[Entry] = field(default_factory=list)
    _ends: dict[int, tuple[_Level, ...]] = field(default_factory=dict)
    """The levels that are open after each line."""
    _blocks: dict[int, DataPath] = field(default_factory=dict)
    """The lines that belong to a block of text, with its path."""

    def __post_init__(self) -> None:
        levels: tuple[_Level, ...] = ()
        block: tuple[int, DataPath] | None = None
        for number, line in enumerate(self.lines):
            indent = len(line) - len(line.lstrip(" "))
            if block is not None and (not line.strip() or indent > block[0]):
                self._blocks[number] = block[1]
                continue
            block = None
            if line.strip() and not line.lstrip().startswith("#"):
                found = self._read(number, line, levels)
                levels = found[-1][1] if found else levels
                self.entries += [entry for entry, _ in found]
                if found and _BLOCK.fullmatch(found[-1][0].text):
                    block = (
                        found[-1][0].column if isinstance(found[-1][0].path[-1], str) else indent,
                        found[-1][0].path,
                    )
            self._ends[number] = levels

    @cached_property
    def lines(self) -> list[str]:
        """The text's lines without their ends."""
        return _BREAK.split(self.text)

    def _read(self, number: int, line: str, levels: tuple[_Level, ...]) -> list[tuple[Entry, tuple[_Level, ...]]]:
        """The items and the key that begin in a line, each with the levels that are open behind it."""
        found = []
        column = len(line) - len(line.lstrip(" "))
        while line[column : column + 2] in ("-", "- "):
            levels = _closed(levels, column, is_item=True)
            last = levels[-1] if levels and levels[-1].column == column and isinstance(levels[-1].key, int) else None
            levels = levels[:-1] if last is not None else levels
            levels = (*levels, _Level(column, int(last.key) + 1 if last is not None else 0))
            start = column + 2 + len(line[column + 2 :]) - len(line[column + 2 :].lstrip(" "))
            found.append((Entry(_path(levels), number, column, min(start, len(line)), line[start:]), levels))
            column = start
        match = _KEY.match(line, column)
        if match is not None:
            levels = (*_closed(levels, column, is_item=False), _Level(column, match["key"].strip("\"'")))
            found.append((Entry(_path(levels), number, column, match.end(), line[match.end() :]), levels))
        elif line[column : column + 1] in ("{", "[") and found:
            found[-1] = (found[-1][0]._replace(text=line[column:]), levels)
        return found

    def at(self, path: DataPath) -> Entry | None:
        """Where a path is written, on a line of its own."""
        return self._by_path.get(path)

    @cached_property
    def inside(self) -> Mapping[DataPath, Sequence[Entry]]:
        """The entries right below each path."""
        found: dict[DataPath, list[Entry]] = {}
        for entry in self.entries:
            found.setdefault(entry.path[:-1], []).append(entry)
        return found

    @cached_property
    def _by_path(self) -> dict[DataPath, Entry]:
        return {entry.path: entry for entry in reversed(self.entries)}

    @cached_property
    def _by_line(self) -> Mapping[int, Sequence[Entry]]:
        found: dict[int, list[Entry]] = {}
        for entry in self.entries:
            found.setdefault(entry.line, []).append(entry)
        return found

    @cached_property
    def last_lines(self) -> dict[Entry, int]:
        """The last line of what is below each entry."""
        found: dict[Entry, int] = {}
        open_: list[Entry] = []
        for entry in (*self.entries, Entry((), len(self.lines), 0, 0, "")):
            while open_ and entry.path[: len(open_[-1].path)] != open_[-1].path:
                ended = open_.pop()
                last = max(ended.line, entry.line - 1)
                while last > ended.line and not self.lines[last].strip():
                    last -= 1
                found[ended] = last
            open_.append(entry)
        return found

    def value(self, path: DataPath) -> str | None:
        """The text of a value, in block or flow style; None where there is none."""
        entry = self.at(path)
        if entry is not None:
            return entry.value
        for length in range(len(path) - 1, 0, -1):
            around = self.at(path[:length])
            if around is not None:
                return dict(_flow_pairs(around.text, around.path)).get(path)
        return None

    def keys(self, path: DataPath) -> set[str]:
        """The keys of a mapping, as far as it is written."""
        found = {str(e.path[-1]) for e in self.inside.get(path, ()) if isinstance(e.path[-1], str)}
        around = self.at(path)
        inside = dict(_flow_pairs(around.text, path)) if around is not None else {}
        return found | {str(one[-1]) for one in inside if one[:-1] == path}

    def path_at(self, line: int, column: int) -> tuple[DataPath, bool] | None:
        """The path of what is written at a place, and whether that is its value, not its key; None where nothing is."""
        on_line = [entry for entry in self._by_line.get(line, ()) if entry.column <= column]
        if not on_line:
            return (self._blocks[line], True) if line in self._blocks else None
        entry = on_line[-1]
        if column < entry.value_column or not entry.text.startswith(("{", "[")):
            return entry.path, column >= entry.value_column
        text = self.lines[line]
        end = next((place for place in range(column, len(text)) if text[place] in " ,:{}[]\"'"), len(text))
        cursor = self.cursor(line, end)
        return (cursor.path, True) if cursor.is_value else ((*cursor.path, cursor.typed), False)

    def expression_at(self, line: int, column: int) -> Expression | None:
        """The `${…}` at a place."""
        return next((e for e in expressions(self.lines[line]) if e.start <= column < e.end), None)

    def cursor(self, line: int, column: int) -> Cursor:
        """Where one types at a place; columns count code points from 0."""
        before = self.lines[line][:column] if line < len(self.lines) else ""
        if line in self._blocks:
            return Cursor(self._blocks[line], is_value=True, typed=before.lstrip(), column=_start(before))
        levels = next((self._ends[above] for above in range(line - 1, -1, -1) if above in self._ends), ())
        found = self._read(line, before, levels)
        if found:
            entry, opened = found[-1]
            if isinstance(entry.path[-1], str) or entry.text.startswith(("{", "[")):
                flow = _flow_cursor(entry.text, entry.path)
                if flow is not None:
                    return flow._replace(column=entry.value_column + flow.column)
                return Cursor(entry.path, is_value=True, typed=entry.text, column=entry.value_column)
            return Cursor(_path(opened), is_value=False, typed=entry.text, column=entry.value_column)
        indent = _start(before)
        open_ = _closed(levels, indent, is_item=False)
        if open_ and isinstance(open_[-1].key, int) and open_[-1].column >= indent:
            open_ = open_[:-1]
        return Cursor(_path(open_), is_value=False, typed=before[indent:], column=indent)


def _start(text: str) -> int:
    return len(text) - len(text.lstrip(" "))


def _path(levels: tuple[_Level, ...]) -> DataPath:
    return tuple(level.key for level in levels)


def _closed(levels: tuple[_Level, ...], column: int, *, is_item: bool) -> tuple[_Level, ...]:
    """The levels that stay open where a key or an item begins at a column. A list may begin below its own key."""
    while levels:
        last = levels[-1]
        if last.column > column or (last.column == column and not is_item):
            levels = levels[:-1]
        else:
            break
    return levels


def _flow_pairs(text: str, path: DataPath) -> Iterator[tuple[DataPath, str]]:
    """The keys of a `{…}` or `[…]` on one line, with their texts."""
    for event in _flow(text, path):
        if event.is_value and event.typed:
            yield event.path, event.typed.strip().strip("\"'")


def _flow_cursor(text: str, path: DataPath) -> Cursor | None:
    """Where one types at the end of a `{…` or `[…` that is not closed; None where the text is none."""
    if not text.startswith(("{", "[")):
        return None
    last = None
    for last in _flow(text, path):  # noqa: B007  the last one is wanted
        pass
    return last


def _flow(text: str, path: DataPath) -> Iterator[Cursor]:
    """Every value and key of a flow text, each at its end; columns count from the start of the text."""
    stack: list[tuple[DataPath, str]] = []
    here, is_value, start, quote = path, True, 0, ""
    for position, character in enumerate(text):
        if quote:
            quote = "" if character == quote else quote
        elif character in "\"'" and not text[start:position].strip():
            quote = character
        elif character in "{[" and not text[start:position].strip():
            stack.append((here, character))
            here, is_value, start = (
                ((*here, 0), True, position + 1) if character == "[" else (here, False, position + 1)
            )
        elif character in "}]," and stack:
            yield Cursor(here, is_value, text[start:position].strip(), start)
            around, kind = stack[-1] if character == "," else stack.pop()
            if character != ",":
                here, is_value = around, True
            elif kind == "[":
                here = (*around, int(here[len(around)]) + 1)
            else:
                here, is_value = around, False
            start = position + 1
        elif character == ":" and not is_value and text[position + 1 : position + 2] in (" ", ""):
            here, is_value, start = (*here, text[start:position].strip().strip("\"'")), True, position + 1
    typed = text[start:]
    lead = len(typed) - len(typed.lstrip(" "))
    yield Cursor(here, is_value, typed.lstrip(" "), start + lead)
