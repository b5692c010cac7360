"""SQL over rows and files, by DuckDB in this process: no server, no network, and no file but those that are named.

DuckDB's readers of CSV and JSON make floats of numbers that have more digits than a float keeps. Such a column is read
as a DECIMAL here, or as text.
"""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from factory.data import imported
from factory.data.columns import FLOAT_DIGITS
from factory.data.places import NewFile, absolute, format_of, found, kind_said, local_copy
from factory.data.row_files import RowFileWriter, has_long_numbers, limited, plain_rows, read_rows
from factory.data.sql import database_words, result_rows, text_literal, write_rows

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
        raise DuckdbError(_explained(database_words(error), query)) from None
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


def _explained(line: str, query: Query) -> str:
    empty = next((name for name, value in query.tables.items() if value == []), None)
    if empty is not None and "Binder Error" in line:
        return f"{line} (the table `{empty}` has no rows, so it has no columns)"
    hidden = re.search(r'Cannot access file "([^"]*)"', line)
    if hidden is not None:
        return (
            f"`sql` reads `{hidden[1]}`, which `tables` does not name: add it there, or write `external_access: true`"
        )
    return line


_DECIMAL_DIGITS = 38  # the most of DuckDB's DECIMAL
_LARGEST_OBJECT = 128 << 20  # bytes of the longest line of JSON


class DuckdbError(Exception):
    """A query that DuckDB refused, or a table that cannot be read; the text says which."""


def local_files(name: str, value: Any, folder: Path) -> list[str]:
    """Local files with the rows of a table; those of an object store are copied here, through fsspec."""
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list):
        raise DuckdbError(f"the table `{name}` is {kind_said(value)}, not rows or a path")
    kind, wanted = (str, "a path") if value and isinstance(value[0], str) else (Mapping, "a row")
    for number, one in enumerate(value, start=1):
        if not isinstance(one, kind):
            raise DuckdbError(f"entry {number} of the table `{name}` is {kind_said(one)}, not {wanted}")
    if kind is str:
        paths = [path for pattern in value for path in found(pattern)]
        return [local_copy(path, folder) for path in paths]
    with RowFileWriter(str(Path(tempfile.mkdtemp(dir=folder)) / "rows.jsonl")) as file:
        file.write(value)
    return [file.path]


def reader(connection: Any, paths: Sequence[str]) -> str:
    """The table function that reads files of one format, each column in a type that holds all of its digits."""
    formats = {format_of(path)[0] for path in paths}
    if len(formats) > 1:
        raise DuckdbError(f"the files of one table must be of one format, not {', '.join(sorted(formats))}")
    (kind,) = formats
    listed = f"[{', '.join(map(text_literal, paths))}]"
    if kind == "parquet":
        return f"read_parquet({listed}, union_by_name = true)"
    options = f"union_by_name = {len(paths) > 1}, sample_size = -1"
    may_lose = any(map(has_long_numbers, paths))
    if kind == "csv":
        plain = f"read_csv({listed}, {options})"
        exact = may_lose and _exact_csv(connection, plain, f"read_csv({listed}, {options}, all_varchar = true)")
        return f"read_csv({listed}, {options}, types = {_struct(exact)})" if exact else plain
    options += f", maximum_object_size = {_LARGEST_OBJECT}"
    if kind == "jsonl":
        options += ", format = 'newline_delimited'"
    plain = f"read_json({listed}, {options})"
    exact = may_lose and _json_loses_digits(connection, listed) and _exact_json(connection, plain, paths)
    return f"read_json({listed}, {options}, columns = {_struct(exact)})" if exact else plain


def _types(connection: Any, reader: str) -> dict[str, Any]:
    """DuckDB's types by column."""
    read = connection.sql(f"SELECT * FROM {reader}")
    return dict(zip(read.columns, read.types, strict=True))


def _exact_csv(connection: Any, plain: str, as_text: str) -> dict[str, str]:
    """The columns that would be read as floats and lose digits, each with a type that keeps them."""
    exact: dict[str, str] = {}
    for name, kind in _types(connection, plain).items():
        if kind.id != "double":
            continue
        text = f"trim({quoted(name)})"
        whole = f"max(length(regexp_replace(split_part({text}, '.', 1), '[^0-9]', '', 'g')))"
        after = f"max(CASE WHEN {text} LIKE '%.%' THEN length({text}) - strpos({text}, '.') ELSE 0 END)"
        asked = f"SELECT bool_or({_loses_digits(text)}), bool_or({text} ILIKE '%e%'), {whole}, {after} FROM {as_text}"
        loses, has_exponent, before, behind = connection.execute(asked).fetchone()
        if loses:
            fits = not has_exponent and before + behind <= _DECIMAL_DIGITS
            exact[name] = f"DECIMAL({_DECIMAL_DIGITS},{behind})" if fits else "VARCHAR"
    return exact


def _loses_digits(text: str) -> str:
    """Whether a number's text is another one when it has been a float."""
    as_float = f"CAST(CAST({text} AS DOUBLE) AS VARCHAR)"
    return f"length({text}) > {FLOAT_DIGITS} AND rtrim({as_float}, '.0') <> rtrim({text}, '.0')"


def _json_loses_digits(connection: Any, listed: str) -> bool:
    """Whether JSON has numbers that a float cannot hold: DuckDB's JSON reader makes floats of some."""
    lines = (
        f"read_csv({listed}, columns = {{'line': 'VARCHAR'}}, delim = '\x01', quote = '', escape = '', header = false"
    )
    lines += f", max_line_size = {_LARGEST_OBJECT}, auto_detect = false)"
    number = f"-?[0-9]+[.][0-9]+|-?[0-9]{{{FLOAT_DIGITS + 1},}}"
    numbers = f"SELECT unnest(regexp_extract_all(line, '{number}')) AS number FROM {lines}"
    found = connection.execute(f"SELECT count(*) FROM ({numbers}) WHERE {_loses_digits('number')}").fetchone()
    return bool(found[0])


def _exact_json(connection: Any, plain: str, paths: Sequence[str]) -> dict[str, str]:
    """A type for each column of JSON where one of them has numbers that a float cannot hold; else none.

    Raises DuckdbError.
    """
    types = _types(connection, plain)
    digits: dict[str, tuple[int, int]] = {}
    inexact: set[str] = set()
    for row in read_rows(list(paths)):
        for name, value in row.items():
            kind = types.get(name)
            if kind is None:
                raise DuckdbError(
                    f"two columns are named `{name}`, in upper or in lower case: DuckDB has one name for them"
                )
            if _is_inexact(value, kind):
                if kind.id != "double":
                    raise DuckdbError(
                        f"the column `{name}` has a number with more digits than a float keeps: write it as text"
                    )
                inexact.add(name)
            if kind.id == "double" and value is not None:
                whole, after = digits.get(name, (0, 0))
                _, figures, exponent = Decimal(str(value)).as_tuple()
                digits[name] = (max(whole, len(figures) + int(exponent)), max(after, -int(exponent)))
    for name in inexact:
        if sum(digits[name]) > _DECIMAL_DIGITS:
            raise DuckdbError(
                f"the column `{name}` has numbers of more than {_DECIMAL_DIGITS} digits: write them as text"
            )
    exact = {name: f"DECIMAL({_DECIMAL_DIGITS},{digits[name][1]})" for name in inexact}
    return {name: exact.get(name, str(kind)) for name, kind in types.items()} if exact else {}


def _is_inexact(value: Any, kind: Any) -> bool:
    """Whether a value of JSON would lose digits in a type of DuckDB."""
    if isinstance(value, dict):
        inner = dict(kind.children) if kind.id in ("struct", "map") else {}
        return any(_is_inexact(one, inner.get(name, inner.get("value", kind))) for name, one in value.items())
    if isinstance(value, list):
        return any(_is_inexact(one, kind.children[0][1] if kind.id == "list" else kind) for one in value)
    return isinstance(value, Decimal) or (type(value) is int and kind.id == "double" and int(float(value)) != value)


def quoted(name: str) -> str:
    """A name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


def _struct(types: Mapping[str, str]) -> str:
    return "{" + ", ".join(f"{text_literal(name)}: {text_literal(kind)}" for name, kind in types.items()) + "}"
