"""What MySQL and MariaDB would change or leave half done, and say nothing."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowException

from .warehouses import Warehouse, load, on


@on("mysql")
@pytest.mark.parametrize("disposition", ["append", "merge"])
def test_an_id_of_zero_stays_zero(warehouse: Warehouse, disposition: str) -> None:
    warehouse.run("CREATE TABLE zeros (id INT AUTO_INCREMENT PRIMARY KEY, v TEXT)")
    keys: dict[str, Any] = {"primary_key": "id"} if disposition == "merge" else {}
    load([{"id": 0, "v": "a"}], table="zeros", write_disposition=disposition, **keys)
    if disposition == "merge":
        load([{"id": 0, "v": "b"}], table="zeros", write_disposition=disposition, run_id="r2", **keys)
    assert warehouse.rows("zeros") == [(0, "b" if disposition == "merge" else "a")]


@on("mysql")
@pytest.mark.parametrize("kind", ["ENUM('10', '20', '3')", "SET('10', '20', '3')"])
def test_a_number_is_a_member_of_a_list_and_no_place_in_it(warehouse: Warehouse, kind: str) -> None:
    warehouse.run(f"CREATE TABLE listed (id INT, v {kind})")
    load([{"id": 1, "v": "20"}, {"id": 2, "v": 3}, {"id": 3, "v": None}], table="listed")
    for number, value in enumerate((2, "2", " 2")):
        with pytest.raises(AirflowException, match=r"`v` is a column of type .*'20'.*, and (1 row has|has others)"):
            load([{"id": 4, "v": value}], table="listed", run_id=f"odd{number}")
    assert warehouse.rows("listed") == [(1, "20"), (2, "3"), (3, None)]


@on("mysql")
@pytest.mark.parametrize("engine", ["MyISAM", "Aria"])
def test_a_table_without_transactions_is_refused(warehouse: Warehouse, engine: str) -> None:
    warehouse.run(f"CREATE TABLE plain (id INT PRIMARY KEY) ENGINE = {engine}")
    for disposition in ("append", "replace"):
        with pytest.raises(AirflowException, match=f"the engine {engine}, which has no transactions.* ENGINE = InnoDB"):
            load([{"id": 1}, {"id": 1}], table="plain", write_disposition=disposition)
    assert warehouse.rows("plain") == []


@on("mysql")
def test_nothing_does_not_become_the_moment_of_the_load(warehouse: Warehouse) -> None:
    warehouse.run("CREATE TABLE moments (id INT, at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, v INT)")
    load([{"id": 1, "v": 1}], table="moments")
    with pytest.raises(AirflowException, match="`at` cannot be null, and 1 row has no value"):
        load([{"id": 2, "at": None, "v": 1}, {"id": 3, "at": "2026-01-01T00:00:00Z"}], table="moments", run_id="r2")
    assert [one for (one,) in warehouse.rows("moments", "id")] == [1]
