"""What `duckdb` makes of files and rows: which files they are, and texts that DuckDB would take for something else."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowException

from factory.data.places import RowFileError
from factory.data.row_files import read_rows
from factory.operators.check import CheckOperator
from factory.operators.sql import DuckdbOperator
from tests.factory.data.test_duckdb import run, written

pytest.importorskip("duckdb")


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_a_name_with_signs_of_a_pattern_is_that_file(tmp_path: Path, ending: str) -> None:
    names = ("orders[1]", "orders1", "orders2", "[ab]*", "a")
    paths = {name: written(tmp_path / f"{name}.{ending}", [{"id": name}]) for name in names}
    for name, path in paths.items():
        assert run("SELECT id FROM t", tables={"t": path}) == list(read_rows(path)) == [{"id": name}]
    whole = str(tmp_path / f"orders*.{ending}")
    found = run("SELECT id FROM t ORDER BY id", tables={"t": whole})
    assert [row["id"] for row in found] == sorted(names[:3])
    assert sorted(row["id"] for row in read_rows(whole)) == sorted(names[:3])


DATES = [
    (["01/02/2026"], False),
    (["03/04/2026", "12/31/2026"], False),
    (["01/02/2026 10:00:00"], False),
    (["1/2/26", "2026-01-02"], False),
    (["2026-01-02", "2026-12-31", ""], True),
    (["2026-01-02T10:00:00Z", "2026-01-02 10:00:00.123456+02:00"], True),
    (["2026-01-02T10:00:00Z", "2026-01-02T10:00:00"], False),
    (["2026-01-02T10:00:00.123456789Z"], False),
    (["2026-01-02 10:00", "2026-01-02"], True),
    (["10:30:00"], True),
    (["10:30"], False),
    (["2026-1-5"], False),
    (["infinity"], False),
    (["epoch"], False),
    (["yes", "no"], False),
    (["t", "f"], False),
    (["true", "False"], True),
]


@pytest.mark.parametrize(("texts", "is_typed"), DATES)
@pytest.mark.parametrize("count", [1, 2])
def test_a_text_that_may_mean_two_things_stays_text(
    tmp_path: Path, texts: list[str], is_typed: bool, count: int
) -> None:
    """Of several files, too, each of which DuckDB would read in a way of its own."""
    for number in range(count):
        some = texts if number == 0 else texts[:1]
        (tmp_path / f"{number}.csv").write_text("\n".join(["a,b", *(f"{text},1" for text in some), ""]))
    tables = {"t": str(tmp_path / "*.csv")}
    (row,) = run("SELECT first(typeof(a)) AS kind FROM t", tables=tables)
    assert (row["kind"] != "VARCHAR") is is_typed
    if not is_typed:
        found = run("SELECT a FROM t", tables=tables)
        assert [one["a"] for one in found][: len(texts)] == [text or None for text in texts]


@pytest.mark.parametrize("ending", ["rows", "jsonl", "json"])
def test_texts_of_json_stay_as_they_are_written(tmp_path: Path, ending: str) -> None:
    row: dict[str, Any] = {
        "uuid": "6F9619FF-8B86-D011-B42D-00CF4FC964FF",
        "clock": "12:30",
        "day": "2026-1-5",
        "end": "infinity",
        "nested": {"uuid": "6F9619FF-8B86-D011-B42D-00CF4FC964FF", "clock": "12:30", "days": ["2026-01-02", "epoch"]},
        "nothing": None,
        "empty": [],
        "json": {"a": 1},
    }
    rows = [{**row, "mixed": "x"}, {**row, "mixed": 1}, {**row, "mixed": "\r"}]
    path = tmp_path / f"t.{ending}"
    path.write_text("".join(json.dumps(one) + "\n" for one in rows) if ending == "jsonl" else json.dumps(rows))
    table: Any = rows if ending == "rows" else str(path)
    found = run("SELECT * FROM t", tables={"t": table})
    assert [one.pop("mixed") for one in found] == ["x", "1", "\r"]
    assert found == [row] * 3
    moments = [{"seen": "2026-01-02T10:00:00Z", "on": "2026-01-02"}]
    sql = "SELECT date_diff('day', seen, TIMESTAMPTZ '2026-01-04T10:00:00Z') AS days, year(t.on) AS year FROM t"
    assert run(sql, tables={"t": moments}) == [{"days": 2, "year": 2026}]


def test_columns_that_differ_by_case_keep_their_values(tmp_path: Path) -> None:
    rows = [{"id": "x", "a": 1, "A": 2}, {"id": "y", "A": 3}]
    assert run("SELECT a, A_1 FROM t", tables={"t": rows}) == [{"a": 1, "A_1": 2}, {"a": None, "A_1": 3}]
    assert run("SELECT json FROM t", tables={"t": [{"json": 1}]}) == [{"json": 1}]
    (tmp_path / "t.csv").write_text("a,A\n1,2\n")
    assert run("SELECT a, A_1 FROM t", tables={"t": str(tmp_path / "t.csv")}) == [{"a": 1, "A_1": 2}]


def test_nested_sums_and_times_keep_their_digits(tmp_path: Path) -> None:
    sums = "SELECT [sum(v)] AS l, {'x': sum(v)} AS s FROM (VALUES (9007199254740993), (0)) t(v)"
    assert list(read_rows(run(sums, to=f"{tmp_path}/s.parquet"))) == [
        {"l": [9007199254740993], "s": {"x": 9007199254740993}}
    ]
    times = "SELECT [TIMESTAMP_NS '2026-01-01 00:00:00.123456789'] AS l"
    assert run(times) == [{"l": ["2026-01-01 00:00:00.123456789"]}]


@pytest.mark.parametrize("ending", ["csv", "csv.gz", "parquet"])
@pytest.mark.parametrize("max_rows", [None, 10])
def test_an_empty_result_has_its_columns(tmp_path: Path, ending: str, max_rows: int | None) -> None:
    path = run("SELECT 1 AS id, 'a' AS name WHERE false", to=f"{tmp_path}/none.{ending}", max_rows=max_rows)
    assert run("SELECT id, name FROM t WHERE id > 5", tables={"t": path}) == []
    assert list(read_rows(path)) == []
    CheckOperator(task_id="c", file=path, columns={"id": {"null_check": {"equal_to": 0}}}).execute({})


@pytest.mark.parametrize("ending", ["csv", "parquet", "jsonl"])
def test_two_columns_of_one_name_are_an_error(tmp_path: Path, ending: str) -> None:
    for sql in ("SELECT 1 AS a, 2 AS a", "SELECT sum(a), sum(a) FROM (VALUES (9007199254740993)) t(a)"):
        with pytest.raises(AirflowException, match="the result has two columns `"):
            run(sql, to=str(tmp_path / f"a.{ending}"))


def test_an_error_of_csv_shows_no_row(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes("id,name\n1,SECRET é\n".encode("cp1252"))
    with pytest.raises(
        AirflowException, match=r"t\.csv` is no UTF-8 .*: save it as UTF-8, which Excel calls"
    ) as raised:
        run("SELECT * FROM t", tables={"t": str(tmp_path / "t.csv")})
    assert "SECRET" not in str(raised.value)


def test_null_in_a_file_of_one_column_is_a_row(tmp_path: Path) -> None:
    path = run("SELECT unnest([1, NULL, 3, NULL]) AS a", to=f"{tmp_path}/one.csv")
    assert list(read_rows(path)) == [{"a": "1"}, {"a": None}, {"a": "3"}, {"a": None}]
    assert run("SELECT a FROM t", tables={"t": path}) == [{"a": 1}, {"a": None}, {"a": 3}, {"a": None}]


@pytest.mark.parametrize("ending", ["json", "jsonl", "json.gz"])
def test_a_byte_order_mark_is_no_part_of_json(tmp_path: Path, ending: str) -> None:
    rows = '[{"id": 1},\n{"id": 2}]' if "jsonl" not in ending else '{"id": 1}\n{"id": 2}\n'
    data = b"\xef\xbb\xbf" + rows.encode()
    (tmp_path / f"t.{ending}").write_bytes(gzip.compress(data) if ending.endswith("gz") else data)
    assert run("SELECT id FROM t", tables={"t": str(tmp_path / f"t.{ending}")}) == [{"id": 1}, {"id": 2}]


def test_files_without_the_columns_of_others_are_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "1.csv").write_text("id,amount\n1,2\n")
    (tmp_path / "2.csv").write_text("id,total\n2,3\n")
    (tmp_path / "3.csv").write_text("id,total\n")
    said = "the column `amount` is not in 2 of 3 files, such as `2.csv`: it is null in their rows"
    pattern = str(tmp_path / "*.csv")
    assert len(run("SELECT * FROM t", tables={"t": pattern})) == 2
    assert said in capsys.readouterr().out
    CheckOperator(task_id="c", file=pattern, row_count={"equal_to": 2}).execute({})
    assert said in capsys.readouterr().out
    run("SELECT * FROM t", tables={"t": str(tmp_path / "2.csv")})
    assert "is not in" not in capsys.readouterr().out
    (tmp_path / "0.csv").write_text("")
    with pytest.raises(AirflowException, match=r"0\.csv` has no header"):
        run("SELECT id FROM t", tables={"t": str(tmp_path / "0.csv")})


def test_a_column_without_a_value_goes_with_any_type() -> None:
    rows = [{"id": 1, "n": None, "s": {"a": None, "b": 1}, "l": [None]}]
    sql = "SELECT sum(n) AS n, sum(s.a + 1) AS a, max(l[1] > 5) AS l, sum(s.b) AS b FROM t"
    assert run(sql, tables={"t": rows}) == [{"n": None, "a": None, "l": None, "b": 1}]


@pytest.mark.parametrize("name", ["x DATE, y", "INTERVAL", "HUGEINT", "UUID", "JSON", 'a"b', "a b)", "{0}", "TIME"])
def test_names_like_types_stay_names(tmp_path: Path, name: str) -> None:
    rows = [{"m": {name: 5, "unit": "s"}, name: {"c": 1}, "l": [{name: 6}]}]
    assert run("SELECT * FROM t", tables={"t": rows}) == rows
    found = run("SELECT *, [sum(1)] AS s, INTERVAL 1 DAY AS i FROM t GROUP BY ALL", tables={"t": rows})
    assert found == [{**rows[0], "s": [1], "i": "1 day"}]
    path = run(
        "SELECT *, {'x': sum(9007199254740993)} AS s FROM t GROUP BY ALL",
        tables={"t": rows},
        to=f"{tmp_path}/a.parquet",
    )
    assert list(read_rows(path)) == [{**rows[0], "s": {"x": 9007199254740993}}]


def test_nested_texts_that_mean_one_thing_are_typed() -> None:
    rows = [
        {"a": {"d": "2026-01-01", "l": [{"at": "2026-01-01T10:00:00Z"}]}, "m": {"d": "2026-1-1", "n": "2026-01-02"}}
    ]
    sql = "SELECT year(a.d) AS y, hour(a.l[1].at) AS h, m.d AS d, m.n AS n FROM t"
    assert run(sql, tables={"t": rows}) == [{"y": 2026, "h": 10, "d": "2026-1-1", "n": "2026-01-02"}]


def test_objects_beside_texts_stay_json() -> None:
    rows = [{"a": {"x": 1}, "m": 1}, {"a": "s", "m": "z"}, {"a": None}]
    sql = "SELECT a->>'x' AS x, m FROM t"
    assert run(sql, tables={"t": rows}) == [{"x": "1", "m": "1"}, {"x": None, "m": "z"}, {"x": None, "m": None}]


@pytest.mark.parametrize("ending", ["parquet", "csv", "jsonl"])
def test_types_that_a_file_has_no_place_for_are_text(tmp_path: Path, ending: str) -> None:
    sql = (
        "SELECT INTERVAL 1 MONTH AS span, TIMETZ '03:04:05+02' AS clock, uuid() AS id, "
        "{'in': INTERVAL 2 DAY}['in'] AS inner"
    )
    target = run(sql, to=str(tmp_path / f"t.{ending}"))
    (row,) = read_rows(target)
    assert (row["span"], row["inner"], row["clock"][:11]) == ("1 month", "2 days", "03:04:05+02")
    assert len(str(row["id"])) == 36


def test_a_date_that_python_has_no_place_for_is_said(tmp_path: Path) -> None:
    target = run("SELECT DATE '12345-01-01' AS day", to=str(tmp_path / "t.parquet"))
    with pytest.raises(RowFileError, match="a date or time before the year 1 or after the year 9999"):
        list(read_rows(target))


@pytest.mark.parametrize("ending", ["csv", "csv.gz"])
@pytest.mark.parametrize(
    "text",
    [
        "a,b\r\n1,x\n2,y\r\n",
        'a,b\n1,x\r\n2,"y\r\nz"\n',
        'a,b\r\n1,"x\ny"\r\n2,\r\n',
        "a\r\n1\n\n3\r\n",
        "a,b\r\n1,x\n2\r\n",
    ],
    ids=["mixed", "quoted-windows", "quoted-unix", "one-column", "ragged"],
)
def test_lines_of_csv_may_end_in_two_ways(tmp_path: Path, text: str, ending: str) -> None:
    path = tmp_path / f"[t] 1.{ending}"
    path.write_bytes(gzip.compress(text.encode()) if ending == "csv.gz" else text.encode())
    try:
        rows = list(read_rows(str(path)))
    except RowFileError as error:
        with pytest.raises(AirflowException, match=re.escape(str(error))):
            run("SELECT * FROM t", tables={"t": str(path)})
        return
    read = run("SELECT * FROM t", tables={"t": str(path)})
    assert [{name: one and str(one) for name, one in row.items()} for row in read] == rows


def test_csv_of_two_line_ends_goes_with_other_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It keeps its delimiter, its name in what is said, and its columns where it has no rows."""
    (tmp_path / "a.csv").write_bytes(b'id;x\r\n1;"a\r\nb"\r\n2;"c\nd"\n')
    (tmp_path / "b.csv").write_bytes(b"id;x;y\n3;e;1\n")
    (tmp_path / "none.csv").write_bytes(b"id;z\r\n\n")
    rows = run("SELECT * FROM t ORDER BY id", tables={"t": [str(tmp_path / "a.csv"), str(tmp_path / "b.csv")]})
    assert rows == [
        {"id": 1, "x": "a\r\nb", "y": None},
        {"id": 2, "x": "c\nd", "y": None},
        {"id": 3, "x": "e", "y": 1},
    ]
    assert "is not in 1 of 2 files, such as `a.csv`" in " ".join(capsys.readouterr().out.split())
    assert run("SELECT id, z FROM t", tables={"t": str(tmp_path / "none.csv")}) == []


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("t.jsonl", b"", None),
        ("t.jsonl.gz", b"", None),
        ("t.jsonl.gz", gzip.compress(b"", mtime=0), None),
        ("t.jsonl.gz", gzip.compress(b'{"a": 1}', mtime=0)[:6], "t.jsonl.gz` is not jsonl in gzip"),
        ("t.jsonl.gz", b'{"a": 1}', "t.jsonl.gz` is not jsonl in gzip"),
        ("t.csv.gz", gzip.compress(b"a", mtime=0)[:6], "t.csv.gz` cannot be read"),
        ("t.csv.gz", gzip.compress(b"a", mtime=0)[:10] + b"\xff" * 20, "t.csv.gz` cannot be read"),
        ("t.json.gz", gzip.compress(b"[]", mtime=0)[:10] + b"\xff" * 20, "t.json.gz` is not json in gzip"),
        ("t.json", b"[]", None),
        ("t.csv", b"a\n", None),
        ("t.csv.gz", gzip.compress(b"a\n", mtime=0), None),
        ("t.csv.gz", b"", "has no header"),
        ("t.csv.gz", b"a\n1\n", "Not a gzipped file"),
        ("t.parquet", b"", "t.parquet` is not Parquet"),
        ("t.parquet", b"PAR1 and no more", "t.parquet` is not Parquet"),
        ("t.jsonl", b"hello\n", "t.jsonl` is not jsonl"),
    ],
)
def test_an_empty_file_is_an_empty_table_or_an_error_for_people(
    tmp_path: Path, name: str, data: bytes, said: str | None
) -> None:
    (tmp_path / name).write_bytes(data)
    tasks = [
        DuckdbOperator(task_id="a", sql="SELECT * FROM t", tables={"t": str(tmp_path / name)}),
        CheckOperator(task_id="a", file=str(tmp_path / name), row_count={"equal_to": 0}),
    ]
    for task in tasks:
        if said is None:
            task.execute({})
            continue
        with pytest.raises(AirflowException, match=said) as raised:
            task.execute({})
        assert "LINE 1" not in str(raised.value)
