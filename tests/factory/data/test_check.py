"""The task `check` over rows, files and tables."""

from __future__ import annotations

import json
import logging
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowException

from factory.data.row_files import RowFileWriter
from factory.operators.check import CheckOperator

from .warehouses import Warehouse

pytest.importorskip("duckdb")

ORDERS: list[dict[str, Any]] = [
    {"id": 1, "customer": "an", "price": 12.5, "at": "2026-01-01T00:00:00+00:00"},
    {"id": 2, "customer": None, "price": -3, "at": "2026-01-02T00:00:00+00:00"},
    {"id": 2, "customer": "cy", "price": 4, "at": "2026-01-03T00:00:00+00:00"},
]


MADE = "CREATE TABLE orders (id INTEGER, customer TEXT, price REAL, at TEXT)"


def shop(folder: Path, monkeypatch: pytest.MonkeyPatch, table: str, made: str) -> dict[str, Any]:
    """The table of a database that the connection `shop` leads to, `made` by SQL."""
    with closing(sqlite3.connect(folder / "shop.db")) as database, database:
        database.executescript(made)
    monkeypatch.setenv("AIRFLOW_CONN_SHOP", json.dumps({"conn_type": "sqlite", "host": str(folder / "shop.db")}))
    return {"conn_id": "shop", "table": table}


@pytest.fixture(params=["rows", "file", "table"])
def source(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The orders, in each of the ways in which they can be given."""
    if request.param == "rows":
        return {"rows": ORDERS}
    if request.param == "file":
        with RowFileWriter(str(tmp_path / "orders.jsonl")) as file:
            file.write(ORDERS)
        return {"file": str(tmp_path / "orders.jsonl")}
    table = shop(tmp_path, monkeypatch, "orders", MADE)
    with closing(sqlite3.connect(tmp_path / "shop.db")) as database, database:
        database.executemany("INSERT INTO orders VALUES (?, ?, ?, ?)", [tuple(row.values()) for row in ORDERS])
    return table


def check(source: dict[str, Any], **rules: Any) -> dict[str, Any]:
    return CheckOperator(task_id="check", **source, **rules).execute({})


def broken(source: dict[str, Any], **rules: Any) -> str:
    with pytest.raises(AirflowException) as raised:
        check(source, **rules)
    return str(raised.value)


def test_rules_that_hold(source: dict[str, Any]) -> None:
    rules = {
        "columns": {
            "id": {"null_check": {"equal_to": 0}, "distinct_check": {"geq_to": 2, "leq_to": 2}},
            "price": {"min": {"geq_to": -3}, "max": {"less_than": 13}},
        },
        "checks": {"sum": {"check_statement": "sum(price) > 13"}, "ids": {"check_statement": "id > 0"}},
        "row_count": {"equal_to": 3},
    }
    assert check(source, **rules) == {"rows": 3, "rules": 7, "broken": [], "unchecked": []}


def test_a_failure_names_every_rule_its_figure_and_rows(source: dict[str, Any]) -> None:
    text = broken(
        source,
        columns={
            "customer": {"null_check": {"equal_to": 0}},
            "id": {"unique_check": {"equal_to": 0}},
            "price": {"min": {"geq_to": 0}, "max": {"leq_to": 10, "tolerance": 0.1}},
        },
        checks={"low": {"check_statement": "price < 12"}, "sum": {"check_statement": "sum(price) < 5"}},
        row_count={"greater_than": 3},
    )
    first, *lines = text.splitlines()
    assert first == "7 of 7 rules are broken (3 rows):"
    assert [line for line in lines if line.startswith("- ")] == [
        "- row_count: found 3, expected more than 3",
        "- customer, null_check: found 1, expected 0",
        "- id, unique_check: found 1, expected 0",
        "- price, min: found -3.0, expected at least 0"
        if "-3.0" in text
        else "- price, min: found -3, expected at least 0",
        "- price, max: found 12.5, expected at most 10 (give or take 10%)",
        "- low: found 1 row that does not meet it, expected price < 12",
        "- sum: found that it does not hold, expected sum(price) < 5",
    ]
    shown = [line.strip() for line in lines if not line.startswith("- ")]
    assert [line.partition(",")[0] for line in shown] == ["id: 2", "id: 2", "id: 2", "id: 2", "id: 1"]


def test_rows_are_not_shown_where_they_must_not_be(source: dict[str, Any]) -> None:
    text = broken(source, columns={"price": {"min": {"geq_to": 0}}}, sample_rows=0)
    assert "customer" not in text
    assert len(text.splitlines()) == 2


def test_at_most_five_rows_are_shown() -> None:
    rows = [{"id": n, "price": -1} for n in range(50)]
    assert len(broken({"rows": rows}, columns={"price": {"min": {"geq_to": 0}}}).splitlines()) == 2 + 5


def test_a_partition_is_checked_alone(source: dict[str, Any]) -> None:
    rules: dict[str, Any] = {"columns": {"price": {"min": {"geq_to": 0}}}, "row_count": {"equal_to": 2}}
    assert check(source, **rules, partition_clause="price > 0")["rows"] == 2
    partition = {"check_statement": "price > 10", "partition_clause": "customer = 'an'"}
    assert check(source, checks={"an": partition})["broken"] == []


def test_a_warning_lets_the_task_succeed(source: dict[str, Any], caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    output = check(source, columns={"price": {"min": {"geq_to": 0}}}, severity="warning")
    assert [one["rule"] for one in output["broken"]] == ["price, min"]
    json.dumps(output)


def test_old_rows_are_noticed(source: dict[str, Any]) -> None:
    fresh = {"column": "at", "within": timedelta(days=1)}
    assert "freshness of at: found 2026-01-03T00:00:00+00:00, expected a time within 1d" in broken(
        source, freshness=fresh
    )
    long = datetime.now(UTC) - datetime(2026, 1, 2, tzinfo=UTC)
    assert check(source, freshness={"column": "at", "within": long})["broken"] == []
    with pytest.raises(AirflowException, match="the column `customer` holds no times"):
        check(source, freshness={"column": "customer", "within": long})


def ago(hours: float, offset: int = 0) -> str:
    """A time that many hours ago, as text, in a zone."""
    return (datetime.now(UTC) - timedelta(hours=hours)).astimezone(timezone(timedelta(hours=offset))).isoformat()


MOMENTS = [
    [ago(0.1, -5), ago(3)],  # the first is the later one, and by its signs the earlier one
    [ago(0.1, -5).replace("T", " "), ago(9, 9)],
    [ago(0.1).replace("T", " "), ago(25), ago(9, 9), ""],
    [ago(0.1, -5)[:-6] + "-0500", ago(3, 2)[:-6] + "+0200"],
    [ago(0.1)[:-6], ago(5, 5)],
]


@pytest.mark.parametrize("moments", MOMENTS)
@pytest.mark.parametrize("warehouse", ["sqlite", pytest.param("postgres", marks=pytest.mark.soak)], indirect=True)
def test_times_that_are_text_are_compared_as_times(warehouse: Warehouse, moments: list[str]) -> None:
    warehouse.run("CREATE TABLE orders (at TEXT)")
    written = "'), ('".join(moments)
    warehouse.run(f"INSERT INTO orders VALUES ('{written}')")
    given = {"conn_id": "warehouse", "table": "orders"}
    fresh, old = ({"column": "at", "within": timedelta(minutes=minutes)} for minutes in (30, 1))
    for source in (given, {"rows": [{"at": one or None} for one in moments]}):
        assert check(source, freshness=fresh)["broken"] == []
        assert "expected a time within 1m" in broken(source, freshness=old)
    late = {"column": "at", "within": timedelta(hours=2)}
    warehouse.run("DELETE FROM orders")
    warehouse.run(f"INSERT INTO orders VALUES ('{ago(3, 5)}'), ('{ago(4)}')")
    assert "freshness of at: found " in broken(given, freshness=late)
    warehouse.run("CREATE TABLE typed (at TIMESTAMP, day DATE)")
    warehouse.run(f"INSERT INTO typed VALUES ('{ago(3)[:-6]}', '{ago(3)[:10]}'), (NULL, NULL)")
    typed = {"conn_id": "warehouse", "table": "typed"}
    assert check(typed, freshness={"column": "day", "within": timedelta(days=2)})["broken"] == []
    assert "expected a time within 2h" in broken(typed, freshness=late)
    warehouse.run("INSERT INTO orders VALUES ('2026')")
    assert "the column `at` holds no times that can be read" in broken(given, freshness=late)


def test_a_time_in_the_future_is_not_fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fresh = {"column": "at", "within": timedelta(minutes=30)}
    table = shop(tmp_path, monkeypatch, "t", f"CREATE TABLE t (at TEXT); INSERT INTO t VALUES ('{ago(-2)}')")
    for given in (table, {"rows": [{"at": ago(-2)}]}, {"rows": [{"at": ago(-24 * 300)[:-6]}]}):
        assert ", in the future, expected a time within 30m" in broken(given, freshness=fresh)
        assert check(given, freshness=fresh, severity="warning")["broken"][0]["rule"] == "freshness of at"
    for moment in (ago(-0.5), ago(-13)[:-6], ago(0)[:10]):  # another clock; a zone's own time, and day
        within = {"column": "at", "within": timedelta(days=2)}
        assert check({"rows": [{"at": moment}]}, freshness=within)["broken"] == []


@pytest.fixture(params=["rows", "file", "table"])
def no_rows(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """No rows, in each of the ways in which they can be given: only a table has columns then."""
    if request.param == "rows":
        return {"rows": []}
    if request.param == "file":
        with RowFileWriter(str(tmp_path / "orders.jsonl")):
            pass
        return {"file": str(tmp_path / "orders.jsonl")}
    return shop(tmp_path, monkeypatch, "orders", MADE)


def test_rules_that_found_no_rows_are_named(no_rows: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    zero = {"equal_to": 0}
    rules: dict[str, Any] = {
        "columns": {"price": {"min": {"geq_to": 0}, "null_check": zero}, "id": {"unique_check": zero}},
        "checks": {"dear": {"check_statement": "price > 1"}, "few": {"check_statement": "count(*) < 5"}},
    }
    unchecked = ["price, min", "price, null_check", "id, unique_check", "dear"]
    assert check(no_rows, **rules) == {"rows": 0, "rules": 5, "broken": [], "unchecked": unchecked}
    assert (
        "4 of 5 rules checked nothing (there are no rows; to fail then, add `row_count: {geq_to: 1}`): "
        "price, min; price, null_check; id, unique_check; dear" in capsys.readouterr().out
    )
    partition = check(no_rows, partition_clause="price > 3", **rules)
    assert (partition["rows"], partition["unchecked"][:4]) == (0, unchecked)


def test_no_rows_break_what_is_about_their_number(no_rows: dict[str, Any]) -> None:
    text = broken(
        no_rows,
        row_count={"geq_to": 1},
        columns={"id": {"distinct_check": {"geq_to": 2}, "min": {"geq_to": 0}}},
        checks={"many": {"check_statement": "count(*) > 10"}},
        freshness={"column": "at", "within": timedelta(days=1)},
    )
    assert text.splitlines() == [
        "4 of 5 rules are broken (0 rows):",
        "- row_count: found 0, expected at least 1",
        "- id, distinct_check: found 0, expected at least 2",
        "- many: found that it does not hold, expected count(*) > 10",
        "- freshness of at: found no time, expected one within 1d",
    ]


def test_a_column_without_a_value_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    rules = {"columns": {"price": {"min": {"geq_to": 0}}}, "row_count": {"equal_to": 2}}
    assert check({"rows": [{"id": 1, "price": None}, {"id": 2, "price": None}]}, **rules)["unchecked"] == ["price, min"]
    assert "1 of 2 rules checked nothing (no row has a value): price, min" in capsys.readouterr().out
    partition = {"low": {"check_statement": "id > 0", "partition_clause": "id > 5"}}
    assert check({"rows": [{"id": 1}]}, checks=partition)["unchecked"] == ["low"]


def test_a_table_without_rows_has_columns_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = shop(tmp_path, monkeypatch, "orders", "CREATE TABLE orders (id INTEGER)")
    assert "no column `ids`, did you mean `id`?" in broken(table, checks={"typo": {"check_statement": "ids > 1"}})


def test_a_column_that_is_not_there_is_no_text(source: dict[str, Any]) -> None:
    zero = {"equal_to": 0}
    said = broken(
        source,
        columns={"prise": {"null_check": zero, "distinct_check": {"geq_to": 1}}, "rows": {"null_check": zero}},
        freshness={"column": "att", "within": timedelta(days=1)},
        severity="warning",
    )
    assert said.splitlines() == [
        "4 of 4 rules cannot be checked (3 rows):",
        "- prise, null_check: cannot be checked: no column `prise`, did you mean `price`?",
        "- prise, distinct_check: cannot be checked: no column `prise`, did you mean `price`?",
        "- rows, null_check: cannot be checked: no column `rows`",
        "- freshness of att: cannot be checked: no column `att`, did you mean `at`?",
    ]
    assert "is broken" in broken(source, columns={"Customer": {"null_check": zero}})


def test_double_quotes_are_around_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = (
        """CREATE TABLE t ("the price" REAL, "a`b" TEXT, [c"d] TEXT); INSERT INTO t VALUES (1, 'it''s "one"', 'x');"""
    )
    table = shop(tmp_path, monkeypatch, "t", made)
    columns = {name: {"null_check": {"equal_to": 0}} for name in ("the price", "a`b", 'c"d')}
    right = {
        "check_statement": """"the price" > 0 AND "a`b" = 'it''s "one"' -- "not" there""",
        "partition_clause": """"c""d" = 'x' /* "not" */""",
    }
    assert check(table, columns=columns, checks={"right": right})["broken"] == []
    for given in ({"check_statement": '"prise" > 0'}, {"check_statement": "1 = 1", "partition_clause": '"prise" > 0'}):
        assert broken(table, checks={"typo": given}).splitlines()[1:] == [
            "- typo: cannot be checked: no column `prise` (a text is written in single quotes: 'prise')"
        ]
    assert broken(table, partition_clause='"prise" > 0', row_count={"geq_to": 1}).startswith("no column `prise`")


@pytest.mark.parametrize("warehouse", ["sqlite", pytest.param("postgres", marks=pytest.mark.soak)], indirect=True)
def test_a_column_that_no_database_has(warehouse: Warehouse) -> None:
    warehouse.run("CREATE TABLE orders (id INTEGER, amount INTEGER)")
    warehouse.run("INSERT INTO orders VALUES (1, 5)")
    given, zero = {"conn_id": "warehouse", "table": "orders"}, {"null_check": {"equal_to": 0}}
    assert check(given, columns={"amount": zero})["broken"] == []
    for column, said in (("ammount", "no column `ammount`, did you mean `amount`?"), ("orders", "no column `orders`")):
        assert (
            f"- {column}, null_check: cannot be checked: {said}" in broken(given, columns={column: zero}).splitlines()
        )
    typo = broken(given, checks={"typo": {"check_statement": "ammount > 0"}})
    assert "- typo: cannot be checked: no column `ammount`, did you mean `amount`?" in typo


def test_text_is_compared_by_the_numbers_that_it_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = "CREATE TABLE t (p TEXT); INSERT INTO t VALUES ('9.5'), ('10000'), ('12')"
    table = shop(tmp_path, monkeypatch, "t", made)
    for given in (table, {"rows": [{"p": "9.5"}, {"p": "10000"}, {"p": "12"}]}):
        said = broken(given, columns={"p": {"max": {"less_than": 100}, "min": {"geq_to": 11}}})
        assert [line.strip().replace("10000.0", "10000") for line in said.splitlines()[1:]] == [
            "- p, max: found 10000, expected less than 100",
            "p: 10000",
            "- p, min: found 9.5, expected at least 11",
            "p: 9.5",
        ]
    with closing(sqlite3.connect(tmp_path / "shop.db")) as database, database:
        database.execute("INSERT INTO t VALUES ('n/a')")
    assert "p, min: cannot be checked: 1 value is text that is no number" in broken(
        table, columns={"p": {"min": {"geq_to": 0}}}
    )


def test_what_cannot_be_checked_is_said(source: dict[str, Any]) -> None:
    assert "near" in broken(source, checks={"wrong": {"check_statement": "price >"}})


@pytest.mark.parametrize("severity", ["error", "warning"])
def test_a_rule_that_cannot_be_checked_leaves_the_others(source: dict[str, Any], severity: str) -> None:
    text = broken(
        source,
        columns={"customer": {"min": {"geq_to": 0}, "null_check": {"equal_to": 0}}},
        checks={"wrong": {"check_statement": "price >"}, "low": {"check_statement": "price < 12"}},
        freshness={"column": "customer", "within": timedelta(days=1)},
        severity=severity,
        sample_rows=0,
    )
    first, *lines = text.splitlines()
    assert first == "2 of 5 rules are broken and 3 of 5 rules cannot be checked (3 rows):"
    assert lines[:3] == [
        "- customer, null_check: found 1, expected 0",
        "- low: found 1 row that does not meet it, expected price < 12",
        "- customer, min: cannot be checked: `an` is no number",
    ]
    assert lines[3].startswith("- wrong: cannot be checked: ")
    assert lines[4].startswith("- freshness of customer: cannot be checked: the column `customer` holds no times")


def test_a_condition_may_end_with_a_comment(source: dict[str, Any]) -> None:
    rules: dict[str, Any] = {"row_count": {"equal_to": 2}, "partition_clause": "id > 1 -- not the first"}
    late = {"check_statement": "id > 2 -- late", "partition_clause": "price > 0 -- sold"}
    text = broken(source, checks={"late": late, "any": {"check_statement": "id > 0 -- any"}}, **rules)
    first, found, shown = text.splitlines()
    assert first == "1 of 3 rules is broken (2 rows):"
    assert found == "- late: found 1 row that does not meet it, expected id > 2 -- late"
    assert shown.strip().startswith("id: 2, customer: cy")


@pytest.mark.parametrize(
    "rule", [{"max": {"leq_to": 2**53}}, {"min": {"equal_to": 2**53}}, {"max": {"less_than": 2**53 + 1}}]
)
def test_whole_numbers_are_held_against_each_other_exactly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rule: dict[str, Any]
) -> None:
    table = shop(tmp_path, monkeypatch, "t", f"CREATE TABLE t (n INTEGER); INSERT INTO t VALUES ({2**53 + 1});")
    for given in (table, {"rows": [{"n": 2**53 + 1}]}):
        assert f"found {2**53 + 1}, expected" in broken(given, columns={"n": rule})
        ((kind, _),) = rule.items()
        assert check(given, columns={"n": {kind: {"equal_to": 2**53 + 1}}})["broken"] == []


def test_a_figure_is_what_it_is_written_as(source: dict[str, Any]) -> None:
    rows = {"rows": [{"n": 0.1}, {"n": 0.3}]}
    assert check(rows, columns={"n": {"min": {"equal_to": 0.1}, "max": {"leq_to": 0.3}}})["broken"] == []
    assert check(source, row_count={"equal_to": 2.5, "tolerance": 0.2})["broken"] == []
    assert "found 3, expected 2.5 (give or take 19%)" in broken(source, row_count={"equal_to": 2.5, "tolerance": 0.19})


def test_names_that_differ_by_letter_case_alone_are_refused() -> None:
    for rows in ([{"a": 1, "A": -1}], [{"a": 1}, {"A": -1}]):
        said = "the columns `A` and `a` of the table `rows` are one name to SQL; one of them is `A_1` here"
        assert said in broken({"rows": rows}, columns={"A": {"min": {"geq_to": 0}}})
    assert check({"rows": [{"a": 1, "a_1": 2}]}, columns={"a_1": {"min": {"geq_to": 2}}})["broken"] == []


def test_a_row_without_a_form_in_json_names_the_rows() -> None:
    said = broken({"rows": [{"a": float("nan")}]}, row_count={"geq_to": 1})
    assert said.startswith("the table `rows`: a row cannot be written as JSON")
