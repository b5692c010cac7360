"""The forms of values that the task `duckdb` hands on, which are the same in rows and in every file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowException

from factory.data.row_files import read_rows
from factory.operators.sql import DuckdbOperator

pytest.importorskip("duckdb")


def run(sql: str, **arguments: Any) -> Any:
    return DuckdbOperator(task_id="duckdb", sql=sql, **arguments).execute({})


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
