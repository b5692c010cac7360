"""`load` reads files twice, for their types and to write their rows: both times the same ones, or nothing is loaded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowException

from factory.data.load_plan import Plan

from .warehouses import ORDERS, Warehouse, load

FIRST, LATER = '{"id":1}\n{"id":2}\n', '{"id":1,"price":1.5}\n'


def replaced(folder: Path) -> None:
    (folder / "new").write_text(LATER)
    (folder / "new").replace(folder / "a.jsonl")


def rewritten(folder: Path) -> None:
    (folder / "a.jsonl").write_text(FIRST.replace("2", "3"))


def appended(folder: Path) -> None:
    with (folder / "a.jsonl").open("a") as file:
        file.write(LATER)


def joined(folder: Path) -> None:
    (folder / "b.jsonl").write_text(LATER)


def removed(folder: Path) -> None:
    (folder / "a.jsonl").unlink()
    joined(folder)


@pytest.mark.parametrize("change", [replaced, rewritten, appended, joined, removed])
@pytest.mark.parametrize("file", ["*.jsonl", "a.jsonl"])
def test_a_file_that_changes_before_the_second_reading_is_refused(
    warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[Path], None], file: str
) -> None:
    if (change, file) == (joined, "a.jsonl"):
        pytest.skip("another file")
    refused(warehouse, tmp_path, monkeypatch, "scan", change, FIRST, file)


@pytest.mark.parametrize("change", [replaced, appended])
def test_a_file_that_changes_during_the_second_reading_is_refused(
    warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[Path], None]
) -> None:
    refused(warehouse, tmp_path, monkeypatch, "_kept", change, FIRST * 15_000, "a.jsonl")


def refused(
    warehouse: Warehouse,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    change: Callable[[Path], None],
    text: str,
    file: str,
) -> None:
    """Nothing is loaded where the files change behind a step of the load."""
    load(ORDERS)
    before = warehouse.rows("orders")
    folder = tmp_path / "rows"
    folder.mkdir()
    (folder / "a.jsonl").write_text(text)
    whole: Callable[..., Any] = getattr(Plan, method)

    def meanwhile(plan: Plan, rows: Any) -> Any:
        found = whole(plan, rows)
        change(folder)
        return found

    monkeypatch.setattr(Plan, method, meanwhile)
    with pytest.raises(
        AirflowException, match=r"jsonl` (?:has changed while it was read|cannot be read: No such file)"
    ):
        load(file=str(folder / file), run_id="r2")
    assert warehouse.rows("orders") == before
    assert warehouse.tables() == {"orders"}


def test_a_file_that_stays_is_loaded_whatever_happens_beside_it(
    warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.jsonl").write_text(FIRST)
    whole = Plan.scan

    def meanwhile(plan: Plan, rows: Any) -> None:
        whole(plan, rows)
        joined(tmp_path)

    monkeypatch.setattr(Plan, "scan", meanwhile)
    load(file=[str(tmp_path / "a.jsonl"), str(tmp_path / "a.jsonl")])
    assert [row[0] for row in warehouse.rows("orders")] == [1, 1, 2, 2]
