"""A new document → YAML, with the comments of the places that its parts came from."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from yaml import MappingNode, Node, ScalarNode, SequenceNode

from schemas.compose.effective import Effective
from schemas.dagfactory.convert.conversion import Converted, UnquotedText
from schemas.findings.paths import DataPath, task_path
from schemas.text.document import Document
from schemas.text.ignore_comments import MARK
from schemas.text.lines import TextLines
from schemas.text.nodes import block_mark, compose, scalar

_START = re.compile(r"(?:(?<=[ \t\n\r])|^)#")
_WIDEST = 100
"""Columns of a list on one line."""


@dataclass
class _Kept:
    """Comments by the effective path of what they are above or behind; `head` and `foot` are the file's."""

    above: dict[DataPath, list[str]] = field(default_factory=dict)
    behind: dict[DataPath, str] = field(default_factory=dict)
    head: list[str] = field(default_factory=list)
    foot: list[str] = field(default_factory=list)

    def add(self, source: DataPath | None, lines: list[str], *, is_head: bool) -> None:
        """Put lines above what was made of `source`; the whole document's are about the file, if `is_head` says so."""
        if source:
            self.above.setdefault(source, []).extend(lines)
        elif is_head:
            self.head += lines


def write(
    written: Converted, effective: Effective, dag_id: str | None = None, lost: Container[tuple[str, int]] = ()
) -> str:
    """The text of a document that was made of the DAG's effective one; `dag_id` where a file holds several. `lost`:
    files and lines of what is left out, whose comments are, too."""
    kept = _kept(written, effective, dag_id, lost)
    lines = [*kept.head, *_Writer(kept).mapping(written, ""), *kept.foot]
    return "".join(f"{line}\n" for line in lines)


def _kept(written: Converted, effective: Effective, dag_id: str | None, lost: Container[tuple[str, int]]) -> _Kept:
    """The comments that are about this DAG or about what holds for it."""
    places: dict[tuple[int, DataPath], DataPath] = {}
    layer_of = {id(layer): index for index, layer in enumerate(effective.documents)}
    for source in written.sources():
        document, place = effective.key_origin(source)
        places.setdefault((layer_of[id(document)], place), source)
    kept = _Kept()
    for index, layer in enumerate(effective.documents):
        own = index == len(effective.layers) - 1
        found = _of_what_is_written(comments(layer), {place for at, place in places if at == index}, layer, lost)
        for place, lines in found.above.items():
            # Above the DAG, or above what holds for all of the file's.
            is_head = own and (dag_id is None or place in ((dag_id,), ("default",)))
            kept.add(_source(places, index, place), lines, is_head=is_head)
        for place, line in found.behind.items():
            about = _source(places, index, place)
            if about and places.get((index, place)) == about and about not in kept.behind:
                kept.behind[about] = line
            else:
                is_head = own and (dag_id is None or place in ((dag_id,), ("default",)))
                kept.add(about, [line], is_head=is_head)
        if own and dag_id in (None, list(layer.data)[-1]):
            kept.foot += found.below
    return kept


def _of_what_is_written(
    found: Comments, places: set[DataPath], document: Document, lost: Container[tuple[str, int]]
) -> Comments:
    """The comments without those of tasks, and of keys that are lost, of which nothing is written."""
    first = next(iter(document.data), None) if isinstance(document.data, dict) else None

    def is_written(place: DataPath) -> bool:
        entry = ("poll",) if place[:1] == ("poll",) else task_path(place)
        is_key = len(place) > len(entry) and place != (first,)  # above the first key, it is about the file
        about = place if is_key and (document.file, document.key_span(place).line) in lost else entry
        return not about or any(one[: len(about)] == about for one in places)

    above = {place: lines for place, lines in found.above.items() if is_written(place)}
    return Comments(above, {place: line for place, line in found.behind.items() if is_written(place)}, found.below)


def _source(places: dict[tuple[int, DataPath], DataPath], layer: int, place: DataPath) -> DataPath | None:
    """The part that was made of what is at a place, or of the nearest around it."""
    found = (places.get((layer, place[:length])) for length in range(len(place), -1, -1))
    return next((source for source in found if source is not None), None)


class _Writer:
    def __init__(self, kept: _Kept) -> None:
        self._kept = kept

    def mapping(self, written: Converted, indent: str, first: str | None = None) -> Iterator[str]:
        """`first` is what the first line begins with in place of the indentation."""
        for key, child in written.value.items():
            start = indent if first is None else first
            yield from self._above(child, indent if first is None else indent[:-2])
            first = None
            yield from self._entry(f"{start}{scalar(key)}:", child, f"{indent}  ")

    def _entry(self, start: str, written: Converted, indent: str) -> Iterator[str]:
        value = written.value
        behind = self._behind(written)
        if isinstance(value, dict) and value:
            yield f"{start}{behind}"
            yield from self.mapping(written, indent)
        elif isinstance(value, list) and value:
            line = self._on_one_line(written)
            if line is not None and len(start) + len(line) < _WIDEST:
                yield f"{start} {line}{behind}"
                return
            yield f"{start}{behind}"
            for item in value:
                yield from self._item(item, indent)
        elif isinstance(value, str) and (block := block_mark(value)) is not None:
            yield f"{start} {block}{behind}"
            yield from (f"{indent}{line}" if line else "" for line in value.removesuffix("\n").split("\n"))
        else:
            yield f"{start} {_scalar(value)}{behind}"

    def _item(self, written: Converted, indent: str) -> Iterator[str]:
        yield from self._above(written, indent)
        if isinstance(written.value, dict) and written.value:
            behind = self._behind(written)
            if behind:
                yield f"{indent}{behind.strip()}"
            yield from self.mapping(written, f"{indent}  ", f"{indent}- ")
        else:
            yield from self._entry(f"{indent}-", written, f"{indent}  ")

    def _above(self, written: Converted, indent: str) -> Iterator[str]:
        if written.source is not None:
            yield from (f"{indent}{line}" for line in self._kept.above.pop(written.source, ()))

    def _behind(self, written: Converted) -> str:
        line = self._kept.behind.pop(written.source, "") if written.source is not None else ""
        return f"  {line}" if line else ""

    def _on_one_line(self, written: Converted) -> str | None:
        items = written.value
        if not written.flow or any(
            item.source in self._kept.above or item.source in self._kept.behind for item in items
        ):
            return None
        if any(isinstance(item.value, dict | list) or "\n" in str(item.value) for item in items):
            return None
        return f"[{', '.join(_in_flow(item.value) for item in items)}]"


def _scalar(value: Any) -> str:
    if isinstance(value, UnquotedText):
        return str(value)
    line = scalar(value)
    return _quoted(value) if line.startswith("'") and "''" in line and '"' not in line else line


def _in_flow(value: Any) -> str:
    line = _scalar(value)
    return line if line[:1] in ("'", '"') or not set(line) & set(",[]{}#:") else _quoted(line)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


@dataclass
class Comments:
    """Comments with their `#`. `below` are those at the end, after which nothing follows."""

    above: dict[DataPath, list[str]] = field(default_factory=dict)
    behind: dict[DataPath, str] = field(default_factory=dict)
    below: list[str] = field(default_factory=list)


def comments(document: Document) -> Comments:
    """The comments of a document that could be read, except those that are for this program."""
    found = Comments()
    if "#" not in document.text:
        return found
    lines = TextLines(document.text)
    first, last, blocks = _places(document, lines)
    starts = sorted(first)
    waiting: list[tuple[int, str]] = []
    for line, column, text in _located_comments(document, lines, blocks):
        if line in last and lines.line_text(line)[: column - 1].strip():
            found.behind.setdefault(last[line], text)
        else:
            waiting.append((line, text))
    for line, text in waiting:
        following = bisect_right(starts, line)
        if following == len(starts):
            found.below.append(text)
        else:
            found.above.setdefault(first[starts[following]], []).append(text)
    return found


def comments_about(effective: Effective, paths: Sequence[DataPath]) -> dict[DataPath, list[str]]:
    """The comments by which of the paths they are about. All others of the file are at (), those of a template at the
    group that takes it first; those of defaults are left out."""
    found: dict[DataPath, list[str]] = {}
    for layer in effective.documents:
        origins = {path: effective.key_origin(path) for path in reversed(paths)}
        places = {place: path for path, (document, place) in origins.items() if document is layer}
        is_own, group = layer is effective.layers[-1], min(places.values(), default=())[:-2]
        written = comments(layer) if is_own or group else Comments()
        for place, lines in (*written.above.items(), *((place, [line]) for place, line in written.behind.items())):
            if not is_own and len(place) > 1 and place[0] in ("params", "outputs"):
                continue  # their values are written in their places
            about = (places.get(place[:length]) for length in range(len(place), -1, -1))
            spaced = [line if line[1:2] in ("", " ", "#") else f"# {line[1:]}" for line in lines]
            at = next((path for path in about if path is not None), () if is_own else group)
            found.setdefault(at, []).extend(spaced)
    return found


def _located_comments(document: Document, lines: TextLines, blocks: frozenset[int]) -> Iterator[tuple[int, int, str]]:
    end = -1
    for match in _START.finditer(document.text):
        if match.start() < end:
            continue
        line, column = lines.position(match.start())
        # A block of text begins with its mark: what follows on that line is a comment.
        if document.is_in_value(match.start()) and line not in blocks:
            continue
        text = lines.line_text(line)[column - 1 :].rstrip()
        end = match.start() + len(text)
        if MARK not in text and not text.startswith(("#!", "# yaml-language-server:")):
            yield line, column, text


def _places(document: Document, lines: TextLines) -> tuple[dict[int, DataPath], dict[int, DataPath], frozenset[int]]:
    """Line → what begins on it first, and what begins on it last; and the lines where blocks of text begin."""
    blocks: set[int] = set()
    first: dict[int, DataPath] = {}
    last: dict[int, DataPath] = {}
    seen: set[int] = set()
    waiting: list[tuple[DataPath, Node | None, Node | None]] = [((), None, compose(document.text))]
    found: list[tuple[int, DataPath]] = []
    while waiting:
        path, key, node = waiting.pop()
        if node is None:
            continue
        if path:
            found.append(((key or node).start_mark.index, path))
        if id(node) in seen:
            continue  # behind an alias
        seen.add(id(node))
        if isinstance(node, ScalarNode) and node.style in ("|", ">"):
            blocks.add(lines.position(node.start_mark.index)[0])
        elif isinstance(node, MappingNode):
            waiting += [((*path, k.value), k, v) for k, v in node.value if isinstance(k, ScalarNode)]
        elif isinstance(node, SequenceNode):
            waiting += [((*path, index), None, child) for index, child in enumerate(node.value)]
    for index, path in sorted(found, key=lambda one: (one[0], len(one[1]))):
        line, _ = lines.position(index)
        first.setdefault(line, path)
        last[line] = path
    return first, last, frozenset(blocks)
