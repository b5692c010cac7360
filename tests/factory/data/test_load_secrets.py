"""What errors of databases show: no password, no piece of one, and no value of a row."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import pytest
from airflow.sdk import Connection
from airflow.sdk.exceptions import AirflowException

from factory.data.database_words import database_words
from factory.data.destinations import target_of
from factory.operators.check import CheckOperator
from factory.operators.load import LoadOperator
from factory.operators.models import ChartOperator
from factory.operators.sql import DuckdbOperator, SqlOperator
from schemas.compose.env_values import without

from .warehouses import ORDERS, Warehouse, load, on


@pytest.mark.parametrize("password", ["Ge heim/1@x", "Sommer Regen+7", "a%20b+c?&#", "'\"\\"])
def test_a_password_may_have_any_sign_and_is_shown_in_no_form(password: str, monkeypatch: pytest.MonkeyPatch) -> None:
    extensions = pytest.importorskip("psycopg2.extensions")
    pytest.importorskip("dlt")
    # dlt keeps what it is told first: each later load in this process would ask Airflow for hundreds of Variables.
    monkeypatch.setenv("PROVIDERS__ENABLE_AIRFLOW_SECRETS", "false")
    extra = '{"options": "-c statement_timeout=5000", "sslmode": "prefer"}'
    given: Any = Connection(conn_id="w", conn_type="postgres", host="h", login="o p", password=password, extra=extra)
    destination = target_of(given, "public").destination
    address = destination.configuration(destination.spec()._bind_dataset_name("public", "s")).credentials
    said = address.to_native_representation()
    read = extensions.parse_dsn(said)  # libpq's own
    assert (read["user"], read["password"], read["options"]) == ("o p", password, "-c statement_timeout=5000")
    forms = (password, quote(password), quote(password, safe=""), quote(password, safe=" +"), said)
    for form in forms:
        assert not set(re.findall(r"\w{3,}", password)) & set(
            re.findall(r"\w{3,}", without(f"«{form}»", [password], "***"))
        )


def without_times(log: str) -> str:
    """The digits of a line's time of day may be those of a secret by chance."""
    return re.sub(r"\d{4}-\d\d-\d\d[T ][\d:.]+", "", log)


CUT = [
    "geheim/wort",
    "12/34567",
    "12/34567@x",
    "geheim#wort",
    "12#34567",
    "geheim?wort",
    "12?x=34567",
    "geheim[wort",
    "23456/a?b@c",
]


@pytest.mark.parametrize("password", CUT)
@pytest.mark.parametrize("kind", ["postgres", "mysql"])
def test_no_piece_of_a_password_that_is_not_encoded_is_shown(
    password: str, kind: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_SHOP", f"{kind}://loader:{password}@127.0.0.1:1/shop")
    tasks = [
        LoadOperator(task_id="a", conn_id="shop", table="orders", rows=ORDERS),
        SqlOperator(task_id="b", conn_id="shop", sql="SELECT 1"),
        CheckOperator(task_id="c", conn_id="shop", table="orders", row_count={"geq_to": 1}),
        ChartOperator(task_id="d", conn_id="shop", sql="SELECT 1 AS a", spec={"mark": "bar"}, to="a.svg"),
    ]
    for task in tasks:
        with pytest.raises(AirflowException, match="the URI of the connection `shop` cannot be read") as raised:
            task.execute({"ti": SimpleNamespace(dag_id="d", run_id="r", task_id="t", map_index=-1)})  # type: ignore[typeddict-item]
        shown = str(raised.value) + without_times(capsys.readouterr().out)
        assert not any(piece in shown for piece in re.findall(r"[a-z]{5,}|\d{2,}", password) if piece != "12")


@pytest.mark.parametrize("secret", [{"password": "geheimwort"}, {"extra": '{"api_key": "geheimwort"}'}])
def test_what_a_connection_hides_is_in_no_error(
    secret: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {"conn_type": "sqlite", "host": str(tmp_path / "w.db"), **secret}
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", json.dumps(given))
    with pytest.raises(AirflowException, match=r"there is no table `\*\*\*`"):
        load(ORDERS, table="geheimwort", create=False)


@pytest.mark.parametrize(
    "address",
    ["sqlite:///{0}/a@b:c.db", "sqlite:////{0}/w.db?x=a:b@c", '{{"conn_type": "sqlite", "host": "{0}/a@b:c/d.db"}}'],
)
def test_a_sign_of_addresses_elsewhere_is_no_password(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(
        "AIRFLOW_CONN_WAREHOUSE", address.format(str(tmp_path).strip("/") if "://" in address else tmp_path)
    )
    monkeypatch.chdir("/")
    assert load(ORDERS)["rows_loaded"] == 2


SHOWN = [
    (
        'invalid input syntax for type integer: "zap\'hod"\nLINE 1: SELECT 42\n    ^',
        "invalid input syntax for type integer: …",
    ),
    ('date/time field value out of range: "2026-99-01"', "date/time field value out of range: …"),
    ('value "4242424242" is out of range for type integer', "value … is out of range for type integer"),
    ("Could not convert string 'zaphod' to INT32", "Could not convert string … to INT32"),
    ("Type INT64 with value 4242 can't be cast because", "Type INT64 with value … can't be cast because"),
    ("Overflow in addition of INT32 (2147483647 + 1)!", "Overflow in addition of INT32 (…)!"),
    ("Incorrect integer value: 'zaphod' for column `shop`.`a`", "Incorrect integer value: … for column `shop`.`a`"),
    ('because key "id: 7" does not exist', "because key … does not exist"),
    ('Duplicate key "id: 7" violates unique constraint.', "Duplicate key … violates unique constraint."),
    (
        'value in column "name" of relation "people" is null\nDETAIL:  Failing row contains (1, zaphod, null).',
        'value in column "name" of relation "people" is null DETAIL: Failing row contains …',
    ),
    ("DETAIL:  Key (name)=(zap'h) hod) already exists.\nHINT: x", "DETAIL: Key (name)= …"),
    (
        'relation "x" is missing\nHINT:  Perhaps the column "b".',
        'relation "x" is missing HINT: Perhaps the column "b".',
    ),
    (
        'Column "pric" not found!\nCandidate bindings: "price", "id"',
        'Column "pric" not found! Candidate bindings: "price", "id"',
    ),
    ("Table 'shop.x' doesn't exist", "Table 'shop.x' doesn't exist"),
    (
        "Access denied for user 'x'@'host' (using password: YES)",
        "Access denied for user 'x'@'host' (using password: YES)",
    ),
    ("Unknown column 'x' in 'field list'", "Unknown column 'x' in 'field list'"),
    ("ATTACH postgres://me:p@ss/w#ord@h:1/db AS p", "ATTACH postgres://me:***@h:1/db AS p"),
    ("mysql://me:geheim@h", "mysql://me:***@h"),
    ("could not connect: host=h password=ge@heim user=x", "could not connect: host=h password=*** user=x"),
    ("password = 'ge heim' user=x", "password = *** user=x"),
    ("see https://example.com:80/a", "see https://example.com:80/a"),
]


def test_a_database_shows_neither_values_nor_addresses() -> None:
    for said, shown in SHOWN:
        assert database_words(Exception(said)) == shown
    duplicate = Exception(1062, "Duplicate entry 'zap'h) hod' for key 'PRIMARY'")
    assert database_words(duplicate) == "Duplicate entry … for key 'PRIMARY'"


def test_what_is_part_of_the_statement_is_shown() -> None:
    for near, shown in (("'FORM orders", "'FORM orders'"), ("'zaphod", "…")):
        error = Exception(1064, f"You have an error in your SQL syntax near {near}' at line 1")
        said = database_words(error, "SELECT a FORM orders WHERE name = %s")
        assert said == f"You have an error in your SQL syntax near {shown} at line 1"
    error = Exception("column \"nam\" does not exist\nLINE 1: SELECT nam FROM s WHERE a = 'b'\n               ^")
    assert "LINE 1: SELECT nam FROM s WHERE a = 'b'" in database_words(error, "SELECT nam FROM s WHERE a = 'b'")
    assert "LINE" not in database_words(error, "SELECT nam FROM s WHERE a = %s")


CASTS = {
    "duckdb": "DATE|TIMESTAMP|INTEGER|JSON|UUID|BOOLEAN|INTERVAL|INTEGER[]|BIT|DECIMAL(3, 2)",
    "postgres": "int[]|jsonb|int4range|interval|date|point|inet|money|bool|numeric|timestamptz|bit(4)|timetz|uuid"
    "|regclass|regtype|regrole|regconfig|mood",
}


@on(*CASTS)
def test_no_cast_that_fails_shows_its_value(warehouse: Warehouse) -> None:
    rows = [{"name": "zaphod"}, {"name": "2026-13-zaphod"}, {"name": '{"a": zaphod'}, {"name": "{zaphod,''"}]
    rows += [{"name": "a.zaphod.b.c"}, {"name": "(zaphod, 1)"}] if warehouse.kind == "postgres" else []
    if warehouse.kind == "postgres":
        warehouse.run("DROP TYPE IF EXISTS mood CASCADE; CREATE TYPE mood AS ENUM ('sad')")
    for kind, row in itertools.product(CASTS[warehouse.kind].split("|"), rows):
        sql, checks = f"SELECT name::{kind} AS x FROM t", {"a": {"check_statement": f"(name::{kind})::VARCHAR <> ''"}}
        tasks: list[Any] = [
            DuckdbOperator(task_id="a", sql=sql, tables={"t": [row]}),
            CheckOperator(task_id="a", rows=[row], checks=checks),
        ]
        if warehouse.kind == "postgres":
            warehouse.run(f"DROP TABLE IF EXISTS t; CREATE TABLE t AS SELECT '{row['name']}'::text AS name")
            tasks = [SqlOperator(task_id="a", conn_id="warehouse", sql=sql, fetch="rows")]
        for task in tasks:
            with pytest.raises(AirflowException) as raised:
                task.execute({})
            assert "zaphod" not in str(raised.value), kind


def test_no_value_without_quotes_is_shown(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"card":4711471147114711,"v":1,"v":4711}\n')
    asked: list[tuple[str, Any]] = [
        ("SELECT card, v FROM t", str(tmp_path / "a.jsonl")),
        ("SELECT regexp_matches('x', v) FROM t", [{"v": "a(4711"}]),
        ("SELECT regexp_matches('x', v) FROM t", [{"v": 'a("b\n4711'}]),
        ("""SELECT json_transform_strict(v, '{"a": "TINYINT"}') FROM t""", [{"v": '{"a":4711}'}]),
        ("SELECT make_date(v, v, 1) FROM t", [{"v": 4711}]),
    ]
    for sql, table in asked:
        with pytest.raises(AirflowException, match=r"Error: [^…]+: …$|Error: Type") as raised:
            DuckdbOperator(task_id="a", sql=sql, tables={"t": table}).execute({})
        assert "4711" not in str(raised.value)
    with pytest.raises(AirflowException, match=r"missing \): a\(b$"):  # the statement has it
        DuckdbOperator(task_id="a", sql="SELECT regexp_matches('x', 'a(b')").execute({})


@on("postgres")
def test_a_value_that_becomes_a_name_is_not_shown(warehouse: Warehouse) -> None:
    warehouse.run("CREATE TABLE t (name TEXT, of REGCLASS); INSERT INTO t (name) VALUES ('zaphod'), ('orders')")
    calls = ["nextval(name)", "current_setting(name)", "has_table_privilege(name, 't', 'SELECT')", "pg_read_file(name)"]
    calls += ["quote_ident(name)::regclass", "to_regtype(name || '.a.b.c')", "query_to_xml(name, true, true, '')"]
    calls += ["(array[name, name])::text::int[]", "row(name || ' ', 1)::text::int"]
    for call in calls:
        with pytest.raises(AirflowException) as raised:
            SqlOperator(task_id="a", conn_id="warehouse", sql=f"SELECT {call} FROM t", fetch="rows").execute({})
        assert "zaphod" not in str(raised.value), call
    with pytest.raises(AirflowException, match="`of` is a column of type") as raised:
        load([{"of": "zaphod"}], table="t")
    assert "zaphod" not in str(raised.value)
    for sql, said in (
        ("SELECT * FROM ordrs", 'relation "ordrs" does not exist'),
        ("SELECT nam FROM t", 'HINT: Perhaps you meant to reference the column "t.name"'),
        ("SELECT name FROM t GROUP BY of", 'column "t.name" must appear'),
    ):
        with pytest.raises(AirflowException, match=said):
            SqlOperator(task_id="a", conn_id="warehouse", sql=sql).execute({})


def test_a_row_that_breaks_a_constraint_is_not_shown(warehouse: Warehouse, capsys: pytest.CaptureFixture[str]) -> None:
    warehouse.run("CREATE TABLE people (id INTEGER, name VARCHAR(20) NOT NULL, age INTEGER, CHECK (age < 100))")
    errors = []
    for number, row in enumerate([{"id": 1, "name": "zaphod", "age": 200}, {"id": 1, "name": None, "age": 4242}]):
        with pytest.raises(AirflowException, match=r"(?i)constraint|cannot be null|failed") as raised:
            load([row], table="people", run_id=f"r{number}")
        errors.append(str(raised.value))
    if warehouse.kind in ("sqlite", "postgres"):  # Airflow's hook is installed
        with pytest.raises(AirflowException, match=r"(?i)constraint") as raised:
            SqlOperator(
                task_id="sql", conn_id="warehouse", sql="INSERT INTO people SELECT 1, lower('ZAPHOD'), 4242"
            ).execute({})
        errors.append(str(raised.value))
    if warehouse.kind == "postgres":
        with pytest.raises(AirflowException, match="`who` has a NUL character") as raised:
            load([{"id": 1, "who": {"name": "zaphod\0"}}], table="nested")
        errors.append(str(raised.value))
        sql = r"""SELECT ('{"name": "' || lower('ZAPHOD') || '\u0000"}')::jsonb"""
        with pytest.raises(AirflowException, match="Unicode escape") as raised:
            SqlOperator(task_id="sql", conn_id="warehouse", sql=sql).execute({})
        errors.append(str(raised.value))
    shown = "".join(errors) + without_times(capsys.readouterr().out)
    assert "zaphod" not in shown
    assert "4242" not in shown.replace("lower('ZAPHOD'), 4242", "")
    assert warehouse.rows("people") == []


def test_a_key_that_is_there_already_is_not_shown(warehouse: Warehouse, capsys: pytest.CaptureFixture[str]) -> None:
    warehouse.run("CREATE TABLE people (name VARCHAR(20) PRIMARY KEY)")
    load([{"name": "zap'h) hod"}], table="people")
    with pytest.raises(AirflowException, match=r"(?i)unique|duplicate") as raised:
        load([{"name": "zap'h) hod"}], table="people", run_id="r2")
    assert "hod" not in (str(raised.value) + capsys.readouterr().out).replace("method", "")
