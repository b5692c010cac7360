"""Rows → a table of a database: scanned for their types, staged by dlt, and moved in one transaction."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from factory.data import imported
from factory.data.columns import ColumnType, Declared
from factory.data.database import LOADS, STAGED, Database
from factory.data.destinations import Target
from factory.data.load_errors import LoadError, reason
from factory.data.load_plan import Loaded, LoadRequest, Plan, Row
from factory.data.load_words import said_of_columns, said_of_folders
from factory.data.lost_digits import NUMBER, lost_in_duckdb, lost_in_postgres
from factory.data.lost_in_mysql import refuse_half_loads, refuse_null_moments, refuse_places
from factory.data.merge import merge
from factory.data.references import refuse_lost_rows
from factory.data.sql import text_literal
from factory.reporters.text import counted
from schemas.findings.suggestions import meant


def load(
    rows: Callable[[], Iterable[Row]],
    target: Target,
    request: LoadRequest,
    *,
    is_csv: bool = False,
    headers: Callable[[], Mapping[str, Iterable[str]]] = dict,
    folders: Callable[[], Mapping[str, str]] = dict,
) -> Loaded:
    """Load rows, which are read twice: for their types, and to be written.

    Nothing of the table changes before all rows are staged, and then all of them arrive or none. `headers`: the columns
    of the CSV files that they come from, by path; `folders`: what names of their folders say (`year=2026`), each with
    such a path.
    Raises LoadError, RowFileError.
    """
    own = request.load_id[:16]
    is_new = target.file is not None and not Path(target.file).exists()
    database = Database(target, f"load_{own}")
    with database.opened():
        table = database.name(request.table.rpartition(".")[2])
        existing = database.columns(table)
        memory = Memory(database, table, request.load_id) if request.write_disposition == "append" else None
        if memory is not None and (before := memory.rows_loaded(is_there=bool(existing))) is not None:
            database.forget_other_tries(f"{STAGED}{own}")
            loaded = Loaded(request.table, aside=[memory.said(request.table, before)])
            if request.schema_contract.startswith("discard"):  # the earlier try may not have said what it left out
                _count(Plan(database, request, existing, is_csv), rows, loaded)
            loaded.rows_loaded = before
            return loaded
        _refuse_table(database, table, request, is_there=bool(existing))
        is_replacing = request.write_disposition == "replace" and bool(existing)
        of_csv = headers() if request.write_disposition == "replace" else {}
        _refuse_no_headers(request.table, of_csv)
        if is_replacing:
            refuse_lost_rows(database, table)
        plan = Plan(database, request, existing, is_csv)
        plan.scan(rows())
        said = (*said_of_columns(database, plan, request, existing), *said_of_folders(plan, folders()))
        loaded = Loaded(request.table, aside=[*plan.aside, *said])
        if is_new:
            loaded.aside.append(f"there was no file `{target.file}`: this load makes a new database")
        if plan.rows == 0:
            if is_replacing:
                _refuse_other_headers(database, request.table, existing, of_csv)
                database.replace(table, None, ())
            return loaded
        loaded.columns_added = list(plan.added) if existing else []
        # Of this try alone: one that Airflow has given up may still be running.
        staged = f"{STAGED}{own}_{secrets.token_hex(4)}"
        try:
            database.prepare(remembers=memory is not None)
            database.forget_other_tries(f"{STAGED}{own}")
            stage(plan.tables(rows(), loaded), staged, plan.staged(), database)
            if loaded.rows_loaded == 0:  # nothing is staged, and nothing of the table changes
                return _left_out(loaded, is_there=bool(existing))
            if plan.key:
                _refuse_empty_keys(database, staged, plan.key)
            if plan.added:
                database.add(table, plan.added)
            _take_types(database, table, staged, plan.targets())
            _move(database, table, staged, plan, memory, loaded)
        finally:
            database.forget(staged)
    return loaded


def _refuse_table(database: Database, table: str, request: LoadRequest, *, is_there: bool) -> None:
    """Raise LoadError for a table that must be there and is not, or that cannot take a load as a whole."""
    if is_there and database.is_mysql:
        refuse_half_loads(database, table)
    if not is_there and not request.create:
        near = meant(table, [one for (one,) in database.run(database.tables()) if not one.startswith("_")])
        said = f"there is no table `{request.table}`, and `create` is false"
        raise LoadError(f"{said}: {near}" if near else said)


def _count(plan: Plan, rows: Callable[[], Iterable[Row]], loaded: Loaded) -> None:
    """Count what a contract leaves out of rows, and load none."""
    plan.scan(rows())
    deque(plan.tables(rows(), loaded), maxlen=0)


def _refuse_no_headers(table: str, headers: Mapping[str, Iterable[str]]) -> None:
    """Raise LoadError where a CSV has no names of columns: it may be an export that broke off, and `replace` would
    take the table's rows for it."""
    files = ", ".join(f"`{path}`" for path, names in headers.items() if not any(map(str.strip, names)))
    if files:
        raise LoadError(f"{files} has no header: a CSV begins with the names of its columns; `{table}` stays as it is")


def _refuse_other_headers(
    database: Database, table: str, existing: Iterable[str], headers: Mapping[str, Iterable[str]]
) -> None:
    """Raise LoadError where no file has rows, and a CSV has none of a table's columns: it may be a page of HTML, and
    `replace` would empty the table."""
    known = {one.casefold() for one in existing}
    for path, names in headers.items():
        if known.isdisjoint(database.name(one).casefold() for one in names if one.strip()):
            raise LoadError(f"`{path}` has no rows, and its header names no column of `{table}`: is it another file?")


def _left_out(loaded: Loaded, *, is_there: bool) -> Loaded:
    """A load of which the contract leaves out every row: also `replace` leaves the table as it is, since a source that
    has changed is more likely than one that has nothing to say."""
    state = "stays as it is" if is_there else "is not created"
    rows = "the only row" if loaded.rows_discarded == 1 else f"all {loaded.rows_discarded:,} rows"
    said = f"`schema_contract: discard_row` leaves out {rows}: `{loaded.table}`"
    return Loaded(loaded.table, rows_discarded=loaded.rows_discarded, aside=[*loaded.aside, f"{said} {state}"])


def _refuse_empty_keys(database: Database, staged: str, key: Iterable[str]) -> None:
    """Raise LoadError where a staged row has no key."""
    empty = " OR ".join(f"{database.column(one)} IS NULL" for one in key)
    ((without,),) = database.run(f"SELECT count(*) FROM {database.table(staged)} WHERE {empty}")  # noqa: S608 # quoted
    if without:
        have = "row has" if without == 1 else "rows have"
        raise LoadError(f"{without} {have} no value in the primary key ({', '.join(key)})")


_PLAIN = (
    *("", "tinyint", "smallint", "mediumint", "int", "integer", "bigint", "hugeint", "decimal", "numeric", "double"),
    *("utinyint", "usmallint", "uinteger", "ubigint", "uhugeint", "double precision", "boolean", "json", "jsonb"),
    *("varchar", "character varying", "text", "tinytext", "mediumtext", "longtext", "bytea", "blob", "varbinary"),
    *("tinyblob", "mediumblob", "longblob", "date", "time", "time without time zone", "datetime", "timestamp"),
    *("timestamp_s", "timestamp_ms", "timestamp_ns", "timestamp with time zone", "timestamp without time zone"),
)
"""Names of types whose values compare with those of dlt's as they are, and become theirs by themselves."""


def _take_types(database: Database, table: str, staged: str, columns: Iterable[str]) -> None:
    """Give staged columns the table's types where theirs are not as good: a text is no UUID, and 1.1 is another number
    in 32 bits. The database then compares keys as it keeps them. Raises LoadError."""
    columns, declared = list(columns), database.declared(table)
    if database.is_mysql:
        refuse_null_moments(database, table, staged, columns)
    for name in columns:
        kind = declared.get(name, Declared())
        if re.sub(r"\([\d, ]+\)$", "", kind.name) in _PLAIN:
            continue
        column = database.column(name)
        form = f"{column}::{kind.written}"
        if kind.name == "array":  # a list has become JSON
            row = f"json_build_object({text_literal(name)}, {column}::json)"
            listed = f"(json_populate_record(NULL::{database.table(table)}, {row})).{column}"
            form = f"CASE WHEN {column} LIKE '[%' THEN {listed} ELSE {form} END"
        elif kind.written.endswith(".money"):  # from text, a locale may take the point for another sign
            form = f"CASE WHEN {column} ~ '{NUMBER}' THEN {column}::numeric::money ELSE {form} END"
        if kind.name in ("enum", "set") and database.is_mysql:
            refuse_places(database, staged, name, kind)
        if kind.full:
            _refuse_loss(database, staged, name, kind, form)
        change = database.target.retyped.format(column, kind.written, form)
        try:
            database.together([f"ALTER TABLE {database.table(staged)} {change}"])
        except LoadError as error:
            raise LoadError(f"`{name}` is a column of type {kind.written}, and has others: {error}") from None


def _refuse_loss(database: Database, staged: str, name: str, kind: Declared, form: str) -> None:
    """Raise LoadError where the database would round or cut staged texts, and say nothing. `form`: what becomes of
    one."""
    column = database.column(name)
    tests = lost_in_postgres(column, kind, form) if database.is_postgres else lost_in_duckdb(column, kind.full)
    try:
        asked = f"SELECT count(*) FROM {database.table(staged)} WHERE {' OR '.join(tests)}"  # noqa: S608 # quoted
        ((rows,),) = database.run(asked) if tests else ((0,),)
    except LoadError:  # texts of another form, which is said when they become the table's
        return
    if rows:
        raise LoadError(
            f"`{name}` is a column of type {kind.full}, and {counted(rows, 'row')} would lose digits or characters"
        )


def _move(database: Database, table: str, staged: str, plan: Plan, memory: Memory | None, loaded: Loaded) -> None:
    """Let the staged rows become the table's, and count those that it takes."""
    given, columns = loaded.rows_loaded, list(plan.targets())
    if memory is not None:
        try:
            taken = database.append(table, staged, columns, memory.remembering(given))
        except LoadError:
            if (before := memory.rows_loaded(is_there=True)) is None:
                raise
            loaded.rows_loaded = before
            loaded.aside.append(memory.said(loaded.table, before))
            return
    elif plan.key:
        taken, twice = merge(database, table, staged, columns, plan.key)
        loaded.rows_with_the_key_of_a_later_one = twice
        given -= twice
    else:
        taken = database.replace(table, staged, columns)
    if 0 <= taken < given:  # DuckDB, which has no triggers, does not say
        loaded.rows_loaded -= given - taken
        loaded.aside.append(
            f"`{loaded.table}` took {taken:,} of {given:,} rows: a trigger or a rule of the table left out the others, "
            "or put them elsewhere"
        )
        if memory is not None:
            memory.correct(loaded.rows_loaded)


class Memory:
    """What the database remembers of the loads that were appended to a table: a task that is tried again finds there
    that it is done. Those of a table that is gone are forgotten; of one that is empty, somebody may have taken the rows
    that arrived."""

    def __init__(self, database: Database, table: str, load_id: str) -> None:
        name = table.casefold() if database.target.file else table  # SQLite and DuckDB take both for one
        self._table = hashlib.sha256(name.encode()).hexdigest()[:16]
        self._database, self._name, self._id = database, table, f"{self._table}{load_id}"[:64]
        self._ids = f"('{self._id}', '{load_id}')"  # version 0.1.0 remembered no tables
        self._loads = database.table(LOADS)

    def rows_loaded(self, *, is_there: bool) -> int | None:
        """How many rows the load brought; None where it has not been. `is_there`: whether the table is."""
        run = self._database.run
        if not self._database.columns(LOADS):
            return None
        of_table = f"substr(load_id, 1, 16) = '{self._table}' OR load_id IN {self._ids}"
        if not is_there and run(f"SELECT 1 FROM {self._loads} WHERE {of_table} LIMIT 1"):  # noqa: S608 # quoted
            # In one statement: another try may have made the table by now.
            gone = f"{text_literal(self._name)} NOT IN ({self._database.tables()})"
            self._database.together([f"DELETE FROM {self._loads} WHERE ({of_table}) AND {gone}"])  # noqa: S608 # quoted
        found = run(f"SELECT rows_loaded FROM {self._loads} WHERE load_id IN {self._ids}")  # noqa: S608 # quoted
        return int(found[0][0]) if found else None

    def remembering(self, rows: int) -> str:
        """The statement that remembers the load; it fails where another try has been faster."""
        return f"INSERT INTO {self._loads} (load_id, rows_loaded) VALUES ('{self._id}', {rows})"  # noqa: S608 # quoted

    def correct(self, rows: int) -> None:
        """Remember how many rows arrived."""
        self._database.together([f"UPDATE {self._loads} SET rows_loaded = {rows} WHERE load_id = '{self._id}'"])  # noqa: S608 # quoted

    def said(self, table: str, rows: int) -> str:
        """That a load has been, and how it can be again."""
        return (
            f"an earlier try of the task appended its {counted(rows, 'row')} to `{table}`, so this one added none: "  # noqa: S608 # quoted
            f"to append again, delete them and run DELETE FROM {LOADS} WHERE load_id IN {self._ids}"
        )


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
