"""An Airflow connection → a destination of dlt."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from factory.data import imported
from factory.data.load_errors import LoadError, patiently
from factory.data.sql import SQLITE_PATIENCE, sqlite_file


class _Unkept(NamedTuple):
    """Values of a type that a database has no form for: the function of Arrow that finds them, what it is given, and
    what they are called."""

    data_type: str
    found_by: str
    sign: tuple[str, ...]
    said: str


@dataclass(frozen=True, slots=True)
class Target:
    """Where rows go: dlt's destination, the schema, and what is particular about the database.

    `declared`: what `Declared` has of a column, in a query of `information_schema.columns`. `retyped`: how ALTER TABLE
    gives a column a type. `types`: types of dlt that the database keeps as another one, so that no digit is lost.
    `is_exact_about_case`: whether `Name` and `name` are two columns. `setting`: a statement before rows are moved.
    `lock`: one that keeps other loads out of a table until the transaction ends. `unkept`: what it would refuse without
    naming a column, or make null.
    """

    destination: Any
    schema: str
    declared: str = ""
    retyped: str = ""
    types: Mapping[str, str] = field(default_factory=dict)
    is_exact_about_case: bool = False
    setting: str | None = None
    lock: str | None = None
    file: str | None = None
    unkept: tuple[_Unkept, ...] = ()

    @property
    def has_no_decimals(self) -> bool:
        """Whether a decimal is kept as a float where that keeps its digits, else as text."""
        return "decimal" in self.types

    def alone(self, table: str) -> list[str]:
        """What keeps other loads out of a table, which is as SQL writes it."""
        return [self.lock.format(table)] if self.lock else []

    def unkept_in(self, values: Any, data_type: str) -> str | None:
        """What of a staged column the database has no form for."""
        compute = imported("pyarrow.compute", task="load", extra="load")
        of_type = (one for one in self.unkept if one.data_type == data_type)
        return next(
            (one.said for one in of_type if compute.any(getattr(compute, one.found_by)(values, *one.sign)).as_py()),
            None,
        )


_OF_COLUMN = (
    "FROM pg_catalog.pg_attribute a WHERE a.attname = column_name "
    "AND a.attrelid = (quote_ident(table_schema) || '.' || quote_ident(table_name))::regclass"
)
_DECLARED = "column_name, lower({}), datetime_precision, character_maximum_length, {}"
_NUL = "a NUL character"
_NAN = _Unkept("double", "is_nan", (), "NaN, which is no number")
_INFINITE = _Unkept("double", "is_inf", (), "an infinite number")


def target_of(connection: Any, schema: str | None, table: str = "") -> Target:
    """The destination of an Airflow connection. `table`: the one whose schema is looked up where none is named. Raises
    LoadError where its type has none."""
    make = _TARGETS.get(connection.conn_type)
    if make is None:
        raise LoadError(
            f"`load` has no way into a connection of type `{connection.conn_type}`; "
            f"it loads into {', '.join(sorted(_TARGETS))}"
        )
    return make(connection, schema, table)


def _destinations() -> Any:
    return imported("dlt.destinations", task="load", extra="load")


def _server(connection: Any, port: int) -> dict[str, Any]:
    parts = {
        "host": connection.host or "localhost",
        "port": connection.port or port,
        "username": connection.login,
        "password": connection.password,
        "database": connection.schema,
    }
    return {name: value for name, value in parts.items() if value is not None}


def _postgres(connection: Any, schema: str | None, table: str) -> Target:
    if re.search(r"[\s\"'\\]", schema or ""):  # dlt hands it to libpq as a word of an option
        raise LoadError(f"`load` cannot write to the schema `{schema}`: its name has a space, a quote or a backslash")
    # What libpq knows may be in the connection's extras, such as `sslmode`.
    query = {name: str(value) for name, value in connection.extra_dejson.items() if name in _LIBPQ}
    parts = {"database": "postgres", **_server(connection, 5432), "query": query}
    credentials = _postgres_credentials(parts)
    destination = _destinations().postgres(credentials, create_indexes=True)
    return Target(
        destination,
        schema or patiently(lambda: _schema_of(table, credentials.to_native_representation())),
        # An explicit cast to `bit` cuts digits off.
        declared=_DECLARED.format(
            "CASE WHEN data_type = 'numeric' AND numeric_precision IS NULL THEN 'any numeric' ELSE data_type END",
            # A domain may be one of a domain.
            "(WITH RECURSIVE base AS (SELECT t.* FROM pg_catalog.pg_type t WHERE t.oid = "
            "(quote_ident(udt_schema) || '.' || quote_ident(udt_name))::regtype UNION ALL SELECT t.* FROM "
            "pg_catalog.pg_type t JOIN base b ON b.typtype = 'd' AND t.oid = b.typbasetype) "
            "SELECT typnamespace::regnamespace || '.' || quote_ident(CASE typname WHEN 'bit' THEN 'varbit' "
            "ELSE typname END) FROM base WHERE typtype <> 'd')",
        )
        + ", (SELECT format_type(a.atttypid, a.atttypmod) "
        + _OF_COLUMN
        + "), (SELECT (SELECT coalesce(e.typtype, t.typtype) FROM pg_catalog.pg_type t LEFT JOIN pg_catalog.pg_type e "
        "ON e.oid = t.typelem AND t.typcategory = 'A' WHERE t.oid = a.atttypid) " + _OF_COLUMN + ")",
        retyped="ALTER COLUMN {0} TYPE {1} USING {2}",
        is_exact_about_case=True,
        setting="SET TIME ZONE 'UTC'",
        # One that deletes what is there and adds rows sees none that another adds meanwhile: both would stay.
        lock="LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE",
        unkept=(
            _Unkept("text", "match_substring", ("\0",), _NUL),
            _Unkept("json", "match_substring_regex", (r"(?:^|[^\\])(?:\\\\)*\\u0000",), _NUL),
        ),
    )


_SCHEMA = """SELECT coalesce((
SELECT n.nspname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid = to_regclass(quote_ident(%s)) AND n.nspname NOT LIKE 'pg\\_%%'), current_schema())"""


def _schema_of(table: str, address: str) -> str:
    """Where SQL of this role finds a table that it names without a schema, and makes it. Raises LoadError."""
    import psycopg2  # type: ignore[import-untyped] # noqa: PLC0415 # dlt's driver

    with closing(psycopg2.connect(address)) as connection, closing(connection.cursor()) as cursor:
        cursor.execute(_SCHEMA, (table,))
        (found,) = cursor.fetchone()
    if found is None:
        raise LoadError(f"the role has no schema on its `search_path`: write `table: SCHEMA.{table}`")
    return str(found)


def _postgres_credentials(parts: Mapping[str, Any]) -> Any:
    from dlt.destinations.impl.postgres.configuration import PostgresCredentials  # noqa: PLC0415

    class Credentials(PostgresCredentials):  # type: ignore[misc] # dlt is an extra
        """With its URL as libpq reads it: a space there is neither itself nor a plus."""

        def to_native_representation(self) -> str:
            address, mark, query = super().to_native_representation().partition("?")
            return f"{address.replace(' ', '%20')}{mark}{query.replace('+', '%20')}"

    credentials = Credentials()
    credentials.update(parts)
    credentials.resolve()  # else dlt makes others of them
    return credentials


def _mysql(connection: Any, schema: str | None, _: str) -> Target:
    from sqlalchemy import URL  # noqa: PLC0415 # only this task needs it

    if not (schema or connection.schema):
        raise LoadError("the connection names no database (its `schema`), and neither does `table`")
    parts = _server(connection, 3306)
    query = {
        "charset": "utf8mb4",
        # An id of 0 would become the next free one.
        "init_command": "SET time_zone = '+00:00', default_storage_engine = InnoDB, "
        "sql_mode = CONCAT(@@sql_mode, ',STRICT_ALL_TABLES,NO_AUTO_VALUE_ON_ZERO')",
    }
    url = URL.create("mysql+pymysql", **parts, query=query)
    address = url.render_as_string(hide_password=False)
    destination = _destinations().sqlalchemy(address, create_unique_indexes=True, type_mapper=_mysql_types())
    return Target(
        destination,
        schema or connection.schema,
        _DECLARED.format(
            "IF(column_type LIKE '%unsigned%', '', data_type)",
            "CONCAT(column_type, COALESCE(CONCAT(' COLLATE ', collation_name), ''))",
        ),
        "MODIFY {0} {1}",
        {"json": "text"},
        unkept=(_NAN, _INFINITE),
    )


def _mysql_types() -> Any:
    from dlt.destinations.impl.sqlalchemy.type_mapper import MysqlVariantTypeMapper  # noqa: PLC0415
    from sqlalchemy.dialects.mysql import BIT, LONGBLOB, LONGTEXT, YEAR  # noqa: PLC0415

    class Types(MysqlVariantTypeMapper):  # type: ignore[misc] # dlt is an extra
        """With columns for text and bytes of any length: dlt's own end at 64 KiB."""

        def db_type_from_text_type(self, column: Any, table: Any) -> Any:
            is_short = column.get("precision") is not None or column.get("unique")
            return super().db_type_from_text_type(column, table) if is_short else LONGTEXT()

        def from_destination_type(self, db_type: Any, precision: Any = None, scale: Any = None) -> Any:
            if isinstance(db_type, BIT | YEAR):
                return {"data_type": "bigint"}
            try:
                return super().from_destination_type(db_type, precision, scale)
            except ValueError:  # a type that dlt does not know
                return {"data_type": "text"}

        def db_type_from_binary_type(self, column: Any, table: Any) -> Any:  # noqa: ARG002 # dlt calls it
            return LONGBLOB()

    return Types


def _sqlite(connection: Any, schema: str | None, _: str) -> Target:
    if schema not in (None, "main"):
        raise LoadError(f"SQLite has no schema `{schema}`: write the table's name alone")
    path = sqlite_file(connection)
    if not path:
        raise LoadError("the connection names no file (its `host`)")
    _make_folder_of(path)
    destination = _destinations().sqlalchemy(
        f"sqlite:///{path}",
        create_unique_indexes=True,
        engine_kwargs={"connect_args": {"timeout": SQLITE_PATIENCE}},
        type_mapper=_sqlite_types(),
    )
    # SQLite keeps a NUMERIC as a float, whatever digits that loses, and reads and writes JSON as text.
    types = {"decimal": "text", "json": "text"}
    return Target(destination, "main", types=types, file=path, unkept=(_NAN,))


def _sqlite_types() -> Any:
    from dlt.destinations.impl.sqlalchemy.type_mapper import SqlalchemyTypeMapper  # noqa: PLC0415

    class Types(SqlalchemyTypeMapper):  # type: ignore[misc] # dlt is an extra
        """With columns that are declared without a type, which dlt does not know."""

        def from_destination_type(self, db_type: Any, precision: Any = None, scale: Any = None) -> Any:
            if str(db_type) == "NULL":
                return {"data_type": "text"}
            return super().from_destination_type(db_type, precision, scale)

    return Types


def _make_folder_of(path: str) -> None:
    folder = Path(path).parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LoadError(f"the folder `{folder}` of the connection's file cannot be made: {error.strerror}") from None


def _duckdb(connection: Any, schema: str | None, _: str) -> Target:
    path = "/".join(part for part in (connection.host, connection.schema) if part)
    if not path:
        raise LoadError("the connection names no file (its `host`)")
    _make_folder_of(path)
    declared = _DECLARED.format("data_type", "data_type, data_type")
    retyped = "ALTER {0} SET DATA TYPE {1}"
    destination = _destinations().duckdb(path, create_indexes=True)
    return Target(destination, schema or "main", declared, retyped, file=path)


_LIBPQ = frozenset(
    {"sslmode", "sslcert", "sslkey", "sslrootcert", "sslcrl", "options", "application_name", "target_session_attrs"}
)
_TARGETS: Mapping[str, Callable[[Any, str | None, str], Target]] = MappingProxyType(
    {"duckdb": _duckdb, "mysql": _mysql, "postgres": _postgres, "sqlite": _sqlite}
)
"""Airflow's types of connections."""
