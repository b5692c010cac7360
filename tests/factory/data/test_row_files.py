"""Rows to a file and back: every format, whole or not at all."""

from __future__ import annotations

import gzip
import importlib.util
import re
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factory.data import row_formats
from factory.data.forms import came_back
from factory.data.row_files import RowFileError, RowFileWriter, read_rows

ROWS: list[dict[str, Any]] = [{"id": 1, "name": "é"}, {"id": 2, "name": None}, {"id": 3, "new": 1.5}]
HAS_ARROW = importlib.util.find_spec("pyarrow") is not None
NEEDS_ARROW = pytest.mark.skipif(not HAS_ARROW, reason="the extra `parquet` is not installed")


def written(path: Path | str, *pages: list[Any]) -> str:
    with RowFileWriter(str(path)) as file:
        for page in pages:
            file.write(page)
    return file.path


@pytest.mark.parametrize("ending", [".jsonl", ".json", ".jsonl.gz", ".json.gz", ".ndjson"])
def test_json_comes_back_as_it_was(tmp_path: Path, ending: str) -> None:
    path = written(tmp_path / f"rows{ending}", ROWS[:1], [], ROWS[1:])
    assert list(read_rows(path)) == ROWS
    assert [one.name for one in tmp_path.iterdir()] == [f"rows{ending}"]


@pytest.mark.parametrize("ending", [".csv", ".csv.gz"])
def test_csv_keeps_columns_that_come_late(tmp_path: Path, ending: str) -> None:
    path = written(tmp_path / f"rows{ending}", ROWS[:1], ROWS[1:], [{"id": 4, "x": {"a": [1]}, "y": True}])
    data = Path(path).read_bytes()
    text = (gzip.decompress(data) if ending.endswith("gz") else data).decode()
    assert text.splitlines() == ["id,name,new,x,y", "1,é,,,", "2,,,,", "3,,1.5,,", '4,,,"{""a"":[1]}",true']
    assert list(read_rows(path))[2] == {"id": "3", "name": None, "new": "1.5", "x": None, "y": None}


@NEEDS_ARROW
def test_parquet_widens_types_and_columns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_formats, "ROWS_AT_ONCE", 2)
    rows = [{"id": 1, "x": None}, {"id": 2}, {"id": 2.5, "x": "a"}, {"id": 3, "late": [1]}, {"id": 4}]
    path = written(tmp_path / "rows.parquet", rows[:3], rows[3:])
    assert list(read_rows(path)) == [
        {"id": 1.0, "x": None, "late": None},
        {"id": 2.0, "x": None, "late": None},
        {"id": 2.5, "x": "a", "late": None},
        {"id": 3.0, "x": None, "late": [1]},
        {"id": 4.0, "x": None, "late": None},
    ]
    assert [one.name for one in tmp_path.iterdir()] == ["rows.parquet"]


@NEEDS_ARROW
@pytest.mark.parametrize("at_once", [1, 2])
@pytest.mark.parametrize(
    ("pair", "types"),
    [
        ((4711, "s3cret"), ("int, str", "int64, string")),
        ((2**60, 47.11), ("float, int", "double, int64")),
        (([4711, "s3cret"], {"s3cret": 1}), ("dict, int, list, str", "int, list, str")),
        ((["s3cret"], {"s3cret": 4711}), ("dict, int, list, str", "int64, list, string, struct")),
        (({"s3cret": 4711}, {"s3cret": "s3cret"}), ("dict, int, str", "int64, string, struct")),
        ((Path("s3cret"), None), ("PosixPath", "PosixPath")),
        ((1 << 63, None), ("int of more than 64 bits", "int of more than 64 bits")),
    ],
)
def test_parquet_refuses_a_column_of_two_types_and_shows_no_value(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pair: Any, types: tuple[str, str], at_once: int
) -> None:
    monkeypatch.setattr(row_formats, "ROWS_AT_ONCE", at_once)
    said = types[at_once == 1]
    with pytest.raises(RowFileError) as error:
        written(tmp_path / "rows.parquet", [{"id": 1, "x": value} for value in pair])
    path = tmp_path / "rows.parquet"
    assert str(error.value) == f"`{path}`: the column `x` has values of types ({said}), which Parquet cannot keep"
    assert list(tmp_path.iterdir()) == []


def test_folders_are_made_and_a_pattern_is_read_in_order(tmp_path: Path) -> None:
    for day in (2, 1):
        written(tmp_path / "lake" / "orders" / f"{day}.jsonl", [{"day": day}])
    assert list(read_rows(str(tmp_path / "lake" / "**" / "*.jsonl"))) == [{"day": 1}, {"day": 2}]
    assert list(read_rows([f"file://{tmp_path}/lake/orders/2.jsonl"])) == [{"day": 2}]


@pytest.mark.parametrize("path", ["rows.txt", "rows", "rows.parquet.gz", ".gz"])
def test_the_ending_must_say_a_format(path: str) -> None:
    with pytest.raises(RowFileError, match="must end with"):
        RowFileWriter(path)


def test_a_number_that_no_float_holds_keeps_its_digits(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('\ufeff{"n": 1e400, "m": -1E-400, "k": 1e3}\n')
    (row,) = read_rows(str(tmp_path / "a.jsonl"))
    assert row == {"n": Decimal("1e400"), "m": Decimal("-1E-400"), "k": 1000.0}


def test_what_is_not_rows_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"id": 1}\n\n3\n')
    with pytest.raises(RowFileError, match=r"a\.jsonl`, line 3: a row must be a mapping"):
        list(read_rows(str(tmp_path / "a.jsonl")))
    (tmp_path / "a.jsonl").write_text('{"id": "NaN"} \n{"id": 2} {"id": 3}\n')
    with pytest.raises(RowFileError, match=r"a\.jsonl` is not jsonl: Extra data"):
        list(read_rows(str(tmp_path / "a.jsonl")))
    (tmp_path / "b.jsonl.gz").write_bytes(gzip.compress(b'{"id": 1}\n' * 1000)[:-20])
    with pytest.raises(RowFileError, match=r"is not jsonl in gzip"):
        list(read_rows(str(tmp_path / "b.jsonl.gz")))
    with pytest.raises(RowFileError, match=r"cannot be read: .*nosuch"):
        list(read_rows("nosuch://bucket/rows.jsonl"))
    with pytest.raises(RowFileError, match="cannot be read: No such file"):
        list(read_rows(str(tmp_path / "c.csv")))
    with pytest.raises(RowFileError, match="no file matches"):
        list(read_rows(str(tmp_path / "*.csv")))


def test_a_file_in_place_of_the_folder_is_said(tmp_path: Path) -> None:
    (tmp_path / "lake").write_text("")
    with pytest.raises(RowFileError, match=r"cannot be written"):
        RowFileWriter(str(tmp_path / "lake" / "rows.jsonl"))


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


def test_csv_keeps_what_a_reader_would_split(tmp_path: Path) -> None:
    """A carriage return alone, a field longer than Python's readers take, rows without columns, a late column."""
    rows = [{}, {"a": "x\ry\r\nz\n"}, {"a": "l" * 140_000}, {"a": None}]
    assert list(read_rows(written(tmp_path / "a.csv", rows[:1], rows[1:]))) == [{"a": None}, *rows[1:]]
    path = written(tmp_path / "a.csv", rows[:1], rows[1:], [{"b": "\r"}])
    assert list(read_rows(path)) == [
        *({"a": row.get("a"), "b": None} for row in rows),
        {"a": None, "b": "\r"},
    ]
    assert [one.name for one in tmp_path.iterdir()] == ["a.csv"]


@pytest.mark.parametrize(
    ("name", "rows", "named"),
    [
        ("a.csv", [{}, {}], "its 2 rows have no columns"),
        ("a.jsonl", [{"a": 1}, 2], "a row must be a mapping of column names, not int"),
        ("a.jsonl", [{"a": "NaN"}, {"a": float("nan")}], "a row cannot be written as JSON"),
        ("a.json", [None], "a row must be a mapping of column names, not NoneType"),
        pytest.param("a.parquet", [{"a": 1, "b": {}}], "the column `b` has nothing but empty", marks=NEEDS_ARROW),
        pytest.param("a.parquet", [{"b": [{"c": {}}]}], "the column `b` has nothing but empty", marks=NEEDS_ARROW),
        pytest.param("a.parquet", [{"b": "\ud800"}], "the column `b` has text with half", marks=NEEDS_ARROW),
    ],
)
def test_what_would_not_come_back_is_refused(tmp_path: Path, name: str, rows: list[Any], named: str) -> None:
    with pytest.raises(RowFileError, match=rf"{re.escape(name)}`.*{named}"):
        written(tmp_path / name, rows)
    assert list(tmp_path.iterdir()) == []


UTC_TIME, DAY = datetime(2026, 1, 2, 3, tzinfo=UTC), date(2026, 1, 2)


@NEEDS_ARROW
@pytest.mark.parametrize("at_once", [1, 2])
@pytest.mark.parametrize(
    "pair",
    [
        (DAY, datetime(2026, 1, 2, 3)),  # the point of it
        (UTC_TIME, datetime(2026, 1, 2, 3)),
        (UTC_TIME.timetz(), UTC_TIME.timetz()),
        (b"a", "a"),
        (Decimal("1.1"), 1.5),
        ({"at": [DAY]}, {"at": [datetime(2026, 1, 2, 3)]}),
        ([b"a"], ["a"]),
        (timedelta(days=1), 1),
    ],
)
def test_parquet_loses_no_part_of_a_value(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pair: tuple[Any, Any], at_once: int
) -> None:
    monkeypatch.setattr(row_formats, "ROWS_AT_ONCE", at_once)
    for values in (pair, pair[::-1]):
        with pytest.raises(RowFileError, match="the column `x` has"):
            written(tmp_path / "a.parquet", [{"x": value} for value in values])
        assert list(tmp_path.iterdir()) == []


@NEEDS_ARROW
def test_parquet_keeps_what_goes_together(tmp_path: Path) -> None:
    east = UTC_TIME.astimezone(timezone(timedelta(hours=2)))
    values: list[list[Any]] = [[UTC_TIME, east], [DAY, None], [b"a", b""], [1, 2.5, float("nan")], [Decimal("1.1"), 2]]
    values += [[{"a": 1}, {"b": [None, "x"]}], [(1, 2), [3]], [{1, 2}, [3]], [UTC_TIME.time(), None], [None, None]]
    for some in values:
        rows = list(read_rows(written(tmp_path / "a.parquet", [{"x": value} for value in some])))
        assert all(map(came_back, some, (row["x"] for row in rows)))


def test_a_line_with_too_many_fields_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a\n1\n2,3\n")
    with pytest.raises(RowFileError, match=r"a\.csv`, row 2: it has more fields"):
        list(read_rows(str(tmp_path / "a.csv")))
    (tmp_path / "a.csv").write_text("a,b,a\n1,2,3\n")
    with pytest.raises(RowFileError, match=r"a\.csv`: two columns are named `a`"):
        list(read_rows(str(tmp_path / "a.csv")))


@settings(max_examples=60)
@given(pages=st.lists(st.lists(st.dictionaries(st.text(), VALUES, max_size=4), max_size=4), max_size=4))
def test_any_rows_come_back(tmp_path_factory: pytest.TempPathFactory, pages: list[list[dict[str, Any]]]) -> None:
    path = written(tmp_path_factory.mktemp("rows") / "rows.jsonl", *pages)
    assert list(read_rows(path)) == [row for page in pages for row in page]


@pytest.mark.parametrize(
    ("entry", "said"), [(None, "null"), ({"id": 1}, "a mapping"), (["a.jsonl"], "a list"), (3, "a number")]
)
def test_what_is_no_path_is_named_with_its_entry(tmp_path: Path, entry: Any, said: str) -> None:
    (tmp_path / "a.jsonl").write_text('{"id":1}\n')
    with pytest.raises(RowFileError, match=f"entry 2 of `file` is {said}, not a path"):
        list(read_rows([str(tmp_path / "a.jsonl"), entry]))


def test_parquet_with_two_columns_of_one_name_is_refused(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    import pyarrow.parquet as form  # noqa: PLC0415 # an extra

    arrays = [pyarrow.array([1]), pyarrow.array([2])]
    form.write_table(pyarrow.Table.from_arrays(arrays, names=["a", "a"]), tmp_path / "a.parquet")
    with pytest.raises(RowFileError, match=r"a\.parquet`: two columns are named `a`"):
        list(read_rows(str(tmp_path / "a.parquet")))
