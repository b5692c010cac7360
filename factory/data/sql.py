"""SQL on an Airflow connection, and the rows of a result."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from factory.data.row_files import RowFileWriter, TooManyRowsError, limited, plain_rows, plain_value

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


_ROW_SHOWN = re.compile(
    r"\s*DETAIL:\s+Failing row contains (?s:.*)|JSON data, line \d+: .*|(COPY \S+, line \d+(?:, column [^:\n]+)?): .*"
    r"|(\bKey \([^=]*\))=\((?s:.*?)\)(?= (?:already|is|conflicts) )|(Duplicate entry) '(?s:.*)'(?= for key)"
    r"|(Duplicate key) \"(?s:.*)\"(?= violates)"
    r"|(invalid input (?:syntax|value) for [\w ]+|date/time field value out of range|date field value out of range)"
    r": \"(?s:.*?)\"(?=\s|$)|(?<=\bvalue) \"(?s:.*?)\"(?= is out of range)"
    r"|(Could not convert string) '(?s:.*?)'(?= to )|(with value) (?s:.*?)(?= can't be cast)"
    r"|((?:Incorrect|Truncated incorrect) [\w ]+ value): '(?s:.*?)'(?= for |$)"
)
_LOGIN_SHOWN = re.compile(r"(://[^\s/:@'\"]*:)[^\s'\"]*(?=@)|(\bpassword\s*=\s*)(?:'[^']*'|[^\s'\"]+)", re.IGNORECASE)


def database_words(error: BaseException) -> str:
    """What a database says, in one line. Some add the row, or a value of it, that they refused, or the address with its
    password: not for logs."""
    text = _ROW_SHOWN.sub(lambda found: next(filter(None, found.groups()), ""), str(error))
    return " ".join(_LOGIN_SHOWN.sub(r"\1\2***", text).split())


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
        ) from None
    if not isinstance(hook, DbApiHook):
        raise SqlError(f"the connection `{conn_id}` of type `{connection.conn_type}` leads to no database")
    if database is not None:
        setattr(hook, "database" if connection.conn_type == "postgres" else "schema", database)
    # Its log would show the parameters, which may be rows.
    hook.log_sql = False
    if connection.conn_type == "sqlite":
        _wait_for_other_writers(hook)
        written: Callable[[], str] = hook.get_uri
        # With SQLAlchemy's four slashes Airflow's hook would take the first folder for a host.
        hook.get_uri = lambda: written().replace("sqlite://///", "sqlite:////")  # type: ignore[method-assign]
    return hook


def sqlite_file(connection: Any) -> str:
    """The file of an SQLite connection as Airflow's hook reads it: `sqlite:///tmp/w.db` is `/tmp/w.db`."""
    path = "/".join((connection.host or "", connection.schema)) if connection.schema else connection.host or ""
    return re.sub("^//+", "/", path)


def _wait_for_other_writers(hook: DbApiHook) -> None:
    """SQLite lets one task write at a time, and gives up after 5 s where it is not told otherwise."""
    connect = hook.get_conn

    def patient() -> Any:
        connection = connect()
        connection.execute(f"PRAGMA busy_timeout = {SQLITE_PATIENCE * 1000}")
        return connection

    hook.get_conn = patient  # type: ignore[method-assign] # the hook has no setting for it


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
        said = database_words(error)
        raise SqlError(f"{said} {SPLIT}" if ONE_STATEMENT in said else said) from None
    if handler is None:
        return None
    # For a list of statements the hook gives a list of their results.
    last: Any = result if isinstance(statements, str) else list(result or ())[-1]
    if not isinstance(last, _Found):  # too late to undo what the statements did
        raise SqlError(_NO_ROWS)
    return last.value


def result_rows(cursor: Any) -> Iterator[dict[str, Any]]:
    """The rows of a cursor, by column name. Raises SqlError where two columns have one name."""
    names = [str(column[0]) for column in cursor.description]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise SqlError(f"the result has two columns `{twice}`: give one of them another name with AS")
    while some := cursor.fetchmany(_ROWS_AT_ONCE):
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
            return _Found(None if row is None else plain_value(row[0]))
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
