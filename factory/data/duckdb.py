"""SQL over rows and files, by DuckDB in this process: no server, no network, and no file but those that are named.

What DuckDB's readers would turn into a number of fewer digits stays a decimal or text here.
"""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from factory.data.duckdb_tables import DuckdbError, local_files, quoted, reader, text_literal
from factory.data.extras import imported
from factory.data.places import NewFile, absolute
from factory.data.row_formats import format_of
from factory.data.sql import result_rows, write_rows
from factory.data.values import limited, plain_rows

DATABASE_PATIENCE = 600
"""Seconds to wait for another process that has the database file open: DuckDB lets one in at a time."""
_WRITES = ("COPY", "COPY_DATABASE", "EXPORT", "ATTACH", "DETACH", "LOAD", "SET", "VARIABLE_SET", "PRAGMA")
"""Statements that reach outside, or change what may be reached."""


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked, and of what. `tables` are rows, paths or patterns, by name."""

    sql: Sequence[str]
    tables: Mapping[str, Any] = field(default_factory=dict)
    database: str | None = None
    memory_limit: str | None = None
    threads: int | None = None
    external_access: bool = False


def run_query(query: Query, *, max_rows: int | None = None, to: str | None = None) -> list[dict[str, Any]] | str:
    """The rows of the last statement, or the path of the file that they were written to.

    Raises DuckdbError, RowFileError, TooManyRowsError.
    """
    duckdb = imported("duckdb", task="duckdb", extra="duckdb")
    new = NewFile(to) if to is not None and format_of(to)[0] in ("parquet", "csv") and max_rows is None else None
    try:
        with opened(query, writes=new.part if new is not None else None) as connection:
            *before, last = _statements(connection, query)
            for statement in before:
                connection.execute(statement)
            if new is not None:
                path = _copied(connection, last, new)
            else:
                cursor = connection.execute(last)
                rows = result_rows(cursor) if cursor.description is not None else iter(())
                if to is None:
                    return limited(plain_rows(rows), max_rows)
                path = write_rows(rows, to, max_rows)
    except duckdb.Error as error:
        raise DuckdbError(_explained(str(error), query)) from None
    finally:
        if new is not None:
            new.discard()
    return path


@contextmanager
def opened(query: Query, *, writes: str | None = None) -> Iterator[Any]:
    """A connection that has the tables of a query, and reaches nothing else, but for the local file `writes`."""
    with tempfile.TemporaryDirectory(prefix="duckdb-") as folder, _connection(query) as connection:
        files = {name: local_files(name, value, Path(folder)) for name, value in query.tables.items()}
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"SET temp_directory = {text_literal(folder + '/spilled')}")
        if not query.external_access:
            allowed = [*(path for paths in files.values() for path in paths), *([writes] if writes else [])]
            connection.execute(f"SET allowed_paths = [{', '.join(map(text_literal, allowed))}]")
            connection.execute(f"SET allowed_directories = [{text_literal(folder)}]")
            connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        for name, paths in files.items():
            view = f"CREATE TEMP VIEW {quoted(name)} AS SELECT * FROM {reader(connection, paths)}"
            connection.execute(view)
        yield connection


@contextmanager
def _connection(query: Query) -> Iterator[Any]:
    duckdb = imported("duckdb", task="duckdb", extra="duckdb")
    config: dict[str, str] = {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}
    if query.memory_limit is not None:
        config["memory_limit"] = query.memory_limit
    if query.threads is not None:
        config["threads"] = str(query.threads)
    path = ":memory:" if query.database is None else absolute(query.database)
    connection = _patiently(duckdb, path, config)
    try:
        yield connection
    finally:
        connection.close()


def _patiently(duckdb: Any, path: str, config: Mapping[str, str]) -> Any:
    until = time.monotonic() + DATABASE_PATIENCE
    while True:
        try:
            return duckdb.connect(path, config=config)
        except duckdb.IOException as error:
            if "lock" not in str(error) or time.monotonic() > until:
                raise
        time.sleep(0.2)


def _statements(connection: Any, query: Query) -> list[str]:
    statements = [one for text in query.sql for one in connection.extract_statements(text)]
    if not statements:
        raise DuckdbError("there is no statement in `sql`")
    for statement in statements:
        kind = str(statement.type).rpartition(".")[2]
        if kind in _WRITES and not query.external_access:
            raise DuckdbError(
                f"a {kind} statement needs `external_access: true`: without it, `sql` reads what `tables` names"
            )
    return [statement.query for statement in statements]


def _copied(connection: Any, statement: str, new: NewFile) -> str:
    """Write a query's result by DuckDB itself, which is many times as fast as row by row."""
    kind, zipped = format_of(new.path)
    form = "FORMAT parquet" if kind == "parquet" else f"FORMAT csv, HEADER, COMPRESSION {'gzip' if zipped else 'none'}"
    # The lock on the settings is kept: the file is one of the allowed paths.
    connection.execute(
        f"COPY ({statement.strip().rstrip(';')}\n) TO {text_literal(new.part)} ({form}, USE_TMP_FILE false)"
    )
    new.publish()
    return new.path


def _explained(message: str, query: Query) -> str:
    line = " ".join(message.split())
    empty = [name for name, value in query.tables.items() if isinstance(value, list) and not value]
    if empty and "Binder Error" in line:
        return f"{line} (the table `{empty[0]}` has no rows, so it has no columns)"
    hidden = re.search(r'Cannot access file "([^"]*)"', line)
    if hidden is not None:
        return (
            f"`sql` reads `{hidden[1]}`, which `tables` does not name: add it there, or write `external_access: true`"
        )
    return line
