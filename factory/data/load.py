"""Rows → a table of a database: scanned for their types, staged by dlt, and moved in one transaction."""

from __future__ import annotations

import hashlib
import os
import secrets
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Literal

from factory.data.columns import ColumnType, MisfitError, Seen, fits_as_it_is, fitted
from factory.data.database import ROW, STAGED, AlreadyLoadedError, Database, reason
from factory.data.destinations import LoadError, Target
from factory.data.extras import imported
from factory.data.row_formats import format_of

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


def load(rows: Callable[[], Iterable[Row]], target: Target, request: LoadRequest, *, is_csv: bool = False) -> Loaded:
    """Load rows, which are read twice: for their types, and to be written.

    Nothing of the table changes before all rows are staged, and then all of them arrive or none.
    Raises LoadError, RowFileError.
    """
    database = Database(target, f"load_{request.load_id[:16]}")
    with database.opened():
        remembers = request.write_disposition == "append"
        if remembers and (before := database.loaded_before(request.load_id)) is not None:
            return Loaded(request.table, before, was_done_before=True)
        table = database.name(request.table.rpartition(".")[2])
        existing = database.columns(table)
        if not existing and not request.create:
            raise LoadError(f"there is no table `{request.table}`, and `create` is false")
        plan = Plan(database, request, existing, is_csv)
        plan.scan(rows())
        loaded = Loaded(request.table)
        if plan.rows == 0:
            if request.write_disposition == "replace" and existing:
                database.replace(table, None, ())
            return loaded
        loaded.columns_added = list(plan.added) if existing else []
        # Of this try alone: one that Airflow has given up may still be running.
        staged = f"{STAGED}{request.load_id[:16]}_{secrets.token_hex(4)}"
        try:
            database.prepare(remembers=remembers)
            database.forget_other_tries(staged.rpartition("_")[0])
            stage(plan.tables(rows(), loaded), staged, plan.staged(), database)
            if plan.added:
                database.add(table, plan.added)
            columns = list(plan.targets())
            if request.write_disposition == "append":
                database.append(table, staged, columns, request.load_id, loaded.rows_loaded)
            elif request.write_disposition == "replace":
                database.replace(table, staged, columns)
            else:
                key = [plan.columns[one].name for one in request.primary_key]
                loaded.rows_with_the_key_of_a_later_one = database.merge(table, staged, columns, key)
        except AlreadyLoadedError:
            loaded.was_done_before = True
        finally:
            database.forget(staged)
    return loaded


class Plan:
    """Which column each key of the rows becomes, and what does not fit."""

    def __init__(
        self, database: Database, request: LoadRequest, existing: Mapping[str, ColumnType | None], is_csv: bool
    ) -> None:
        self._database, self._request, self._existing, self._is_csv = database, request, existing, is_csv
        self._names = {self._folded(name): name for name in existing}
        self.columns: dict[str, Column] = {}
        self.added: dict[str, ColumnType] = {}
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
                    if not str(key).strip():
                        raise LoadError("the rows have a column without a name: each key needs a name")
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
                self._refuse(f"`{key}` is of type {kind.data_type}, and there are values of type {other.data_type}")
                if self._request.schema_contract == "evolve":
                    variant = self._database.name(f"{name}__v_{other.data_type}")
                    column.variant = (variant, other)
                    if variant not in self._existing:
                        self._add(variant, other, key)
        missing = [one for one in self._request.primary_key if one not in self.columns]
        if missing and self.rows:
            raise LoadError(f"the rows have no column `{missing[0]}`, which `primary_key` names")

    def _add(self, name: str, kind: ColumnType, key: str) -> None:
        same = next((one for one in self.added if self._folded(one) == self._folded(name)), None)
        if same is not None:
            raise LoadError(f"the columns `{same}` and `{key}` have one name in this database")
        self.added[name] = kind

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
                    arrays[column.variant[0]], _ = _divided(others or [None] * len(values), column.variant[1])
                elif others is not None:
                    loaded.values_discarded += sum(value is not None for value in others)
            if ROW in staged:
                arrays[ROW] = list(range(loaded.rows_loaded, loaded.rows_loaded + len(kept)))
            loaded.rows_loaded += len(kept)
            columns = [self._database.array(arrays[name], kind) for name, kind in staged.items()]
            yield arrow.Table.from_arrays(columns, schema=schema)

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


def stage(tables: Iterator[Any], staged: str, columns: Mapping[str, ColumnType], database: Database) -> None:
    """Let dlt write the rows into a table of their own. Raises LoadError."""
    dlt = imported("dlt", task="load", extra="load")
    from dlt.extract.hints import make_hints  # noqa: PLC0415

    # `dlt.resource` would look for the module of the caller among all that are imported.
    hints = make_hints(columns={name: database.staged_hints(kind) for name, kind in columns.items()})
    resource = dlt.sources.DltResource.from_data(tables, staged, "load", hints)
    pipeline = dlt.pipeline(
        database.schema.name,
        pipelines_dir=os.environ["DLT_DATA_DIR"],
        destination=database.target.destination,
        dataset_name=database.target.schema,
    )
    # What is loaded says all: nothing of earlier loads is looked up, and nothing is kept for later ones.
    pipeline.config.restore_from_destination = False
    try:
        pipeline.run(
            resource, schema=database.schema.clone(), write_disposition="replace", loader_file_format="parquet"
        )
    except Exception as error:
        raise LoadError(reason(error)) from None


@contextmanager
def working_folder() -> Iterator[None]:
    """A folder of dlt's own that goes with the task, and settings that hold whatever is configured elsewhere."""
    with tempfile.TemporaryDirectory(prefix="load-") as folder:
        settings = {
            "DLT_DATA_DIR": folder,
            "DLT_PROJECT_DIR": folder,
            # It would ask Airflow for hundreds of Variables.
            "PROVIDERS__ENABLE_AIRFLOW_SECRETS": "false",
            "RUNTIME__DLTHUB_TELEMETRY": "false",
            "RUNTIME__LOG_LEVEL": "CRITICAL",
            "SCHEMA__NAMING": "direct",
            # Some of its writers hold a whole file in memory.
            "DATA_WRITER__FILE_MAX_ITEMS": "100000",
            "LOAD__WORKERS": "1",
            "LOAD__TRUNCATE_STAGING_DATASET": "false",
        }
        before = {name: os.environ.get(name) for name in settings}
        os.environ.update(settings)
        try:
            yield
        finally:
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value


def load_id(*parts: Any) -> str:
    """The id of a task instance's load."""
    return hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()


def all_csv(files: Sequence[str]) -> bool:
    """Whether the values of files are text, whatever they mean."""
    return bool(files) and all(format_of(path)[0] == "csv" for path in files)


def _batches(rows: Iterable[Row]) -> Iterator[list[Row]]:
    number, waiting = 0, iter(rows)
    while some := list(islice(waiting, _ROWS_AT_ONCE)):
        for place, row in enumerate(some):
            if not isinstance(row, Mapping):
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
