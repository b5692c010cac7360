"""The sound pipelines that mistakes are made in, and where their keys and values stand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import yaml

FOLDER = Path(__file__).parent / "pipelines"

Path_ = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """A key or a value: its path, its text as written with start and end, and whether it is plain."""

    path: Path_
    start: int
    end: int
    written: str
    plain: bool
    is_scalar: bool


@dataclass(frozen=True)
class Base:
    """One sound text."""

    name: str
    text: str

    @cached_property
    def keys(self) -> tuple[Place, ...]:
        return tuple(place for place, is_key in self._places() if is_key)

    @cached_property
    def values(self) -> tuple[Place, ...]:
        return tuple(place for place, is_key in self._places() if not is_key)

    def line(self, index: int) -> int:
        return self.text.count("\n", 0, index) + 1

    def _places(self) -> Iterator[tuple[Place, bool]]:
        yield from _walk(self.text, yaml.compose(self.text, Loader=yaml.SafeLoader), ())


def bases() -> tuple[Base, ...]:
    """Every text, sorted by name."""
    return tuple(Base(file.name, file.read_text()) for file in sorted(FOLDER.glob("*.yaml")))


def _walk(text: str, node: yaml.Node, path: Path_) -> Iterator[tuple[Place, bool]]:
    if path:
        yield _place(text, node, path), False
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield _place(text, key, (*path, key.value)), True
            yield from _walk(text, value, (*path, key.value))
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield from _walk(text, item, (*path, index))


def _place(text: str, node: yaml.Node, path: Path_) -> Place:
    start, end = node.start_mark.index, node.end_mark.index
    scalar = isinstance(node, yaml.ScalarNode)
    return Place(path, start, end, text[start:end], scalar and node.style is None, scalar)
