"""The ids of tasks with a matrix, as they are written, and what is not filled in yet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from schemas.compose.merging import Effective
from schemas.expressions.reading import ValueReference, expressions
from schemas.findings.paths import DataPath

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


Ids = Mapping[str, tuple[str, ...]]
"""An id as it is written → those of its rows."""


def name_rows(effective: Effective, ids: Ids) -> Effective:
    """The document with the ids of the rows in place of the written one."""
    naming = _Naming(effective, ids)
    data = {**effective.data, "tasks": naming.entries(effective.data["tasks"], ("tasks",))}
    places = naming.places
    return replace(
        effective,
        data=data,
        origins={**effective.origins, **{new: effective.place(old) for new, old in places.items()}},
        filled={**naming.unmoved(effective.filled), **naming.filled},
        problems=(
            *(p for p in effective.problems if not naming.is_moved(p.path)),
            *(replace(p, path=new) for new, old in places.items() for p in effective.problems if p.path == old),
        ),
        unknown=frozenset(p for p in effective.unknown if not naming.is_moved(p)) | naming.unknown,
    )


@dataclass
class _Naming:
    """`places`: where a name stands now → where it stood; `unknown`: names that are no ids yet."""

    effective: Effective
    ids: Ids
    places: dict[DataPath, DataPath] = field(default_factory=dict)
    filled: dict[DataPath, str] = field(default_factory=dict)
    unknown: set[DataPath] = field(default_factory=set)
    _lists: set[DataPath] = field(default_factory=set)

    def entries(self, entries: Any, path: DataPath) -> Any:
        """A list of tasks, as it is to be."""
        if not isinstance(entries, list):
            return entries
        return [self._entry(entry, (*path, index)) for index, entry in enumerate(entries)]

    def is_moved(self, path: DataPath) -> bool:
        """Whether a path leads to a name of a list that was made anew."""
        return path[:-1] in self._lists

    def unmoved(self, texts: Mapping[DataPath, str]) -> dict[DataPath, str]:
        """The texts that stand where they stood."""
        return {path: text for path, text in texts.items() if not self.is_moved(path)}

    def _entry(self, entry: Any, path: DataPath) -> Any:
        if not isinstance(entry, dict):
            return entry
        lists = {key: self._names(names, (*path, key)) for key, names in entry.items() if key in NAME_LISTS}
        inside = {"tasks": self.entries(entry["tasks"], (*path, "tasks"))} if "tasks" in entry else {}
        return {**entry, **lists, **inside} if lists or inside else entry

    def _names(self, names: Any, path: DataPath) -> Any:
        if not isinstance(names, list) or not any(isinstance(name, str) and "${matrix" in name for name in names):
            return names
        self._lists.add(path)
        made: list[Any] = []
        for index, name in enumerate(names):
            old = (*path, index)
            for one in self._rows_of(name):
                new = (*path, len(made))
                self.places[new] = old
                if isinstance(one, str) and "${matrix" in one:
                    self.unknown.add(new)
                elif one != name or old in self.effective.filled:
                    self.filled[new] = one
                made.append(one)
        return made

    def _rows_of(self, name: Any) -> Iterator[Any]:
        written = next((one for one in self.ids if isinstance(name, str) and is_part_of_name(one, name)), None)
        if written is None or "${" not in written:
            yield name
            return
        for row in self.ids[written]:
            named = name.replace(written, row)
            # A row whose value is no text keeps its id as it is written.
            yield from (named,) if "${" in row else self._rows_of(named)
