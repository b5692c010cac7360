"""Loads that bring no row: what is no export of rows is an error, and what leaves all of them out changes nothing."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowException

from factory.data.row_files import RowFileError, RowFileWriter, read_rows

from .checks import check
from .warehouses import ORDERS, Warehouse, load, on

DISPOSITIONS: dict[str, dict[str, Any]] = {
    "append": {},
    "replace": {"write_disposition": "replace"},
    "merge": {"write_disposition": "merge", "primary_key": "id"},
}


@pytest.mark.parametrize("disposition", DISPOSITIONS)
def test_a_load_of_which_every_row_is_left_out_changes_nothing(
    warehouse: Warehouse, disposition: str, capsys: pytest.CaptureFixture[str]
) -> None:
    load(ORDERS)
    arguments = {**DISPOSITIONS[disposition], "schema_contract": "discard_row"}
    before = warehouse.rows("orders")
    for number, odd in enumerate(([{"id": 3, "note": "x"}, {"id": 4, "note": "y"}], [{"id": 5, "price": "a lot"}])):
        loaded = load(odd, run_id=f"later{number}", **arguments)
        assert (loaded["rows_loaded"], loaded["rows_discarded"], loaded["columns_added"]) == (0, len(odd), [])
    log = " ".join(capsys.readouterr().out.split())
    assert "`schema_contract: discard_row` leaves out all 2 rows: `orders` stays as it is" in log
    assert "leaves out all 1 row: `orders` stays as it is" in log
    assert warehouse.rows("orders") == before
    assert warehouse.tables() == {"orders"}
    load([{"id": "x"}], table="new", columns={"id": "bigint"}, **arguments)
    assert "leaves out all 1 row: `new` is not created" in " ".join(capsys.readouterr().out.split())
    assert warehouse.tables() == {"orders"}


WITHOUT_HEADER = {"empty.csv": b"", "mark.csv": b"\xef\xbb\xbf", "lines.csv": b"\n\n", "windows.csv": b" \r\n\r\n"}


@on("sqlite", "duckdb")
@pytest.mark.parametrize("disposition", DISPOSITIONS)
@pytest.mark.parametrize("name", [*WITHOUT_HEADER, "empty.csv.gz", "nothing.csv.gz"])
def test_a_csv_without_a_header_is_no_load_of_nothing(
    warehouse: Warehouse, tmp_path: Path, disposition: str, name: str
) -> None:
    load(ORDERS)
    path = tmp_path / name
    path.write_bytes(gzip.compress(b"") if name == "nothing.csv.gz" else WITHOUT_HEADER.get(name, b""))
    said = f"`{path}` has no header: a CSV begins with the names of its columns"
    with pytest.raises(AirflowException, match=said):
        load(file=str(path), run_id="r2", **DISPOSITIONS[disposition])
    with pytest.raises(AirflowException, match=said):
        check({"file": str(path)}, row_count={"geq_to": 0})
    assert len(warehouse.rows("orders")) == 2


@pytest.mark.parametrize("ending", ["jsonl", "json", "parquet", "jsonl.gz"])
def test_a_file_that_says_that_it_has_no_rows_has_none(tmp_path: Path, ending: str) -> None:
    path = str(tmp_path / f"rows.{ending}")
    with RowFileWriter(path):
        pass
    assert list(read_rows(path)) == []


@pytest.mark.parametrize("path", ["gs://none/rows.jsonl", "abfs://NAME@none/rows.csv"])
def test_a_store_without_its_package_says_which_one(path: str) -> None:
    with pytest.raises(RowFileError, match=r"needs apache-airflow-providers-\S+, which is not installed here"):
        list(read_rows(path))
    with (
        pytest.raises(RowFileError, match=r"cannot be written: .*needs apache-airflow-providers-"),
        RowFileWriter(path) as file,
    ):
        file.write([{"id": 1}])
