"""Times with more digits behind the second than a column or a reader keeps: a digit that is lost is never silent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowException

from factory.data.row_files import RowFileError, read_rows
from factory.operators.sql import DuckdbOperator

from .warehouses import Warehouse, load

FINE = {"seen": "2026-01-01T00:00:00.123456789+00:00", "clock": "12:00:00.1234567"}
EXACT = {"seen": "2026-01-01T00:00:00.123456000+00:00", "clock": "12:00:00.1234560"}
COLUMNS = {"seen": "timestamp", "clock": "time"}


def kept(warehouse: Warehouse, columns: str) -> list[Any]:
    return [tuple(map(str, row)) for row in warehouse.run(f"SELECT {columns} FROM orders ORDER BY id")]


def test_a_text_with_nanoseconds_is_of_another_type(warehouse: Warehouse) -> None:
    loaded = load([{"id": 1, **FINE}, {"id": 2, **EXACT}], columns=COLUMNS)
    assert loaded["values_of_another_type"] == {"seen__v_text": 1, "clock__v_text": 1}
    found = kept(warehouse, "seen, seen__v_text, clock, clock__v_text")
    assert found[0] == ("None", FINE["seen"], "None", FINE["clock"])
    assert found[1][0].startswith("2026-01-01 00:00:00.123456")
    assert (found[1][1], found[1][2], found[1][3]) == ("None", "12:00:00.123456", "None")


@pytest.mark.usefixtures("warehouse")
@pytest.mark.parametrize("key", FINE)
def test_each_contract_holds_for_nanoseconds(key: str) -> None:
    load([{"id": 1, **EXACT}], columns=COLUMNS)
    rows = [{"id": 2, **EXACT}, {"id": 3, **EXACT, key: FINE[key]}]
    with pytest.raises(AirflowException, match=f"`{key}` is of type .*`schema_contract: freeze` allows no change"):
        load(rows, run_id="r2", schema_contract="freeze")
    assert load(rows, run_id="r3", schema_contract="discard_row")["rows_discarded"] == 1
    assert load(rows, run_id="r4", schema_contract="discard_value")["values_discarded"] == 1
    with pytest.raises(AirflowException, match=f"`{key}` is of type .*: no row of `orders` can have such a key"):
        load(rows, run_id="r5", write_disposition="merge", primary_key=key)


def parquet(path: Path, **nanoseconds: Any) -> str:
    pyarrow = pytest.importorskip("pyarrow")
    import pyarrow.parquet as form  # noqa: PLC0415 # an extra

    types = {
        "seen": pyarrow.timestamp("ns", "Asia/Seoul"),
        "local": pyarrow.timestamp("ns"),
        "clock": pyarrow.time64("ns"),
        "all": pyarrow.list_(pyarrow.struct([("at", pyarrow.timestamp("ns"))])),
    }
    arrays = {name: pyarrow.array(values, types[name]) for name, values in nanoseconds.items()}
    form.write_table(pyarrow.table({"id": range(len(next(iter(arrays.values())))), **arrays}), path)
    return str(path)


def test_parquet_with_nanoseconds_is_read_as_text_where_microseconds_are_not_enough(tmp_path: Path) -> None:
    values = [1_767_225_600_123_456_789, 1_767_225_600_123_456_000, None, -1]
    clocks = [3_600_000_000_001, 3_600_000_001_000, None, 0]
    path = parquet(tmp_path / "a.parquet", seen=values, local=values, clock=clocks)
    found = [[value and str(value) for value in row.values()] for row in read_rows(path)]
    assert [row[1:] for row in found] == [
        ["2026-01-01T09:00:00.123456789+09:00", "2026-01-01T00:00:00.123456789", "01:00:00.000000001"],
        ["2026-01-01 09:00:00.123456+09:00", "2026-01-01 00:00:00.123456", "01:00:00.000001"],
        [None, None, None],
        ["1970-01-01T08:59:59.999999999+09:00", "1969-12-31T23:59:59.999999999", "00:00:00"],
    ]
    nested = parquet(tmp_path / "b.parquet", all=[[{"at": 1000}], [], None])
    assert [row["all"] and str(row["all"][0]["at"]) for row in read_rows(nested)] == [
        "1970-01-01 00:00:00.000001",
        [],
        None,
    ]
    with pytest.raises(RowFileError, match="the column `all` has nanoseconds inside nested values"):
        list(read_rows(parquet(tmp_path / "c.parquet", all=[[{"at": 1}]])))


def test_parquet_with_nanoseconds_loses_none_in_a_table(warehouse: Warehouse, tmp_path: Path) -> None:
    path = parquet(tmp_path / "a.parquet", seen=[1_767_225_600_123_456_789], clock=[3_600_000_000_001])
    load(file=path)
    assert kept(warehouse, "seen, clock") == [("2026-01-01T09:00:00.123456789+09:00", "01:00:00.000000001")]


@pytest.mark.parametrize("ending", ["csv", "jsonl", "json", "rows", "parquet"])
@pytest.mark.parametrize("form", ["value", "file"])
def test_duckdb_hands_on_every_digit(tmp_path: Path, ending: str, form: str) -> None:
    pytest.importorskip("duckdb")
    line = f'{{"seen":"{FINE["seen"]}","clock":"{FINE["clock"]}","z":1}}'
    later = line.replace("123456789", "1").replace("1234567", "1")
    texts = {"csv": f"seen,clock,z\n{FINE['seen']},{FINE['clock']},1\n{EXACT['seen']},12:00:00,2\n"}
    texts |= {"jsonl": f"{line}\n{later}\n", "json": f"[{line},\n{later}]"}
    table: Any = str(tmp_path / f"t.{ending}")
    if ending == "rows":
        table = [{**FINE, "z": 1}, {**EXACT, "z": 2}]
    elif ending == "parquet":
        parquet(tmp_path / "t.parquet", seen=[1_767_225_600_123_456_789, 0], clock=[43_200_123_456_700, 0])
    else:
        Path(table).write_text(texts[ending])
    to = {"to": str(tmp_path / "out.jsonl")} if form == "file" else {}
    found: Any = DuckdbOperator(task_id="q", sql="SELECT * FROM t", tables={"t": table}, **to).execute({})
    first = (found if form == "value" else list(read_rows(found)))[0]
    # Those of Parquet have nine digits.
    assert (first["seen"], first["clock"].removesuffix("00")) == (FINE["seen"], FINE["clock"])


def test_duckdb_has_times_where_no_digit_is_lost(tmp_path: Path) -> None:
    pytest.importorskip("duckdb")
    (tmp_path / "t.csv").write_text(f"seen,price\n{EXACT['seen']},1.1234567\n")
    sql = "SELECT date_trunc('day', seen) AS day FROM t"
    found: Any = DuckdbOperator(task_id="q", sql=sql, tables={"t": str(tmp_path / "t.csv")}).execute({})
    assert found == [{"day": "2026-01-01T00:00:00+00:00"}]


def test_a_month_stays_one(tmp_path: Path) -> None:
    pytest.importorskip("duckdb")
    query = "SELECT INTERVAL 1 MONTH AS i, [INTERVAL 1 MONTH] AS many"
    row = {"i": "1 month", "many": ["1 month"]}
    assert DuckdbOperator(task_id="a", sql=query).execute({}) == [row]
    path = DuckdbOperator(task_id="a", sql=query, to=str(tmp_path / "a.jsonl")).execute({})
    assert list(read_rows(str(path))) == [row]
