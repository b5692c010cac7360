"""Databases that the tests of `load` write to, each as an Airflow connection `warehouse`, and a load into them."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from factory.operators.load import LoadOperator
from tests.e2e import services

ORDERS = [{"id": 1, "customer": "an", "price": 12.5}, {"id": 2, "customer": "bo", "price": 3}]

Run = Callable[[str], list[tuple[Any, ...]]]
KINDS = ("sqlite", "duckdb", "postgres", "mysql")
_SERVERS = ("postgres", "mysql")


def of_kinds(*kinds: str) -> list[Any]:
    """Parameters of tests: files in every run, servers in `make soak`."""
    return [pytest.param(kind, marks=pytest.mark.soak) if kind in _SERVERS else kind for kind in kinds]


def on(*kinds: str) -> pytest.MarkDecorator:
    """A test of these databases alone."""
    return pytest.mark.parametrize("warehouse", of_kinds(*kinds), indirect=True)


@dataclass(frozen=True)
class Warehouse:
    """`run` asks it, over a connection that is no part of what is tested. `variable` is Airflow's connection."""

    kind: str
    variable: str
    run: Run
    connected: Callable[[], Any] | None = None

    def rows(self, table: str, columns: str = "*", order: str = "id") -> list[tuple[Any, ...]]:
        return self.run(f"SELECT {columns} FROM {table} ORDER BY {order}")

    @contextlib.contextmanager
    def held(self, table: str, waiting: int) -> Iterator[None]:
        """Nobody writes to a table of a server, until so many wait for it behind the block."""
        assert self.connected is not None
        lock, asked = {
            "postgres": (f"LOCK TABLE {table} IN SHARE MODE", "SELECT count(*) FROM pg_locks WHERE NOT granted"),
            "mysql": (
                f"LOCK TABLES {table} READ",
                "SELECT count(*) FROM information_schema.processlist WHERE state LIKE 'Waiting for table%'",
            ),
        }[self.kind]
        with contextlib.closing(self.connected()) as connection:
            connection.cursor().execute(lock)
            yield
            until = time.monotonic() + 120
            while self.run(asked) != [(waiting,)]:
                assert time.monotonic() < until, self.run(asked)
                time.sleep(0.1)

    def tables(self) -> set[str]:
        """The tables that are not this project's or dlt's own."""
        if self.kind == "sqlite":
            names = self.run("SELECT name FROM sqlite_master WHERE type = 'table'")
        else:
            schema = {"postgres": "public", "mysql": "shop", "duckdb": "main"}[self.kind]
            names = self.run(f"SELECT table_name FROM information_schema.tables WHERE table_schema = '{schema}'")
        return {name for (name,) in names if not name.startswith(("_dlt_", "_pipeline_"))}

    def columns(self, table: str) -> list[str]:
        asked = (
            f"SELECT column_name FROM information_schema.columns WHERE table_name = '{table}' ORDER BY ordinal_position"
        )
        if self.kind == "sqlite":
            asked = f"SELECT name FROM pragma_table_info('{table}') ORDER BY cid"
        return [name for (name,) in self.run(asked)]


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
        yield reached(kind, address)


def reached(kind: str, address: str) -> Warehouse:
    """A server's database, over connections of the tests' own."""
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

    return Warehouse(kind, f"{kind}://{address}", run, connected)


def load(
    rows: list[dict[str, Any]] | None = None, *, table: str = "orders", run_id: str = "r1", **arguments: Any
) -> Mapping[str, Any]:
    operator = LoadOperator(task_id="load", conn_id="warehouse", table=table, rows=rows, **arguments)
    ti = SimpleNamespace(dag_id="shop", run_id=run_id, task_id="load", map_index=-1)
    return operator.execute({"ti": ti})  # type: ignore[typeddict-item] # all of the context that it uses
