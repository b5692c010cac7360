"""The comments of a document, each with the path of what it stands above or behind."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field

from yaml import MappingNode, Node, ScalarNode, SequenceNode

from schemas.findings.paths import DataPath
from schemas.text.document import Document
from schemas.text.ignore_comments import MARK
from schemas.text.lines import TextLines
from schemas.text.nodes import compose

_START = re.compile(r"(?:(?<=[ \t\n\r])|^)#")


@dataclass
class Comments:
    """Comments with their `#`. `below` stand at the end, where nothing follows."""

    above: dict[DataPath, list[str]] = field(default_factory=dict)
    behind: dict[DataPath, str] = field(default_factory=dict)
    below: list[str] = field(default_factory=list)


def comments(document: Document) -> Comments:
    """The comments of a document that could be read, but for those that speak to this program."""
    found = Comments()
    if "#" not in document.text:
        return found
    lines = TextLines(document.text)
    first, last, blocks = _places(document, lines)
    starts = sorted(first)
    waiting: list[tuple[int, str]] = []
    for line, column, text in _comments(document, lines, blocks):
        if lines.line_text(line)[: column - 1].strip():
            if line in last:
                found.behind.setdefault(last[line], text)
            else:
                waiting.append((line, text))
        else:
            waiting.append((line, text))
    for line, text in waiting:
        following = bisect_right(starts, line)
        if following == len(starts):
            found.below.append(text)
        else:
            found.above.setdefault(first[starts[following]], []).append(text)
    return found


def _comments(document: Document, lines: TextLines, blocks: frozenset[int]) -> Iterator[tuple[int, int, str]]:
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
