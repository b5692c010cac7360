"""The task `sql` on an SQLite file."""

from __future__ import annotations

import contextlib
import json
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import pytest
from airflow.sdk import Connection
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from factory.data.database_words import with_near_name
from factory.data.destinations import target_of
from factory.data.row_files import read_rows
from factory.data.sql import SESSIONS, SqlError, database_hook, result_rows, run_sql
from factory.operators.check import CheckOperator
from factory.operators.load import LoadOperator
from factory.operators.models import ChartOperator, PredictOperator, TrainOperator
from factory.operators.sql import DuckdbOperator, SqlOperator

from .warehouses import Warehouse, on


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "shop.db"
    monkeypatch.setenv("AIRFLOW_CONN_SHOP", json.dumps({"conn_type": "sqlite", "host": str(path)}))
    return path


def run(sql: str | list[str], **arguments: Any) -> Any:
    return SqlOperator(task_id="sql", conn_id="shop", sql=sql, **arguments).execute({})


@pytest.fixture
def orders(database: Path) -> Path:
    run("CREATE TABLE orders (id INTEGER, day TEXT, price NUMERIC)")
    run(["INSERT INTO orders VALUES (1, '2026-01-01', 1.5)", "INSERT INTO orders VALUES (2, '2026-01-02', 2)"])
    return database


@pytest.mark.usefixtures("orders")
def test_rows_are_mappings_by_column_name() -> None:
    assert run("SELECT * FROM orders ORDER BY id", fetch="rows") == [
        {"id": 1, "day": "2026-01-01", "price": 1.5},
        {"id": 2, "day": "2026-01-02", "price": 2},
    ]
    assert run("SELECT * FROM orders WHERE id > 2", fetch="rows") == []


@pytest.mark.parametrize("uri", ["sqlite://{}", "sqlite:///{}", "sqlite://{quoted}", "sqlite:///{quoted}"])
def test_a_uri_is_one_file_for_sql_and_load(orders: Path, uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    written = uri.format(orders, quoted=quote(str(orders), safe=""))
    monkeypatch.setenv("AIRFLOW_CONN_SHOP", written)

    assert run("SELECT count(*) FROM orders", fetch="value") == 2
    assert target_of(Connection.from_uri(written, "shop"), None).file == str(orders)


@pytest.mark.usefixtures("orders")
def test_a_value_is_the_first_column_of_the_first_row() -> None:
    assert run("SELECT count(*), 7 FROM orders", fetch="value") == 2
    assert run("SELECT id FROM orders WHERE id > 2", fetch="value") is None


@pytest.mark.usefixtures("orders")
def test_without_fetch_there_is_no_output() -> None:
    assert run("SELECT * FROM orders") is None


@pytest.mark.usefixtures("orders")
def test_the_last_of_several_statements_gives_the_output() -> None:
    several = "DELETE FROM orders WHERE id = 1; SELECT count(*) FROM orders"
    assert run(several, split_statements=True, fetch="value") == 1
    assert run(["UPDATE orders SET id = 5", "SELECT id FROM orders"], fetch="rows") == [{"id": 5}]


@pytest.mark.usefixtures("orders")
def test_parameters_are_not_in_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("SELECT price FROM orders WHERE day = ?", parameters=["2026-01-01"], fetch="value") == 1.5
    log = capsys.readouterr().out
    assert "SELECT price" in log
    assert "2026-01-01" not in log


@pytest.mark.usefixtures("orders")
def test_rows_go_into_a_file(tmp_path: Path) -> None:
    path = str(tmp_path / "out" / "orders.jsonl")
    assert run("SELECT id, price FROM orders ORDER BY id", to=path) == path
    lines = Path(path).read_text().splitlines()
    assert [json.loads(line) for line in lines] == [{"id": 1, "price": 1.5}, {"id": 2, "price": 2}]


@pytest.mark.usefixtures("orders")
def test_more_rows_than_allowed_fail(tmp_path: Path) -> None:
    with pytest.raises(AirflowFailException, match="more than 1 rows"):
        run("SELECT * FROM orders", fetch="rows", max_rows=1)
    with pytest.raises(AirflowFailException, match="more than 1 rows"):
        run("SELECT * FROM orders", to=str(tmp_path / "orders.csv"), max_rows=1)
    assert not (tmp_path / "orders.csv").exists()
    assert run("SELECT * FROM orders", fetch="rows", max_rows=2)


@pytest.mark.usefixtures("orders")
def test_errors_are_the_database_s_own_words() -> None:
    with pytest.raises(AirflowException, match=r"shop: no such table: order \(did you mean `orders`\?\)$"):
        run('SELECT * FROM "order"', fetch="rows")
    with pytest.raises(AirflowException, match="two columns `id`"):
        run("SELECT id, id FROM orders", fetch="rows")
    with pytest.raises(AirflowException, match=r"gives no rows to fetch$"):
        run("DELETE FROM orders;", fetch="rows")
    assert run("\ufeffSELECT count(*) FROM orders", fetch="value") == 2
    with pytest.raises(AirflowException, match=r"one statement at a time.* add `split_statements: true`"):
        run("SELECT 1; SELECT 2")


NEAR = "(did you mean `orders`?)"
UNKNOWN = [
    'relation "ordrs" does not exist LINE 1: SELECT * FROM ordrs',
    'relation "shop.ordrs" does not exist',
    'table "ordrs" does not exist',
    "Table 'shop.ordrs' doesn't exist",
    "Unknown table 'shop.ordrs'",
    "no such table: main.ordrs",
]
OF_A_TABLE = [
    'relation "orders" already exists',
    "Table 'orders' already exists",
    'column "prize" of relation "ordrs" does not exist',
    'null value in column "id" of relation "orders" violates not-null constraint',
    'new row for relation "orders" violates check constraint "orders_id_check"',
    'constraint "c" for table "ordrs" does not exist',
]


@pytest.mark.parametrize("said", [*UNKNOWN, *OF_A_TABLE])
def test_only_the_error_of_an_unknown_table_names_a_near_one(said: str) -> None:
    told = with_near_name(said, lambda _: [("orders",), ("_load_ordrs",), ("orders2",)])
    assert told == (f"{said} {NEAR}" if said in UNKNOWN else said)


@pytest.mark.usefixtures("orders")
def test_statements_are_done_all_or_none() -> None:
    with pytest.raises(AirflowException):
        run(["DELETE FROM orders", "SELECT nothing FROM orders"])
    assert run("SELECT count(*) FROM orders", fetch="value") == 2


def test_a_connection_to_no_database_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_SHOP", json.dumps({"conn_type": "http", "host": "example.com"}))
    with pytest.raises(AirflowException, match="the connection `shop` of type `http` leads to no database"):
        run("SELECT 1")
    monkeypatch.setenv("AIRFLOW_CONN_SHOP", json.dumps({"conn_type": "oracle", "host": "example.com"}))
    with pytest.raises(AirflowException, match="the connection `shop` of type `oracle` has no hook here"):
        run("SELECT 1")


@pytest.mark.usefixtures("database")
def test_no_data_task_logs_a_row(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for module in ("dlt", "duckdb", "vl_convert", "skops"):
        pytest.importorskip(module)
    rows = [{"id": n, "name": f"zaphod{n}", "price": n / 2} for n in range(20)]
    file, model = str(tmp_path / "rows.jsonl"), str(tmp_path / "model")
    given = {"target": "price", "estimator": "sklearn.tree.DecisionTreeRegressor", "random_state": 0}
    instance: Any = {
        "ti": SimpleNamespace(
            dag_id="d", run_id="r", task_id="t", map_index=-1, xcom_push=lambda **pushed: print(pushed)
        )
    }
    for operator in (
        LoadOperator(task_id="load", conn_id="shop", table="people", rows=rows),
        SqlOperator(task_id="sql", conn_id="shop", sql="SELECT * FROM people", fetch="rows"),
        SqlOperator(task_id="sql", conn_id="shop", sql="SELECT * FROM people", to=file),
        DuckdbOperator(task_id="duckdb", sql="SELECT * FROM people", tables={"people": file}),
        CheckOperator(task_id="check", file=file, columns={"name": {"null_check": {"equal_to": 0}}}),
        ChartOperator(task_id="chart", file=file, spec={"mark": "bar"}, to=str(tmp_path / "a.svg")),
        TrainOperator(task_id="train", file=file, to=model, **given),
        PredictOperator(task_id="predict", file=file, model=model),
    ):
        operator.execute(instance)
    frozen = LoadOperator(
        task_id="load", conn_id="shop", table="people", rows=[{"id": "zaphod"}], schema_contract="freeze"
    )
    with pytest.raises(AirflowException, match="allows no change") as raised:
        frozen.execute({"ti": SimpleNamespace(dag_id="d", run_id="r2", task_id="t", map_index=-1)})
    log = capsys.readouterr().out
    assert "people" in log
    assert "zaphod" not in log + str(raised.value)


@on("postgres")
@pytest.mark.usefixtures("warehouse")
def test_postgres_loses_no_digit_of_json_and_no_month(tmp_path: Path) -> None:
    sql = """SELECT '{"a": 12345678901234567890.5, "b": 1.10}'::jsonb AS j, '[0.12345678901234567890123]'::json AS k,
        '1 mon 2 days 03:00'::interval AS i, '{1 mon}'::interval[] AS many"""
    row = {
        "j": {"a": "12345678901234567890.5", "b": 1.1},
        "k": ["0.12345678901234567890123"],
        "i": "1 mon 2 days 03:00:00",
        "many": ["1 mon"],
    }
    assert SqlOperator(task_id="a", conn_id="warehouse", sql=sql, fetch="rows").execute({}) == [row]
    for ending in ("jsonl", "csv", "parquet"):
        path = str(tmp_path / f"a.{ending}")
        SqlOperator(task_id="a", conn_id="warehouse", sql=sql, to=path).execute({})
    assert json.loads((tmp_path / "a.jsonl").read_text()) == row
    assert SqlOperator(task_id="a", conn_id="warehouse", sql="SELECT '1 mon'::interval", fetch="value").execute({}) == (
        "1 mon"
    )


@on("postgres")
def test_psycopg2_gives_the_same_as_psycopg(warehouse: Warehouse) -> None:
    assert warehouse.connected is not None
    with contextlib.closing(warehouse.connected()) as connection:
        SESSIONS["postgres"](connection)
        cursor = connection.cursor()
        cursor.execute("SELECT '1e-30'::json AS j, '[12345678901234567890.5]'::jsonb AS k, '1 mon'::interval AS i")
        (row,) = result_rows(cursor)
    assert row == {"j": 1e-30, "k": [Decimal("12345678901234567890.5")], "i": "1 mon"}


@on("mysql")
def test_mysql_gives_moments_in_utc_and_times_as_text(warehouse: Warehouse) -> None:
    """By what is done with each connection: Airflow's hook is not installed with the tests."""
    assert warehouse.connected is not None
    with contextlib.closing(warehouse.connected()) as connection:
        cursor = connection.cursor()
        cursor.execute("SET time_zone = '+02:00'")
        cursor.execute("CREATE TABLE t (at TIMESTAMP, a TIME(6), b TIME)")
        cursor.execute(
            "INSERT INTO t VALUES ('2026-01-01 02:00:00', '10:30:00.5', '-838:59:59'), (NULL, NULL, '0:0:1')"
        )
        SESSIONS["mysql"](connection)
        cursor.execute("SELECT * FROM t ORDER BY b")
        rows = list(result_rows(cursor))
    assert rows == [
        {"at": datetime(2026, 1, 1), "a": "10:30:00.500000", "b": "-838:59:59"},
        {"at": None, "a": None, "b": "00:00:01"},
    ]


ODD = {
    "i": ("inet '10.0.0.1/24'", "10.0.0.1/24"),
    "many_i": ("ARRAY[inet '10.0.0.1']", ["10.0.0.1"]),
    "b": (r"'\xdeadbeef'::bytea", "3q2+7w=="),
    "r": ("int4range '[1,5)'", "[1, 5)"),
    "z": ("timetz '10:00:00+02'", "10:00:00+02:00"),
    "u": (f"ARRAY['{'0' * 8}-0000-0000-0000-{'0' * 12}'::uuid]", [f"{'0' * 8}-0000-0000-0000-{'0' * 12}"]),
}


@on("postgres")
@pytest.mark.usefixtures("warehouse")
@pytest.mark.parametrize("ending", ["jsonl", "json", "csv", "parquet"])
def test_a_file_has_the_texts_that_a_value_has(tmp_path: Path, ending: str) -> None:
    sql = f"SELECT {', '.join(f'{written} AS {name}' for name, (written, _) in ODD.items())}"
    select: Any = {"task_id": "a", "conn_id": "warehouse", "sql": sql}
    wanted = {name: value for name, (_, value) in ODD.items()}
    assert SqlOperator(**select, fetch="rows").execute({}) == [wanted]
    (row,) = read_rows(str(SqlOperator(**select, to=str(tmp_path / f"a.{ending}")).execute({})))
    if ending == "csv":
        row = {name: json.loads(value) if value.startswith('["') else value for name, value in row.items()}
    assert row == (wanted | {"b": b"\xde\xad\xbe\xef"} if ending == "parquet" else wanted)


@on("postgres")
@pytest.mark.usefixtures("warehouse")
def test_what_a_driver_does_not_say() -> None:
    hook = database_hook("warehouse")
    with pytest.raises(SqlError, match=r"Where there are `parameters`, write `%%` for a percent sign"):
        run_sql(hook, "SELECT 1 WHERE 'test' LIKE '%test%' AND 1 = %s", parameters=[1], fetch="rows")
    for day in ("infinity", "-infinity", "10000-01-01"):
        with pytest.raises(SqlError, match=r"Python has no such time: select .* as text"):
            run_sql(hook, f"SELECT '{day}'::date AS day", fetch="rows")


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("mssql", "Install apache-airflow-providers-microsoft-mssql"),
        ("duckdb", "A connection to DuckDB is for `load`; the task `duckdb` reads its file as `database`"),
    ],
)
def test_a_database_without_its_package_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, kind: str, said: str
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_OTHER", f"{kind}://127.0.0.1/x")
    with pytest.raises(SqlError, match=f"of type `{kind}` has no hook here: .*{said}"):
        database_hook("other")
