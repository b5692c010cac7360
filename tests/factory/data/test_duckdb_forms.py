"""The forms of values that the task `duckdb` hands on, which are the same in rows and in every file."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowException

from factory.data.row_files import RowFileWriter, read_rows

from .checks import broken
from .test_duckdb import run

pytest.importorskip("duckdb")


def test_a_sum_keeps_its_digits_in_parquet(tmp_path: Path) -> None:
    path = run("SELECT sum(v) AS s, 'a' AS k FROM (VALUES (9007199254740993), (0)) t(v)", to=f"{tmp_path}/s.parquet")
    assert run("SELECT s::VARCHAR AS s, k FROM t", tables={"t": path}) == [{"s": "9007199254740993", "k": "a"}]
    assert list(read_rows(path)) == [{"s": 9007199254740993, "k": "a"}]
    rows = [{"k": "a", "v": 9007199254740993}]
    path = run("PIVOT t ON k USING sum(v)", tables={"t": rows}, to=f"{tmp_path}/p.parquet")
    assert list(read_rows(path)) == [{"a": 9007199254740993}]


def test_infinity_is_no_day(tmp_path: Path) -> None:
    for value in ("'infinity'::DATE", "'-infinity'::TIMESTAMPTZ", "'infinity'::TIMESTAMP"):
        for to in ({}, {"to": f"{tmp_path}/x.jsonl"}):
            with pytest.raises(AirflowException, match="the column `v` has `infinity`, and Python has no such time"):
                run(f"SELECT 1 AS id, {value} AS v", **to)
    assert not list(tmp_path.iterdir())
    last, first = "DATE '9999-12-31'", "TIMESTAMP '0001-01-01'"
    assert run(f"SELECT {last} AS l, {first} AS f") == [{"l": "9999-12-31", "f": "0001-01-01T00:00:00"}]
    assert run("SELECT 'infinity'::DATE::VARCHAR AS v") == [{"v": "infinity"}]


@pytest.mark.parametrize("ending", ["jsonl", "csv", "parquet"])
@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("MAP {'k': 1}", {"k": 1}),
        ("MAP {DATE '2026-01-01': 1}", {"2026-01-01": 1}),
        ("[MAP {1: DATE '2026-01-01'}]", [{"1": "2026-01-01"}]),
        ("union_value(n := 5)", 5),
        ("{'a': 1}::VARIANT", {"a": 1}),
        ("[1, 2]::INTEGER[2]", [1, 2]),
    ],
)
def test_a_value_has_one_form_in_all_files(tmp_path: Path, ending: str, value: str, kept: Any) -> None:
    both = f"SELECT * FROM (VALUES (1, {value}), (2, NULL)) t(id, v) ORDER BY id"
    assert run(both) == [{"id": 1, "v": kept}, {"id": 2, "v": None}]
    rows = [row["v"] for row in read_rows(run(both, to=f"{tmp_path}/x.{ending}"))]
    assert [json.loads(json.dumps(json.loads(rows[0]) if ending == "csv" else rows[0], default=str)), rows[1]] == [
        kept,
        None,
    ]


@pytest.mark.parametrize(
    "texts",
    [["0x10", "0xff"], ["0b11"], ["0x10", "1.5"], ["1.5", "0X1F"], ["1e400"], ["1e-400", "2.5"], ["-1E+400", "7"]],
)
def test_a_text_of_csv_that_is_another_number_stays_text(tmp_path: Path, texts: list[str]) -> None:
    lines = "".join(f"{number},{text}\n" for number, text in enumerate(texts))
    (tmp_path / "a.csv").write_text(f"id,v\n{lines}")
    (tmp_path / "b.csv").write_text("id,v\n")
    for files in ("a.csv", "*.csv"):
        rows = run("SELECT v FROM t ORDER BY id", tables={"t": str(tmp_path / files)})
        assert [row["v"] for row in rows] == texts


def test_other_numbers_of_csv_are_numbers(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a,b,c,d\n1,1e5,0e0,1.5\n -2 ,1e-300,5e-324,nan\n,,,\n")
    rows = run("SELECT a, b, c, d FROM t WHERE a IS NOT NULL", tables={"t": str(tmp_path / "a.csv")})
    assert [[row["a"], row["b"], row["c"]] for row in rows] == [[1, 1e5, 0.0], [-2, 1e-300, 5e-324]]
    assert rows[0]["d"] == 1.5


def test_numbers_that_no_float_holds_are_an_error_in_json(tmp_path: Path) -> None:
    for name, text in (("a.jsonl", '{"v": 1.5}\n{"v": 1e400}\n'), ("b.json", '[{"v": 1E-400}]')):
        (tmp_path / name).write_text(text)
        with pytest.raises(AirflowException, match="`v` has numbers of more than 38 digits: write them as text"):
            run("SELECT v FROM t", tables={"t": str(tmp_path / name)})
    (tmp_path / "c.jsonl").write_text('{"v": 1e+300, "w": "a1e400"}\n')
    assert run("SELECT v FROM t", tables={"t": str(tmp_path / "c.jsonl")}) == [{"v": 1e300}]


def test_decimals_of_parquet_that_are_too_long_are_an_error(tmp_path: Path) -> None:
    said = "the column `v` has numbers of more than 38 digits: write them as text"
    with RowFileWriter(f"{tmp_path}/x.parquet") as file:
        file.write(
            [{"id": 1, "v": Decimal("123456789012345678901234567890.5")}, {"id": 3, "v": Decimal("0.123456789")}]
        )
    with pytest.raises(AirflowException, match=said):
        run("SELECT * FROM t", tables={"t": file.path})
    assert said in broken({"file": file.path}, columns={"v": {"max": {"leq_to": 9}}})


def test_an_error_names_the_file_and_not_its_copy(tmp_path: Path) -> None:
    (folder := tmp_path / "year=2026").mkdir()
    (folder / "a.csv").write_bytes(b"id,v\r\n1,a\n2,b,c\r\n")
    (folder / "b.jsonl").write_bytes(b'\xef\xbb\xbf{"id": 1}\n{')
    for name in ("a.csv", "b.jsonl"):
        with pytest.raises(AirflowException, match=re.escape(str(folder / name))) as raised:
            run("SELECT * FROM t", tables={"t": str(folder / name)})
        assert "duckdb-" not in str(raised.value)


@pytest.mark.parametrize(
    ("ending", "data"),
    [("jsonl", b'\xef\xbb\xbf{"id": 1}\n'), ("csv", b"id\n1\n"), ("csv", b"id,year\n1,7\n"), ("json", b'[{"id": 1}]')],
)
def test_the_names_of_folders_are_a_column(tmp_path: Path, ending: str, data: bytes) -> None:
    for year in (2025, 2026):
        (folder := tmp_path / f"year={year}").mkdir()
        (folder / f"a.{ending}").write_bytes(data)
    one, both = str(tmp_path / f"year=2026/a.{ending}"), str(tmp_path / f"*/a.{ending}")
    assert run("SELECT * FROM t", tables={"t": one}) == [{"id": 1, "year": 2026}]
    assert run("SELECT sum(year) AS y FROM t", tables={"t": both}) == [{"y": 4051}]
