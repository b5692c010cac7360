"""Walking plain data: mappings, lists and scalars, as a YAML text gives them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from schemas.data_path import DataPath


def children(value: Any) -> Iterator[tuple[str | int, Any]]:
    """Keys and values of a mapping, indices and items of a list; nothing for a scalar."""
    if isinstance(value, dict):
        yield from value.items()
    elif isinstance(value, list):
        yield from enumerate(value)


def texts(value: Any, path: DataPath = ()) -> Iterator[tuple[DataPath, str]]:
    """Every text in a value (keys of mappings excluded), with its path."""
    if isinstance(value, str):
        yield path, value
    else:
        for key, child in children(value):
            yield from texts(child, (*path, key))


def keys(value: Any, path: DataPath = ()) -> Iterator[DataPath]:
    """The path of every key of every mapping in a value."""
    for key, child in children(value):
        if isinstance(value, dict):
            yield (*path, key)
        yield from keys(child, (*path, key))
