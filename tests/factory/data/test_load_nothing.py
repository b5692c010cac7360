"""Loads that bring no row: what is no export of rows is an error, and what leaves all of them out changes nothing."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowException

from factory.data.row_files import RowFileError, RowFileWriter, read_rows
from factory.operators.sql import DuckdbOperator

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
    assert "leaves out the only row: `orders` stays as it is" in log
    assert warehouse.rows("orders") == before
    assert warehouse.tables() == {"orders"}
    load([{"id": "x"}], table="new", columns={"id": "bigint"}, **arguments)
    assert "leaves out the only row: `new` is not created" in " ".join(capsys.readouterr().out.split())
    assert warehouse.tables() == {"orders"}


WITHOUT_HEADER = {"empty.csv": b"", "mark.csv": b"\xef\xbb\xbf", "lines.csv": b"\n\n", "windows.csv": b" \r\n\r\n"}


@on("sqlite", "duckdb")
@pytest.mark.parametrize("disposition", DISPOSITIONS)
@pytest.mark.parametrize("name", [*WITHOUT_HEADER, "empty.csv.gz", "nothing.csv.gz"])
def test_a_csv_without_a_header_empties_nothing(
    warehouse: Warehouse, tmp_path: Path, disposition: str, name: str
) -> None:
    load(ORDERS)
    path = tmp_path / name
    path.write_bytes(gzip.compress(b"") if name == "nothing.csv.gz" else WITHOUT_HEADER.get(name, b""))
    said = f"`{path}` has no header: a CSV begins with the names of its columns"
    if disposition == "replace":
        with pytest.raises(AirflowException, match=said):
            load(file=str(path), run_id="r2", write_disposition="replace")
    else:  # what a poll writes that brings no rows
        assert load(file=str(path), run_id="r2", **DISPOSITIONS[disposition])["rows_loaded"] == 0
    with pytest.raises(AirflowException, match=said):
        check({"file": str(path)}, row_count={"geq_to": 0})
    assert len(warehouse.rows("orders")) == 2


@on("sqlite", "duckdb")
def test_a_csv_without_a_header_among_others_empties_nothing(warehouse: Warehouse, tmp_path: Path) -> None:
    load(ORDERS)
    texts = {"good.csv": "id\n1\n", "zero.csv": "", "none.csv": "id\n", "page.csv": "Not found\n", "none.jsonl": ""}
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    for number, (names, said) in enumerate(
        (
            (("good.csv", "zero.csv"), r"zero\.csv` has no header"),
            (("zero.csv", "none.csv"), r"zero\.csv` has no header"),
            (("zero.csv", "none.jsonl"), r"zero\.csv` has no header"),
            (("none.csv", "page.csv"), r"page\.csv` has no rows, and its header names no column"),
            (("page.csv", "none.jsonl"), r"page\.csv` has no rows, and its header names no column"),
        )
    ):
        files = [str(tmp_path / name) for name in names]
        with pytest.raises(AirflowException, match=said):
            load(file=files, run_id=f"r{number}", **DISPOSITIONS["replace"])
    assert len(warehouse.rows("orders")) == 2


@pytest.mark.parametrize("ending", ["jsonl", "json", "parquet", "csv", "jsonl.gz", "csv.gz"])
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


@on("sqlite", "duckdb")
def test_a_csv_without_rows_and_of_other_columns_empties_nothing(warehouse: Warehouse, tmp_path: Path) -> None:
    load(ORDERS)
    path, replace = tmp_path / "orders.csv", DISPOSITIONS["replace"]
    path.write_text("Please log in\n")
    with pytest.raises(AirflowException, match=r"orders\.csv` has no rows, and its header names no column of `orders`"):
        load(file=str(path), run_id="r2", **replace)
    assert len(warehouse.rows("orders")) == 2
    path.write_text("ID,more\n")
    assert load(file=str(path), run_id="r3", **replace)["rows_loaded"] == 0
    assert warehouse.rows("orders") == []


@on("sqlite", "duckdb")
@pytest.mark.usefixtures("warehouse")
def test_a_new_database_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    load(ORDERS)
    assert "this load makes a new database" in capsys.readouterr().out
    load(ORDERS, run_id="r2")
    assert "this load makes a new database" not in capsys.readouterr().out


@pytest.mark.usefixtures("warehouse")
def test_a_column_of_json_for_values_of_several_types_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    load([{"v": 1, "w": {"a": 1}}, {"v": "x", "w": [1]}, {"v": [1], "w": None}])
    log = " ".join(capsys.readouterr().out.split())
    assert "`v` is a column of JSON, since its values are of several types, some of them nested (int, list, str)" in log
    assert "`w` is a column of JSON" not in log


def test_what_is_no_row_is_refused_by_each_reader(tmp_path: Path) -> None:
    for name, text, said in (
        ("mixed.json", '[{"id":1},5]', "row 2: a row must be a mapping of column names, not int"),
        ("mixed.jsonl", '{"id":1}\n5\n', "line 2: a row must be a mapping of column names, not int"),
        ("null.json", '[{"id":[1, null]}, null]', "row 2: a row must be a mapping of column names, not NoneType"),
        ("null.jsonl", '{"id":1}\nnull\n', "line 2: a row must be a mapping of column names, not NoneType"),
        ("two.json", '{"id":1}\n{"id":2}\n', "is not json: Extra data"),
        ("lists.json", '[{"id":1}]\n[{"id":2}]\n', "is not json: Extra data"),
        ("empty.json", "", "is not json"),
        ("blank.json", " \n", "is not json"),
    ):
        (tmp_path / name).write_text(text)
        with pytest.raises(RowFileError, match=said):
            list(read_rows(str(tmp_path / name)))
        with pytest.raises(AirflowException, match=said):
            check({"file": str(tmp_path / name)}, row_count={"geq_to": 0})
    (tmp_path / "key.jsonl").write_text('{"json": 1}\n')
    assert check({"file": str(tmp_path / "key.jsonl")}, row_count={"equal_to": 1})["rows"] == 1


def test_an_interval_in_parquet_is_an_error_that_names_its_column(tmp_path: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    for column in ("INTERVAL 3 DAY AS iv", "{'a': INTERVAL 1 MONTH} AS iv", "[INTERVAL 1 MONTH] AS iv"):
        duckdb.sql(f"COPY (SELECT 1 AS id, {column}) TO '{tmp_path}/i.parquet'")
        with pytest.raises(RowFileError, match=r"the column `iv` has values of type INTERVAL: write them as text"):
            list(read_rows(f"{tmp_path}/i.parquet"))


def test_a_text_that_is_no_number_is_said_in_words() -> None:
    with pytest.raises(AirflowException, match="v, min: cannot be checked: 1 value is text that is no number"):
        check({"rows": [{"v": "5"}, {"v": "-3"}, {"v": "10,5"}]}, columns={"v": {"min": {"geq_to": -5}}})


@on("sqlite")
def test_a_header_may_have_line_breaks(warehouse: Warehouse, tmp_path: Path) -> None:
    load(ORDERS)
    path = tmp_path / "orders.csv"
    path.write_text('"first\nline",id\n')
    assert load(file=str(path), run_id="r2", **DISPOSITIONS["replace"])["rows_loaded"] == 0
    assert warehouse.rows("orders") == []


@on("sqlite")
@pytest.mark.usefixtures("warehouse")
def test_each_reader_finds_the_same_rows_in_a_csv_of_one_column(tmp_path: Path) -> None:
    path = str(tmp_path / "names.csv")
    Path(path).write_text("name\na\n\nb\n\n\n")
    assert [row["name"] for row in read_rows(path)] == ["a", None, "b", None, None]
    assert load(file=path)["rows_loaded"] == 5
    check({"file": path}, row_count={"equal_to": 5})


@on("sqlite")
@pytest.mark.usefixtures("warehouse")
def test_a_column_of_csv_without_a_name_is_named_by_its_place(tmp_path: Path) -> None:
    for name, text, place in (("end.csv", "id;name;\n1;a;\n", 3), ("title.csv", "Orders 2026;;\nid;a;b\n", 2)):
        (tmp_path / name).write_text(text)
        with pytest.raises(AirflowException, match=rf"{name}`: column {place} has no name: give it one"):
            load(file=str(tmp_path / name))
    (tmp_path / "end.csv").write_text("id;;x\n1;a;2\n")
    rows = DuckdbOperator(task_id="d", sql="SELECT id, x FROM t", tables={"t": str(tmp_path / "end.csv")}).execute({})
    assert rows == [{"id": 1, "x": 2}]


@on("sqlite")
@pytest.mark.usefixtures("warehouse")
@pytest.mark.parametrize(
    ("texts", "is_said"),
    [
        (["N/A", *map(str, range(1000))], True),
        ([*map(str, range(1000)), "#DIV/0!"], True),
        (["1.5", "NaN", "2.5"], True),
        (["1", "2", "3"], False),
        (["A-7", "12", "B-3"], False),
    ],
)
def test_a_text_among_the_numbers_of_a_csv_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], texts: list[str], is_said: bool
) -> None:
    (tmp_path / "n.csv").write_text("id,v\n" + "".join(f"{number},{text}\n" for number, text in enumerate(texts)))
    load(file=str(tmp_path / "n.csv"))
    log = " ".join(capsys.readouterr().out.split())
    assert ("`v` is a column of text, since some of its values are no numbers" in log) == is_said
    assert "DIV" not in log
