"""SQL on an Airflow connection, and the rows of a result."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from factory.data.database_words import database_words, what_to_write, with_near_name, without_hook
from factory.data.forms import OF_FILES, written
from factory.data.row_files import RowFileWriter, TooManyRowsError, limited, plain_rows, plain_value
from factory.data.values import exact_number

if TYPE_CHECKING:
    from airflow.providers.common.sql.hooks.sql import DbApiHook

Fetch = Literal["none", "rows", "value"]
_ROWS_AT_ONCE = 5_000
_MARK = "\ufeff"
SQLITE_PATIENCE = 600
"""Seconds to wait until another task has written."""

_NO_ROWS = "the last statement gives no rows to fetch"
ONE_STATEMENT = "You can only execute one statement at a time"
SPLIT = "To run several, add `split_statements: true` to the task's `with`."
"""SQLite's error is for people who call it, not for who wrote the SQL file.
`factory.local.logs` has it for Airflow's own operators."""


def text_literal(value: str) -> str:
    """A text as SQL writes it."""
    return "'" + value.replace("'", "''") + "'"


def quoted(name: str) -> str:
    """A name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


class SqlError(Exception):
    """SQL that the database refused, or a result that cannot be handed on; the text says which."""


def connection_of(conn_id: str) -> Any:
    """An Airflow connection. Raises SqlError where its URI has a sign in its password that ends the password there:
    what comes behind it would be taken for a host, a port or a database, and shown."""
    from airflow.sdk import BaseHook  # noqa: PLC0415
    from airflow.sdk.exceptions import AirflowNotFoundException  # noqa: PLC0415

    written = os.environ.get(f"AIRFLOW_CONN_{conn_id.upper()}", "").partition("://")[2]
    place = re.split(r"[/?#]", written, maxsplit=1)[0]
    path, _, query = ("" if "@" in place or ":" not in place else written[len(place) :]).partition("?")
    is_cut = "@" in path or ("@" in query and (not path or "=" not in query.rpartition("@")[0]))
    try:
        connection = None if is_cut else BaseHook.get_connection(conn_id)
    except AirflowNotFoundException:
        if not written:
            raise
        connection = None
    if connection is None or (connection.port and not connection.login and "@" in (connection.schema or "")):
        raise SqlError(
            f"the URI of the connection `{conn_id}` cannot be read: write signs such as `/`, `?`, `#` and `[` in its "
            "password percent-encoded (`/` is `%2F`)"
        )
    return connection


def database_hook(conn_id: str, database: str | None = None) -> DbApiHook:
    """The hook of a connection to a database. Raises SqlError where it is none."""
    from airflow.providers.common.sql.hooks.sql import DbApiHook  # noqa: PLC0415 # a second, which only SQL needs

    connection = connection_of(conn_id)
    try:
        hook = connection.get_hook(hook_params=dict(connection.extra_dejson))
    except Exception as error:  # an unknown type, a provider that is not installed, an extra that a hook does not take
        raise SqlError(
            f"the connection `{conn_id}` of type `{connection.conn_type}` has no hook here: {error}"
            + without_hook(connection.conn_type, str(error))
        ) from None
    if not isinstance(hook, DbApiHook):
        raise SqlError(f"the connection `{conn_id}` of type `{connection.conn_type}` leads to no database")
    if database is not None:
        setattr(hook, "database" if connection.conn_type == "postgres" else "schema", database)
    # Its log would show the parameters, which may be rows.
    hook.log_sql = False
    if connection.conn_type in SESSIONS:
        _prepare(hook, SESSIONS[connection.conn_type])
    if connection.conn_type == "sqlite":
        written: Callable[[], str] = hook.get_uri
        # With SQLAlchemy's four slashes Airflow's hook would take the first folder for a host.
        hook.get_uri = lambda: written().replace("sqlite://///", "sqlite:////")  # type: ignore[method-assign]
    return hook


def sqlite_file(connection: Any) -> str:
    """The file of an SQLite connection as Airflow's hook reads it: `sqlite:///tmp/w.db` is `/tmp/w.db`."""
    path = "/".join((connection.host or "", connection.schema)) if connection.schema else connection.host or ""
    return re.sub("^//+", "/", path)


def _prepare(hook: DbApiHook, session: Callable[[Any], None]) -> None:
    connect = hook.get_conn

    def prepared() -> Any:
        connection = connect()
        session(connection)
        return connection

    hook.get_conn = prepared  # type: ignore[method-assign] # the hook has no setting for it


def _waiting(connection: Any) -> None:
    """SQLite lets one task write at a time, and gives up after 5 s where it is not told otherwise."""
    connection.execute(f"PRAGMA busy_timeout = {SQLITE_PATIENCE * 1000}")


MOMENT = "_load_moment"


def know_moments(connection: Any) -> None:
    """Let SQLite have the function MOMENT: it keeps moments as text, which others write otherwise than dlt."""

    def moment(value: Any) -> Any:
        try:
            found = datetime.fromisoformat(value)
            found = found.astimezone(UTC) if found.tzinfo is not None else found
        except (OverflowError, TypeError, ValueError):
            return value
        return found.replace(tzinfo=None).isoformat(" ", "microseconds")

    connection.create_function(MOMENT, 1, moment, deterministic=True)


def _in_utc(connection: Any) -> None:
    """MySQL gives moments in the time zone of its server, and does not say so; `load` writes them in UTC."""
    with closing(connection.cursor()) as cursor:
        cursor.execute("SET time_zone = '+00:00'")


def _exact(connection: Any) -> None:
    """Drivers of PostgreSQL make floats of numbers in JSON, and 30 days of an interval of a month; and psycopg knows
    moments in one form only, where a role may have another (`DateStyle`)."""
    loads = partial(json.loads, parse_float=exact_number)
    if type(connection).__module__.partition(".")[0] == "psycopg2":
        from psycopg2 import extensions, extras  # type: ignore[import-untyped] # noqa: PLC0415 # only where it is used

        extras.register_default_json(connection, loads=loads)
        extras.register_default_jsonb(connection, loads=loads)
        as_text = extensions.new_type((1186,), "INTERVAL", lambda text, _: text)
        for one in (as_text, extensions.new_array_type((1187,), "INTERVAL[]", as_text)):
            extensions.register_type(one, connection)
        return
    from psycopg.types.json import set_json_loads  # noqa: PLC0415
    from psycopg.types.string import TextLoader  # noqa: PLC0415

    if not (connection.info.parameter_status("DateStyle") or "ISO").startswith("ISO"):
        connection.execute("SET datestyle = 'ISO'")
        connection.commit()  # else a transaction that fails would set it back
    set_json_loads(loads, connection)
    connection.adapters.register_loader("interval", TextLoader)


SESSIONS: Mapping[str, Callable[[Any], None]] = MappingProxyType(
    {"sqlite": _waiting, "mysql": _in_utc, "postgres": _exact}
)
"""What is done with each new connection of a type."""


def run_sql(
    hook: DbApiHook,
    sql: str | Sequence[str],
    *,
    parameters: Mapping[str, Any] | Sequence[Any] | None = None,
    split_statements: bool | None = None,
    autocommit: bool = False,
    fetch: Fetch = "none",
    max_rows: int | None = None,
    to: str | None = None,
) -> Any:
    """Run statements; return what `fetch` says of the last one's result, or the path of the file it was written to.

    Raises SqlError, TooManyRowsError, RowFileError.
    """
    split = {} if split_statements is None else {"split_statements": split_statements}
    # Some editors begin a file with a byte order mark, which is no SQL.
    statements = sql.removeprefix(_MARK) if isinstance(sql, str) else [one.removeprefix(_MARK) for one in sql]
    is_one = isinstance(sql, str) and not split_statements
    handler = _Result(fetch, max_rows, to, is_one) if fetch != "none" else None
    try:
        result = hook.run(statements, autocommit, parameters, handler=handler, **split)
    except Exception as error:
        if not _is_of_driver(error):
            raise
        said = database_words(error, sql if isinstance(sql, str) else "\n".join(sql))
        ask: Any = hook.run
        said = with_near_name(said, partial(ask, handler=lambda cursor: cursor.fetchall()))
        told = SPLIT if ONE_STATEMENT in said else what_to_write(str(error))
        raise SqlError(f"{said} {told}".strip()) from None
    if handler is None:
        return None
    # For a list of statements the hook gives a list of their results.
    last: Any = result if isinstance(statements, str) else list(result or ())[-1]
    if not isinstance(last, _Found):  # too late to undo what the statements did
        raise SqlError(_NO_ROWS)
    return last.value


def columns_of(hook: DbApiHook, table: str) -> list[str]:
    """The columns of a table, by its name as SQL writes it; none where the database does not tell: a role may not be
    allowed to read each of them."""
    try:
        found: Any = hook.run(f"SELECT * FROM {table} WHERE 1 = 0", handler=lambda cursor: tuple(cursor.description))  # noqa: S608 # quoted
    except Exception as error:
        if not _is_of_driver(error):
            raise
        return []
    return [str(column[0]) for column in found]


def result_rows(cursor: Any) -> Iterator[dict[str, Any]]:
    """The rows of a cursor, by column name. Raises SqlError where two columns have one name."""
    names = [str(column[0]) for column in cursor.description]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise SqlError(f"the result has two columns `{twice}`: give one of them another name with AS")
    while some := cursor.fetchmany(_ROWS_AT_ONCE):
        if not all(OF_FILES.issuperset(map(type, row)) for row in some):
            some = [[written(one) for one in row] for row in some]
        for row in some:
            yield dict(zip(names, row, strict=True))


class _Found:
    """A result. Not a bare value: some hooks make tuples of lists."""

    def __init__(self, value: Any) -> None:
        self.value = value


class _Result:
    """Takes the result of each statement while its cursor is open; that of the last one counts."""

    def __init__(self, fetch: Fetch, max_rows: int | None, to: str | None, is_one: bool) -> None:
        self._fetch, self._max_rows, self._to, self._is_one = fetch, max_rows, to, is_one

    def __call__(self, cursor: Any) -> _Found | None:
        if not _has_rows(cursor):
            if self._is_one:
                raise SqlError(_NO_ROWS)  # before it is committed
            return None
        if self._fetch == "value":
            row = cursor.fetchone()
            return _Found(None if row is None else plain_value(written(row[0])))
        if self._to is None:
            return _Found(limited(plain_rows(result_rows(cursor)), self._max_rows))
        columns = [str(column[0]) for column in cursor.description]
        return _Found(write_rows(result_rows(cursor), self._to, self._max_rows, columns))


def _has_rows(cursor: Any) -> bool:
    """Whether there is a result. Of several statements in one text, some drivers give that of the first one first."""
    while cursor.description is None:
        try:
            if not cursor.nextset():
                return False
        except Exception as error:
            if isinstance(error, AttributeError) or _is_of_driver(error):  # a driver has no more than one
                return False
            raise
    return True


def write_rows(
    rows: Iterator[Mapping[str, Any]], path: str, max_rows: int | None = None, columns: Sequence[str] = ()
) -> str:
    """Write rows to a file; return its path. Raises RowFileError, TooManyRowsError."""
    with RowFileWriter(path, columns=columns) as file:
        some: list[Mapping[str, Any]] = []
        for row in rows:
            if max_rows is not None and file.rows + len(some) == max_rows:
                raise TooManyRowsError(max_rows, is_default=False)
            some.append(row)
            if len(some) == _ROWS_AT_ONCE:
                file.write(some)
                some = []
        file.write(some)
    return file.path


def _is_of_driver(error: BaseException) -> bool:
    """Whether a database driver raised it; drivers share no class, but names (PEP 249)."""
    return any(cls.__name__ in ("DatabaseError", "InterfaceError") for cls in type(error).__mro__)
