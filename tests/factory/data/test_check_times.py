"""The rule `freshness` of `check`: times as databases have them, as text, and those that are still to come."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowException

from .checks import broken, check, shop
from .warehouses import Warehouse, on

pytest.importorskip("duckdb")


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
@on("sqlite", "postgres")
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
