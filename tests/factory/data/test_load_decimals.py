"""Decimals in SQLite, which has none: numbers where no digit is lost, else text, of which a warning tells."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowException

from factory.operators.check import CheckOperator

from .warehouses import Warehouse, load, sqlite_file

LONG = "12345678901234567890.12"
MONEY: dict[str, Any] = {"data_type": "decimal", "precision": 12, "scale": 2}


@pytest.fixture
def sqlite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Warehouse:
    pytest.importorskip("dlt")
    found = sqlite_file(tmp_path)
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", found.variable)
    return found


def said(capsys: pytest.CaptureFixture[str]) -> str:
    return " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("kind", ["decimal", MONEY, {"data_type": "decimal", "precision": 30, "scale": 4}, None])
def test_decimals_of_few_digits_are_numbers(sqlite: Warehouse, kind: Any, capsys: pytest.CaptureFixture[str]) -> None:
    rows: list[dict[str, Any]] = [
        {"id": 1, "price": Decimal("1000.00")},
        {"id": 2, "price": Decimal("3.5")},
        {"id": 3, "price": Decimal("-0.01")},
    ]
    columns = {} if kind is None else {"price": kind}
    load(rows, columns=columns)
    load([{"id": 4, "price": Decimal("20")}], columns=columns, run_id="r2")
    assert sqlite.rows("orders", "price, typeof(price)", "price DESC") == [
        (1000.0, "real"),
        (20.0, "real"),
        (3.5, "real"),
        (-0.01, "real"),
    ]
    assert sqlite.run("SELECT max(price), min(price) FROM orders WHERE price < 500") == [(20.0, -0.01)]
    assert "warning  ] SQLite" not in (log := said(capsys))
    assert "`columns`" not in log
    check: Any = {"task_id": "check", "conn_id": "warehouse", "table": "orders"}
    with pytest.raises(AirflowException, match="cheap: found 1 row that does not meet it, expected price < 500"):
        CheckOperator(**check, checks={"cheap": {"check_statement": "price < 500"}}).execute({})


def test_decimals_of_csv_are_numbers(sqlite: Warehouse, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,price\n1,1000.00\n2,3.10\n")
    load(file=str(tmp_path / "a.csv"))
    assert sqlite.run("SELECT id FROM orders WHERE price < 500") == [(2,)]


@pytest.mark.parametrize("columns", [{}, {"price": "decimal"}])
def test_decimals_of_many_digits_are_text_and_a_warning_says_so(
    sqlite: Warehouse, columns: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [{"id": 1, "price": Decimal(LONG)}, {"id": 2, "price": Decimal("3.5")}]
    load(rows, columns=columns)
    assert sqlite.rows("orders", "price") == [(LONG,), ("3.5",)]
    log = said(capsys)
    assert "SQLite keeps `price` as text, sign by sign, since a number there would lose digits" in log
    assert 'CAST("price" AS REAL)' in log or "CAST(price AS REAL)" in log
    load(rows, columns={"price": "decimal"}, run_id="r2")
    assert "SQLite keeps `price` as text" in said(capsys)


def test_a_later_decimal_of_many_digits_is_of_another_type(
    sqlite: Warehouse, capsys: pytest.CaptureFixture[str]
) -> None:
    load([{"id": 1, "price": Decimal("3.5")}], columns={"price": "decimal"})
    late: Any = {"columns": {"price": "decimal"}}
    with pytest.raises(AirflowException, match="`price` is of type double"):
        load([{"id": 2, "price": Decimal(LONG)}], run_id="r2", schema_contract="freeze", **late)
    assert "SQLite" not in said(capsys)
    loaded = load([{"id": 2, "price": Decimal(LONG)}, {"id": 3, "price": Decimal("4.50")}], run_id="r3", **late)
    assert loaded["values_of_another_type"] == {"price__v_decimal": 1}
    assert sqlite.rows("orders", "price, price__v_decimal") == [(3.5, None), (None, LONG), (4.5, None)]
    assert "SQLite keeps `price__v_decimal` as text" in said(capsys)
    load([{"id": 4, "price": Decimal(LONG)}], run_id="r4", **late)
    assert sqlite.rows("orders", "price__v_decimal")[-1:] == [(LONG,)]


def test_what_does_not_fit_the_declared_digits_stays_beside_them(sqlite: Warehouse) -> None:
    rows = [{"id": 1, "price": "12345678901.5"}, {"id": 2, "price": "1.239"}, {"id": 3, "price": "9999999999.99"}]
    for table, kind in (("a", MONEY), ("b", {"data_type": "decimal", "precision": 20, "scale": 10})):
        loaded = load(rows, table=table, run_id=table, columns={"price": kind})
        wrong = [one for (one,) in sqlite.rows(table, "id") if one != 3] if table == "a" else [1]
        assert loaded["values_of_another_type"] == {"price__v_text": len(wrong)}
        assert [one for (one,) in sqlite.run(f"SELECT id FROM {table} WHERE price IS NULL ORDER BY id")] == wrong


def test_a_key_of_decimals_is_found_however_it_is_written(sqlite: Warehouse) -> None:
    merge: Any = {"write_disposition": "merge", "primary_key": "price", "columns": {"price": MONEY}}
    load([{"price": "1.50", "n": 1}], **merge)
    load([{"price": "1.5", "n": 2}], run_id="r2", **merge)
    assert sqlite.rows("orders", "price, n", "n") == [(1.5, 2)]
