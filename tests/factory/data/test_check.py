"""The task `check` over rows, files and tables."""

from __future__ import annotations

import json
import logging
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from factory.data.row_files import RowFileWriter

from .checks import MADE, broken, check, shop
from .warehouses import Warehouse, on

pytest.importorskip("duckdb")


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


@on("sqlite", "postgres")
def test_numbers_that_are_text_keep_their_digits(warehouse: Warehouse) -> None:
    table = {"conn_id": "warehouse", "table": "t"}
    for made in (["1.0000000004", "0.5"], [" 1.0000000004", "+5e-1"]):
        warehouse.run("DROP TABLE IF EXISTS t")
        warehouse.run("CREATE TABLE t (v VARCHAR(40))")
        values = ", ".join(f"('{one}')" for one in made)
        warehouse.run(f"INSERT INTO t VALUES {values}")
        for given in (table, {"rows": [{"v": one} for one in made]}):
            assert "- v, max: found 1.0000000004, expected at most 1" in broken(
                given, columns={"v": {"max": {"leq_to": 1}, "min": {"greater_than": 0}}}
            )
    for odd in ("1.2.3", "1-2", "2026-05-01", "5-", "5e", "", "0x10", "1 2"):
        warehouse.run("DELETE FROM t")
        warehouse.run(f"INSERT INTO t VALUES ('0'), ('{odd}'), ('9')")
        for given in (table, {"rows": [{"v": "0"}, {"v": odd}, {"v": "9"}]}):
            assert "cannot be checked: " in broken(given, columns={"v": {"max": {"leq_to": 3000}}})


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


def test_a_row_without_a_form_in_json_names_the_rows() -> None:
    said = broken({"rows": [{"a": float("nan")}]}, row_count={"geq_to": 1})
    assert said.startswith("the table `rows`: a row cannot be written as JSON")
