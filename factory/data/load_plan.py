"""Which column of the table each key of the rows becomes, by the types of their values and the contract."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Literal

from factory.data import imported
from factory.data.columns import ColumnType, Seen
from factory.data.database import RANK, ROW, Database
from factory.data.destinations import LoadError
from factory.data.values import MisfitError, fits_as_it_is, fitted

Contract = Literal["evolve", "freeze", "discard_row", "discard_value"]
_ROWS_AT_ONCE = 20_000
_LONGEST_KEY = 255
"""Characters of a key's text that every database can have in an index."""
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class LoadRequest:
    """What is loaded, in the words of the task's keys. `load_id` is the task instance's own."""

    table: str
    load_id: str
    write_disposition: Literal["append", "replace", "merge"] = "append"
    primary_key: Sequence[str] = ()
    schema_contract: Contract = "evolve"
    columns: Mapping[str, ColumnType] = field(default_factory=dict)
    create: bool = True


@dataclass(slots=True)
class Column:
    """What becomes of one key of the rows.

    `kind` is the type of the column `name`, None where there is no such column: its values are left out. `variant` is
    the column that takes the values that do not fit, by name and type.
    """

    name: str
    kind: ColumnType | None
    variant: tuple[str, ColumnType] | None = None


@dataclass(slots=True)
class Loaded:
    """What a load has done; `columns_added` are those that an existing table got."""

    table: str
    rows_loaded: int = 0
    columns_added: list[str] = field(default_factory=list)
    rows_discarded: int = 0
    values_discarded: int = 0
    rows_with_the_key_of_a_later_one: int = 0
    was_done_before: bool = False
    aside: list[str] = field(default_factory=list)
    """What is said of values that went to another column than their own."""

    def output(self) -> dict[str, Any]:
        """As the task hands it on."""
        return {
            "table": self.table,
            "rows_loaded": self.rows_loaded,
            "columns_added": self.columns_added,
            "rows_discarded": self.rows_discarded,
            "values_discarded": self.values_discarded,
            "duplicates": self.rows_with_the_key_of_a_later_one,
        }


class Plan:
    """Which column each key of the rows becomes, and what does not fit."""

    def __init__(
        self, database: Database, request: LoadRequest, existing: Mapping[str, ColumnType | None], is_csv: bool
    ) -> None:
        self._database, self._request, self._existing, self._is_csv = database, request, existing, is_csv
        self._names = {self._folded(name): name for name in existing}
        self.columns: dict[str, Column] = {}
        self.added: dict[str, ColumnType] = {}
        self.aside: list[str] = []
        self.rows = 0

    def scan(self, rows: Iterable[Row]) -> None:
        """Read all rows once. Raises LoadError where the contract does not allow what they have."""
        known: dict[str, ColumnType | None] = {}
        seen: dict[str, Seen] = {}
        misfits: dict[str, Seen] = {}
        for some in _batches(rows):
            self.rows += len(some)
            for key in _keys(some):
                values = [row.get(key) for row in some]
                if key not in known:
                    self._refuse_name(key)
                    known[key] = self._known(key)
                    seen[key] = Seen(self._is_csv)
                kind = known[key]
                if kind is None or self._request.write_disposition == "merge":
                    seen[key].add(values)
                if kind is not None:
                    wrong = _misfits(values, kind)
                    if wrong:
                        misfits.setdefault(key, Seen(self._is_csv)).add(wrong)
        self._decide(known, seen, misfits)

    def _decide(
        self, known: Mapping[str, ColumnType | None], seen: Mapping[str, Seen], misfits: Mapping[str, Seen]
    ) -> None:
        for key in known:
            name = self._names.get(self._folded(self._database.name(key)), self._database.name(key))
            kind = known[key] or self._inferred(key, seen[key], name)
            if name not in self._existing and kind is not None:
                if self._existing and self._request.schema_contract != "evolve":
                    self._refuse(f"the table has no column `{key}`")
                    kind = None
                else:
                    self._add(name, kind, key)
            column = self.columns[key] = Column(name, kind)
            if key in misfits and kind is not None:
                other = misfits[key].column_type() or ColumnType("text")
                self._refuse(_misfit_said(f"`{key}`", kind, other))
                if self._request.schema_contract == "evolve":
                    variant = self._database.name(f"{name}__v_{other.data_type}")
                    column.variant = (variant, other)
                    self.aside.append(
                        f"{_misfit_said(f'`{name}`', kind, other)}: there it is null, and they are in `{variant}`. "
                        "`columns` can say the type of a new table's column."
                    )
                    if variant not in self._existing:
                        self._add(variant, other, key)
        missing = [one for one in self._request.primary_key if one not in self.columns]
        if missing and self.rows:
            raise LoadError(f"the rows have no column `{missing[0]}`, which `primary_key` names")
        if self.rows and not any(column.kind is not None for column in self.columns.values()):
            what = "that the table has" if self._existing else "that could be made"
            raise LoadError(f"none of the {self.rows} rows has a value in a column {what}: there is nothing to load")

    def _add(self, name: str, kind: ColumnType, key: str) -> None:
        same = next((one for one in self.added if self._folded(one) == self._folded(name)), None)
        if same is not None:
            raise LoadError(f"the columns `{same}` and `{key}` have one name in this database")
        self.added[name] = kind

    def _refuse_name(self, key: Any) -> None:
        if not isinstance(key, str):
            raise LoadError(f"the rows have a column named {key!r}, which is no text: each key must be text")
        if not key.strip():
            raise LoadError("the rows have a column without a name: each key needs a name")
        if self._request.write_disposition == "merge" and self._folded(self._database.name(key)) in (ROW, RANK):
            raise LoadError(f"the rows have a column `{key}`, a name that `merge` needs: give it another one")

    def _refuse(self, what: str) -> None:
        if self._request.schema_contract == "freeze":
            raise LoadError(f"{what}, and `schema_contract: freeze` allows no change of `{self._request.table}`")

    def _known(self, key: str) -> ColumnType | None:
        name = self._names.get(self._folded(self._database.name(key)))
        kind = self._existing[name] if name is not None else None
        return kind or self._request.columns.get(key)

    def _inferred(self, key: str, seen: Seen, name: str) -> ColumnType | None:
        kind = seen.column_type()
        if kind is None and name in self._existing:
            return ColumnType("text")
        if kind == ColumnType("text") and key in self._request.primary_key and seen.longest <= _LONGEST_KEY:
            return ColumnType("text", _LONGEST_KEY)
        return kind

    def _folded(self, name: str) -> str:
        return name if self._database.target.is_exact_about_case else name.casefold()

    def targets(self) -> Iterator[str]:
        """The columns that the rows have values for."""
        return (name for name in self.staged() if name != ROW)

    def staged(self) -> dict[str, ColumnType]:
        """The columns of the staged rows."""
        found: dict[str, ColumnType] = {}
        for column in self.columns.values():
            if column.kind is not None:
                found[column.name] = column.kind
            if column.variant is not None:
                found[column.variant[0]] = column.variant[1]
        if self._request.write_disposition == "merge":
            found[ROW] = ColumnType("bigint")
        return found

    def tables(self, rows: Iterable[Row], loaded: Loaded) -> Iterator[Any]:
        """The rows as Arrow tables; what is left out is counted."""
        arrow = imported("pyarrow", task="load", extra="load")
        staged = self.staged()
        schema = arrow.schema([(name, self._database.arrow_type(kind)) for name, kind in staged.items()])
        for some in _batches(rows):
            kept = self._kept(some)
            loaded.rows_discarded += len(some) - len(kept)
            if not kept:
                continue
            arrays: dict[str, list[Any]] = {}
            for key, column in self.columns.items():
                values = [row.get(key) for row in kept]
                if column.kind is None:
                    loaded.values_discarded += sum(value is not None for value in values)
                    continue
                arrays[column.name], others = _divided(values, column.kind)
                if column.variant is not None:
                    arrays[column.variant[0]], others = _divided(others or [None] * len(values), column.variant[1])
                if others is not None:
                    loaded.values_discarded += self._discarded(key, others)
            if ROW in staged:
                arrays[ROW] = list(range(loaded.rows_loaded, loaded.rows_loaded + len(kept)))
            loaded.rows_loaded += len(kept)
            columns = [self._array(name, arrays[name], kind) for name, kind in staged.items()]
            yield arrow.Table.from_arrays(columns, schema=schema)

    def _array(self, name: str, values: Sequence[Any], kind: ColumnType) -> Any:
        try:
            array = self._database.array(values, kind)
            unkept = self._database.target.unkept_in(array, kind.data_type)
        except UnicodeEncodeError:
            unkept = "half of a surrogate pair, which is no character"
        if unkept is not None:
            raise LoadError(f"`{name}` has {unkept}: the database has no form for it, so convert it first")
        return array

    def _discarded(self, key: str, values: Sequence[Any]) -> int:
        left_out = [value for value in values if value is not None]
        if left_out and self._request.schema_contract != "discard_value":
            what = f"a value of Python's type {type(left_out[0]).__name__}"
            if isinstance(left_out[0], Mapping | list):
                what = "a nested value that JSON has no form for, such as NaN"
            raise LoadError(f"`{key}` has {what}, which no column takes: convert it first")
        return len(left_out)

    def _kept(self, rows: list[Row]) -> list[Row]:
        """The rows that the contract `discard_row` lets through."""
        if self._request.schema_contract != "discard_row":
            return rows
        for key, column in self.columns.items():
            values = [row.get(key) for row in rows]
            others = values if column.kind is None else _divided(values, column.kind)[1]
            if others is not None and any(value is not None for value in others):
                rows = [row for row, other in zip(rows, others, strict=True) if other is None]
        return rows


def _misfit_said(name: str, kind: ColumnType, other: ColumnType) -> str:
    if kind.data_type == other.data_type:
        return f"{name} is of type {kind.data_type}, and there are values with more digits than it keeps"
    return f"{name} is of type {kind.data_type}, and there are values of type {other.data_type}"


def _batches(rows: Iterable[Row]) -> Iterator[list[Row]]:
    number, waiting = 0, iter(rows)
    while some := list(islice(waiting, _ROWS_AT_ONCE)):
        for place, row in enumerate(some):
            if type(row) is not dict and not isinstance(row, Mapping):
                raise LoadError(f"row {number + place + 1} is no mapping of columns, but of type {type(row).__name__}")
        number += len(some)
        yield some


def _keys(rows: Sequence[Row]) -> dict[str, None]:
    found: dict[str, None] = {}
    for row in rows:
        found |= dict.fromkeys(row)
    return found


def _misfits(values: Sequence[Any], kind: ColumnType) -> list[Any]:
    _, others = _divided(values, kind)
    return [value for value in others or () if value is not None]


def _divided(values: Sequence[Any], kind: ColumnType) -> tuple[list[Any], list[Any] | None]:
    """The values as the type takes them, and those that it does not take; both with None in the other's places."""
    if fits_as_it_is(set(map(type, values)), kind):
        return list(values), None
    fit: list[Any] = []
    others: list[Any] | None = None
    for place, value in enumerate(values):
        try:
            fit.append(fitted(value, kind))
        except MisfitError:
            fit.append(None)
            others = others if others is not None else [None] * len(values)
            others[place] = value
    return fit, others
