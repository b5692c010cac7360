"""Scalars as dag-factory's reader gives them: environment variables expanded, then YAML 1.1 as PyYAML has it.

PyYAML's own tables and constructors are asked, so that nothing differs from what such a file means today.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from yaml import ScalarNode
from yaml.constructor import SafeConstructor
from yaml.resolver import Resolver

from schemas.compose.env_values import EnvText
from schemas.text.nodes import PLAIN
from schemas.text.scalars import MAX_DIGITS, NumberTooLongError, plain_scalar

_PREFIX = "tag:yaml.org,2002:"
VARIABLE = re.compile(r"\$(?:(?P<plain>\w+)|\{(?P<braced>[^{}]*)\})", re.ASCII)


def variables(text: str) -> Iterator[tuple[str, str]]:
    """Each `$NAME` or `${NAME}` of a text, as it is written, with its name."""
    for match in VARIABLE.finditer(text):
        yield match[0], match["plain"] if match["plain"] is not None else match["braced"]


@dataclass(frozen=True, slots=True)
class Difference:
    """A plain scalar that YAML 1.1 (`old`) and 1.2 (`new`) read differently; `start` and `end` are its place."""

    start: int
    end: int
    written: str
    old: Any
    new: Any


@dataclass(frozen=True, slots=True)
class Variable:
    """An environment variable that a scalar names, with the scalar's place."""

    start: int
    end: int
    name: str
    is_set: bool


class ScalarReader:
    """Reads the scalars of one text, and keeps what is worth a word about them."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._constructor = SafeConstructor()
        self.differences: dict[int, Difference] = {}
        self.variables: dict[tuple[int, str], Variable] = {}

    def key(self, node: ScalarNode) -> Any:
        """A key: never expanded. Raises as `value`."""
        return self._plain(node.value) if node.tag == PLAIN else node.value

    def value(self, node: ScalarNode) -> Any:
        """A value. Raises NumberTooLongError, and ValueError for a date that does not exist."""
        written = node.value
        if "$" in written:
            expanded = self._expanded(node)
            if expanded is not None:
                read = self._plain(expanded) if node.tag == PLAIN else expanded
                return EnvText.of(read, written, whole=False) if isinstance(read, str) else read
        if node.tag != PLAIN:
            return written
        old = self._plain(written)
        if written[:1] in _MAY_DIFFER:
            self._compare(node, old)
        return old

    def _expanded(self, node: ScalarNode) -> str | None:
        """The text with the variables that are set, as `os.path.expandvars` has it; None where none is."""
        found = False

        def of(match: re.Match[str]) -> str:
            nonlocal found
            name = match["plain"] if match["plain"] is not None else match["braced"]
            value = self._environ.get(name)
            start = node.start_mark.index
            self.variables.setdefault((start, name), Variable(start, node.end_mark.index, name, value is not None))
            if value is None:
                return match[0]
            found = True
            return value

        text = VARIABLE.sub(of, node.value)
        return text if found else None

    def _plain(self, text: str) -> Any:
        if text[:1] not in _RESOLVED or (len(text) > _LONGEST_WORD and text[0].isalpha()):
            return text
        for tag, pattern in Resolver.yaml_implicit_resolvers.get(text[:1], ()):
            if pattern.match(text):
                construct = _CONSTRUCTORS.get(tag)
                if construct is None:
                    return text
                if len(text) > MAX_DIGITS:
                    raise NumberTooLongError(text)
                return construct(self._constructor, ScalarNode(tag, text))
        return text

    def _compare(self, node: ScalarNode, old: Any) -> None:
        new = plain_scalar(node.value)
        if new == old and type(new) is type(old):
            return
        if new != new and old != old:  # noqa: PLR0124 # both are .nan
            return
        start = node.start_mark.index
        self.differences.setdefault(start, Difference(start, node.end_mark.index, node.value, old, new))


_Construct = Callable[[SafeConstructor, ScalarNode], Any]
_CONSTRUCTORS: Mapping[str, _Construct] = {
    f"{_PREFIX}null": SafeConstructor.construct_yaml_null,
    f"{_PREFIX}bool": SafeConstructor.construct_yaml_bool,
    f"{_PREFIX}int": SafeConstructor.construct_yaml_int,
    f"{_PREFIX}float": SafeConstructor.construct_yaml_float,
    f"{_PREFIX}timestamp": SafeConstructor.construct_yaml_timestamp,
}
_RESOLVED = frozenset(Resolver.yaml_implicit_resolvers)
"""How plain scalars begin that may be no text."""
_LONGEST_WORD = 5
"""Characters of `false`: no longer word is anything but text."""
_MAY_DIFFER = frozenset("yYnNoO+-.0123456789")
"""How plain scalars begin of which the two versions of YAML may think differently."""
