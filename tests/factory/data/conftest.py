"""The databases that `load` writes to: files in every run of the tests, servers in `make soak`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from .warehouses import Warehouse, duckdb_file, server, sqlite_file

KINDS = [
    "sqlite",
    "duckdb",
    pytest.param("postgres", marks=pytest.mark.soak),
    pytest.param("mysql", marks=pytest.mark.soak),
]


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


@pytest.fixture(params=KINDS)
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
