"""The record of what a run asks for, and the moves of what is kept; against stores that are a mapping each."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from airflow.models.dagrun import DagRun
from airflow.sdk.exceptions import AirflowFailException
from airflow.sdk.execution_time.context import NEVER_EXPIRE

from factory.http.state import fix_what_is_asked, move_state, what_was_asked
from schemas.model.cursor import CursorError


@dataclass
class Store:
    values: dict[str, Any] = field(default_factory=dict)
    retentions: list[Any] = field(default_factory=list)

    def get(self, key: str, default: Any = None) -> Any:
        return self.values.get(key, default)

    def set(self, key: str, value: Any, *, retention: Any = None) -> None:
        self.values[key] = value
        self.retentions.append(retention)


@dataclass
class Numbered:
    try_number: int = 1


@dataclass
class Run:
    run_id: str
    run_after: datetime = datetime(2100, 1, 1, tzinfo=UTC)
    clear_number: int = 0


def context(run: Run, try_number: int = 1, own: Store | None = None) -> dict[str, Any]:
    return {
        "run_id": run.run_id,
        "dag_run": run,
        "ti": Numbered(try_number),
        "task_state_store": own if own is not None else Store(),
    }


def test_the_record_is_kept_for_ever_and_asked_for_again() -> None:
    own, shared = Store(), Store()
    assert what_was_asked(context(Run("a"), own=own), shared) is None
    fix_what_is_asked(context(Run("a"), own=own), shared, {"start": 1})
    assert own.retentions == [NEVER_EXPIRE]
    assert what_was_asked(context(Run("a"), 2, own), shared) == {"start": 1}


def test_a_run_that_has_asked_and_has_no_record_fails() -> None:
    shared = Store()
    fix_what_is_asked(context(Run("a")), shared, {})
    with pytest.raises(AirflowFailException, match="no longer on record"):
        what_was_asked(context(Run("a"), 2), shared)
    # It was killed before it could ask.
    assert what_was_asked(context(Run("b"), 2), shared) is None


def test_the_last_runs_are_remembered_and_each_once() -> None:
    shared = Store()
    for number in range(250):
        fix_what_is_asked(context(Run(str(number))), shared, {})
        fix_what_is_asked(context(Run(str(number))), shared, {})
    assert [run_id for run_id, _ in shared.values["runs"]] == [str(number) for number in range(50, 250)]


def test_the_record_of_runs_stays_below_what_a_store_takes_however_long_their_ids_are() -> None:
    longest, shared = DagRun.__table__.c.run_id.type.length, Store()
    for number in range(210):
        fix_what_is_asked(context(Run(f"{number:x>{longest}}")), shared, {})
    assert longest == len(shared.values["runs"][0][0]) == 250
    assert len(json.dumps(shared.values["runs"]).encode()) < 64_000


def test_of_a_cleared_run_that_is_older_than_all_remembered_ones_it_is_taken_that_it_asked() -> None:
    shared = Store()
    for number in range(200):
        fix_what_is_asked(context(Run(str(number))), shared, {})
    before = datetime.now(UTC) - timedelta(days=1)
    with pytest.raises(AirflowFailException, match="no longer on record"):
        what_was_asked(context(Run("old", before, clear_number=1), 2), shared)
    assert what_was_asked(context(Run("old", before), 2), shared) is None
    assert what_was_asked(context(Run("new", clear_number=1), 2), shared) is None
    del shared.values["runs"][0]
    assert what_was_asked(context(Run("old", before, clear_number=1), 2), shared) is None


def test_a_watermark_moves_forwards_only_and_to_one_of_its_kind() -> None:
    store = Store({"watermark": 5})
    assert move_state(store, {"watermark": 4, "answer": {"hash": "b"}}) == {"answer": {"hash": "b"}}
    assert store.values == {"watermark": 5, "answer": {"hash": "b"}}
    assert move_state(store, {"watermark": 6}) == {"watermark": 6}
    with pytest.raises(CursorError, match="neither comes first"):
        move_state(store, {"watermark": "2026-01-01", "answer": {"hash": "c"}})
    assert store.values == {"watermark": 6, "answer": {"hash": "b"}}
