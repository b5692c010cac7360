"""What `load` makes of names of schemas, tables, columns and files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowException

from factory.operators.check import CheckOperator
from factory.operators.sql import SqlOperator

from .warehouses import ORDERS, Warehouse, load, on


def test_names_stay_as_they_are_written(warehouse: Warehouse) -> None:
    names = [
        "id",
        "select",
        "Order Date",
        "größe",
        "a.b",
        "50%",
        "x:y",
        "주문",
        "CamelCase",
        "a-b",
        "(n)",
        "__x__",
        "b`tick",
    ]
    load([dict.fromkeys(names, 1)])
    load([dict.fromkeys(names, 2)], run_id="r2")
    quote = "`" if warehouse.kind == "mysql" else '"'
    sql = f"SELECT * FROM orders ORDER BY {quote}id{quote}"
    assert warehouse.run(sql) == [(1,) * len(names), (2,) * len(names)]
    assert warehouse.columns("orders") == names


def test_quotes_in_a_name_become_underscores(warehouse: Warehouse, capsys: pytest.CaptureFixture[str]) -> None:
    load([{"id": 1, 'q"uote': 2}])
    assert """the database cannot have a column `q"uote`: it is called `q_uote`""" in capsys.readouterr().out
    load([{"id": 2, 'q"uote': 3}], run_id="r2")
    assert "cannot have" not in capsys.readouterr().out
    assert warehouse.rows("orders", "id, q_uote") == [(1, 2), (2, 3)]


def test_no_two_columns_become_one(warehouse: Warehouse) -> None:
    pairs = [('q"uote', "q'uote"), ('q"uote', "q_uote"), ("q_uote", 'q"uote')]
    if warehouse.kind != "postgres":
        pairs.append(("Q_uote", "q_uote"))
    for one, other in pairs:
        rows = [{"id": 1, one: 2, other: 3}]
        with pytest.raises(AirflowException, match=f"the columns `{one}` and `{other}` have one name in this database"):
            load(rows, table="other", run_id="r2")
    load([{"id": 1, "q_uote": 1}])
    for one, other in pairs:
        with pytest.raises(AirflowException, match=f"the columns `{one}` and `{other}` have one name in this database"):
            load([{"id": 2, one: 2, other: 3}], run_id="r2")
    load([{"id": 1, "q_uote": "x", "q_uote__v_text": None}], run_id="r3")
    with pytest.raises(AirflowException, match="`q_uote` and `q_uote__v_text` have one name in this database"):
        load([{"id": 1, "q_uote": "x", "q_uote__v_text": "y"}], run_id="r4")
    assert warehouse.rows("orders", "id, q_uote, q_uote__v_text") == [(1, 1, None), (1, None, "x")]


def test_a_schema_must_be_there(warehouse: Warehouse) -> None:
    if warehouse.kind in ("postgres", "duckdb"):
        load(ORDERS, table="public.orders" if warehouse.kind == "postgres" else "main.orders")
        warehouse.run("CREATE SCHEMA IF NOT EXISTS shop")
        load(ORDERS, table="shop.orders", run_id="r2")
        load(ORDERS, table="shop.orders", run_id="r3")
        assert warehouse.run("SELECT (SELECT count(*) FROM orders), (SELECT count(*) FROM shop.orders)") == [(2, 4)]
        warehouse.run("DROP SCHEMA shop CASCADE")
    with pytest.raises(AirflowException, match="has no schema `nosch`"):
        load(ORDERS, table="nosch.orders", run_id="r2")
    if warehouse.kind != "sqlite":
        assert warehouse.run("SELECT 1 FROM information_schema.schemata WHERE schema_name = 'nosch'") == []
    for table in ("a.b.orders", "orders.", ".orders", ""):
        with pytest.raises(AirflowException, match=f"`table` is `{table}`: write `table` or `schema.table`"):
            load(ORDERS, table=table)


def test_a_table_can_have_an_odd_name(warehouse: Warehouse) -> None:
    load(ORDERS, table="Order Items")
    load(ORDERS, table="select", run_id="r2")
    assert warehouse.tables() == {"Order Items", "select"}


def test_a_name_that_is_too_long_ends_with_a_hash(warehouse: Warehouse) -> None:
    long = ["주문" * 40, "주문" * 40 + "!", "id"]
    load([dict.fromkeys(long, 1)])
    load([dict.fromkeys(long, 2)], run_id="r2")
    assert warehouse.rows("orders") == [(1, 1, 1), (2, 2, 2)]


@pytest.mark.usefixtures("warehouse")
@pytest.mark.parametrize(
    ("file", "said"),
    [
        ([None], "entry 1 of `file` is null, not a path"),
        (["a.csv", 3], "entry 2 of `file` is a number, not a path"),
        (3, "`file` is a number, not a path"),
        ({"a.csv": 1}, "`file` is a mapping, not a path"),
    ],
)
def test_what_is_no_path_is_said(tmp_path: Path, file: Any, said: str) -> None:
    (tmp_path / "a.csv").write_text("id\n1\n")
    given = [str(tmp_path / one) if isinstance(one, str) else one for one in file] if isinstance(file, list) else file
    with pytest.raises(AirflowException, match=said):
        load(file=given)


def test_columns_that_differ_by_case_alone_are_said(warehouse: Warehouse, capsys: pytest.CaptureFixture[str]) -> None:
    load([{"id": 1, "amount": 2}])
    rows = [{"id": 2, "Amount": 3}]
    load(rows, run_id="r2")
    said = "the table has a column `Amount` beside `amount`, which differs by case" in " ".join(
        capsys.readouterr().out.split()
    )
    assert said == (len(warehouse.columns("orders")) == 3)


@on("sqlite", "postgres")
def test_a_table_that_is_not_there_is_told_with_the_one_that_was_meant(warehouse: Warehouse) -> None:
    load(ORDERS)
    tasks: list[Any] = [
        SqlOperator(task_id="a", conn_id="warehouse", sql="SELECT * FROM ordrs"),
        CheckOperator(task_id="b", conn_id="warehouse", table="Order", row_count={"geq_to": 1}),
    ]
    for task in tasks:
        with pytest.raises(AirflowException, match=r"\(did you mean `orders`\?\)"):
            task.execute({})
    with pytest.raises(AirflowException, match="no table `ordes`, and `create` is false: did you mean `orders`"):
        load(ORDERS, table="ordes", create=False)
    with pytest.raises(AirflowException) as raised:
        SqlOperator(task_id="a", conn_id="warehouse", sql="SELECT * FROM pipeline_loads").execute({})
    assert "did you mean" not in str(raised.value)
    refused = {"sqlite": "SQLite has no schema `My S`", "postgres": "cannot write to the schema `My S`: its name has a"}
    with pytest.raises(AirflowException, match=refused[warehouse.kind]):
        load(ORDERS, table="My S.orders")


@on("postgres")
def test_a_table_without_a_schema_is_the_one_that_sql_finds(warehouse: Warehouse) -> None:
    """By the role's `search_path`, as in `sql`, `check` and `chart`."""
    rows = SqlOperator(task_id="a", conn_id="warehouse", sql="SELECT id FROM found ORDER BY id", fetch="rows")
    warehouse.run("CREATE SCHEMA other; CREATE TABLE public.there (id BIGINT)")
    warehouse.run("ALTER ROLE CURRENT_USER SET search_path = missing, other, public")
    try:
        load([{"id": 1}], table="found")
        load([{"id": 2}], table="there")
        assert rows.execute({}) == [{"id": 1}]
        assert warehouse.run("SELECT id FROM other.found") == [(1,)]
        assert warehouse.run("SELECT id FROM public.there") == [(2,)]
        warehouse.run("ALTER ROLE CURRENT_USER SET search_path = missing")
        with pytest.raises(AirflowException, match=r"no schema on its `search_path`: write `table: SCHEMA\.found`"):
            load([{"id": 2}], table="found", run_id="r2")
    finally:
        warehouse.run("ALTER ROLE CURRENT_USER RESET search_path; DROP SCHEMA other CASCADE")


@on("postgres")
def test_moments_are_read_whatever_form_a_role_has_for_them(warehouse: Warehouse) -> None:
    load([{"id": 1, "at": "2026-01-02T03:04:05Z"}])
    warehouse.run("ALTER ROLE CURRENT_USER SET datestyle = 'German'")
    try:
        task = SqlOperator(task_id="a", conn_id="warehouse", sql="SELECT at FROM orders", fetch="rows")
        assert task.execute({}) == [{"at": "2026-01-02T03:04:05+00:00"}]
    finally:
        warehouse.run("ALTER ROLE CURRENT_USER RESET datestyle")


def test_what_folders_say_is_left_out_and_told(
    warehouse: Warehouse, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for year in (2025, 2026):
        (tmp_path / f"shop=1/year={year}").mkdir(parents=True)
        (tmp_path / f"shop=1/year={year}/part.jsonl").write_text(json.dumps({"id": year}))
    load(None, file=f"{tmp_path}/shop=1/*/part.jsonl")
    assert warehouse.columns("orders") == ["id"]
    log = " ".join(capsys.readouterr().out.split())
    assert "year=2026/part.jsonl`: the name of its folder says what `year` is, and its rows do not" in log
    assert "`shop`" not in log


@on("sqlite", "mysql")
def test_names_are_one_where_they_are_one_to_the_database(warehouse: Warehouse) -> None:
    warehouse.run("CREATE TABLE st (id INTEGER, strasse VARCHAR(9), Äm VARCHAR(9))")
    loaded = load([{"ID": 1, "straße": "x", "äm": "y"}], table="st")
    is_one = warehouse.kind == "mysql"
    assert loaded["columns_added"] == (["straße"] if is_one else ["straße", "äm"])
    values = (1, None, "x", "y") if is_one else (1, None, "x", None, "y")
    assert warehouse.rows("st", f"id, strasse, straße, {'Äm' if is_one else 'Äm, äm'}") == [values]


@on("mysql")
def test_signs_that_a_character_set_does_not_have_are_told_with_one_that_has_them(warehouse: Warehouse) -> None:
    warehouse.run("ALTER DATABASE shop CHARACTER SET latin1")
    try:
        for row in ({"id": 1, "v": "\N{GRINNING FACE}"}, {"id": 1, "日本": "x"}):
            with pytest.raises(AirflowException, match=r"Incorrect string value.* has no such sign: give it utf8mb4"):
                load([row], run_id=str(list(row)))
    finally:
        warehouse.run("ALTER DATABASE shop CHARACTER SET utf8mb4")
