"""A second reader of YAML 1.2: PyYAML's parser in Python, with the core schema of YAML 1.2.2, section 10.3.2.

It shares no code with `schemas`; where both read a text, their data must be equal.
"""

from __future__ import annotations

import re
from typing import Any

from yaml.composer import Composer
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from yaml.parser import Parser
from yaml.reader import Reader
from yaml.scanner import Scanner

_CORE = (
    (r"null|Null|NULL|~|", lambda _: None),
    (r"true|True|TRUE", lambda _: True),
    (r"false|False|FALSE", lambda _: False),
    (r"[-+]?[0-9]+", int),
    (r"0o[0-7]+", lambda text: int(text[2:], 8)),
    (r"0x[0-9a-fA-F]+", lambda text: int(text[2:], 16)),
    (r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", float),
    (r"[-+]?(\.inf|\.Inf|\.INF)", lambda text: float(text.replace(".", ""))),
    (r"\.nan|\.NaN|\.NAN", lambda _: float("nan")),
)


class NotComparableError(Exception):
    """The text has what YAML allows and the language does not: tags, keys that are not text, a key twice."""


class _Reader(Reader, Scanner, Parser, Composer):
    def __init__(self, text: str) -> None:
        Reader.__init__(self, text)
        Scanner.__init__(self)
        Parser.__init__(self)
        Composer.__init__(self)

    def descend_resolver(self, parent: Node, index: object) -> None:
        """Nothing depends on where a node stands."""

    def ascend_resolver(self) -> None:
        """Nothing depends on where a node stands."""

    def resolve(self, kind: type[Node], value: str, implicit: Any) -> str:  # noqa: ARG002 # PyYAML's hook
        return "plain" if kind is ScalarNode and implicit[0] else "other"


def read(text: str) -> Any:
    """The data of a text. Raises yaml.YAMLError for what is not YAML, NotComparableError, RecursionError."""
    root = _Reader(text).get_single_node()
    return None if root is None else _value(root)


def _value(node: Node) -> Any:
    if node.tag not in ("plain", "other"):
        raise NotComparableError(node.tag)
    if isinstance(node, ScalarNode):
        return _scalar(node)
    if isinstance(node, SequenceNode):
        return [_value(child) for child in node.value]
    return _mapping(node)


def _scalar(node: ScalarNode) -> Any:
    if node.tag == "plain":
        for pattern, meaning in _CORE:
            if re.fullmatch(pattern, node.value):
                return meaning(node.value)
    return node.value


def _mapping(node: MappingNode) -> dict[str, Any]:
    own: dict[str, Any] = {}
    merged: dict[str, Any] = {}
    for key_node, value_node in node.value:
        if not isinstance(key_node, ScalarNode):
            raise NotComparableError("key")
        key, value = _value(key_node), _value(value_node)
        if key_node.tag == "plain" and key == "<<":
            for source in value if isinstance(value, list) else [value]:
                if not isinstance(source, dict):
                    raise NotComparableError("merge")
                for name, entry in source.items():
                    merged.setdefault(name, entry)
        elif not isinstance(key, str) or key in own:
            raise NotComparableError("key")
        else:
            own[key] = value
    return merged | own
