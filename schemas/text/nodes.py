"""Text → YAML node tree, on PyYAML's C parser, bounded in depth and number.

The parser's resolver hooks are used for two things: a scalar's tag says whether it was written plain or in
quotes, so that an explicit tag (`!!int`, `!x`) stays visible as itself; and nesting is counted while the tree
grows, since the C composer recurses and would otherwise overrun the stack on a file of opening brackets.
"""

from __future__ import annotations

from typing import Any

from yaml import Mark, Node, ScalarNode
from yaml._yaml import CParser

PLAIN = "plain"
QUOTED = "quoted"
COLLECTION = "collection"

MAX_DEPTH = 64
MAX_NODES = 50_000
"""Keys and values of a file, aliases followed: more than a file that people write holds in its 1 MiB. It bounds what
all that comes after costs; an alias bomb passes it within some lines."""


class NestedTooDeepError(Exception):
    """Raised while composing; `mark` is where the level that is one too many begins."""

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
        # Not a method of ours: it is called for every value of a file.
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
    """The node tree of a text that holds one document; None for an empty text.

    Raises yaml.YAMLError for what is not YAML or more than one document, NestedTooDeepError past MAX_DEPTH,
    TooManyNodesError past MAX_NODES.
    """
    parser = _Parser(text)
    try:
        return parser.get_single_node()
    finally:
        parser.dispose()
