"""The databases that `load` writes to: files in every run of the tests, servers in `make soak`."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from factory.data.row_files import RowFileWriter

from .checks import MADE, ORDERS, shop
from .warehouses import KINDS, Warehouse, duckdb_file, of_kinds, server, sqlite_file


@pytest.fixture(scope="session")
def servers() -> Iterator[Callable[[str], Warehouse]]:
    started: dict[str, Any] = {}
    found: dict[str, Warehouse] = {}

    def get(kind: str) -> Warehouse:
        if kind not in found:
            started[kind] = server(kind)
            found[kind] = started[kind].__enter__()
        return found[kind]

    yield get
    for one in started.values():
        one.__exit__(None, None, None)


@pytest.fixture(params=of_kinds(*KINDS))
def warehouse(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    servers: Callable[[str], Warehouse],
) -> Warehouse:
    """An empty database, which the connection `warehouse` leads to."""
    pytest.importorskip("dlt")
    kind = request.param
    if kind in ("sqlite", "duckdb"):
        found = (sqlite_file if kind == "sqlite" else duckdb_file)(tmp_path)
    else:
        found = servers(kind)
        quote = '"' if kind == "postgres" else "`"
        for table in found.tables() | {"_pipeline_loads", "_dlt_loads", "_dlt_version"}:
            found.run(f"DROP TABLE IF EXISTS {quote}{table}{quote}")
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", found.variable)
    return found


@pytest.fixture(params=["rows", "file", "table"])
def source(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The orders, in each of the ways in which they can be given."""
    if request.param == "rows":
        return {"rows": ORDERS}
    if request.param == "file":
        with RowFileWriter(str(tmp_path / "orders.jsonl")) as file:
            file.write(ORDERS)
        return {"file": str(tmp_path / "orders.jsonl")}
    table = shop(tmp_path, monkeypatch, "orders", MADE)
    with closing(sqlite3.connect(tmp_path / "shop.db")) as database, database:
        database.executemany("INSERT INTO orders VALUES (?, ?, ?, ?)", [tuple(row.values()) for row in ORDERS])
    return table
