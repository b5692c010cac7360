"""Columns of types that dlt does not know, and keys that a database keeps in another form than they were given."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowException

from factory.data.row_files import RowFileWriter

from .warehouses import Warehouse, load, on

MERGE: Mapping[str, Any] = {"write_disposition": "merge", "primary_key": "k"}
ID = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"

SAME: dict[str, list[tuple[str, list[Any]]]] = {
    "sqlite": [
        (
            "TIMESTAMP",
            ["2026-01-02 00:00:00", "2026-01-02T00:00:00Z", "2026-01-02T00:00:00.000Z", "2026-01-02T02:00:00+02:00"],
        ),
        ("DATETIME", ["2026-01-02 00:00:00.5", "2026-01-02T00:00:00.500Z"]),
    ],
    "duckdb": [("FLOAT", [1.1, 1.1]), ("UUID", [ID, ID.upper()])],
    "postgres": [
        ("real", [1.1, 1.1]),
        ("char(10)", ["a", "a "]),
        ("uuid", [ID, ID.upper()]),
        ("numeric", ["1.10", 1.1, "1.100000000000000000000000000000"]),
        ("timestamptz", ["2026-01-02 00:00:00+00", "2026-01-02T02:00:00+02:00"]),
    ],
    "mysql": [
        ("FLOAT", [1.1, 1.1]),
        ("CHAR(10)", ["a", "a "]),
        ("ENUM('a', 'b')", ["a", "A"]),
        ("YEAR", [2026, 2026]),
        ("TIMESTAMP", ["2026-01-02 00:00:00", "2026-01-02T00:00:00Z"]),
    ],
}


def test_a_key_in_another_spelling_is_the_same_one(warehouse: Warehouse) -> None:
    for number, (kind, keys) in enumerate(SAME[warehouse.kind]):
        table = f"keys_{number}"
        written = f"'{keys[0]}'" if isinstance(keys[0], str) else keys[0]
        warehouse.run(f"CREATE TABLE {table} (k {kind}, v INTEGER)")
        warehouse.run(f"INSERT INTO {table} VALUES ({written}, 0)")
        for v, key in enumerate(keys, 1):
            load([{"k": key, "v": v}], table=table, **MERGE)
            assert [row[0] for row in warehouse.rows(table, "v", "v")] == [v], (kind, key)
        loaded = load([{"k": key, "v": v} for v, key in enumerate(keys)], table=table, **MERGE)
        assert loaded["duplicates"] == len(keys) - 1
        assert [row[0] for row in warehouse.rows(table, "v", "v")] == [len(keys) - 1], kind


def test_moments_that_differ_by_a_microsecond_are_two_keys(warehouse: Warehouse) -> None:
    keys = ["2026-01-02T00:00:00.000001Z", "2026-01-02T00:00:00.000002Z"]
    for _ in range(2):
        load([{"k": key, "v": 1} for key in keys], **MERGE)
    assert len(warehouse.rows("orders", "k", "k")) == 2


@on("postgres")
def test_a_numeric_without_digits_keeps_all(warehouse: Warehouse) -> None:
    warehouse.run("CREATE TABLE orders (id INTEGER, v NUMERIC)")
    values = [
        "1.12345678901234",
        "1e-12",
        "123456789012345678901234567890123456789012345678901234567890.5",
        "0",
        "1.50",
    ]
    given: list[Any] = [*values, 2.5, 7, Decimal("1E+90"), None]
    loaded = load([{"id": number, "v": value} for number, value in enumerate(given)])
    assert (loaded["columns_added"], warehouse.columns("orders")) == ([], ["id", "v"])
    kept = [value for (value,) in warehouse.rows("orders", "v")]
    assert kept == [None if value is None else Decimal(str(value)) for value in given]
    assert [str(value) for value in kept[3:7]] == ["0", "1.50", "2.5", "7"]


TYPES: dict[str, list[tuple[str, Any, Any, str]]] = {
    "postgres": [
        ("uuid", ID, "x", ID),
        ("mood", "sad", "x", "sad"),
        ("inet", "10.0.0.0/8", "x", "10.0.0.0/8"),
        ("interval", "1 mon", "x", "1 mon"),
        ("bit(4)", "0101", "01011", "0101"),
        ("integer[]", [1, None, 3], ["x"], "{1,NULL,3}"),
        ("text[]", ["a", 'b",\\n\n}', None], "x", '{a,"b\\",\\\\n\n}",NULL}'),
        ("text[]", "{a,b}", "{", "{a,b}"),
        ("uuid[]", [[ID]], ["x"], "{{" + ID + "}}"),
        ("numeric(5,2)[]", [1.5, None, 2], [1.239], "{1.50,NULL,2.00}"),
        ("numeric(5,2)[]", [], ["x"], "{}"),
        ("real[]", [0.1, 2.5], [16777217], "{0.1,2.5}"),
        ("double precision[]", [0.1, 1e300], ["x"], "{0.1,1e+300}"),
        ("mood[]", [], ["x"], "{}"),
    ],
    "duckdb": [("UUID", ID, "x", ID), ("ENUM('sad')", "sad", "x", "sad")],
    "mysql": [
        ("YEAR", 2026, 1800, "2026"),
        ("ENUM('sad')", "sad", "x", "sad"),
        ("SET('x', 'y')", "x,y", "z", "x,y"),
        ("BIT(8)", 65, 256, "A"),
        ("UUID", ID, "x", ID),
        ("INET6", "::1", "x", "::1"),
    ],
}


@on("duckdb", "postgres", "mysql")
def test_columns_of_other_types_take_values_or_the_error_names_them(warehouse: Warehouse) -> None:
    if warehouse.kind == "postgres":
        warehouse.run("DROP TYPE IF EXISTS mood CASCADE; CREATE TYPE mood AS ENUM ('sad')")
    as_text = {"postgres": "v::text", "duckdb": "v::VARCHAR", "mysql": "CONVERT(v, CHAR)"}
    for number, (kind, fits, other, kept) in enumerate(TYPES[warehouse.kind]):
        table = f"types_{number}"
        warehouse.run(f"CREATE TABLE {table} (id INTEGER, v {kind})")
        load([{"id": 1, "v": fits}, {"id": 2, "v": None}], table=table)
        assert warehouse.rows(table, f"id, {as_text[warehouse.kind]}") == [(1, kept), (2, None)], kind
        with pytest.raises(
            AirflowException, match=r"`v` is a column of type .* and has others|bit string|would lose digits"
        ):
            load([{"id": 3, "v": other}], table=table, run_id="r2")
        assert len(warehouse.rows(table)) == 2


KEPT = {
    "postgres": 'interval(0)=2 s|timetz(0)=03:04:05+02|money=1.5|money=$1,234.50|name=abc|"char"=a|span=1 s|'
    "net=1.25|pair=(1.20,ab)",
    "duckdb": 'DATE[]=["2026-01-01T00:00:00", "2026-01-02"]|STRUCT(d DATE, "at" TIMESTAMP)={"d": "2026-01-01", '
    '"at": "2026-01-01 10:00:00"}|STRUCT("DATE" VARCHAR)={"DATE": "1 10:30"}|'
    'INTERVAL=1.123456 seconds|TIMETZ=03:04:05+02|INTEGER[]=[1, 2]|STRUCT(a DECIMAL(5,2))={"a": 1.5}|'
    'STRUCT("at" TIMESTAMP, lat DOUBLE)={"at": "2026-01-01", "lat": 52.12345678}|'
    'STRUCT(TIMEX DOUBLE)={"TIMEX": 1.1234567}|'
    'STRUCT("INTEGER" TIME, s VARCHAR)={"INTEGER": "10:00:00", "s": "1,1234567 12345678901234567.10"}|'
    'STRUCT(a DECIMAL(38,9))={"a": "12345678901234567.1"}|STRUCT(a BIGINT)={"a": 9007199254740993}|'
    "UNION(n INTEGER, s VARCHAR)=a|"
    'DECIMAL(38,9)[]=["1.5", 123456789.123456]',
    "mysql": "DOUBLE(5,2)=1.25|FLOAT(5,2)=1.25",
}
CUT = {
    "postgres": "interval(0)=1.5 s|interval=1.1234567 s|interval year to month=1 year 2 days|timetz(0)=03:04:05.5+02|"
    f'timetz=03:04:05.1234567+02|money=1.239|money=$1.239|name={"x" * 70}|"char"=ab|span=1.5 s|'
    'net=1.239|pair=(1.26,ab)|pair[]={"(1.26,ab)"}|date[]={2026-01-01T23:59:00}|'
    "daterange=[2026-01-01 12:00,)|prices={1.239}|"
    "interval(0)[]={1.5 s}|numeric(5,2)[]={1.239}|tsrange=[2026-01-01 00:00:00.1234567,)|varchar(3)[]={abcd}",
    "duckdb": 'DATE[]=["2026-01-01T23:59:00"]|STRUCT(d DATE, n INTEGER)={"d": "2026-01-01 10:00", "n": 1}|'
    'INTERVAL=1.1234567 seconds|TIMETZ=03:04:05.1234567+02|INTEGER[]=[1.5]|STRUCT(a INTEGER)={"a": 1.7}|'
    'STRUCT(a DECIMAL(38,2))={"a": "12345678901234567.129"}|DECIMAL(38,9)[]=["123456789012.1234567891"]|'
    'STRUCT("TIME" TIME, lat DOUBLE)={"TIME": "10:00:00.1234567", "lat": 52.12345678}|DECIMAL(38,2)[]=[1.239]',
    "mysql": "DOUBLE(5,2)=1.239|FLOAT(5,2)=1.239",
}
LISTS = {
    "interval(0)[]": ["1.5 s"],
    "timestamp(0)[]": ["2026-01-01 00:00:00.5"],
    "money[]": [1.239],
    "name[]": ["x" * 70],
    "varchar(3)[]": ["abcd"],
    "double precision[]": ["0.12345678901234567890"],
    "real[]": [[1], ["16777217"]],
}
WHOLE_LISTS = {
    "numeric[]": ["12345678901234567890.123", 1.5, None],
    "numeric(30,10)[]": [["1.5"], [2]],
    "double precision[]": ["1.50", "NaN", 1e300],
    "money[]": [1.5, "$1,234.50", "2.00", None],
    "tsvector": "'0.1234567':1 'a':2",
}


@on("duckdb", "postgres", "mysql")
def test_a_value_that_a_column_would_round_or_cut_is_refused(warehouse: Warehouse) -> None:
    if warehouse.kind == "postgres":
        warehouse.run("DROP DOMAIN IF EXISTS span CASCADE; CREATE DOMAIN span AS interval(0)")
        warehouse.run("DROP DOMAIN IF EXISTS price CASCADE; CREATE DOMAIN price AS numeric(5,2)")
        warehouse.run("DROP DOMAIN IF EXISTS prices; CREATE DOMAIN prices AS numeric(5,2)[]")
        warehouse.run("CREATE DOMAIN net AS price CHECK (VALUE > 0); DROP TYPE IF EXISTS pair CASCADE")
        warehouse.run("CREATE TYPE pair AS (a numeric(4,1), b varchar(2))")
    fits, cut = ([one.split("=", 1) for one in some[warehouse.kind].split("|")] for some in (KEPT, CUT))
    if warehouse.kind == "postgres":
        fits, cut = [*fits, *WHOLE_LISTS.items()], [*cut, *LISTS.items()]  # type: ignore[list-item] # pairs, too
    for number, (kind, value) in enumerate([*fits, *cut]):
        table, is_kept = f"cut_{number}", number < len(fits)
        warehouse.run(f"CREATE TABLE {table} (id INTEGER, v {kind})")
        if is_kept:
            load([{"id": 1, "v": value}], table=table, schema_contract="freeze")
        else:
            with pytest.raises(
                AirflowException, match=r"`v` .*(would lose digits|more digits than it keeps|has values of)"
            ):
                load([{"id": 1, "v": value}], table=table, schema_contract="freeze")
        assert len(warehouse.rows(table)) == is_kept, (kind, value)


def test_a_name_with_a_sign_that_the_database_does_not_know(
    warehouse: Warehouse, capsys: pytest.CaptureFixture[str]
) -> None:
    load([{"id": 1, "naïve🎉": 3, "naïve🎊": 4}])
    load([{"id": 2, "naïve🎉": 5, "naïve🎊": 6}], run_id="r2")
    names = ["naïve🎉", "naïve🎊"]
    if warehouse.kind == "mysql":
        names = ["naïve_1f389", "naïve_1f38a"]
        log = " ".join(capsys.readouterr().out.split())
        assert "the database cannot have a column `naïve🎉`: it is called `naïve_1f389`" in log
    assert warehouse.columns("orders") == ["id", *names]
    assert warehouse.rows("orders") == [(1, 3, 4), (2, 5, 6)]


@pytest.mark.usefixtures("warehouse")
@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+02:00", "9999-12-31T23:59:59-02:00"])
def test_a_moment_at_the_edge_of_the_years_is_said(moment: str) -> None:
    with pytest.raises(AirflowException, match="`at` has a moment that is before the year 1 or after the year 9999 in"):
        load([{"id": 1, "at": "2026-01-01T00:00:00Z"}, {"id": 2, "at": moment}])


DOCUMENTS = ['{"a": 1.10, "b": "ü"}', " [1, null]\n", '"a \\"text\\""']
TEXTS = ["5", "true", "null", "tea", "{tea}", "[NaN]", '"tea', "[1] and [2]", "", "[" * 100_000]


@pytest.mark.parametrize("way", ["rows", "csv"])
def test_a_text_that_is_json_becomes_that_document_in_a_column_of_json(
    warehouse: Warehouse, way: str, tmp_path: Path
) -> None:
    """And what a database hands on as text is the same again in the next one."""
    documents, texts = (DOCUMENTS, TEXTS) if way == "rows" else (DOCUMENTS, [one for one in TEXTS if one])
    rows = [{"id": number, "j": text} for number, text in enumerate([*documents, *texts])]
    arguments: dict[str, Any] = {"columns": {"j": "json"}}
    if way == "csv":
        with RowFileWriter(str(tmp_path / "rows.csv")) as file:
            file.write(rows)
        arguments["file"] = str(tmp_path / "rows.csv")
    load(None if way == "csv" else rows, **arguments)
    wanted = [*(json.loads(text) for text in documents), *texts]
    kept = [value for (value,) in warehouse.rows("orders", "j")]
    assert [one if warehouse.kind == "postgres" else json.loads(one) for one in kept] == wanted
    load([{"id": number, "j": value} for number, value in enumerate(kept)], table="again", columns={"j": "json"})
    assert [value for (value,) in warehouse.rows("again", "j")] == kept


@on("duckdb", "postgres", "mysql")
def test_a_column_for_values_of_another_type_keeps_their_digits(warehouse: Warehouse) -> None:
    load([{"id": 0, "v": Decimal("1.5")}])
    load([{"id": 1, "v": Decimal("1E-12")}], run_id="later")
    values = ["1E-20", "123456789012345678901234567890.123"]
    for number, value in enumerate(values):
        loaded = load([{"id": 2 + number, "v": Decimal(value)}], run_id=f"r{value}")
        assert loaded["values_of_another_type"] == {"v__v_text": 1}
    found = warehouse.rows("orders", "v, v__v_decimal, v__v_text")
    assert found == [
        (Decimal("1.5"), None, None),
        (None, Decimal("1E-12"), None),
        *((None, None, value) for value in values),
    ]


@on("duckdb", "postgres")
@pytest.mark.parametrize("contract", ["evolve", "freeze", "discard_value", "discard_row"])
def test_a_decimal_of_more_digits_than_python_counts_with(warehouse: Warehouse, contract: str) -> None:
    fine, later = Decimal("1.0000000000000000000000000000000000001"), {"run_id": "r2", "schema_contract": contract}
    load([{"id": 1, "v": Decimal("1.5")}])
    rows = [{"id": 2, "v": fine}, {"id": 3, "v": 2.5}]
    if contract == "freeze":
        with pytest.raises(AirflowException, match=r"`v` is of type decimal.* more digits than it keeps in row 1"):
            load(rows, **later)
        return
    loaded = load(rows, **later)
    assert loaded["rows_discarded"] == (contract == "discard_row")
    assert loaded["values_discarded"] == (contract == "discard_value")
    if contract == "evolve":
        assert warehouse.rows("orders", "id, v, v__v_decimal")[1:] == [(2, None, fine), (3, Decimal("2.5"), None)]
    most = Decimal("9" * 38)
    load([{"id": 1, "v": most}], table="large", run_id="r3")
    assert warehouse.rows("large", "v") == [(most,)]
