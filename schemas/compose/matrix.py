"""`matrix`: one row for each combination of its lists, with GitHub Actions' meaning of `include` and `exclude`.

Rows are the product of the lists, the first list changing slowest. A row that has all pairs of an entry of `exclude`
is left out. An entry of `include` is added to each row of the product whose own pairs it does not change; one that
fits no row is a row of its own.
https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#jobsjob_idstrategymatrixinclude
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import product
from math import prod
from typing import Any, NamedTuple

from schemas.compose.effective import Written
from schemas.findings.codes import Code, Severity
from schemas.findings.diagnostics import Problem
from schemas.findings.paths import DataPath
from schemas.findings.suggestions import did_you_mean, meant, unmistakable
from schemas.text.document import Document

MAX_ROWS = 256
"""GitHub's own limit; and what one file describes is parsed as a whole."""
INCLUDE, EXCLUDE = "include", "exclude"

NAME_LISTS = ("needs", "teardown")
"""Keys of tasks whose lists hold ids of others."""

_NUMBER = r"[-+]?[0-9.][0-9a-fA-FoxX_.+-]*"
_MOST_DOTS = 16
"""An id is made of fewer values than this."""

Cell = tuple[Any, DataPath]
"""A value, and its path below `matrix`."""


class Matrix(NamedTuple):
    """`rows`: key → value and its place. `varying`: keys of lists that hold several values. `problems` have paths below
    `matrix`; where a shape is wrong, which the model says, there are no rows and no problems."""

    rows: tuple[Mapping[str, Cell], ...] = ()
    varying: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()


def expand(matrix: object) -> Matrix:
    """The rows of a `matrix` as it is written, its expressions filled in."""
    if not isinstance(matrix, dict):
        return Matrix()
    axes = {key: values for key, values in matrix.items() if key not in (INCLUDE, EXCLUDE)}
    include, exclude = matrix.get(INCLUDE) or [], matrix.get(EXCLUDE) or []
    if not all(isinstance(values, list) and values for values in axes.values()):
        return Matrix()
    if not all(
        isinstance(entries, list) and all(isinstance(e, dict) for e in entries) for entries in (include, exclude)
    ):
        return Matrix()
    if prod(map(len, axes.values())) + len(include) > MAX_ROWS:
        message = f"the matrix gives more than {MAX_ROWS} rows"
        return Matrix(problems=(Problem(Code.MATRIX_TOO_LARGE, (), message, at_key=True),))
    problems = [*_repetitions(axes), *_unknown_keys(axes, exclude)]
    rows, unused = _without(list(_product(axes)) if axes else [], exclude)
    _include(rows, include)
    if not problems:
        problems = unused if rows else [Problem(Code.BAD_MATRIX, (), "the matrix gives no row", at_key=True)]
    problems += _misspelt(axes, matrix)
    varying = tuple(key for key, values in axes.items() if len(values) > 1)
    return Matrix(tuple(rows), varying, tuple(problems))


def _product(axes: Mapping[str, Sequence[Any]]) -> Iterator[dict[str, Cell]]:
    for positions in product(*(range(len(values)) for values in axes.values())):
        yield {key: (values[at], (key, at)) for (key, values), at in zip(axes.items(), positions, strict=True)}


def _without(
    rows: list[dict[str, Cell]], exclude: Sequence[Mapping[str, Any]]
) -> tuple[list[dict[str, Cell]], list[Problem]]:
    """The rows that no entry leaves out, and what is to be said of entries that leave out nothing."""
    unused: list[Problem] = []
    left = rows
    for position, entry in enumerate(exclude):
        if not any(_has(row, entry) for row in rows):
            message = "no row of the matrix has these values: nothing is left out"
            path: DataPath = (EXCLUDE, position)
            unused.append(Problem(Code.BAD_MATRIX, path, message, severity=Severity.WARNING))
        left = [row for row in left if not _has(row, entry)]
    return left, unused


def _has(row: Mapping[str, Cell], entry: Mapping[str, Any]) -> bool:
    return all(key in row and _same(row[key][0], value) for key, value in entry.items())


def _same(one: object, other: object) -> bool:
    """Equal as YAML means it: `1` and `true` are not."""
    return one == other and isinstance(one, bool) == isinstance(other, bool)


def _include(rows: list[dict[str, Cell]], include: Sequence[Mapping[str, Any]]) -> None:
    """Add the entries of `include`, which may change what an earlier one added, but nothing that a list gave."""
    originals = [(row, dict(row)) for row in rows]
    for position, entry in enumerate(include):
        cells: dict[str, Cell] = {key: (value, (INCLUDE, position, key)) for key, value in entry.items()}
        fitting = [
            row
            for row, original in originals
            if all(key not in original or _same(original[key][0], value) for key, value in entry.items())
        ]
        for row in fitting:
            row |= {key: cell for key, cell in cells.items() if key not in row or cell[0] != row[key][0]}
        if not fitting:
            rows.append(cells)


def _repetitions(axes: Mapping[str, Sequence[Any]]) -> Iterator[Problem]:
    for key, values in axes.items():
        for position, value in enumerate(values):
            if any(_same(value, earlier) for earlier in values[:position]):
                yield Problem(Code.BAD_MATRIX, (key, position), f"this value is already in `{key}`")


def _misspelt(axes: Mapping[str, Sequence[Any]], matrix: Mapping[str, Any]) -> Iterator[Problem]:
    """Lists with nearly the name of `include` or `exclude` that hold what these hold."""
    for key, values in axes.items():
        word = unmistakable(key, (INCLUDE, EXCLUDE))
        if word is not None and word not in matrix and all(isinstance(value, dict) for value in values):
            yield Problem(
                Code.BAD_MATRIX,
                (key,),
                f"`{key}` is a list of the matrix like any other",
                at_key=True,
                caret=did_you_mean(word),
                severity=Severity.WARNING,
            )


def _unknown_keys(axes: Mapping[str, Any], exclude: Sequence[Mapping[str, Any]]) -> Iterator[Problem]:
    for position, entry in enumerate(exclude):
        if not entry:
            yield Problem(Code.BAD_MATRIX, (EXCLUDE, position), "an empty entry would leave out every row")
        for key in entry:
            if key not in axes:
                yield Problem(
                    Code.BAD_MATRIX,
                    (EXCLUDE, position, key),
                    f"the matrix has no list `{key}`",
                    at_key=True,
                    caret=meant(key, axes),
                    allowed=tuple(axes),
                )


class Row(NamedTuple):
    """One row of a matrix: its keys, each with its value."""

    cells: Mapping[str, Written]

    @property
    def text(self) -> str:
        """How a message names it: `region: eu, tier: gold`."""
        return ", ".join(f"{key}: {_shortened(cell.value)}" for key, cell in self.cells.items())


class Rows(NamedTuple):
    """The rows of a matrix in a document. `varying`: keys of lists that hold several values. `problems` have the
    matrix's own path; `are_wrong`: one of them is an error."""

    rows: tuple[Row, ...]
    varying: tuple[str, ...]
    problems: list[Problem]

    @property
    def are_wrong(self) -> bool:
        return any(problem.severity is None for problem in self.problems)

    def id_problem(self, code: Code, path: DataPath, ids: Sequence[str], used: Container[str]) -> Problem | None:
        """What is wrong with the ids that the rows give, of which the keys `used` are a part: each row needs its own,
        also when a value is added to a list."""
        missing = " and ".join(f"`${{matrix.{key}}}`" for key in self.varying if key not in used)
        if missing:
            return Problem(code, path, f"`{path[-1]}` must include {missing}, so that each row gets its own id")
        twice = next((one for one, count in Counter(ids).items() if count > 1), None)
        kind = "DAG id" if path[-1] == "dag_id" else "id"
        return None if twice is None else Problem(code, path, f"several rows of the matrix give the {kind} `{twice}`")


def rows_of(matrix: Written) -> Rows:
    """The rows of a `matrix` whose expressions are filled in."""
    expanded = expand(matrix.value)
    rows = tuple(Row({key: matrix.at(place) for key, (_, place) in cells.items()}) for cells in expanded.rows)
    return Rows(rows, expanded.varying, [p._replace(path=(*matrix.path, *p.path)) for p in expanded.problems])


def _shortened(value: Any) -> str:
    if isinstance(value, dict):
        first = next(((k, v) for k, v in value.items() if not isinstance(v, dict | list)), None)
        return "{…}" if first is None else f"{{{first[0]}: {as_text(first[1])}, …}}"
    return "[…]" if isinstance(value, list) else as_text(value)


def as_text(value: Any) -> str:
    """A single value as YAML writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "null" if value is None else str(value)


def as_written(value: Any, document: Document, path: DataPath) -> str:
    """A single value as its document has it at `path`: inside a text `1.10` is not `1.1`, and `09` is not `9`."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    # Looking up a place costs, and most numbers have one spelling.
    if not is_number or not document.may_hold_other_spellings:
        return as_text(value)
    written = document.written(document.value_span(path))
    return written if re.fullmatch(_NUMBER, written) is not None else as_text(value)


def entries_in(entries: Any) -> Iterator[dict[str, Any]]:
    """The tasks and groups of a list and of its groups, as far as they are mappings."""
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict):
            yield entry
            yield from entries_in(entry.get("tasks"))


class WrittenIds:
    """The ids in a list of tasks and in its groups, as they are written."""

    def __init__(self, entries: Any) -> None:
        self._entries = tuple(entries_in(entries))

    @cached_property
    def all(self) -> frozenset[str]:
        return frozenset(str(entry.get("id")) for entry in self._entries)

    @cached_property
    def of_rows(self) -> Mapping[str, frozenset[str]]:
        """The ids that a matrix makes of one task's, each with the keys of that matrix."""
        rows = ((entry.get("id"), entry["matrix"]) for entry in self._entries if "matrix" in entry)
        return {written: keys_of_matrix(matrix) for written, matrix in rows if isinstance(written, str)}

    def keys_in(self, name: Any) -> frozenset[str]:
        """The keys of tasks' own matrices that are in a name of `needs` because they are in an id."""
        if not isinstance(name, str) or "${" not in name:
            return frozenset()
        return frozenset().union(*(self.of_rows.get(written, frozenset()) for written in ids_in_name(name)))

    def takes_params(self, key: str) -> bool:
        """Whether a matrix has values of a key from a template's params."""
        matrices = (entry.get("matrix") for entry in self._entries)
        given = ([one.get(key), one.get(INCLUDE)] if isinstance(one, dict) else one for one in matrices)
        return any("${params" in str(values) for values in given)


def ids_in_name(name: str) -> Iterator[str]:
    """The ids that a name in `needs` may be, or lead through: `group.task`. An id holds dots only in `${matrix.…}`."""
    words = name.split(".")
    for first in range(len(words)):
        for behind in range(first + 1, min(first + _MOST_DOTS, len(words)) + 1):
            yield ".".join(words[first:behind])


def keys_of_matrix(matrix: Any) -> frozenset[str]:
    """The keys that a row of it can have."""
    if not isinstance(matrix, dict):
        return frozenset()
    rows = matrix.get("include")
    more = (key for row in rows if isinstance(row, dict) for key in row) if isinstance(rows, list) else ()
    return frozenset(matrix.keys() - {"include", "exclude"}) | frozenset(more)
