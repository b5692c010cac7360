"""Which column of the table each key of the rows becomes, by the types of their values and the contract."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Any, Literal

from factory.data import imported
from factory.data.columns import Column, ColumnType, Misfits, Seen, differs
from factory.data.database import Database
from factory.data.load_errors import LoadError
from factory.data.merge import RANK, ROW
from factory.data.values import as_float_keeps, divided, unkept_said
from schemas.findings.suggestions import did_you_mean, unmistakable

Contract = Literal["evolve", "freeze", "discard_row", "discard_value"]
Row = Mapping[str, Any]
COLUMNS_CAN = "`columns` can say the type of a new table's column."
_ROWS_AT_ONCE = 20_000
_LONGEST_KEY = 255
"""Characters of a key's text that every database can have in an index."""


@dataclass(frozen=True, slots=True)
class LoadRequest:
    """What is loaded, in the words of the task's keys. `load_id` is the task instance's own, `primary_key` only for
    `merge`."""

    table: str
    load_id: str
    write_disposition: Literal["append", "replace", "merge"] = "append"
    primary_key: Sequence[str] = ()
    schema_contract: Contract = "evolve"
    columns: Mapping[str, ColumnType] = field(default_factory=dict)
    create: bool = True


@dataclass(slots=True)
class Loaded:
    """What a load has done; `columns_added` are those that an existing table got."""

    table: str
    rows_loaded: int = 0
    columns_added: list[str] = field(default_factory=list)
    rows_discarded: int = 0
    values_discarded: int = 0
    rows_with_the_key_of_a_later_one: int = 0
    values_of_another_type: dict[str, int] = field(default_factory=dict)
    """How many are in which column, beside their own."""
    aside: list[str] = field(default_factory=list)
    """What is said of values, names and types that did not become what they were."""

    def output(self) -> dict[str, Any]:
        """As the task hands it on."""
        return {
            "table": self.table,
            "rows_loaded": self.rows_loaded,
            "columns_added": self.columns_added,
            "rows_discarded": self.rows_discarded,
            "values_discarded": self.values_discarded,
            "values_of_another_type": self.values_of_another_type,
            "duplicates": self.rows_with_the_key_of_a_later_one,
        }


class Plan:
    """Which column each key of the rows becomes, and what does not fit."""

    def __init__(
        self, database: Database, request: LoadRequest, existing: Mapping[str, ColumnType | None], is_csv: bool
    ) -> None:
        self._database, self._request, self._existing, self._is_csv = database, request, existing, is_csv
        self._folded = database.folded
        self._names = {self._folded(name): name for name in existing}
        self.columns: dict[str, Column] = {}
        self.added: dict[str, ColumnType] = {}
        self.aside: list[str] = []
        self.seen: dict[str, Seen] = {}
        self.rows = 0
        self._taken: dict[str, str] = {}

    def scan(self, rows: Iterable[Row]) -> None:
        """Read all rows once. Raises LoadError where the contract does not allow what they have."""
        known: dict[str, ColumnType | None] = {}
        seen = self.seen
        misfits: dict[str, Misfits] = {}
        for some in _batches(rows):
            for key in dict.fromkeys(chain.from_iterable(some)):
                values = [row.get(key) for row in some]
                if key not in known:
                    self._refuse_name(key)
                    known[key] = self._known(key)
                    seen[key] = Seen(self._is_csv)
                kind = known[key]
                if kind is None or self._request.write_disposition == "merge":
                    seen[key].add(values)
                if kind is not None:
                    fit, others = divided(values, kind)
                    if kind.data_type == "decimal" and self._database.target.has_no_decimals:
                        seen[key].add(fit)
                    if others is not None:
                        misfits.setdefault(key, Misfits(Seen(self._is_csv))).add(others, self.rows)
            self.rows += len(some)
        self._decide(known, misfits)

    def _decide(self, known: Mapping[str, ColumnType | None], misfits: Mapping[str, Misfits]) -> None:
        for key in known:
            name = self._names.get(self._folded(self._database.name(key)), self._database.name(key))
            kind = self._narrowed(known[key] or self._inferred(key, self.seen[key], name), self.seen[key], name)
            if name not in self._existing and kind is not None:
                if self._existing and self._request.schema_contract != "evolve":
                    self._refuse(f"the table has no column `{key}`")
                    kind = None
                else:
                    self.added[name] = kind
            if kind is not None:
                self._take(name, key)
            if name in self.added and self._folded(name) != self._folded(key):
                self.aside.append(f"the database cannot have a column `{key}`: it is called `{name}`")
            column = self.columns[key] = Column(name, kind)
            if key in misfits and kind is not None:
                said = misfits[key].said(name, kind)
                self._refuse_key(key, said)
                self._refuse(said)
                if self._request.schema_contract == "evolve":
                    variant, other = misfits[key].variant(name, self._database.name, self._existing)
                    self._take(variant, key)
                    column.variant = (variant, other)
                    says = "Convert them first." if key in self._request.columns else COLUMNS_CAN
                    self.aside.append(f"{said}: there it is null, and they are in `{variant}`. {says}")
                    if variant not in self._existing:
                        self.added[variant] = other
        if self.rows:
            self._declared()
        missing = [one for one in self._request.primary_key if one not in self.columns]
        if missing and self.rows:
            without = f"the rows have no column `{missing[0]}`, which `primary_key` names"
            raise LoadError(without + self._meant(missing[0], self.columns))
        if self.rows and not any(column.kind is not None for column in self.columns.values()):
            what = "the table has" if self._existing else "could be made"
            raise LoadError(f"no row has a value in a column that {what}: there is nothing to load")

    def _meant(self, written: str, names: Iterable[str]) -> str:
        near = _spelt_otherwise(written, names) or unmistakable(written, names)
        return f": {did_you_mean(near)}" if near else ""

    def _declared(self) -> None:
        """What `columns` says of names that nothing has, and of columns whose type is another one."""
        for key, wanted in self._request.columns.items():
            kind = self._existing.get(self._names.get(folded := self._folded(self._database.name(key)), ""))
            if kind is not None and differs(wanted, kind) and not self._database.keeps(wanted, kind):
                self.aside.append(
                    f"`columns` says that `{key}` is of type {wanted}, and the table has it as {kind}: that stays, "
                    "since `load` changes no column. Alter the table, or make it anew."
                )
            if key in self.columns or folded in self._names:
                continue
            others = [one for one in (*self.columns, *self._existing) if one not in self._request.columns]
            text = f"`columns` names `{key}`, which neither the rows nor the table have{self._meant(key, others)}"
            if _spelt_otherwise(key, others) and not self._existing:
                raise LoadError(text)  # the new table's column would have another type for good
            self.aside.append(text)

    def _refuse_key(self, key: str, what: str) -> None:
        if key in self._request.primary_key and self._request.schema_contract != "discard_row":
            raise LoadError(f"{what}: no row of `{self._request.table}` can have such a key, so convert it first")

    def _take(self, name: str, key: str) -> None:
        other = self._taken.setdefault(self._folded(name), key)
        if other != key:
            raise LoadError(f"the columns `{other}` and `{key}` have one name in this database: `{name}`")

    def _refuse_name(self, key: Any) -> None:
        if not isinstance(key, str):
            raise LoadError(f"the rows have a column named {key!r}, which is no text: each key must be text")
        if not key.strip():
            raise LoadError("the rows have a column without a name: each key needs a name")
        if self._request.write_disposition == "merge" and self._folded(self._database.name(key)) in (
            ROW,
            RANK,
        ):
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

    def _narrowed(self, kind: ColumnType | None, seen: Seen, name: str) -> ColumnType | None:
        if kind is None or name in self._existing or not self._database.target.has_no_decimals:
            return kind
        return as_float_keeps(kind, seen)

    @property
    def key(self) -> dict[str, ColumnType | None]:
        """The columns by which `merge` finds rows."""
        return {column.name: column.kind for column in map(self.columns.__getitem__, self._request.primary_key)}

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
                arrays[column.name], others = divided(values, column.kind)
                if column.variant is not None:
                    name, kind = column.variant
                    arrays[name], others = divided(others or [None] * len(values), kind)
                    count = sum(value is not None for value in arrays[name])
                    loaded.values_of_another_type[name] = loaded.values_of_another_type.get(name, 0) + count
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
            raise LoadError(f"`{key}` has {unkept_said(left_out[0])}, which no column takes: convert it first")
        return len(left_out)

    def _kept(self, rows: list[Row]) -> list[Row]:
        """The rows that the contract `discard_row` lets through."""
        if self._request.schema_contract != "discard_row":
            return rows
        for key, column in self.columns.items():
            values = [row.get(key) for row in rows]
            others = values if column.kind is None else divided(values, column.kind)[1]
            if others is not None and any(value is not None for value in others):
                rows = [row for row, other in zip(rows, others, strict=True) if other is None]
        return rows


def _batches(rows: Iterable[Row]) -> Iterator[list[Row]]:
    number, waiting = 0, iter(rows)
    while some := list(islice(waiting, _ROWS_AT_ONCE)):
        for place, row in enumerate(some):
            if type(row) is not dict and not isinstance(row, Mapping):
                raise LoadError(f"row {number + place + 1} is no mapping of columns, but of type {type(row).__name__}")
        number += len(some)
        yield some


def _spelt_otherwise(written: str, names: Iterable[str]) -> str | None:
    """The name that differs by letter case, `-` and `_` alone."""
    return {one.casefold().replace("-", "_"): one for one in names}.get(written.casefold().replace("-", "_"))
