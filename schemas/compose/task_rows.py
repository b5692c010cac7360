"""`matrix` on a task or a group: one entry of `tasks` for each row, in the effective document.

What comes after sees plain tasks. Every value still knows where it is written. Outer matrices go first, so that the
lists of an inner one may hold their values.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from schemas.compose.filling import TooLargeError
from schemas.compose.matrix import MAX_ROWS, Cell, Row, expand
from schemas.compose.merging import Effective
from schemas.compose.row_filling import RowFilling
from schemas.compose.row_names import name_rows, unfilled
from schemas.findings.codes import Code
from schemas.findings.paths import DataPath
from schemas.findings.problem import Problem
from schemas.text.nodes import MAX_NODES

T = TypeVar("T")

MAX_TASKS = 1024
"""So many rows the matrices of one file give together."""


def expand_tasks(effective: Effective) -> Effective:
    """One entry for each row of every `matrix` below `tasks`. An entry whose matrix or id is not right stays as it is
    written, with what is to be said of it."""
    try:
        return _expanded(effective)
    except TooLargeError as error:
        # No task is made, and nothing more is said of what is not.
        problem = Problem(Code.TOO_LARGE, ("tasks",), str(error), at_key=True)
        problems = (*effective.problems, problem)
        return replace(effective, problems=problems, unknown=effective.unknown | unfilled(effective.data))


def _expanded(effective: Effective) -> Effective:
    rows = _Rows()
    depth = 0
    while lists := [path for path in _lists(effective.data.get("tasks"), ("tasks",), depth) if not rows.is_left(path)]:
        for path in lists:
            if any(_has_matrix(entry) for entry in _at(effective.data, path)):
                effective = _Pass(effective, path, rows).result()
        depth += 1
    return replace(name_rows(effective, rows.ids), has_rows=True) if rows.passes else effective


def _lists(entries: Any, path: DataPath, depth: int) -> Iterator[DataPath]:
    """The paths of the lists of tasks inside `depth` groups."""
    if not isinstance(entries, list):
        return
    if depth == 0:
        yield path
        return
    for index, entry in enumerate(entries):
        if isinstance(entry, dict):
            yield from _lists(entry.get("tasks"), (*path, index, "tasks"), depth - 1)


def _has_matrix(entry: Any) -> bool:
    return isinstance(entry, dict) and "matrix" in entry


@dataclass
class _Rows:
    """What was made. `ids`: an id as it is written with its matrix → those of its rows; `left`: what stays as it is;
    `counts`: entries made of a matrix → how many rows it has."""

    ids: dict[str, tuple[str, ...]] = field(default_factory=dict)
    left: set[DataPath] = field(default_factory=set)
    counts: dict[DataPath, int] = field(default_factory=dict)
    passes: int = 0
    _made: int = 0
    _size: int = 0

    def count(self, size: int) -> None:
        """A row of so many values was made. Raises TooLargeError where that is too much for one file."""
        self._made += 1
        self._size += size
        if self._made > MAX_TASKS:
            raise TooLargeError(f"the matrices of tasks give more than {MAX_TASKS:,} rows together")
        if self._size > MAX_NODES:
            raise TooLargeError(f"the matrices of tasks give more than {MAX_NODES:,} values together")

    def is_left(self, path: DataPath) -> bool:
        return any(path[:end] in self.left for end in range(len(path), 0, -1))

    def around(self, path: DataPath) -> int:
        """How many times a list stands in the document because of the matrices around it."""
        product = 1
        for end in range(len(path), 0, -1):
            product *= self.counts.get(path[:end], 1)
        return product


class _Pass:
    """Makes the entries of one list, at `path`."""

    def __init__(self, effective: Effective, path: DataPath, rows: _Rows) -> None:
        rows.passes += 1
        self._rows, self._path = rows, path
        # What stood in the list is still asked for, by the values that come from its matrices.
        self._kept: DataPath = (f"<written {rows.passes}>",)
        self._before = effective
        self._written = replace(effective, data={**effective.data, self._kept[0]: _at(effective.data, path)})
        self._entries: list[Any] = []
        self._origins = self._outside(effective.origins)
        self._origins |= self._moved(effective.origins, path, self._kept)
        self._origins.setdefault(self._kept, effective.place(path))
        self._substituted = self._outside(effective.substituted)
        self._filled = self._outside(effective.filled)
        self._problems = [p for p in effective.problems if not self._is_inside(p.path)]
        self._unknown = {p for p in effective.unknown if not self._is_inside(p)}

    def result(self) -> Effective:
        """The document with the list as it is now."""
        for index, entry in enumerate(_at(self._before.data, self._path)):
            if _has_matrix(entry):
                self._add_rows(entry, index)
            else:
                self._add(entry, index)
        return replace(
            self._before,
            data=_with_value(self._before.data, self._path, self._entries),
            origins=self._origins,
            substituted=self._substituted,
            filled=self._filled,
            problems=tuple(self._problems),
            unknown=frozenset(self._unknown),
        )

    def _add(self, entry: Any, index: int) -> DataPath:
        """Put an entry at the end, with all that is known of the one that stood at `index`; the new path."""
        old, new = (*self._path, index), (*self._path, len(self._entries))
        self._entries.append(entry)
        before = self._before
        self._origins |= {new: before.place(old), **self._moved(before.origins, old, new)}
        self._substituted |= self._moved(before.substituted, old, new)
        self._filled |= self._moved(before.filled, old, new)
        self._unknown |= {(*new, *p[len(old) :]) for p in before.unknown if p[: len(old)] == old}
        self._problems += [
            replace(p, path=(*new, *p.path[len(old) :])) for p in before.problems if p.path[: len(old)] == old
        ]
        return new

    def _add_rows(self, entry: dict[str, Any], index: int) -> None:
        matrix = expand(entry["matrix"])
        rows = [self._row(cells, index) for cells in matrix.rows]
        problems = [replace(p, path=("matrix", *p.path)) for p in matrix.problems]
        if len(rows) * self._rows.around(self._path) > MAX_ROWS:
            message = f"with the matrices around it, this one gives more than {MAX_ROWS} rows"
            problems.append(Problem(Code.MATRIX_TOO_LARGE, ("matrix",), message, at_key=True))
        ids: list[str] = []
        if not isinstance(entry.get("id"), str) or self._is_unknown(index):
            rows = []  # said where it stands
        elif not any(problem.severity is None for problem in problems):
            ids, wrong = self._ids(entry["id"], rows, matrix.varying)
            problems += wrong
        if not rows or any(problem.severity is None for problem in problems):
            new = self._add(entry, index)
            self._rows.left.add(new)
            self._unknown |= unfilled(entry, new)
        else:
            known = self._rows.ids.get(entry["id"], ())
            self._rows.ids[entry["id"]] = tuple(dict.fromkeys((*known, *ids)))
            body = {key: value for key, value in entry.items() if key != "matrix"}
            new = (*self._path, len(self._entries))
            for row in rows:
                here = (*self._path, len(self._entries))
                filling = RowFilling(self._written, row)
                self._add(filling.value(body, here, ()), index)
                self._rows.count(filling.size)
                self._rows.counts[here] = len(rows)
                self._substituted |= filling.substituted
                self._filled |= filling.filled
                self._problems += filling.problems
                self._unknown |= filling.unknown
        self._problems += [replace(p, path=(*new, *p.path)) for p in problems]

    def _is_unknown(self, index: int) -> bool:
        """Whether the id or the matrix of an entry names a value that is not there."""
        entry = (*self._path, index)
        ends = ((*entry, "id"), (*entry, "matrix"))
        return any(path[: len(end)] == end for path in self._before.unknown for end in ends)

    def _ids(self, written: str, rows: list[Row], varying: tuple[str, ...]) -> tuple[list[str], list[Problem]]:
        """The ids of the rows; each must have one of its own, also when a value is added to a list."""
        if not rows:
            return [], []
        fillings = [RowFilling(self._written, row) for row in rows]
        ids = [str(filling.value(written, (*self._path, 0, "id"), ())) for filling in fillings]
        missing = [key for key in varying if key not in fillings[0].used]
        if missing:
            keys = " and ".join(f"`${{matrix.{key}}}`" for key in missing)
            return ids, [Problem(Code.ID_OF_MATRIX, ("id",), f"`id` must hold {keys}, in which the rows differ")]
        twice = next((one for one in ids if ids.count(one) > 1), None)
        if twice is None or any(filling.problems for filling in fillings):
            return ids, []
        return ids, [Problem(Code.ID_OF_MATRIX, ("id",), f"several rows of the matrix give the id `{twice}`")]

    def _row(self, cells: Mapping[str, Cell], index: int) -> Row:
        places = {key: (*self._kept, index, "matrix", *place) for key, (_, place) in cells.items()}
        return Row({key: value for key, (value, _) in cells.items()}, places)

    def _is_inside(self, path: DataPath) -> bool:
        return len(path) > len(self._path) and path[: len(self._path)] == self._path

    def _outside(self, places: Mapping[DataPath, T]) -> dict[DataPath, T]:
        return {path: value for path, value in places.items() if not self._is_inside(path)}

    @staticmethod
    def _moved(places: Mapping[DataPath, T], old: DataPath, new: DataPath) -> dict[DataPath, T]:
        return {(*new, *path[len(old) :]): value for path, value in places.items() if path[: len(old)] == old}


def _at(data: Any, path: DataPath) -> Any:
    for element in path:
        data = data[element]
    return data


def _with_value(data: Any, path: DataPath, value: Any) -> Any:
    """A copy of `data` with another value at `path`."""
    if not path:
        return value
    copy: Any = list(data) if isinstance(data, list) else dict(data)
    copy[path[0]] = _with_value(data[path[0]], path[1:], value)
    return copy
