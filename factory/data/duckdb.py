"""SQL over rows and files, by DuckDB in this process: no server, no network, and no file but those that are named."""

from __future__ import annotations

import glob
import re
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from factory.data import imported
from factory.data.csv_headers import different_columns
from factory.data.database_words import database_words
from factory.data.duckdb_files import local_files
from factory.data.duckdb_tables import NESTED, DuckdbError, named_alike, reader, type_text
from factory.data.places import NewFile, RowFileError, absolute, format_of
from factory.data.row_files import limited, plain_rows, read_rows
from factory.data.sql import quoted, result_rows, text_literal, write_rows

_DATABASE_PATIENCE = 600
"""Seconds to wait for another process that has the database file open: DuckDB lets one in at a time."""
_AS_TEXT = "replace({}::VARCHAR, ' ', 'T')"
_AS_TEXTS = {
    "TIMESTAMP_NS": _AS_TEXT,
    "TIME_NS": _AS_TEXT,
    "TIMESTAMPTZ_NS": f"{_AS_TEXT} || ':00'",
    "INTERVAL": "{}::VARCHAR",  # to Python a month is 30 days
}
"""Types that Python has no place for → SQL that gives them as text, `{}` for the column; its `+00` is UTC."""
_SUM = "DECIMAL(38, 0)"
_IN_PARQUET = {**dict.fromkeys(("HUGEINT", "UHUGEINT"), f"{{}}::{_SUM}")}
_IN_PARQUET |= dict.fromkeys(("INTERVAL", "TIME WITH TIME ZONE"), "{}::VARCHAR")
"""The same of types that Parquet has no place for: of whole numbers of 128 bits, as sums are, DuckDB would write
floats, of an interval bytes that nobody reads, and of a time of day with a zone one without."""
_IN_CSV = {"BLOB": "to_base64({})"}
_BY_ROW = re.compile(r"\b(?:UNION|VARIANT)\b|\[\d+\]")
"""In a type: values of no one kind, of which DuckDB writes its own texts and structures, and lists of a fixed length,
which nobody can read where one is null."""
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
    aside: list[str] = field(default_factory=list)
    """What is said of columns that are not called what they were."""
    notes: list[str] = field(default_factory=list)
    """What else is said of the tables."""
    copies: dict[str, str] = field(default_factory=dict)
    """Local copies of files, each with the path of the file."""


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
                columns = _columns(connection, last)
                is_by_row = any(_BY_ROW.search(str(kind)) for _, kind, *_ in columns)
                # Null in a CSV of one column would be an empty line, which many programs take for no row, and nested
                # values would be DuckDB's own texts, which nobody reads.
                is_plain = len(columns) != 1 and not any(kind.id in NESTED for _, kind, *_ in columns)
                if not is_by_row and (is_plain or format_of(new.path)[0] == "parquet"):
                    return _copied(connection, last, columns, new)
            cursor = _with_nanoseconds(connection, connection.execute(last), last)
            rows = _finite(connection, cursor, last) if cursor.description is not None else iter(())
            if to is None:
                return limited(plain_rows(rows), max_rows)
            return write_rows(rows, to, max_rows, [name for name, *_ in cursor.description or ()])
    except duckdb.Error as error:
        raise DuckdbError(_explained(error, query)) from None
    finally:
        if new is not None:
            new.discard()


@contextmanager
def opened(query: Query, *, writes: str | None = None) -> Iterator[Any]:
    """A connection that has the tables of a query, and reaches nothing else, but for the local file `writes`."""
    with (
        tempfile.TemporaryDirectory(prefix="duckdb-") as folder,
        _connection(query.database, query.memory_limit, query.threads) as connection,
    ):
        with _named_as_written(query):
            files = {name: local_files(name, value, Path(folder), query.copies) for name, value in query.tables.items()}
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"SET temp_directory = {text_literal(folder + '/spilled')}")
        if not query.external_access:
            allowed = [one for paths in files.values() for path in paths for one in (path, glob.escape(path))]
            allowed += [writes] if writes else []
            connection.execute(f"SET allowed_paths = [{', '.join(map(text_literal, allowed))}]")
            connection.execute(f"SET allowed_directories = [{text_literal(folder)}]")
            connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        for name, paths in files.items():
            with _named_as_written(query):
                try:
                    connection.execute(f"CREATE TEMP VIEW {quoted(name)} AS SELECT * FROM {reader(connection, paths)}")
                except imported("duckdb", task="duckdb", extra="duckdb").Error as error:
                    for _ in read_rows(paths):  # whose errors are for people
                        pass
                    raise DuckdbError(_explained(error, query)) from None
                query.aside.extend(named_alike(connection, name, paths))
                query.notes.extend(f"{text} (table `{name}`)" for text in different_columns(paths))
        yield connection


@contextmanager
def _named_as_written(query: Query) -> Iterator[None]:
    """Errors of copies name the files."""
    try:
        yield
    except (DuckdbError, RowFileError) as error:
        raise type(error)(_named(str(error), query)) from None


def _named(text: str, query: Query) -> str:
    for copy, path in reversed(query.copies.items()):  # a copy may be one of a copy
        text = text.replace(copy, path)
    return text


@contextmanager
def _connection(database: str | None, memory_limit: str | None, threads: int | None) -> Iterator[Any]:
    """An open DuckDB, of a file or in memory. It waits for another process that has the file open."""
    duckdb = imported("duckdb", task="duckdb", extra="duckdb")
    config: dict[str, str] = {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}
    if memory_limit is not None:
        config["memory_limit"] = memory_limit
    if threads is not None:
        config["threads"] = str(threads)
    connection = _patiently(duckdb, ":memory:" if database is None else absolute(database), config)
    try:
        yield connection
    finally:
        connection.close()


def _patiently(duckdb: Any, path: str, config: Mapping[str, str]) -> Any:
    until = time.monotonic() + _DATABASE_PATIENCE
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


def _with_nanoseconds(connection: Any, cursor: Any, statement: str) -> Any:
    """The result with times of nanoseconds as text. Its types are known: to ask for them reads whole files again."""
    query = _recast(connection, statement, cursor.description or (), _AS_TEXTS)
    return connection.execute(query) if query != statement else cursor


_ENDS = (date.min, date.max, datetime.min, datetime.max)
"""What DuckDB gives for `infinity`, and for the days themselves."""


def _finite(connection: Any, cursor: Any, statement: str) -> Iterator[dict[str, Any]]:
    """The rows of a result. Raises DuckdbError at their end where one has `infinity`."""
    dated = [str(name) for name, kind, *_ in cursor.description if str(kind).startswith(("DATE", "TIMESTAMP"))]
    suspected: set[str] = set()
    for row in result_rows(cursor):
        suspected.update(name for name in dated if row[name] in _ENDS)
        yield row
    query = statement.strip().rstrip(";")
    for name in sorted(suspected if _is_query(connection, statement) else ()):
        asked = f"SELECT count(*) FROM ({query}\n) WHERE isinf({quoted(name)})"  # quoted
        if connection.execute(asked).fetchone()[0]:
            raise DuckdbError(
                f"the column `{name}` has `infinity`, and Python has no such time: select it as text "
                f"(`CAST({name} AS VARCHAR)`)"
            )


def _columns(connection: Any, statement: str) -> Sequence[Sequence[Any]]:
    """The columns of a result, each by name and type; none where only running the statement tells.

    Raises DuckdbError where two have one name.
    """
    if not _is_query(connection, statement):
        return ()
    query = statement.strip().rstrip(";")
    names = [str(name) for name, *_ in connection.execute(f"DESCRIBE {query}").fetchall()]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise DuckdbError(f"the result has two columns `{twice}`: give one of them another name with AS")
    found: Sequence[Sequence[Any]] = connection.execute(f"SELECT * FROM ({query}\n) LIMIT 0").description  # its own
    return found


def _copied(connection: Any, statement: str, columns: Sequence[Sequence[Any]], new: NewFile) -> str:
    """Write a query's result by DuckDB itself, which is many times as fast as row by row."""
    kind, zipped = format_of(new.path)
    form = "FORMAT parquet" if kind == "parquet" else f"FORMAT csv, HEADER, COMPRESSION {'gzip' if zipped else 'none'}"
    query = statement.strip().rstrip(";")
    query = _recast(connection, query, columns, _IN_PARQUET if kind == "parquet" else _IN_CSV)
    # The lock on the settings is kept: the file is one of the allowed paths.
    connection.execute(f"COPY ({query}\n) TO {text_literal(new.part)} ({form}, USE_TMP_FILE false)")
    new.publish()
    return new.path


def _explained(error: BaseException, query: Query) -> str:
    line = database_words(error, "\n".join(query.sql))
    empty = next((name for name, value in query.tables.items() if value == []), None)
    if empty is not None and "Binder Error" in line:
        return f"{line} (the table `{empty}` has no rows, so it has no columns: skip the task then, with `run_if`)"
    hidden = re.search(r'Cannot access file "([^"]*)"', line)
    if hidden is not None:
        return f"`sql` reads `{hidden[1]}`, which `tables` does not name: add it, or write `external_access: true`"
    return _named(_csv_fault(line), query)


def _csv_fault(line: str) -> str:
    """DuckDB's error; where it is that a file is no CSV, what is wrong in which of its rows."""
    file = re.search(r'sniffing file "([^"]*)"|\bfile = (.*?) delimiter = ', line)
    try:
        for _ in read_rows(file[1] or file[2]) if file is not None else ():
            pass
    except RowFileError as error:
        return str(error)
    return line


def _is_query(connection: Any, statement: str) -> bool:
    """Whether DuckDB takes a statement as a part of another one; PIVOT is several statements to it."""
    return str(connection.extract_statements(statement)[0].type).rpartition(".")[2] in ("SELECT", "MULTI")


def _recast(connection: Any, query: str, columns: Iterable[Sequence[Any]], forms: Mapping[str, str]) -> str:
    """A query that gives columns of some types in another form, nested ones too. `columns`: a cursor's description;
    `forms`: type → SQL, `{}` for the column."""
    cast: list[str] = []
    for name, kind, *_ in columns:
        other = type_text(kind, lambda one: (_SUM if "HUGE" in one else "VARCHAR") if one in forms else one)
        if other != type_text(kind):
            form = forms.get(str(kind), f"{{}}::{other.replace('{', '{{').replace('}', '}}')}")
            cast.append(f"{form.format(quoted(name))} AS {quoted(name)}")
    if not cast or not _is_query(connection, query):
        return query
    return f"SELECT * REPLACE ({', '.join(cast)}) FROM ({query.strip().rstrip(';')}\n)"  # quoted
