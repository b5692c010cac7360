"""Columns that rules of `check` name: those that are not there, and names that SQL takes for something else."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from .checks import broken, check, shop
from .warehouses import Warehouse, on

pytest.importorskip("duckdb")


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


@on("sqlite", "postgres")
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


def test_names_that_differ_by_letter_case_alone_are_refused() -> None:
    for rows in ([{"a": 1, "A": -1}], [{"a": 1}, {"A": -1}]):
        said = "the columns `A` and `a` of the table `rows` are one name to SQL; one of them is `A_1` here"
        assert said in broken({"rows": rows}, columns={"A": {"min": {"geq_to": 0}}})
    assert check({"rows": [{"a": 1, "a_1": 2}]}, columns={"a_1": {"min": {"geq_to": 2}}})["broken"] == []
