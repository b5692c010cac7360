"""What `append` remembers of the loads of a task, and rows that a table does not take."""

from __future__ import annotations

import re
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowException

from .warehouses import ORDERS, Warehouse, load, on


def test_a_corrected_table_gets_the_rows(warehouse: Warehouse) -> None:
    load(ORDERS, table="ordesr")
    assert load(ORDERS, table="orders")["rows_loaded"] == 2
    load(ORDERS, table="orders")
    assert len(warehouse.rows("orders")) == len(warehouse.rows("ordesr")) == 2


def test_a_table_spelt_otherwise_is_the_same_one_where_the_database_takes_it_for_one(warehouse: Warehouse) -> None:
    load(ORDERS)
    if warehouse.kind == "duckdb":
        with pytest.raises(AirflowException, match='"Orders" already exists'):
            load(ORDERS, table="Orders", run_id="r2")
        return
    load(ORDERS, table="Orders")
    assert warehouse.tables() == ({"orders"} if warehouse.kind == "sqlite" else {"orders", "Orders"})
    assert len(warehouse.rows("orders")) == 2


def test_what_a_table_got_that_somebody_takes_away_is_not_loaded_again(warehouse: Warehouse) -> None:
    load(ORDERS)
    warehouse.run("DELETE FROM orders")
    load(ORDERS)
    assert warehouse.rows("orders") == []


def test_what_a_table_got_that_is_gone_is_forgotten(warehouse: Warehouse) -> None:
    for run_id in ("r1", "r2"):
        load(ORDERS, run_id=run_id)
        load(ORDERS, run_id=run_id, table="other")
    warehouse.run("DROP TABLE orders")
    assert load(ORDERS[:1], run_id="r1")["rows_loaded"] == 1
    assert load(ORDERS, run_id="r2")["rows_loaded"] == 2
    for run_id in ("r1", "r2"):
        load(ORDERS, run_id=run_id)
        load(ORDERS, run_id=run_id, table="other")
    assert [row[0] for row in warehouse.rows("orders")] == [1, 1, 2]
    assert len(warehouse.rows("other")) == 4


def test_a_try_that_adds_nothing_says_so_and_how_it_can(
    warehouse: Warehouse, capsys: pytest.CaptureFixture[str]
) -> None:
    load(ORDERS)
    warehouse.run("DELETE FROM orders WHERE id = 1")
    capsys.readouterr()
    load([*ORDERS, {"id": 3}])
    log = " ".join(capsys.readouterr().out.split())
    said = re.search(r"appended its 2 rows to `orders`, so this one added none: .* run (DELETE FROM .*?\))", log)
    assert said is not None
    warehouse.run(said[1])
    assert load(ORDERS)["rows_loaded"] == 2
    assert [row[0] for row in warehouse.rows("orders")] == [1, 2, 2]


IGNORED = {
    "sqlite": [
        "CREATE TRIGGER keep BEFORE INSERT ON orders WHEN new.id > 2 BEGIN SELECT raise(IGNORE); END",
    ],
    "postgres": [
        "CREATE OR REPLACE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN IF new.id > 2 THEN RETURN NULL; END IF; RETURN new; END $$",
        "CREATE TRIGGER keep BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION keep()",
    ],
}


@pytest.mark.parametrize("write_disposition", ["append", "replace", "merge"])
@on(*IGNORED)
def test_rows_that_a_trigger_leaves_out_are_not_counted(
    warehouse: Warehouse, write_disposition: str, capsys: pytest.CaptureFixture[str]
) -> None:
    warehouse.run("CREATE TABLE orders (id INTEGER, customer VARCHAR(20), price REAL)")
    for statement in IGNORED[warehouse.kind]:
        warehouse.run(statement)
    key = {"primary_key": "id"} if write_disposition == "merge" else {}
    rows = [*ORDERS, {"id": 3, "price": 1}]
    for _ in range(2):
        loaded = load(rows, write_disposition=write_disposition, **key)
        assert loaded["rows_loaded"] == 2
    log = " ".join(capsys.readouterr().out.split())
    assert "`orders` took 2 of 3 rows: a trigger or a rule of the table left out the others" in log
    assert len(warehouse.rows("orders")) == 2


@on("postgres")
def test_rows_that_a_rule_leaves_out_are_not_counted(warehouse: Warehouse) -> None:
    warehouse.run("CREATE TABLE orders (id INTEGER)")
    warehouse.run("CREATE RULE keep AS ON INSERT TO orders DO INSTEAD NOTHING")
    assert load([{"id": 1}])["rows_loaded"] == 0


@pytest.mark.usefixtures("warehouse")
def test_columns_that_a_merge_empties_are_said(capsys: pytest.CaptureFixture[str]) -> None:
    key: dict[str, Any] = {"write_disposition": "merge", "primary_key": "id"}
    load(ORDERS, **key)
    capsys.readouterr()
    load([{"id": 1, "total": 3, "customer": None}], run_id="r2", **key)
    log = " ".join(capsys.readouterr().out.split())
    said = "the rows have no `price`, which the table has: in the rows that `merge` replaces, this becomes null"
    assert f"{said} where it has no default" in log
    load([{"id": 1, "price": 3, "total": 3, "customer": None}], run_id="r3", **key)
    assert "becomes null" not in capsys.readouterr().out


@on("duckdb", "postgres", "mysql")  # SQLite has no decimals
@pytest.mark.usefixtures("warehouse")
def test_more_digits_than_a_decimal_keeps_are_said_as_digits(capsys: pytest.CaptureFixture[str]) -> None:
    load([{"price": 12.345}], columns={"price": {"data_type": "decimal", "precision": 12, "scale": 2}})
    log = " ".join(capsys.readouterr().out.split())
    assert "`price` is of type decimal(12, 2), and has values with more digits than it keeps in row 1" in log


@on("sqlite", "duckdb")
def test_a_try_after_the_load_says_what_was_left_out(warehouse: Warehouse) -> None:
    load([{"id": 1, "a": 1}], run_id="r0")
    rows = [{"id": 2, "a": 2}, {"id": 3, "a": 3, "b": 1}, {"id": 4, "b": 1}]
    for contract, counted in (("discard_row", (1, 2, 0)), ("discard_value", (3, 0, 2))):
        for _ in range(2):  # the second as after a kill behind the last statement
            loaded = load(rows, run_id=contract, schema_contract=contract)
            assert (loaded["rows_loaded"], loaded["rows_discarded"], loaded["values_discarded"]) == counted
    assert len(warehouse.rows("orders")) == 5
