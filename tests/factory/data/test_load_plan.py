"""What `load` makes of columns: their types, values of other types, contracts and names."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowException

from factory.data.database import LOADS

from .warehouses import ORDERS, Warehouse, load, sqlite_file


def test_evolve_adds_columns_and_fills_missing_ones_with_null(warehouse: Warehouse) -> None:
    load(ORDERS)
    assert load([{"id": 3, "note": "new"}], run_id="r2")["columns_added"] == ["note"]
    assert warehouse.rows("orders")[1:] == [(2, "bo", 3.0, None), (3, None, None, "new")]


def test_evolve_keeps_values_of_another_type_in_a_column_of_their_own(
    warehouse: Warehouse, capsys: pytest.CaptureFixture[str]
) -> None:
    load(ORDERS)
    loaded = load([{"id": 3, "price": "a lot"}, {"id": 4, "price": 2}], run_id="r2")
    assert (loaded["columns_added"], loaded["values_of_another_type"]) == (["price__v_text"], {"price__v_text": 1})
    log = " ".join(capsys.readouterr().out.split())
    assert "`price` is of type double, and has values of type text in row 1: there it is null, and they are in" in log
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


def test_text_that_other_readers_take_for_a_number_is_none(warehouse: Warehouse) -> None:
    load([{"id": 1, "price": 1.5, "count": 1}], columns={"cost": "decimal"})
    for text in (" 2.5", "1_000.5", "2e400", "٣", "Infinity"):
        for column in ("price", "count"):
            with pytest.raises(AirflowException, match="freeze"):
                load([{"id": 2, column: text}], run_id="r2", schema_contract="freeze")
    load([{"id": 2, "price": "2.50", "count": "7"}, {"id": 3, "price": "-1e3"}], run_id="r3", schema_contract="freeze")
    assert warehouse.rows("orders", "id, price, count")[1:] == [(2, 2.5, 7), (3, -1000.0, None)]


@pytest.mark.usefixtures("warehouse")
def test_a_new_column_of_values_of_several_types_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{"id": 1, "price": 2.5, "large": 10**40, "name": "an"}, {"id": 2, "price": "n/a", "large": 1, "name": "bo"}]
    load(rows)
    log = " ".join(capsys.readouterr().out.split())
    assert "`price` is a column of text, since no other type takes all of its values (float, str)" in log
    assert "`large` is a column of text, since no other type takes all of its values (int)" in log
    assert log.count("is a column of text") == 2
    load(rows, run_id="r2")
    load([{"id": 1, "price": 1}, {"id": 2, "price": "x"}], table="b", columns={"price": "text"})
    assert "is a column of text" not in capsys.readouterr().out


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


def test_nulls_come_before_values(warehouse: Warehouse) -> None:
    rows: list[dict[str, Any]] = [{"id": n, "price": None, "never": None} for n in range(25_000)]
    load([*rows, {"id": 25_000, "price": 1.5, "late": "x"}])
    assert warehouse.run("SELECT count(*), count(price), count(late) FROM orders") == [(25_001, 1, 1)]
    assert set(warehouse.columns("orders")) == {"id", "price", "late"}


def test_a_column_without_a_value_is_made_where_columns_says_its_type(warehouse: Warehouse) -> None:
    money: dict[str, Any] = {"columns": {"refund": {"data_type": "decimal", "precision": 12, "scale": 2}}}
    assert load([], **money)["rows_loaded"] == 0
    assert warehouse.tables() == set()
    load([{"id": 1, "refund": None, "note": None}], **money, run_id="r2")
    assert warehouse.columns("orders") == ["id", "refund"]
    assert load([], run_id="r3")["rows_loaded"] == 0
    assert load([{"id": 2, "refund": "1.25", "note": "x"}], run_id="r4")["columns_added"] == ["note"]
    assert [None if n is None else Decimal(n) for _, n, _ in warehouse.rows("orders")] == [None, Decimal("1.25")]


def test_columns_say_types(warehouse: Warehouse) -> None:
    load(
        [{"id": 1, "price": "12.50", "code": 7, "day": "2026-01-01"}],
        columns={"price": {"data_type": "decimal", "precision": 10, "scale": 2}, "code": "text", "day": "date"},
    )
    ((_, price, code, day),) = warehouse.rows("orders")
    assert (Decimal(price), code, str(day)) == (Decimal("12.5"), "7", "2026-01-01")


def test_a_table_without_types_takes_what_comes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("dlt")
    warehouse = sqlite_file(tmp_path)
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", warehouse.variable)
    warehouse.run("CREATE TABLE stock (region, article, count INTEGER)")
    warehouse.run("INSERT INTO stock VALUES ('seoul', 'tea', 1)")
    key: dict[str, Any] = {"write_disposition": "merge", "primary_key": ["region", "article"]}
    load([{"region": "seoul", "article": "tea", "count": 5}, {"region": "seoul", "article": 7}], table="stock", **key)
    assert warehouse.rows("stock", order="count") == [("seoul", "7", None), ("seoul", "tea", 5)]


NARROW: dict[str, list[tuple[str, Any, Any]]] = {
    "sqlite": [("REAL", 1.005, 2**53 + 1), ("NUMERIC", 1.5, Decimal("12345678901234567.25"))],
    "duckdb": [
        ("FLOAT", 1.005, 16777217),
        ("FLOAT", 2**24, 0.1234567890123),
        ("DECIMAL(10,2)", 1.23, 1.239),
        ("DECIMAL(38,0)", 7, 1.5),
        ("UINTEGER", 3, 3.7),
        ("UINTEGER", 2**32 - 1, 2**32),
        ("UTINYINT", 0, -1),
        ("INTEGER", -(2**31), -(2**31) - 1),
        ("TIMESTAMP_S", "2026-01-01T10:00:00", "2026-01-01T10:00:00.6"),
        ("TIMESTAMP_MS", "2026-01-01T10:00:00.123", "2026-01-01T10:00:00.1234"),
    ],
    "postgres": [
        ("real", 1.005, 16777217),
        ("numeric(10,2)", 1.23, 1.239),
        ("integer", 3, 3.7),
        ("integer", 2**31 - 1, 2**31),
        ("smallint", -(2**15), 2**15),
        ("varchar(3)", "안녕하", "안녕하세"),
        ("char(2)", "kr", "kor"),
        ("varchar(3)", 123, 1234),
        ("timestamp(0)", "2026-01-01T10:00:00", "2026-01-01T10:00:00.6"),
        ("timestamptz(3)", "2026-01-01T10:00:00.123Z", "2026-01-01T10:00:00.1234Z"),
        ("time(0)", "10:00:00", "10:00:00.6"),
    ],
    "mysql": [
        ("float", 1.005, 16777217),
        ("decimal(10,2)", 1.23, 1.239),
        ("int unsigned", 3, 3.7),
        ("int unsigned", 2**32 - 1, 1.5),
        ("mediumint", 2**23 - 1, 2**23),
        ("tinyint", -128, 128),
        ("varchar(3)", "안녕😀", "안녕하세"),
        ("datetime", "2026-01-01T10:00:00", "2026-01-01T10:00:00.6"),
        ("time", "10:00:00", "10:00:00.6"),
    ],
}


def test_a_narrow_column_that_somebody_else_made_rounds_nothing(warehouse: Warehouse) -> None:
    for number, (declared, fits, wide) in enumerate(NARROW[warehouse.kind]):
        table = f"narrow_{number}"
        warehouse.run(f"CREATE TABLE {table} (id INTEGER, v {declared})")
        with pytest.raises(
            AirflowException, match=r"`v` .* values .*in row 1, and `schema_contract: freeze` allows no"
        ):
            load([{"id": 1, "v": wide}], table=table, run_id=f"freeze {number}", schema_contract="freeze")
        loaded = load([{"id": 1, "v": fits}, {"id": 2, "v": wide}], table=table, run_id=f"evolve {number}")
        first, second = warehouse.rows(table)
        (added,) = loaded["columns_added"]
        assert added.startswith("v__v_"), declared
        assert [value is None for value in first[1:] + second[1:]] == [False, True, True, False], declared
        # Drivers give a moment with a space, with more digits, and with its zone.
        assert str(second[2]).replace(" ", "T").startswith(str(wide).rstrip("Z")), declared


@pytest.mark.parametrize(
    "rows",
    [
        [{"id": 1, "v": timedelta(seconds=1)}],
        [{"id": 1, "v": "a"}, {"id": 2, "v": b"b"}],
        [{"id": 1, "v": {"a": [1, float("nan")]}}],
    ],
)
def test_a_value_that_no_column_takes_is_an_error(warehouse: Warehouse, rows: list[dict[str, Any]]) -> None:
    with pytest.raises(AirflowException, match=r"`v` has a (value of Python's type (timedelta|bytes)|nested value)"):
        load(rows)
    load(ORDERS, run_id="r2")
    with pytest.raises(AirflowException, match="`price` has a value of Python's type timedelta"):
        load([{"id": 3, "price": timedelta(seconds=1)}], run_id="r3")
    assert warehouse.rows("orders") == [(1, "an", 12.5), (2, "bo", 3.0)]
    loaded = load([{"id": 3, "price": timedelta(seconds=1)}], run_id="r4", schema_contract="discard_value")
    assert loaded["values_discarded"] == 1


def test_a_table_of_ours_that_cannot_be_asked_is_said(warehouse: Warehouse) -> None:
    warehouse.run(f"CREATE TABLE {LOADS} (other INTEGER)")
    with pytest.raises(AirflowException, match="load_id"):
        load(ORDERS)
    assert "orders" not in warehouse.tables()
