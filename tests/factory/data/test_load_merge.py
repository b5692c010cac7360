"""How much a database does for a `merge`: as many times more as there are more rows, and not the square of that; and
rows of other tables that name those which come again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowException

from .warehouses import Warehouse, load, on

MERGE: dict[str, Any] = {"write_disposition": "merge"}


def rows_of(kind: str, count: int) -> list[dict[str, Any]]:
    written = {"bigint": int, "text": "key {:07}".format, "timestamp": _moment}[kind]
    return [{"k": written(n), "name": f"n{n}"} for n in range(count)]


def _moment(n: int) -> str:
    return f"2026-01-{1 + n // 86_400:02}T{n // 3600 % 24:02}:{n // 60 % 60:02}:{n % 60:02}Z"


@contextmanager
def steps_of_sqlite() -> Iterator[list[int]]:
    """Counts what SQLite's virtual machine does in this process, in thousands of steps."""
    from sqlalchemy import Engine, event  # noqa: PLC0415 # dlt's

    counted = [0]

    def step() -> int:
        counted[0] += 1
        return 0

    def counts(connection: Any, _: Any) -> None:
        connection.set_progress_handler(step, 1_000)

    event.listen(Engine, "connect", counts)
    try:
        yield counted
    finally:
        event.remove(Engine, "connect", counts)


@on("sqlite")
@pytest.mark.parametrize("kind", ["bigint", "text", "timestamp"])
def test_a_merge_costs_no_square_of_the_rows(warehouse: Warehouse, kind: str) -> None:
    costs = []
    for count in (1_000, 3_000):
        rows = rows_of(kind, count)
        load(rows, run_id=f"before{count}", table=f"t{count}", primary_key="k", **MERGE)
        with steps_of_sqlite() as steps:
            load(rows, run_id=f"again{count}", table=f"t{count}", primary_key="k", **MERGE)
        costs.append(steps[0])
        assert warehouse.run(f"SELECT count(*) FROM t{count}") == [(count,)]
    assert costs[0] > 0
    assert costs[1] < 5 * costs[0], costs


MADE = {
    "as load makes it": None,
    "long text": "k LONGTEXT",
    "of another collation": "k VARCHAR(255) COLLATE utf8mb4_bin",
    "texts of bytes": "k VARCHAR(100) CHARACTER SET latin1",
    "several columns": "k VARCHAR(255), k2 VARCHAR(255), k3 VARCHAR(255)",
}


@on("mysql")
@pytest.mark.parametrize("made", MADE)
def test_mysql_finds_keys_of_text_by_an_index(warehouse: Warehouse, made: str) -> None:
    columns = MADE[made]
    rows = rows_of("text", 2_000)
    key = ["k"]
    if columns is not None:
        warehouse.run(f"CREATE TABLE orders ({columns}, name TEXT)")
        key = [one.split()[0] for one in columns.split(", ")]
        rows = [{**row, **dict.fromkeys(key[1:], "x" * 200)} for row in rows]
    load(rows, run_id="r1", primary_key=key, **MERGE)
    before = _read(warehouse)
    load(rows, run_id="r2", primary_key=key, **MERGE)
    assert _read(warehouse) - before < 50 * len(rows)
    assert warehouse.run("SELECT count(*), count(DISTINCT k) FROM orders") == [(2_000, 2_000)]


def _read(warehouse: Warehouse) -> int:
    """How many rows and keys of an index the server has read."""
    return sum(int(number) for _, number in warehouse.run("SHOW GLOBAL STATUS LIKE 'Handler_read%'"))


KIDS = {
    "kid": "",
    "lost": "ON DELETE CASCADE",
    "loose": "ON DELETE SET NULL",
}


@on("postgres", "mysql")
def test_rows_that_others_name_are_changed_in_their_place(warehouse: Warehouse) -> None:
    number = "SERIAL" if warehouse.kind == "postgres" else "INTEGER AUTO_INCREMENT UNIQUE"
    warehouse.run(
        f"CREATE TABLE parents (id BIGINT PRIMARY KEY, name VARCHAR(20), note VARCHAR(20), n {number}, "
        "kind VARCHAR(9) DEFAULT 'plain', size BIGINT GENERATED ALWAYS AS (id * 2) STORED)"
    )
    warehouse.run("INSERT INTO parents (id, name, note) VALUES (1, 'old', 'x'), (2, 'two', 'y')")
    for table, action in KIDS.items():
        warehouse.run(
            f"CREATE TABLE {table} (id INTEGER, parent BIGINT, FOREIGN KEY (parent) REFERENCES parents (id) {action})"
        )
        warehouse.run(f"INSERT INTO {table} VALUES (10, 1), (11, 1), (20, 2)")
    rows = [{"id": 3, "name": "three"}, {"id": 1, "name": "first"}, {"id": 1, "name": "new"}]
    loaded = load(rows, table="parents", write_disposition="merge", primary_key="id")
    assert (loaded["rows_loaded"], loaded["duplicates"]) == (3, 1)
    assert warehouse.rows("parents", "id, name, note, kind, size") == [
        (1, "new", None, "plain", 2),
        (2, "two", "y", "plain", 4),
        (3, "three", None, "plain", 6),
    ]
    assert warehouse.rows("parents", "n") == [(1,), (2,), (3,)]
    load([{"id": 4}, {"id": 1}], table="parents", run_id="r2", write_disposition="merge", primary_key="id")
    for table in KIDS:
        assert warehouse.rows(table) == [(10, 1), (11, 1), (20, 2)]
    for again in ([{"id": 1}], []):
        with pytest.raises(AirflowException, match="has a foreign key to `parents` with ON DELETE"):
            load(again, table="parents", run_id="r3", write_disposition="replace")
    assert len(warehouse.rows("parents")) == 4
    for table in (*KIDS, "parents"):  # in an order in which foreign keys allow it
        warehouse.run(f"DROP TABLE {table}")


@on("postgres", "mysql")
@pytest.mark.parametrize("action", ["CASCADE", "SET NULL"])
def test_a_tree_is_replaced(warehouse: Warehouse, action: str) -> None:
    warehouse.run(
        "CREATE TABLE tree (id BIGINT PRIMARY KEY, parent BIGINT, "
        f"FOREIGN KEY (parent) REFERENCES tree (id) ON DELETE {action})"
    )
    warehouse.run("INSERT INTO tree VALUES (1, NULL), (2, 1), (3, 2), (4, 1)")
    load([{"id": 1}, {"id": 2, "parent": 1}, {"id": 5, "parent": 2}], table="tree", write_disposition="replace")
    assert warehouse.rows("tree") == [(1, None), (2, 1), (5, 2)]
    load([{"id": 1, "parent": None}], table="tree", run_id="r2", write_disposition="merge", primary_key="id")
    assert warehouse.rows("tree") == [(1, None), (2, 1), (5, 2)]
