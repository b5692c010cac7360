"""Tables of a test: each connection is an SQLite file of the test's own."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

Row = Mapping[str, Any]


class Tables:
    """SQLite files below a folder, one for each connection that tables are given for or expected in."""

    def __init__(self, folder: Path, names: Iterable[str]) -> None:
        self._folder = folder
        conns = {split(name)[0] for name in names}
        self.connections = {conn: json.dumps({"conn_type": "sqlite", "host": str(self._file(conn))}) for conn in conns}

    def fill(self, name: str, rows: Sequence[Row]) -> None:
        """Make a table with these rows, of the columns that they have."""
        conn, table = split(name)
        columns = list(dict.fromkeys(column for row in rows for column in row))
        with closing(sqlite3.connect(self._file(conn))) as database, database:
            database.execute(f"CREATE TABLE {_quoted(table)} ({', '.join(map(_quoted, columns)) or '_'})")
            if not columns:
                return
            marks = ", ".join("?" * len(columns))
            values = [[_stored(row.get(column)) for column in columns] for row in rows]
            database.executemany(f"INSERT INTO {_quoted(table)} VALUES ({marks})", values)  # noqa: S608 # quoted

    def rows(self, name: str) -> list[dict[str, Any]] | None:
        """The rows of a table; None where there is no such table."""
        conn, table = split(name)
        with closing(sqlite3.connect(self._file(conn))) as database:
            known = {found for (found,) in database.execute("SELECT name FROM sqlite_master")}
            if table not in known:
                return None
            cursor = database.execute(f"SELECT * FROM {_quoted(table)}")  # noqa: S608 # quoted
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor]

    def _file(self, conn: str) -> Path:
        return self._folder / f"{conn}.db"


def split(name: str) -> tuple[str, str]:
    """`warehouse.orders` → its connection and its table."""
    conn, _, table = name.partition(".")
    return conn, table


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _stored(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, (dict, list)) else value
