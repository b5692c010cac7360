"""What the task `duckdb` may reach, and how much it may take."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from factory.data.row_files import read_rows
from tests.factory.data.test_duckdb import run, written

OUTSIDE = [
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM glob('/etc/*')",
    "SELECT * FROM 'http://127.0.0.1:1/orders.csv'",
    "COPY (SELECT 1) TO '{folder}/stolen.csv'",
    "COPY (SELECT 1) TO '{folder}/orders.jsonl' (USE_TMP_FILE false)",
    "ATTACH '{folder}/other.db'",
    "EXPORT DATABASE '{folder}/exported'",
    "INSTALL httpfs",
    "LOAD httpfs",
    "SET enable_external_access = true",
    "SET memory_limit = '1TB'",
    "PRAGMA memory_limit = '1TB'",
    "RESET lock_configuration",
    "SELECT * FROM orders; COPY orders TO '{folder}/stolen.csv'; SELECT 1",
]


@pytest.mark.parametrize("sql", OUTSIDE)
def test_sql_reaches_nothing_but_its_tables(tmp_path: Path, sql: str) -> None:
    orders = written(tmp_path / "orders.jsonl")
    before = Path(orders).read_bytes()
    with pytest.raises(AirflowException):
        run(sql.format(folder=tmp_path), tables={"orders": orders})
    assert [path.name for path in tmp_path.iterdir()] == ["orders.jsonl"]
    assert Path(orders).read_bytes() == before


def test_external_access_is_given_where_it_is_written(tmp_path: Path) -> None:
    orders = written(tmp_path / "orders.jsonl")
    assert run(f"SELECT count(*) AS n FROM '{orders}'", external_access=True) == [{"n": 3}]
    with pytest.raises(AirflowException, match=r"reads `.*orders.jsonl`, which `tables` does not name"):
        run(f"SELECT count(*) AS n FROM '{orders}'")


def test_more_memory_than_allowed_is_not_taken() -> None:
    with pytest.raises(AirflowException, match=r"(?i)memory"):
        run("SELECT list(range) FROM range(20000000)", memory_limit="20MB", threads=1)


def test_more_rows_than_allowed_fail() -> None:
    with pytest.raises(AirflowFailException, match="more than 10000 rows to hand on: write them to a file"):
        run("SELECT * FROM range(10001)")


OFFLINE = """
import sys
from factory.data.row_files import read_rows
from tests.factory.data.test_duckdb import run, written
from pathlib import Path
folder = Path(sys.argv[1])
for ending in ("jsonl", "json", "csv", "parquet"):
    source = written(folder / f"orders.{ending}", [{"id": 1, "day": "2026-01-01", "at": "2026-01-01T00:00:00Z"}])
    sql = "SELECT id, CAST(o.at AS TIMESTAMPTZ) AT TIME ZONE 'Asia/Seoul' AS seen, 'b' COLLATE NOCASE AS b FROM o"
    for to in (None, str(folder / f"out.{ending}")):
        run(sql, tables={"o": source}, to=to)
try:
    run("SELECT * FROM 's3://bucket/orders.parquet'", external_access=True)
except Exception as error:
    print(type(error).__name__, error)
"""


def test_nothing_is_installed_and_no_network_is_asked(tmp_path: Path) -> None:
    """In a network without an interface, where this system lets it have one; DuckDB puts extensions into the home."""
    alone = ["unshare", "--net"] if os.geteuid() == 0 and shutil.which("unshare") else []
    (tmp_path / "home").mkdir()
    done = subprocess.run(
        [*alone, sys.executable, "-c", OFFLINE, str(tmp_path)],
        env={**os.environ, "HOME": str(tmp_path / "home")},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "AirflowException" in done.stdout
    assert "httpfs" in done.stdout
    assert [path for path in (tmp_path / "home").rglob("*") if "duckdb" in str(path)] == []


def test_threads_are_those_that_are_allowed() -> None:
    assert run("SELECT current_setting('threads') AS n", threads=1) == [{"n": 1}]
    (limit,) = run("SELECT current_setting('memory_limit') AS n", memory_limit="100MiB")
    assert limit == {"n": "100.0 MiB"}


def test_csv_has_nested_values_and_bytes_as_other_ways_have_them(tmp_path: Path) -> None:
    nested = "{'a': 1, 'b': {'q': 'it''s'}} AS st, [1, 2, NULL] AS li, MAP {'k': 1} AS mp, [DATE '2026-01-02'] AS ld"
    for sql in (
        f"SELECT {nested}, '\\xFF\\x00'::BLOB AS bl",
        "SELECT 1 AS id, '\\xFF\\x00'::BLOB AS bl, NULL::BLOB AS no",
    ):
        (row,) = run(sql)
        for ending in ("csv", "csv.gz"):
            (kept,) = read_rows(run(sql, to=str(tmp_path / f"rows.{ending}")))
            assert kept["bl"] == "/wA="
            for name, value in row.items():
                text = json.dumps(value, separators=(",", ":")) if isinstance(value, dict | list) else value
                assert kept[name] == (str(text) if text is not None else None)
