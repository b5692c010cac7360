"""The task `load`, on each database that it is tested with: rows that are added, replaced and merged, and errors."""

from __future__ import annotations

import copy
import json
import os
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from factory.data.row_files import RowFileWriter
from factory.operators.check import CheckOperator
from factory.operators.load import LoadOperator
from factory.operators.models import ChartOperator, TrainOperator
from factory.operators.selection import XComSelection

from .warehouses import ORDERS, Warehouse, load

COUNTS = {"rows_discarded": 0, "values_discarded": 0, "values_of_another_type": {}, "duplicates": 0}


def test_append_adds_rows(warehouse: Warehouse) -> None:
    assert load(ORDERS) == {"table": "orders", "rows_loaded": 2, "columns_added": [], **COUNTS}
    load([{"id": 3, "customer": "cy", "price": 1.25}], run_id="r2")
    assert warehouse.rows("orders") == [(1, "an", 12.5), (2, "bo", 3.0), (3, "cy", 1.25)]


def test_append_of_one_task_instance_happens_once(warehouse: Warehouse) -> None:
    first = load(ORDERS)
    assert load(ORDERS)["rows_loaded"] == first["rows_loaded"]
    assert len(warehouse.rows("orders")) == 2
    load(ORDERS, run_id="r2")
    assert len(warehouse.rows("orders")) == 4


def test_replace_leaves_no_other_rows(warehouse: Warehouse) -> None:
    load(ORDERS, write_disposition="replace")
    load(ORDERS[:1], write_disposition="replace")
    assert warehouse.rows("orders") == [(1, "an", 12.5)]
    assert load([], write_disposition="replace")["rows_loaded"] == 0
    assert warehouse.rows("orders") == []


def test_merge_replaces_rows_with_the_same_key(warehouse: Warehouse) -> None:
    merge: dict[str, Any] = {"write_disposition": "merge", "primary_key": "id"}
    load(ORDERS, **merge)
    newer = [{"id": 2, "customer": "bo", "price": 4}, {"id": 3, "customer": "cy", "price": 1}, {"id": 2, "price": 5}]
    assert load(newer, **merge)["duplicates"] == 1
    load(newer, **merge)
    assert warehouse.rows("orders") == [(1, "an", 12.5), (2, None, 5.0), (3, "cy", 1.0)]


def test_merge_by_two_columns_of_text(warehouse: Warehouse) -> None:
    merge: dict[str, Any] = {"write_disposition": "merge", "primary_key": ["region", "day"]}
    load([{"region": "kr", "day": "1", "n": 1}, {"region": "de", "day": "1", "n": 2}], **merge)
    load([{"region": "kr", "day": "1", "n": 3}, {"region": "kr", "day": "2", "n": 4}], **merge)
    assert warehouse.rows("orders", order="region, day") == [("de", "1", 2), ("kr", "1", 3), ("kr", "2", 4)]


def test_keys_that_differ_by_a_sign_are_of_different_rows(warehouse: Warehouse) -> None:
    keys = ["Ab", "AB", "a", "a ", "é", "e", "😀", "😁", "ß", "ss"]
    merge: dict[str, Any] = {"write_disposition": "merge", "primary_key": ["shop", "code"]}
    for n in (0, 100):
        rows = [{"shop": 1, "code": code, "n": n + place} for place, code in enumerate(keys)]
        assert load([*rows, rows[-1]], **merge)["duplicates"] == 1
        load(rows[:1], **merge)
    assert warehouse.rows("orders", "code, n", "n") == list(zip(keys, range(100, 110), strict=True))


def test_merge_needs_its_key_in_every_row(warehouse: Warehouse) -> None:
    merge: dict[str, Any] = {"write_disposition": "merge", "primary_key": "id"}
    load(ORDERS, **merge)
    with pytest.raises(AirflowException, match=r"1 row has no value in the primary key \(id\)"):
        load([{"id": None, "price": 1, "note": "x"}, {"id": 2, "price": 1}], **merge)
    with pytest.raises(AirflowException, match="the rows have no column `id`, which `primary_key` names"):
        load([{"price": 1}], **merge)
    for written, meant in (("ID", "id"), ("custmer", "customer")):
        with pytest.raises(AirflowException, match=f"no column `{written}`, .* names: did you mean `{meant}`"):
            load(ORDERS, write_disposition="merge", primary_key=written)
    assert warehouse.rows("orders") == [(1, "an", 12.5), (2, "bo", 3.0)]


@pytest.mark.parametrize("contract", ["evolve", "freeze", "discard_value", "discard_row"])
def test_merge_says_the_type_of_its_key(warehouse: Warehouse, contract: str) -> None:
    merge: dict[str, Any] = {"write_disposition": "merge", "primary_key": "id", "schema_contract": contract}
    load(ORDERS, **merge)
    odd = [{"id": "x", "customer": "cy", "price": 1}, {"id": 2, "customer": "bo", "price": 4}]
    if contract == "discard_row":
        assert load(odd, **merge)["rows_discarded"] == 1
        return
    with pytest.raises(AirflowException, match="`id` is of type bigint, and has values of type text in row 1: no row"):
        load(odd, **merge)
    assert warehouse.rows("orders") == [(1, "an", 12.5), (2, "bo", 3.0)]


def test_nothing_to_load_is_no_error(warehouse: Warehouse) -> None:
    assert load([])["rows_loaded"] == 0
    assert load([], write_disposition="merge", primary_key="id")["rows_loaded"] == 0
    assert warehouse.tables() == set()


def test_a_file_is_loaded_and_csv_is_read_for_its_types(warehouse: Warehouse, tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_text(
        "id,code,price,at,ok,note\n1,007,1.50,2026-01-01T00:00:00Z,true,\n2,8,2,2026-01-02T00:00:00Z,false,x\n"
    )
    load(file=str(tmp_path / "*.csv"))
    one, _ = warehouse.rows("orders")
    assert (one[0], one[1], Decimal(one[2]), bool(one[4])) == (1, "007", Decimal("1.5"), True)
    for ending in ("jsonl.gz", "parquet"):
        with RowFileWriter(str(tmp_path / f"orders.{ending}")) as file:
            file.write(ORDERS)
        load(file=[str(tmp_path / f"orders.{ending}")], table=f"from_{ending[:3]}", run_id=ending)
        assert warehouse.rows(f"from_{ending[:3]}") == [(1, "an", 12.5), (2, "bo", 3.0)]


def test_a_table_that_somebody_else_made_is_used_as_it_is(warehouse: Warehouse) -> None:
    warehouse.run("CREATE TABLE orders (id INTEGER PRIMARY KEY, customer VARCHAR(20) NOT NULL, price DECIMAL(10, 2))")
    warehouse.run("INSERT INTO orders VALUES (7, 'cy', 1)")
    load(ORDERS)
    assert [(n, c, float(p)) for n, c, p in warehouse.rows("orders")] == [
        (1, "an", 12.5),
        (2, "bo", 3.0),
        (7, "cy", 1.0),
    ]
    with pytest.raises(AirflowException, match=r"(?i)null|default value"):
        load([{"id": 8}], run_id="r2")
    with pytest.raises(AirflowException, match=r"(?i)unique|duplicate|constraint"):
        load(ORDERS, run_id="r3")
    assert len(warehouse.rows("orders")) == 3


def test_a_table_is_made_only_where_it_may_be(warehouse: Warehouse) -> None:
    with pytest.raises(AirflowException, match="there is no table `orders`, and `create` is false"):
        load(ORDERS, create=False)
    assert warehouse.tables() == set()


def test_what_cannot_be_a_row_is_said(warehouse: Warehouse) -> None:
    with pytest.raises(AirflowException, match="row 2 is no mapping of columns, but of type int"):
        load([{"id": 1}, 2])  # type: ignore[list-item] # what is tested
    with pytest.raises(AirflowException, match="a column without a name"):
        load([{"": 5}])
    with pytest.raises(AirflowException, match="a column named 1, which is no text"):
        load([{1: 5}])  # type: ignore[dict-item] # what is tested
    for rows in ([{}, {}], [{"id": None}, {"id": None}]):
        with pytest.raises(AirflowException, match="no row has a value in a column that could be made"):
            load(rows)
    with pytest.raises(AirflowException, match="a column `_load_row`, a name that `merge` needs"):
        load([{"id": 1, "_load_row": 2}], write_disposition="merge", primary_key="id")
    with pytest.raises(AirflowFailException, match="takes either `rows` or `file`"):
        load(ORDERS, file="orders.csv")
    assert warehouse.tables() == set()


@pytest.mark.parametrize("kind", ["sqlite", "duckdb"])
def test_a_folder_that_cannot_be_made_is_said(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    address = {"conn_type": kind, "host": str(tmp_path / "file" / "warehouse.db")}
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", json.dumps(address))
    with pytest.raises(AirflowException, match=r"the folder `.*file` of the connection's file cannot be made: "):
        load(ORDERS)


def test_rows_that_are_null_name_the_task_that_returned_none() -> None:
    with DAG("shop"):
        fetch: Any = EmptyOperator(task_id="fetch").output
        whole = LoadOperator(task_id="load", conn_id="c", table="t", rows=fetch)
        part = CheckOperator(task_id="check", rows=XComSelection.of(fetch.operator, "rows"))
        file = TrainOperator(task_id="train", target="a", estimator="b", to="c", file=fetch)
        drawn = ChartOperator(task_id="chart", spec={}, to="a.svg", rows=fetch)
    for task in (whole, part, file, drawn):
        running: Any = copy.copy(task)
        running.rows = running.file = None  # what filling in the templates makes of them
        with pytest.raises(AirflowFailException, match="is null: the task `fetch` has returned nothing to take"):
            running.execute({"ti": SimpleNamespace(dag_id="d", run_id="r", task_id="t", map_index=-1)})


def test_nothing_is_left_in_the_environment_or_in_the_working_folder(
    warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cwd").mkdir()
    monkeypatch.chdir(tmp_path / "cwd")
    monkeypatch.setenv("HOME", str(tmp_path / "cwd"))
    before = dict(os.environ)
    load(ORDERS)
    assert dict(os.environ) == before
    assert list((tmp_path / "cwd").iterdir()) == []
    assert warehouse.tables() == {"orders"}
    kept = {name: warehouse.run(f"SELECT count(*) FROM {name}") for name in ("_dlt_version", "_dlt_loads")}
    assert kept == {"_dlt_version": [(0,)], "_dlt_loads": [(0,)]}
