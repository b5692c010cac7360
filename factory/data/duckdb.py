"""SQL over rows and files, by DuckDB in this process: no server, no network, and no file but those that are named.

DuckDB's readers of CSV and JSON make floats of numbers that have more digits than a float keeps. Such a column is read
as a DECIMAL here, or as text.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from factory.data import imported, sql
from factory.data.columns import FLOAT_DIGITS
from factory.data.places import NewFile, RowFileError, format_of, found, kind_said, local_copy
from factory.data.row_files import RowFileWriter, limited, may_lose_digits, plain_rows, read_rows
from factory.data.sql import database_words, duckdb_connection, quoted, result_rows, text_literal, write_rows
from factory.data.values import DUCKDB_TIMES, FINE_TIME, NANOSECONDS_AS_TEXT, SUMS_AS_DECIMALS, is_inexact_in_duckdb

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
                return _copied(connection, last, new)
            cursor = _with_nanoseconds(connection, connection.execute(last), last)
            rows = result_rows(cursor) if cursor.description is not None else iter(())
            return limited(plain_rows(rows), max_rows) if to is None else write_rows(rows, to, max_rows)
    except duckdb.Error as error:
        raise DuckdbError(_explained(database_words(error), query)) from None
    finally:
        if new is not None:
            new.discard()


@contextmanager
def opened(query: Query, *, writes: str | None = None) -> Iterator[Any]:
    """A connection that has the tables of a query, and reaches nothing else, but for the local file `writes`."""
    with (
        tempfile.TemporaryDirectory(prefix="duckdb-") as folder,
        duckdb_connection(query.database, query.memory_limit, query.threads) as connection,
    ):
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
            try:
                connection.execute(f"CREATE TEMP VIEW {quoted(name)} AS SELECT * FROM {reader(connection, paths)}")
            except imported("duckdb", task="duckdb", extra="duckdb").Error as error:
                raise DuckdbError(_explained(database_words(error), query)) from None
            query.aside.extend(_named_alike(connection, name, paths))
        yield connection


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
    columns = [(name, str(kind)) for name, kind, *_ in cursor.description or ()]
    if not NANOSECONDS_AS_TEXT.keys().isdisjoint(dict(columns).values()) and sql.is_query(connection, statement):
        return connection.execute(sql.recast(statement, columns, NANOSECONDS_AS_TEXT))
    return cursor


def _copied(connection: Any, statement: str, new: NewFile) -> str:
    """Write a query's result by DuckDB itself, which is many times as fast as row by row."""
    kind, zipped = format_of(new.path)
    form = "FORMAT parquet" if kind == "parquet" else f"FORMAT csv, HEADER, COMPRESSION {'gzip' if zipped else 'none'}"
    query, columns = statement.strip().rstrip(";"), []
    if kind == "parquet" and sql.is_query(connection, query):
        columns = [(name, kind) for name, kind, *_ in connection.execute(f"DESCRIBE {query}").fetchall()]
    query = sql.recast(query, columns, SUMS_AS_DECIMALS)
    # The lock on the settings is kept: the file is one of the allowed paths.
    connection.execute(f"COPY ({query}\n) TO {text_literal(new.part)} ({form}, USE_TMP_FILE false)")
    new.publish()
    return new.path


def _explained(line: str, query: Query) -> str:
    empty = next((name for name, value in query.tables.items() if value == []), None)
    if empty is not None and "Binder Error" in line:
        return f"{line} (the table `{empty}` has no rows, so it has no columns)"
    hidden = re.search(r'Cannot access file "([^"]*)"', line)
    if hidden is not None:
        return f"`sql` reads `{hidden[1]}`, which `tables` does not name: add it, or write `external_access: true`"
    return sql.csv_fault(line)


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
    path = str(Path(tempfile.mkdtemp(dir=folder)) / "rows.jsonl")
    try:
        with RowFileWriter(path) as file:
            file.write(value)
    except RowFileError as error:
        raise DuckdbError(str(error).replace(f"`{path}`", f"the table `{name}`")) from None
    return [path]


def _named_alike(connection: Any, name: str, paths: Sequence[str]) -> Iterator[str]:
    """What is said of two columns that differ by letter case alone: DuckDB calls the second `A_1`."""
    asked = "SELECT column_name FROM duckdb_columns() WHERE database_name = 'temp' AND table_name = ?"
    names = [one for (one,) in connection.execute(asked, [name]).fetchall()]
    folded = {one.casefold() for one in names}
    others = [one for one in names if (found := re.fullmatch(r"(.+)_\d+", one)) and found[1].casefold() in folded]
    if not others:
        return
    kind, listed = format_of(paths[0])[0], f"[{', '.join(map(text_literal, paths))}]"
    objects = f"read_json_objects({listed}, maximum_object_size = {_LARGEST_OBJECT})"
    keys = f"SELECT DISTINCT unnest(json_keys(json)) FROM {objects}"
    asked = f"SELECT name FROM parquet_schema({listed})" if kind == "parquet" else keys
    rows = [] if kind == "csv" else connection.execute(asked).fetchall()
    written = [one for (one,) in rows] or [one for path in paths for one in next(read_rows(path), ())]
    spelt: dict[str, set[str]] = {}
    for one in written:
        spelt.setdefault(one.casefold(), set()).add(one)
    for alike in (sorted(some) for some in spelt.values() if len(some) > 1):
        said = " and ".join(f"`{one}`" for one in alike)
        yield f"the columns {said} of the table `{name}` are one name to SQL; one of them is `{others[0]}` here"


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
    may_lose = any(map(may_lose_digits, paths))
    if kind == "csv":
        options += sql.csv_options(paths)
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
    """The columns that would be read as floats or times and lose digits, each with a type that keeps them."""
    exact: dict[str, str] = {}
    for name, kind in _types(connection, plain).items():
        text = f"trim({quoted(name)})"
        if str(kind) in DUCKDB_TIMES:
            asked = f"SELECT bool_or(regexp_matches({text}, '{FINE_TIME}')) FROM {as_text}"
            if connection.execute(asked).fetchone()[0]:
                exact[name] = "VARCHAR"
        if kind.id != "double":
            continue
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
    """Whether JSON has numbers that a float cannot hold, of some of which DuckDB's reader makes floats, or times with
    nanoseconds, which it cuts off."""
    lines = (
        f"read_csv({listed}, columns = {{'line': 'VARCHAR'}}, delim = '\x01', quote = '', escape = '', header = false"
    )
    lines += f", max_line_size = {_LARGEST_OBJECT}, auto_detect = false)"
    number = f"-?[0-9]+[.][0-9]+|-?[0-9]{{{FLOAT_DIGITS + 1},}}"
    numbers = f"SELECT unnest(regexp_extract_all(line, '{number}')) AS number FROM {lines}"
    found = connection.execute(f"SELECT count(*) FROM ({numbers}) WHERE {_loses_digits('number')}").fetchone()
    fine = f"SELECT 1 FROM {lines} WHERE regexp_matches(line, '{FINE_TIME}') LIMIT 1"
    return bool(found[0]) or connection.execute(fine).fetchone() is not None


def _exact_json(connection: Any, plain: str, paths: Sequence[str]) -> dict[str, str]:
    """A type for each column of JSON where one of them has numbers or times that would lose digits; else none.

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
            if is_inexact_in_duckdb(value, kind):
                if kind.id != "double" and str(kind) not in DUCKDB_TIMES:
                    raise DuckdbError(
                        f"the column `{name}` has a number with more digits than a float keeps, or a nested time with "
                        "nanoseconds: write the number as text, the time in a column of its own"
                    )
                inexact.add(name)
            if kind.id == "double" and value is not None:
                whole, after = digits.get(name, (0, 0))
                _, figures, exponent = Decimal(str(value)).as_tuple()
                digits[name] = (max(whole, len(figures) + int(exponent)), max(after, -int(exponent)))
    fine = {name for name in inexact if str(types[name]) in DUCKDB_TIMES}
    for name in inexact - fine:
        if sum(digits[name]) > _DECIMAL_DIGITS:
            raise DuckdbError(
                f"the column `{name}` has numbers of more than {_DECIMAL_DIGITS} digits: write them as text"
            )
    exact = {name: f"DECIMAL({_DECIMAL_DIGITS},{digits[name][1]})" for name in inexact - fine}
    exact |= dict.fromkeys(fine, "VARCHAR")
    return {name: exact.get(name, str(kind)) for name, kind in types.items()} if exact else {}


def _struct(types: Mapping[str, str]) -> str:
    return "{" + ", ".join(f"{text_literal(name)}: {text_literal(kind)}" for name, kind in types.items()) + "}"
