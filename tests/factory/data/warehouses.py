"""Databases that the tests of `load` write to, each as an Airflow connection `warehouse`."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e import services

Run = Callable[[str], list[tuple[Any, ...]]]


@dataclass(frozen=True)
class Warehouse:
    """`run` asks it, over a connection that is no part of what is tested. `variable` is Airflow's connection."""

    kind: str
    variable: str
    run: Run

    def rows(self, table: str, columns: str = "*", order: str = "id") -> list[tuple[Any, ...]]:
        return self.run(f"SELECT {columns} FROM {table} ORDER BY {order}")

    def tables(self) -> set[str]:
        """The tables that are not this project's or dlt's own."""
        if self.kind == "sqlite":
            names = self.run("SELECT name FROM sqlite_master WHERE type = 'table'")
        else:
            schema = {"postgres": "public", "mysql": "shop", "duckdb": "main"}[self.kind]
            names = self.run(f"SELECT table_name FROM information_schema.tables WHERE table_schema = '{schema}'")
        return {name for (name,) in names if not name.startswith(("_dlt_", "_pipeline_"))}


def sqlite_file(folder: Path) -> Warehouse:
    path = folder / "warehouse.db"

    def run(sql: str) -> list[tuple[Any, ...]]:
        with contextlib.closing(sqlite3.connect(path, timeout=60)) as connection, connection:
            return connection.execute(sql).fetchall()

    return Warehouse("sqlite", json.dumps({"conn_type": "sqlite", "host": str(path)}), run)


def duckdb_file(folder: Path) -> Warehouse:
    import duckdb  # noqa: PLC0415 # an extra

    path = folder / "warehouse.duckdb"

    def run(sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(path)) as connection:
            return list(connection.execute(sql).fetchall())

    return Warehouse("duckdb", json.dumps({"conn_type": "duckdb", "host": str(path)}), run)


@contextlib.contextmanager
def server(kind: str) -> Iterator[Warehouse]:
    """A server of its own, until the end of the block."""
    with (services.postgresql if kind == "postgres" else services.mariadb)() as address:
        yield Warehouse(kind, f"{kind}://{address}", runner(kind, address))


def runner(kind: str, address: str) -> Run:
    account, _, place = address.rpartition("@")
    user, _, password = account.partition(":")
    host, _, rest = place.partition(":")
    port, _, database = rest.partition("/")

    def connected() -> Any:
        if kind == "postgres":
            import psycopg2  # noqa: PLC0415

            return psycopg2.connect(f"postgresql://{address}")
        import pymysql  # noqa: PLC0415

        return pymysql.connect(
            host=host, port=int(port), user=user, password=password, database=database, charset="utf8mb4"
        )

    def run(sql: str) -> list[tuple[Any, ...]]:
        with contextlib.closing(connected()) as connection:
            cursor = connection.cursor()
            cursor.execute(sql)
            found = list(cursor.fetchall()) if cursor.description else []
            connection.commit()
            return found

    return run
