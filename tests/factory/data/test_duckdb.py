"""The task `duckdb` over rows and files."""

from __future__ import annotations

import gzip
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from copy import copy
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from factory.data.places import RowFileError
from factory.data.row_files import RowFileWriter, read_rows
from factory.operators.check import CheckOperator
from factory.operators.sql import DuckdbOperator
from tests.factory.bundle.s3 import BUCKET, CONNECTION, connection, running_s3

pytest.importorskip("duckdb")

ORDERS = [
    {"id": 1, "customer": "an", "price": 1.5, "day": "2026-01-01", "tags": ["a"]},
    {"id": 2, "customer": "bo", "price": 2.25, "day": "2026-01-02", "tags": []},
    {"id": 3, "customer": "an", "price": 4, "day": "2026-01-02"},
]


def run(sql: str | list[str], **arguments: Any) -> Any:
    return DuckdbOperator(task_id="duckdb", sql=sql, **arguments).execute({})


def written(path: Path, rows: list[dict[str, Any]] = ORDERS) -> str:
    with RowFileWriter(str(path)) as file:
        file.write(rows)
    return str(path)


def test_rows_of_a_task_are_a_table() -> None:
    sql = "SELECT customer, sum(price) AS total FROM orders GROUP BY customer ORDER BY customer"
    assert run(sql, tables={"orders": ORDERS}) == [{"customer": "an", "total": 5.5}, {"customer": "bo", "total": 2.25}]


def test_tables_are_joined_whatever_they_come_from(tmp_path: Path) -> None:
    customers = written(
        tmp_path / "customers.csv", [{"customer": "an", "land": "kr"}, {"customer": "bo", "land": "de"}]
    )
    sql = "SELECT land, count(*) AS n FROM orders JOIN customers USING (customer) GROUP BY ALL ORDER BY land"
    assert run(sql, tables={"orders": ORDERS, "customers": customers}) == [
        {"land": "de", "n": 1},
        {"land": "kr", "n": 2},
    ]


@pytest.mark.parametrize("ending", ["jsonl", "json", "csv", "parquet", "jsonl.gz", "csv.gz"])
def test_every_format_is_read_and_written(tmp_path: Path, ending: str) -> None:
    source = written(tmp_path / f"orders.{ending}", [{k: v for k, v in row.items() if k != "tags"} for row in ORDERS])
    target = str(tmp_path / "out" / f"copy.{ending}")
    assert run("SELECT id, price FROM orders ORDER BY id", tables={"orders": source}, to=target) == target
    assert [(int(row["id"]), float(row["price"])) for row in read_rows(target)] == [(1, 1.5), (2, 2.25), (3, 4.0)]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [f"copy.{ending}"]


def test_a_pattern_and_a_list_are_one_table(tmp_path: Path) -> None:
    one, two = written(tmp_path / "a.jsonl", ORDERS[:1]), written(tmp_path / "b.jsonl", ORDERS[1:])
    for files in (str(tmp_path / "*.jsonl"), [one, two]):
        assert run("SELECT count(*) AS n FROM orders", tables={"orders": files}) == [{"n": 3}]


def test_dates_and_nested_values_come_out_plain() -> None:
    sql = (
        "SELECT CAST(day AS DATE) AS day, tags, {'a': 1} AS m, TIMESTAMPTZ '2026-01-01 00:00:00+09' AS t FROM o LIMIT 1"
    )
    (row,) = run(sql, tables={"o": ORDERS})
    assert row == {"day": "2026-01-01", "tags": ["a"], "m": {"a": 1}, "t": "2025-12-31T15:00:00+00:00"}
    json.dumps(row)


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_no_digit_is_lost(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"amounts.{ending}"
    if ending == "csv":
        path.write_text(
            "code,amount,huge\n00123,12345678901234567.25,123456789012345678901234567890123456789012.5\n7,1.5,2\n"
        )
    else:
        path.write_text('{"code":"00123","amount":12345678901234567.25,"n":0.30000000000000004}\n{"amount":1.5}\n')
    rows = run("SELECT * FROM amounts", tables={"amounts": str(path)})
    assert rows[0]["code"] == "00123"
    assert rows[0]["amount"] == "12345678901234567.25"
    assert float(rows[1]["amount"]) == 1.5
    if ending == "csv":
        assert rows[0]["huge"] == "123456789012345678901234567890123456789012.5"
    else:
        assert rows[0]["n"] == 0.30000000000000004


@pytest.mark.parametrize(
    ("numbers", "kept"),
    [
        (["9007199254740993", "1.5"], ["9007199254740993.0", "1.5"]),
        (["12345678901234567.25", "1.125", "null"], ["12345678901234567.250", "1.125", "None"]),
        (["9007199254740993", "18446744073709551615"], ["9007199254740993", "18446744073709551615"]),
        (['{"id":9007199254740993,"n":1.5}'], ["{'id': 9007199254740993, 'n': 1.5}"]),
    ],
)
def test_what_else_a_column_of_json_has_decides_its_type(tmp_path: Path, numbers: list[str], kept: list[str]) -> None:
    (tmp_path / "n.jsonl").write_text("".join(f'{{"n":{number}}}\n' for number in numbers))
    assert [str(row["n"]) for row in run("SELECT n FROM t", tables={"t": str(tmp_path / "n.jsonl")})] == kept


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"deep":{"x":12345678901234567.25}}', "`deep` has a number with more digits than a float keeps"),
        ('{"deep":[1.5,9007199254740993]}', "`deep` has a number with more digits than a float keeps"),
        ('{"n":1234567890123456789012345678901234567890}', "`n` has numbers of more than 38 digits"),
        ('{"n":12345678901234567.25,"N":1}', "two columns are named `N`, in upper or in lower case"),
    ],
)
def test_digits_that_duckdb_cannot_keep_are_an_error(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "n.jsonl").write_text(text + "\n")
    with pytest.raises(AirflowException, match=said):
        run("SELECT * FROM t", tables={"t": str(tmp_path / "n.jsonl")})


def test_a_database_file_keeps_what_is_made(tmp_path: Path) -> None:
    database = str(tmp_path / "work.duckdb")
    run(["CREATE TABLE totals AS SELECT 1 AS n", "SELECT n FROM totals"], database=database)
    assert run("SELECT n FROM totals", database=database) == [{"n": 1}]


def test_a_database_file_that_another_process_has_open_is_waited_for(tmp_path: Path) -> None:
    database = str(tmp_path / "work.duckdb")
    run("CREATE TABLE t AS SELECT 1 AS n", database=database)
    hold = f"import duckdb, time; c = duckdb.connect({database!r}); print('open', flush=True); time.sleep(1)"
    with subprocess.Popen([sys.executable, "-c", hold], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        assert run("SELECT n FROM t", database=database) == [{"n": 1}]


def test_what_is_written_shows_up_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "out.parquet"
    written(target, [{"id": 0}])
    with pytest.raises(AirflowException, match="Conversion Error"):
        run(
            "SELECT CAST(CASE WHEN id = 3 THEN 'x' ELSE '1' END AS INTEGER) AS n FROM o",
            tables={"o": ORDERS},
            to=str(target),
        )
    assert list(read_rows(str(target))) == [{"id": 0}]
    assert [path.name for path in tmp_path.iterdir()] == ["out.parquet"]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "`tables.t` is null"),
        ([{"a": 1}, None], "entry 2 of `tables.t` is null"),
        (["a.jsonl", None], "entry 2 of `tables.t` is null"),
        ([{"a": 1}, "a.jsonl"], "entry 2 of the table `t` is text, not a row"),
        (["a.jsonl", {"a": 1}], "entry 2 of the table `t` is a mapping, not a path"),
        ([[{"a": 1}]], "entry 1 of the table `t` is a list, not a row"),
        ({"a": 1}, "the table `t` is a mapping, not rows or a path"),
        (True, "the table `t` is true or false, not rows or a path"),
    ],
)
def test_what_is_no_table_is_named_with_its_entry(value: Any, said: str) -> None:
    with pytest.raises(AirflowException, match=said):
        run("SELECT * FROM t", tables={"u": [{"a": 1}], "t": value})


def test_the_task_that_has_returned_nothing_is_named() -> None:
    with DAG("shop"):
        empty, full = EmptyOperator(task_id="fetch"), EmptyOperator(task_id="other")
        whole = DuckdbOperator(task_id="whole", sql="SELECT 1", tables={"t": empty.output})
        part = DuckdbOperator(task_id="part", sql="SELECT 1", tables={"t": [full.output, empty.output]})
    for task, tables, where in (
        (whole, {"t": None}, "`tables.t`"),
        (part, {"t": ["a.jsonl", None]}, "entry 2 of `tables.t`"),
    ):
        running = copy(task)
        running.tables = tables
        with pytest.raises(AirflowFailException, match=f"^{where} is null: the task `fetch` has returned nothing"):
            running.execute({})


def test_a_table_without_rows_is_explained() -> None:
    assert run("SELECT count(*) AS n FROM orders", tables={"orders": []}) == [{"n": 0}]
    with pytest.raises(AirflowException, match="the table `orders` has no rows, so it has no columns"):
        run("SELECT price FROM orders", tables={"orders": []})


def test_what_is_no_table_is_said(tmp_path: Path) -> None:
    with pytest.raises(AirflowException, match="the table `orders` is a number, not rows or a path"):
        run("SELECT 1", tables={"orders": 3})
    with pytest.raises(AirflowException, match="no file matches"):
        run("SELECT 1", tables={"orders": str(tmp_path / "*.csv")})
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(b"id\n1\n"))
    with pytest.raises(AirflowException, match="must be of one format, not csv, jsonl"):
        run("SELECT 1", tables={"orders": [str(tmp_path / "a.csv.gz"), written(tmp_path / "b.jsonl")]})


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    with running_s3() as url:
        yield url


@pytest.mark.soak
@pytest.mark.parametrize("ending", ["jsonl", "json.gz", "csv", "csv.gz", "parquet"])
def test_object_storage_is_read_and_written(ending: str, s3: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_ARCHIVE", connection(s3)[f"AIRFLOW_CONN_{CONNECTION}"])
    folder = f"s3://archive@{BUCKET}/lake"
    rows = [{"id": row["id"], "price": row["price"]} for row in ORDERS]
    for part, some in (("1", rows[:1]), ("2", rows[1:])):
        with RowFileWriter(f"{folder}/{ending}/orders-{part}.{ending}") as file:
            file.write(some)
    target = f"{folder}/out/{ending}/totals.{ending}"
    tables = {"orders": f"{folder}/{ending}/orders-*.{ending}", "same": f"{folder}/{ending}/orders-1.{ending}"}
    sql = "SELECT sum(o.price) AS total, count(s.id) AS same FROM orders o LEFT JOIN same s USING (id)"
    assert run(sql, tables=tables, to=target) == target
    ((total, same),) = [(float(row["total"]), int(row["same"])) for row in read_rows(target)]
    assert (total, same) == (7.75, 1)
    with pytest.raises(AirflowException, match="no file matches"):
        run("SELECT 1", tables={"orders": f"{folder}/{ending}/no-*.{ending}"})
    for year in (2025, 2026):
        with RowFileWriter(f"{folder}/by-year/year={year}/o.{ending}") as file:
            file.write(some)
    years = run("SELECT DISTINCT year FROM o ORDER BY ALL", tables={"o": f"{folder}/by-year/*/o.{ending}"})
    assert years == [{"year": 2025}, {"year": 2026}]


@pytest.mark.parametrize("ending", ["rows", "csv", "jsonl", "parquet"])
def test_columns_that_differ_by_letter_case_alone_are_named(
    tmp_path: Path, ending: str, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [{"a": 1, "A": 2}]
    table = rows if ending == "rows" else written(tmp_path / f"t.{ending}", rows)
    assert run("SELECT * FROM t", tables={"t": table}) == [{"a": 1, "A_1": 2}]
    assert "the columns `A` and `a` of the table `t` are one name to SQL; one of them is `A_1` here" in " ".join(
        capsys.readouterr().out.split()
    )
    other = [{"a": 1, "a_1": 2}]
    table = other if ending == "rows" else written(tmp_path / f"o.{ending}", other)
    assert run("SELECT * FROM t", tables={"t": table}) == other
    assert "one name" not in capsys.readouterr().out


@pytest.mark.parametrize("ending", ["csv", "csv.gz"])
@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("id,name\n1,a\n#2,b\n3,c\n", [("1", "a"), ("#2", "b"), ("3", "c")]),
        ('id;name\r\n1;"a;""b"""\r\n2;c,d\r\n', [(1, 'a;"b"'), (2, "c,d")]),
        ("\ufeffid\tname\n1\tit's\n\n2\tb\n", [(1, "it's"), (2, "b")]),
        ("id,name\n1,a\n2\n3,c,extra\n", None),
        ("id,name\n1,a\n2\n", None),
        ("id,name\n1,a,x\n", None),
        ("Report of January\nid,name\n1,a\n", None),
        ('id,name\n1,"a\n2,b\n', None),
        ("sep=;\r\nid;name\r\n1;a\r\n", None),
        ("<!DOCTYPE html>\n<body>\n", None),
        ("<html>\n<body>\n", None),
        ("<h1>Not found</h1>\n", None),
    ],
    ids=["#", "semicolon", "tab", "ragged", "short", "long", "title", "open-quote", "sep", "doctype", "html", "h1"],
)
def test_csv_is_read_as_load_reads_it_or_not_at_all(
    tmp_path: Path, text: str, rows: list[tuple[Any, ...]] | None, ending: str
) -> None:
    path = tmp_path / f"orders.{ending}"
    path.write_bytes(gzip.compress(text.encode()) if ending == "csv.gz" else text.encode())
    if rows is None:
        with pytest.raises(RowFileError) as found:
            list(read_rows(str(path)))
        with pytest.raises(AirflowException, match=re.escape(str(found.value))):
            run("SELECT * FROM orders", tables={"orders": str(path)})
        with pytest.raises(AirflowException, match=re.escape(str(found.value))):
            CheckOperator(task_id="check", file=str(path), row_count={"geq_to": 1}).execute({})
        return

    assert [tuple(row.values()) for row in run("SELECT * FROM orders", tables={"orders": str(path)})] == rows
    assert [tuple(row.values()) for row in read_rows(str(path))] == [tuple(map(str, row)) for row in rows]
