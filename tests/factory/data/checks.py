"""What the tests of `check` share: rows, a database that a connection leads to, and a check of them."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowException

from factory.operators.check import CheckOperator

ORDERS: list[dict[str, Any]] = [
    {"id": 1, "customer": "an", "price": 12.5, "at": "2026-01-01T00:00:00+00:00"},
    {"id": 2, "customer": None, "price": -3, "at": "2026-01-02T00:00:00+00:00"},
    {"id": 2, "customer": "cy", "price": 4, "at": "2026-01-03T00:00:00+00:00"},
]


MADE = "CREATE TABLE orders (id INTEGER, customer TEXT, price REAL, at TEXT)"


def shop(folder: Path, monkeypatch: pytest.MonkeyPatch, table: str, made: str) -> dict[str, Any]:
    """The table of a database that the connection `shop` leads to, `made` by SQL."""
    with closing(sqlite3.connect(folder / "shop.db")) as database, database:
        database.executescript(made)
    monkeypatch.setenv("AIRFLOW_CONN_SHOP", json.dumps({"conn_type": "sqlite", "host": str(folder / "shop.db")}))
    return {"conn_id": "shop", "table": table}


def check(source: dict[str, Any], **rules: Any) -> dict[str, Any]:
    return CheckOperator(task_id="check", **source, **rules).execute({})


def broken(source: dict[str, Any], **rules: Any) -> str:
    with pytest.raises(AirflowException) as raised:
        check(source, **rules)
    return str(raised.value)
