"""Text → YAML node tree on PyYAML's C parser, bounded in depth and number; and where its values and keys are.

The parser's resolver hooks are used for two things: a scalar's tag says whether it was written plain or in
quotes, so that an explicit tag (`!!int`, `!x`) stays visible as itself; and nesting is counted while the tree
grows, since the C composer recurses and would otherwise overrun the stack on a file of opening brackets.

Scalars of the YAML 1.2 core schema (YAML 1.2.2, section 10.3.2), read and written: all others are text.

`on`, `off`, `yes`, `no`, `1:30` and `2026-01-01` are text; `010` is ten; `0o10` is eight.
"""

from __future__ import annotations

import re
import sys
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from functools import cached_property
from types import MappingProxyType
from typing import Any

import yaml
from yaml import MappingNode, Mark, Node, ScalarNode, SequenceNode
from yaml._yaml import CParser

from schemas.findings.diagnostics import Span
from schemas.text.lines import TextLines

PLAIN = "plain"
QUOTED = "quoted"
COLLECTION = "collection"

MAX_DEPTH = 64
MAX_NODES = 50_000
"""Keys and values of a file, aliases followed: more than people write into 1 MiB. It limits the cost of everything that
follows; an alias bomb exceeds it within a few lines."""


class NestedTooDeepError(Exception):
    """Raised while composing; `mark` is where the first level too many begins."""

    def __init__(self, mark: Mark) -> None:
        super().__init__("nested too deep")
        self.mark = mark


class TooManyNodesError(Exception):
    """Raised while composing, past MAX_NODES."""


class _Parser(CParser):
    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._open: list[None] = []
        self._count = 0
        # Not a method of this class: it is called for every value of a file.
        self.ascend_resolver = self._open.pop

    def resolve(self, kind: type[Node], value: str | None, implicit: Any) -> str:  # noqa: ARG002
        if kind is not ScalarNode:
            return COLLECTION
        return PLAIN if implicit[0] else QUOTED

    def descend_resolver(self, parent: Node | None, index: object) -> None:  # noqa: ARG002
        self._open.append(None)
        if len(self._open) > MAX_DEPTH + 1 and parent is not None:
            raise NestedTooDeepError(parent.start_mark)
        self._count += 1
        if self._count > MAX_NODES:
            raise TooManyNodesError


def compose(text: str) -> Node | None:
    """The node tree of a text with one document; None for an empty text.

    Raises yaml.YAMLError for what is not YAML or more than one document, NestedTooDeepError past MAX_DEPTH,
    TooManyNodesError past MAX_NODES.
    """
    parser = _Parser(text)
    try:
        return parser.get_single_node()
    finally:
        parser.dispose()


class Positions:
    """Spans by path. `root` is None for a text without a value."""

    def __init__(self, lines: TextLines, root: Node | None) -> None:
        self.lines = lines
        self._root = root
        self._pairs_of: dict[int, dict[str, tuple[ScalarNode, Node]]] = {}

    def value(self, path: tuple[str | int, ...]) -> Span:
        key, value, complete = self._find(path)
        if value is None:
            return Span(1, 1, 1, 2)
        empty = value.start_mark.index == value.end_mark.index
        if key is not None and (not complete or empty):
            return self._span(key)
        return self._span(value)

    def key(self, path: tuple[str | int, ...]) -> Span:
        key, value, _ = self._find(path)
        node = key if key is not None else value
        return self._span(node) if node is not None else Span(1, 1, 1, 2)

    def entry(self, path: tuple[str | int, ...]) -> tuple[int, int, int]:
        """Where the last key of a path that exists ends, and where its value begins, with its anchor, and ends."""
        key, value, _ = self._find(path)
        if key is None or value is None:
            raise KeyError(path)
        return key.end_mark.index, value.start_mark.index, value.end_mark.index

    def is_in_scalar(self, index: int) -> bool:
        """Whether a scalar covers an index of the text."""
        position = bisect_right(self._scalars, (index, sys.maxsize))
        return position > 0 and index < self._scalars[position - 1][1]

    @cached_property
    def _scalars(self) -> list[tuple[int, int]]:
        """Start and end of each scalar; once for a scalar that aliases use."""
        found: set[tuple[int, int]] = set()
        seen: set[int] = set()
        waiting = [self._root] if self._root is not None else []
        while waiting:
            node = waiting.pop()
            if isinstance(node, ScalarNode):
                found.add((node.start_mark.index, node.end_mark.index))
            elif id(node) not in seen:
                seen.add(id(node))
                for child in node.value:
                    waiting += child if isinstance(child, tuple) else [child]
        return sorted(found)

    def _find(self, path: tuple[str | int, ...]) -> tuple[Node | None, Node | None, bool]:
        """The deepest key and value nodes on the path, and whether the whole path exists."""
        key: Node | None = None
        value = self._root
        for element in path:
            step = self._step(value, element)
            if step is None:
                return key, value, False
            key, value = step
        return key, value, True

    def _step(self, node: Node | None, element: str | int) -> tuple[Node | None, Node] | None:
        if isinstance(node, SequenceNode) and isinstance(element, int) and element < len(node.value):
            return None, node.value[element]
        if isinstance(node, MappingNode) and isinstance(element, str):
            return self._by_key(node).get(element)
        return None

    def _by_key(self, node: MappingNode) -> dict[str, tuple[ScalarNode, Node]]:
        known = self._pairs_of.get(id(node))
        if known is None:
            known = self._pairs_of[id(node)] = {}
            for key, value in _pairs(node):
                known.setdefault(key.value, (key, value))
        return known

    def _span(self, node: Node) -> Span:
        return self.lines.span(node.start_mark.index, node.end_mark.index)


def _pairs(node: MappingNode) -> Iterator[tuple[ScalarNode, Node]]:
    """Own pairs first, then those that `<<` brings, in the order in which they win."""
    merges: list[Node] = []
    for key, value in node.value:
        if not isinstance(key, ScalarNode):
            continue
        if key.value == "<<":
            merges.append(value)
        else:
            yield key, value
    for merge in merges:
        sources = merge.value if isinstance(merge, SequenceNode) else [merge]
        for source in sources:
            if isinstance(source, MappingNode):
                yield from _pairs(source)


_WORDS: Mapping[str, bool | None] = MappingProxyType(
    {
        **dict.fromkeys(("", "~", "null", "Null", "NULL")),
        **dict.fromkeys(("true", "True", "TRUE"), True),
        **dict.fromkeys(("false", "False", "FALSE"), False),
    }
)
_INT = re.compile(r"[-+]?[0-9]+")
_OCTAL = re.compile(r"0o[0-7]+")
_HEX = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_INFINITY = re.compile(r"[-+]?\.(?:inf|Inf|INF)")
_NAN = frozenset({".nan", ".NaN", ".NAN"})
_NUMERIC_START = frozenset("+-.0123456789")

MAX_DIGITS = 300


class NumberTooLongError(ValueError):
    """A number with more than MAX_DIGITS characters, which nobody means."""


def plain_scalar(value: str) -> str | int | float | bool | None:
    """The value of a plain scalar. Raises NumberTooLongError."""
    if value in _WORDS:
        return _WORDS[value]
    if value[0] not in _NUMERIC_START:
        return value
    return _number(value)


def _number(value: str) -> str | int | float:
    for pattern, base in ((_INT, 10), (_OCTAL, 8), (_HEX, 16)):
        if pattern.fullmatch(value):
            if len(value) > MAX_DIGITS:
                raise NumberTooLongError(value)
            return int(value, base)
    if _FLOAT.fullmatch(value):
        if len(value) > MAX_DIGITS:
            raise NumberTooLongError(value)
        return float(value)
    if _INFINITY.fullmatch(value):
        return float("-inf") if value.startswith("-") else float("inf")
    if value in _NAN:
        return float("nan")
    return value


def block_mark(text: str) -> str | None:
    """The mark of a block scalar for a text of several lines that needs no escapes; None for any other text."""
    lines = text.removesuffix("\n").split("\n")
    plain = all(line.isprintable() and line == line.rstrip() for line in lines)
    if len(lines) < 2 or not plain or not lines[-1] or not lines[0] or lines[0].startswith(" "):
        return None
    return "|" if text.endswith("\n") else "|-"


_PLAIN_WORD = r"[A-Za-z_][A-Za-z0-9_.-]*"
_YAML_1_1_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})


def scalar(value: Any) -> str:
    """A single value on one line, in quotes where YAML 1.2 or 1.1 would take the text for something else."""
    if isinstance(value, str) and re.fullmatch(_PLAIN_WORD, value) and value.lower() not in _YAML_1_1_WORDS:
        return value  # most keys and many values: the dump costs fifty times as much
    if isinstance(value, str) and not all(one.isprintable() or one == "\n" for one in value):
        # What nobody sees is written as an escape: some of it YAML 1.1 takes for the end of a line.
        return yaml.safe_dump(value, default_style='"', width=2**31 - 1).strip()
    style = None
    while True:
        written: str = yaml.safe_dump(
            value, default_style=style, default_flow_style=True, allow_unicode=True, width=2**31 - 1
        )
        written = written.removesuffix("\n").removesuffix("\n...")
        if style is not None or not isinstance(value, str) or written != value or _is_text(written):
            break
        style = '"'
    return written if "\n" not in written else yaml.safe_dump(value, default_style='"', width=2**31 - 1).strip()


def _is_text(written: str) -> bool:
    try:
        return isinstance(plain_scalar(written), str)
    except NumberTooLongError:
        return False
