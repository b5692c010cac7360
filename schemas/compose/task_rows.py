"""`matrix` on a task or a group: one entry of `tasks` for each row, in the effective document.

The steps after this one see plain tasks. Outer matrices go first, so that the lists of an inner one may hold their
values.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from schemas.compose.effective import Effective, Place, Written
from schemas.compose.filling import Filling, TooLargeError
from schemas.compose.matrix import MAX_ROWS, NAME_LISTS, Row, ids_in_name, rows_of
from schemas.findings.codes import Code
from schemas.findings.diagnostics import Problem
from schemas.text.nodes import MAX_NODES

MAX_TASKS = 1024
"""So many rows the matrices of one file give together."""


def expand_tasks(effective: Effective) -> Effective:
    """One entry for each row of every `matrix` below `tasks`. An entry whose matrix or id is not right stays as it is
    written, with the problems of it."""
    expansion = _Expansion(effective)
    tasks = Written(effective.data, effective.place, ()).part("tasks")
    try:
        made, place = expansion.entries(tasks)
    except TooLargeError as error:
        # No task is made, and nothing more is said of what is not.
        problem = Problem(Code.TOO_LARGE, ("tasks",), str(error), at_key=True)
        return replace(effective, place=effective.place.with_unknown(effective.data).with_problem(problem))
    made, place = expansion.named(Written(made, place, tasks.path))
    place = effective.place.with_parts({"tasks": place})
    for problem in expansion.problems:
        place = place.with_problem(problem)
    return Effective({**effective.data, "tasks": made}, effective.layers, place, has_rows=True)


def has_matrix(entries: Any) -> bool:
    """Whether an entry of a list of tasks, or of one of its groups, has a matrix."""
    return isinstance(entries, list) and any(
        isinstance(entry, dict) and ("matrix" in entry or has_matrix(entry.get("tasks"))) for entry in entries
    )


@dataclass
class _Expansion:
    """`problems` have paths of the new document. `_ids`: an id as it is written beside its matrix → the ids of its
    rows."""

    effective: Effective
    problems: list[Problem] = field(default_factory=list)
    _ids: dict[str, dict[str, None]] = field(default_factory=dict)
    _made: int = 0
    _size: int = 0

    def entries(self, written: Written, around: int = 1) -> tuple[Any, Place]:
        """A list of tasks with its rows; `around`: how many rows the matrices around it give."""
        if not isinstance(written.value, list):
            return written.value, written.place
        made: list[Any] = []
        parts: dict[int, Place] = {}
        for index in range(len(written.value)):
            entry = written.part(index)._replace(path=(*written.path, len(made)))
            has_rows = isinstance(entry.value, dict) and "matrix" in entry.value
            for value, place in self._rows(entry, around) if has_rows else [self._inside(entry, around)]:
                parts[len(made)] = place
                made.append(value)
        return made, written.place.with_parts(parts)

    def _inside(self, entry: Written, around: int) -> tuple[Any, Place]:
        """An entry, with the rows of the tasks in it."""
        if not isinstance(entry.value, dict) or "tasks" not in entry.value:
            return entry.value, entry.place
        tasks, place = self.entries(entry.part("tasks"), around)
        return {**entry.value, "tasks": tasks}, entry.place.with_parts({"tasks": place})

    def _rows(self, entry: Written, around: int) -> Iterator[tuple[Any, Place]]:
        """The entries that one with a matrix makes; itself where the matrix or the id is not right."""
        matrix = rows_of(entry.part("matrix"))
        rows, problems = matrix.rows, matrix.problems
        if len(rows) * around > MAX_ROWS:
            message = f"with the matrices around it, this one gives more than {MAX_ROWS} rows"
            problems.append(Problem(Code.MATRIX_TOO_LARGE, (*entry.path, "matrix"), message, at_key=True))
        ids: list[str] = []
        if not isinstance(entry.value.get("id"), str) or _is_unknown(entry):
            rows = ()  # that has a finding of its own
        elif rows and not matrix.are_wrong:
            fillings = [self._filling(row) for row in rows]
            ids = [str(filling.value(entry.part("id"))[0]) for filling in fillings]
            are_known = not any(filling.problems for filling in fillings)
            wrong = matrix.id_problem(
                Code.ID_OF_MATRIX, (*entry.path, "id"), ids if are_known else (), fillings[0].used
            )
            problems += [wrong] if wrong is not None else []
        self.problems += problems
        if not rows or matrix.are_wrong:
            yield entry.value, entry.place.with_unknown(entry.value)
            return
        self._ids.setdefault(entry.value["id"], {}).update(dict.fromkeys(ids))
        body = {key: value for key, value in entry.value.items() if key != "matrix"}
        for number, row in enumerate(rows):
            path = (*entry.path[:-1], int(entry.path[-1]) + number)
            filling = self._filling(row)
            value, place = filling.value(Written(body, entry.place, path))
            self.problems += filling.problems
            self._count(filling.size)
            yield self._inside(Written(value, place, path), around * len(rows))

    def _filling(self, row: Row) -> Filling:
        document = Written(self.effective.data, self.effective.place, ())
        return Filling(document, self.effective.layers, row, of_task=True)

    def _count(self, size: int) -> None:
        """A row of so many values was made. Raises TooLargeError where that is too much for one file."""
        self._made += 1
        self._size += size
        if self._made > MAX_TASKS:
            raise TooLargeError(f"the matrices of tasks give more than {MAX_TASKS:,} rows together")
        if self._size > MAX_NODES:
            raise TooLargeError(f"the matrices of tasks give more than {MAX_NODES:,} values together")

    def named(self, tasks: Written) -> tuple[Any, Place]:
        """The tasks, with the ids of rows in their `needs` and `teardown` in place of the ids as they are written."""
        if not isinstance(tasks.value, list):
            return tasks.value, tasks.place
        made = list(tasks.value)
        parts: dict[int, Place] = {}
        for index, entry in enumerate(tasks.value):
            if isinstance(entry, dict):
                part = tasks.part(index)
                new = {key: self._names(part.part(key)) for key in NAME_LISTS if key in entry}
                if "tasks" in entry:
                    new["tasks"] = self.named(part.part("tasks"))
                made[index] = {**entry, **{key: value for key, (value, _) in new.items()}}
                parts[index] = part.place.with_parts({key: place for key, (_, place) in new.items()})
        return made, tasks.place.with_parts(parts)

    def _names(self, names: Written) -> tuple[Any, Place]:
        value, place = names.value, names.place
        if not isinstance(value, list) or not any(isinstance(name, str) and "${matrix" in name for name in value):
            return value, place
        made: list[Any] = []
        parts: dict[int, Place] = {}
        for index, name in enumerate(value):
            part = place.part(index)
            for one in self._rows_of(name):
                is_unknown = isinstance(one, str) and "${matrix" in one
                is_filled = not is_unknown and (one != name or part.filled is not None)
                parts[len(made)] = part._replace(unknown=is_unknown, filled=one if is_filled else None)
                made.append(one)
        return made, place.with_parts(parts)

    def _rows_of(self, name: Any) -> Iterator[Any]:
        """The ids of the rows that a name means."""
        written = next((one for one in ids_in_name(name) if one in self._ids), "") if isinstance(name, str) else ""
        if "${" not in written:
            yield name
            return
        for row in self._ids[written]:
            named = name.replace(written, row)
            # A row whose value is no text keeps its id as it is written.
            yield from (named,) if "${" in row else self._rows_of(named)


def _is_unknown(entry: Written) -> bool:
    """Whether the id or the matrix of an entry names a value that is not there."""
    parts = (entry.place.part(key) for key in ("id", "matrix"))
    return any(place.unknown for part in parts for _, place in part.all())
