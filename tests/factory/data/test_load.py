"""The task `load`, on each database that it is tested with."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import traceback
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from factory.data.row_files import RowFileWriter
from factory.operators.load import LoadOperator

from .warehouses import Warehouse, sqlite_file

ORDERS = [{"id": 1, "customer": "an", "price": 12.5}, {"id": 2, "customer": "bo", "price": 3}]
COUNTS = {"rows_discarded": 0, "values_discarded": 0, "duplicates": 0}


def load(
    rows: list[dict[str, Any]] | None = None, *, table: str = "orders", run_id: str = "r1", **arguments: Any
) -> Mapping[str, Any]:
    operator = LoadOperator(task_id="load", conn_id="warehouse", table=table, rows=rows, **arguments)
    ti = SimpleNamespace(dag_id="shop", run_id=run_id, task_id="load", map_index=-1)
    return operator.execute({"ti": ti})  # type: ignore[typeddict-item] # all of the context that it uses


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


def test_merge_needs_its_key_in_every_row(warehouse: Warehouse) -> None:
    merge: dict[str, Any] = {"write_disposition": "merge", "primary_key": "id"}
    load(ORDERS, **merge)
    with pytest.raises(AirflowException, match=r"1 rows have no value in the primary key \(id\)"):
        load([{"id": None, "price": 1}, {"id": 2, "price": 1}], **merge)
    with pytest.raises(AirflowException, match="the rows have no column `id`, which `primary_key` names"):
        load([{"price": 1}], **merge)
    assert warehouse.rows("orders", "id, price") == [(1, 12.5), (2, 3.0)]


def test_evolve_adds_columns_and_fills_missing_ones_with_null(warehouse: Warehouse) -> None:
    load(ORDERS)
    assert load([{"id": 3, "note": "new"}], run_id="r2")["columns_added"] == ["note"]
    assert warehouse.rows("orders")[1:] == [(2, "bo", 3.0, None), (3, None, None, "new")]


def test_evolve_keeps_values_of_another_type_in_a_column_of_their_own(warehouse: Warehouse) -> None:
    load(ORDERS)
    loaded = load([{"id": 3, "price": "a lot"}, {"id": 4, "price": 2}], run_id="r2")
    assert loaded["columns_added"] == ["price__v_text"]
    assert warehouse.rows("orders", "id, price, price__v_text")[2:] == [(3, None, "a lot"), (4, 2.0, None)]


@pytest.mark.parametrize(
    "rows", [[{"id": 3, "note": "new"}], [{"id": 3, "price": "a lot"}], [{"id": 3, "price": 2**70 + 1}]]
)
def test_freeze_alters_nothing(warehouse: Warehouse, rows: list[dict[str, Any]]) -> None:
    load(ORDERS)
    before = warehouse.rows("orders")
    with pytest.raises(AirflowException, match="`schema_contract: freeze` allows no change of `orders`"):
        load([{"id": 9, "price": 1}, *rows], run_id="r2", schema_contract="freeze")
    assert warehouse.rows("orders") == before
    assert warehouse.tables() == {"orders"}
    load([{"id": 3}], run_id="r3", schema_contract="freeze")
    assert len(warehouse.rows("orders")) == 3


def test_rows_and_values_that_are_left_out_are_counted(warehouse: Warehouse) -> None:
    load(ORDERS)
    odd = [{"id": 3, "note": "x"}, {"id": 4, "price": "a lot"}, {"id": 5, "price": 1, "note": None}]
    loaded = load(odd, run_id="r2", schema_contract="discard_row")
    assert (loaded["rows_loaded"], loaded["rows_discarded"], loaded["values_discarded"]) == (1, 2, 0)
    loaded = load(odd, run_id="r3", schema_contract="discard_value", table="orders")
    assert (loaded["rows_loaded"], loaded["rows_discarded"], loaded["values_discarded"]) == (3, 0, 2)
    assert warehouse.rows("orders", "id, price", "id, price")[2:] == [(3, None), (4, None), (5, 1.0), (5, 1.0)]


def test_no_digit_is_lost(warehouse: Warehouse) -> None:
    rows = [
        {"id": 1, "amount": Decimal("12345678901234567.25"), "large": 2**63 + 1, "near": 0.1, "text": "007"},
        {"id": 2, "amount": Decimal("0.000000001"), "large": 1, "near": 1e300, "text": "1.50"},
        {"id": 3, "amount": 7, "large": None, "near": 2, "text": ""},
    ]
    load(rows)
    found = warehouse.rows("orders")
    assert [Decimal(row[1]) for row in found] == [Decimal(str(row["amount"])) for row in rows]
    assert [None if row[2] is None else int(Decimal(row[2])) for row in found] == [2**63 + 1, 1, None]
    assert [row[3] for row in found] == [0.1, 1e300, 2.0]
    assert [row[4] for row in found] == ["007", "1.50", ""]


def test_a_column_keeps_its_digits_also_later(warehouse: Warehouse) -> None:
    load([{"id": 1, "amount": Decimal("1.5"), "price": 1.5, "n": 1}])
    late = [
        {"id": 2, "amount": Decimal("0.12345678901234567890123"), "price": Decimal("12345678901234567.25"), "n": 2**64}
    ]
    load(late, run_id="r2")
    (row,) = [row for row in warehouse.rows("orders") if row[0] == 2]
    kept = {Decimal(str(value)) for value in row if value is not None}
    assert kept == {Decimal(2), Decimal("0.12345678901234567890123"), Decimal("12345678901234567.25"), Decimal(2**64)}


def test_dates_keep_their_moment(warehouse: Warehouse) -> None:
    seoul = timezone(timedelta(hours=9))
    load(
        [
            {
                "id": 1,
                "at": "2026-01-01T00:00:00+09:00",
                "seen": datetime(2026, 1, 1, tzinfo=seoul),
                "day": date(2026, 1, 1),
            },
            {"id": 2, "at": "2025-12-31T15:00:00Z", "seen": datetime(2025, 12, 31, 15, tzinfo=UTC), "day": None},
        ]
    )
    one, two = warehouse.rows("orders")
    assert one[1] == one[2] == two[1] == two[2]
    moment = datetime.fromisoformat(one[1]) if isinstance(one[1], str) else one[1]
    assert moment.replace(tzinfo=moment.tzinfo or UTC) == datetime(2025, 12, 31, 15, tzinfo=UTC)
    assert str(one[3]) == "2026-01-01"


def test_text_that_looks_like_something_else_stays_text(warehouse: Warehouse) -> None:
    load(
        [
            {
                "id": 1,
                "a": "2026-01-01",
                "b": "12",
                "c": "true",
                "d": "2026-01-01T00:00:00",
                "e": "2026-01-01T00:00:00Z",
            },
            {"id": 2, "e": "soon"},
        ]
    )
    assert warehouse.rows("orders")[0][1:] == (
        "2026-01-01",
        "12",
        "true",
        "2026-01-01T00:00:00",
        "2026-01-01T00:00:00Z",
    )


def test_nested_values_are_json(warehouse: Warehouse) -> None:
    load([{"id": 1, "lines": [{"article": "tea", "n": 2}], "who": {"name": "안"}}, {"id": 2, "lines": [], "who": None}])
    assert warehouse.tables() == {"orders"}
    (_, lines, who), (_, none, nobody) = warehouse.rows("orders")
    decoded = [json.loads(value) if isinstance(value, str) else value for value in (lines, who, none)]
    assert decoded == [[{"article": "tea", "n": 2}], {"name": "안"}, []]
    assert nobody is None


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
    columns = (
        warehouse.run("SELECT name FROM pragma_table_info('orders') ORDER BY cid")
        if warehouse.kind == "sqlite"
        else warehouse.run(
            "SELECT column_name FROM information_schema.columns WHERE table_name = 'orders' ORDER BY ordinal_position"
        )
    )
    assert [name for (name,) in columns] == names


def test_quotes_in_a_name_become_underscores(warehouse: Warehouse) -> None:
    load([{"id": 1, 'q"uote': 2}])
    assert warehouse.rows("orders", "id, q_uote") == [(1, 2)]
    with pytest.raises(AirflowException, match="have one name in this database"):
        load([{"id": 1, 'q"uote': 2, "q'uote": 3}], table="other", run_id="r2")


def test_a_table_can_have_an_odd_name(warehouse: Warehouse) -> None:
    load(ORDERS, table="Order Items")
    load(ORDERS, table="select", run_id="r2")
    assert warehouse.tables() == {"Order Items", "select"}


def test_a_name_that_is_too_long_ends_with_a_hash(warehouse: Warehouse) -> None:
    long = ["주문" * 40, "주문" * 40 + "!", "id"]
    load([dict.fromkeys(long, 1)])
    load([dict.fromkeys(long, 2)], run_id="r2")
    assert warehouse.rows("orders") == [(1, 1, 1), (2, 2, 2)]


def test_nulls_come_before_values(warehouse: Warehouse) -> None:
    rows: list[dict[str, Any]] = [{"id": n, "price": None, "never": None} for n in range(25_000)]
    load([*rows, {"id": 25_000, "price": 1.5, "late": "x"}])
    assert warehouse.run("SELECT count(*), count(price), count(late) FROM orders") == [(25_001, 1, 1)]


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


def test_columns_say_types(warehouse: Warehouse) -> None:
    load(
        [{"id": 1, "price": "12.50", "code": 7, "day": "2026-01-01"}],
        columns={"price": {"data_type": "decimal", "precision": 10, "scale": 2}, "code": "text", "day": "date"},
    )
    ((_, price, code, day),) = warehouse.rows("orders")
    assert (Decimal(price), code, str(day)) == (Decimal("12.5"), "7", "2026-01-01")


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


def test_a_table_without_types_takes_what_comes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("dlt")
    warehouse = sqlite_file(tmp_path)
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", warehouse.variable)
    warehouse.run("CREATE TABLE stock (region, article, count INTEGER)")
    warehouse.run("INSERT INTO stock VALUES ('seoul', 'tea', 1)")
    key: dict[str, Any] = {"write_disposition": "merge", "primary_key": ["region", "article"]}
    load([{"region": "seoul", "article": "tea", "count": 5}, {"region": "seoul", "article": 7}], table="stock", **key)
    assert warehouse.rows("stock", order="count") == [("seoul", "7", None), ("seoul", "tea", 5)]


def test_a_table_is_made_only_where_it_may_be(warehouse: Warehouse) -> None:
    with pytest.raises(AirflowException, match="there is no table `orders`, and `create` is false"):
        load(ORDERS, create=False)
    assert warehouse.tables() == set()


def test_what_cannot_be_a_row_is_said(warehouse: Warehouse) -> None:
    with pytest.raises(AirflowException, match="row 2 is no mapping of columns, but of type int"):
        load([{"id": 1}, 2])  # type: ignore[list-item] # what is tested
    with pytest.raises(AirflowException, match="a column without a name"):
        load([{"": 5}])
    with pytest.raises(AirflowFailException, match="either `rows` or `file`"):
        load(ORDERS, file="orders.csv")
    assert warehouse.tables() == set()


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


CHILD = """
import json, resource, sys
from tests.factory.data.test_load import load
print(json.dumps(load(**json.loads(sys.argv[1]))), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def started(**arguments: Any) -> subprocess.Popen[str]:
    """A load in a process of its own, which prints its output and the most memory that it held, in MiB."""
    command = [sys.executable, "-c", CHILD, json.dumps(arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def ended(process: subprocess.Popen[str]) -> tuple[dict[str, Any], int]:
    said, _ = process.communicate(timeout=900)
    assert process.returncode == 0, said[-3000:]
    output, _, memory = said.strip().splitlines()[-1].rpartition(" ")
    return json.loads(output), int(memory)


def many_rows(path: Path, number: int) -> str:
    with path.open("w") as file:
        for n in range(number):
            late = f', "note": "from {n}"' if n > number // 2 else ""
            file.write(f'{{"id": {n}, "customer": "c{n % 997}", "price": {n / 4}, "lines": [{n}]{late}}}\n')
    return str(path)


@pytest.mark.soak
def test_a_million_rows_need_no_more_memory_than_a_hundred_thousand(warehouse: Warehouse, tmp_path: Path) -> None:
    _, small = ended(started(file=many_rows(tmp_path / "few.jsonl", 100_000), table="few"))
    loaded, large = ended(started(file=many_rows(tmp_path / "many.jsonl", 1_000_000), run_id="r2"))
    assert loaded["rows_loaded"] == 1_000_000
    expected = [(1_000_000, 1_000_000, 999_999, 499_999)]
    assert warehouse.run("SELECT count(*), count(DISTINCT id), max(id), count(note) FROM orders") == expected
    print(warehouse.kind, f"100,000 rows: {small} MiB, 1,000,000 rows: {large} MiB")
    assert large < small * 1.5


@pytest.mark.soak
def test_loads_at_once_lose_nothing(warehouse: Warehouse, tmp_path: Path) -> None:
    """Three that make the table, and one more of which two tries run: of these one may fail, but both do not load."""
    file = many_rows(tmp_path / "rows.jsonl", 5_000)
    runs = [started(file=file, run_id=run) for run in ("r1", "r2", "r3", "r3")]
    said = [process.communicate(timeout=900)[0] for process in runs]
    failed = [process.returncode != 0 for process in runs]
    assert failed in ([False] * 4, [False] * 3 + [True], [False] * 2 + [True, False]), "\n".join(said)[-5000:]
    assert warehouse.run("SELECT count(*), count(DISTINCT id) FROM orders") == [(15_000, 5_000)]
    merge = {"write_disposition": "merge", "primary_key": "id", "table": "merged", "file": file}
    for process in [started(run_id=run, **merge) for run in ("r1", "r2")]:
        ended(process)
    assert warehouse.run("SELECT count(*), count(DISTINCT id) FROM merged") == [(5_000, 5_000)]
    assert warehouse.tables() == {"orders", "merged"}


@pytest.mark.soak
@pytest.mark.parametrize("disposition", ["append", "replace", "merge"])
def test_a_load_that_is_killed_leaves_nothing_half_and_nothing_twice(
    warehouse: Warehouse, tmp_path: Path, disposition: str
) -> None:
    number = 40_000
    arguments: dict[str, Any] = {"file": many_rows(tmp_path / "rows.jsonl", number), "write_disposition": disposition}
    if disposition == "merge":
        arguments["primary_key"] = "id"
    load([{"id": -1, "customer": "an", "lines": None}, {"id": 1, "customer": "old"}], run_id="before")
    begin = time.monotonic()
    ended(started(table="other", **arguments))
    seconds = time.monotonic() - begin
    after = {"append": number + 2, "replace": number, "merge": number + 1}[disposition]
    seen = set()
    for part in (0.6, 0.75, 0.87, 0.95):
        process = started(run_id="killed", **arguments)
        time.sleep(seconds * part)
        process.kill()
        process.communicate()
        ((rows,),) = warehouse.run("SELECT count(*) FROM orders")
        seen.add(rows)
        assert rows in (2, after), f"{rows} rows after a kill at {part:.0%}"
    ended(started(run_id="killed", **arguments))
    assert warehouse.run("SELECT count(*), count(DISTINCT id) FROM orders") == [
        (after, after - (disposition == "append"))
    ]
    assert warehouse.tables() == {"orders", "other"}
    assert 2 in seen


@pytest.mark.soak
def test_a_wrong_password_is_said_and_not_shown(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    if "://" not in warehouse.variable:
        pytest.skip("a file has no password")
    account, at, place = warehouse.variable.rpartition("@")
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", f"{account.rpartition(':')[0]}:s3cr%2Ft-word{at}{place}")
    with pytest.raises(AirflowException, match=r"(?i)password authentication failed|access denied") as raised:
        load(ORDERS)
    shown = "".join(traceback.format_exception(raised.value))
    assert "s3cr" not in shown
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", f"{warehouse.kind}://u:s3cr%2Ft-word@127.0.0.1:1/shop")
    with pytest.raises(AirflowException, match=r"(?i)refused|can't connect") as raised:
        load(ORDERS)
    assert "s3cr" not in "".join(traceback.format_exception(raised.value))
