"""The ids of tasks with a matrix, as they are written, and what is not filled in yet."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from schemas.data_path import DataPath
from schemas.references import ValueReference, expressions

NAME_LISTS = ("needs", "teardown")
"""Keys of tasks whose lists hold ids of others."""


def ids_with_matrix(entries: Any) -> Iterator[tuple[str, frozenset[str]]]:
    """The ids that stand beside a matrix in a list of tasks and in its groups, each with the matrix's keys."""
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict):
            if "matrix" in entry and isinstance(entry.get("id"), str):
                yield entry["id"], keys_of_matrix(entry["matrix"])
            yield from ids_with_matrix(entry.get("tasks"))


def is_part_of_name(written: str, name: str) -> bool:
    """Whether a name in `needs` is this id, or leads through it: `group.task`."""
    return f".{written}." in f".{name}."


def keys_of_matrix(matrix: Any) -> frozenset[str]:
    """The keys that a row of it can have."""
    if not isinstance(matrix, dict):
        return frozenset()
    rows = matrix.get("include")
    more = (key for row in rows if isinstance(row, dict) for key in row) if isinstance(rows, list) else ()
    return frozenset(matrix.keys() - {"include", "exclude"}) | frozenset(more)


def unfilled(value: Any, path: DataPath = ()) -> frozenset[DataPath]:
    """The paths of all texts in a value at `path` that hold an expression of `vars` or `matrix`."""
    if isinstance(value, str):
        held = any(isinstance(expression.meaning, ValueReference) for expression in expressions(value))
        return frozenset({path} if held else ())
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return frozenset().union(*(unfilled(child, (*path, key)) for key, child in children))
