"""Runs of polls that keep state, one after the other in one process; started by test_poll_state.py.

Prints one JSON line for each step: the tasks' states, and what is stored behind it.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import requests
from airflow.models.task_state_store import TaskStateStoreModel
from airflow.utils.db import initdb
from airflow.utils.session import create_session
from sqlalchemy import delete

from .forked_runs import ForkedRuns, stored

API = os.environ["TEST_API"]
FAIL = Path(os.environ["TEST_FOLDER"]) / "fail"


def forget_what_was_asked(run_id: str) -> None:
    """What clear_on_success, or a person, does to the record of a run."""
    with create_session() as session:
        session.execute(delete(TaskStateStoreModel).where(TaskStateStoreModel.run_id == run_id))


class Steps:
    """Runs of one DAG; each prints what came of it."""

    def __init__(self, runs: ForkedRuns, dag_id: str, asset: str = "") -> None:
        self._runs = runs
        self._dag_id = dag_id
        self._asset = asset or f"{dag_id}/poll"

    def run(self, step: str) -> str:
        run_id = self._runs.start(self._dag_id)
        self._finish(step, run_id)
        return run_id

    def run_while_load_fails(self, step: str) -> None:
        FAIL.touch()
        self.run(step)
        FAIL.unlink()

    def clear(self, step: str, run_id: str, *task_ids: str) -> None:
        self._runs.clear(self._dag_id, run_id, *task_ids)
        self._finish(step, run_id)

    def _finish(self, step: str, run_id: str) -> None:
        states = self._runs.finish(self._dag_id, run_id)
        kept = stored(self._asset)
        del kept["runs"]
        print("STEP", json.dumps({"name": f"{self._dag_id}: {step}", "states": states, "kept": kept}), flush=True)


def server(path: str) -> None:
    requests.get(API + path, timeout=10).raise_for_status()


def rows(runs: ForkedRuns) -> None:
    steps = Steps(runs, "rows")
    first = steps.run("first")
    server("/more/3")
    steps.run_while_load_fails("load fails")
    steps.run("goes on")
    steps.run("nothing new")
    server("/more/1")
    steps.clear("first again", first)
    steps.clear("only load again", first, "load")
    forget_what_was_asked(first)
    steps.clear("record gone", first)


def hidden(runs: ForkedRuns) -> None:
    steps = Steps(runs, "hidden")
    steps.run_while_load_fails("load fails")
    steps.run("loads")


def short(runs: ForkedRuns) -> None:
    Steps(runs, "short").run("first")


def unwanted(runs: ForkedRuns) -> None:
    steps = Steps(runs, "unwanted")
    steps.run("first")
    steps.run("second")


def times(runs: ForkedRuns) -> None:
    steps = Steps(runs, "times", "shop/times")
    steps.run("first")
    steps.run("second")


def etag(runs: ForkedRuns) -> None:
    steps = Steps(runs, "etag")
    first = steps.run("first")
    steps.run("same")
    server("/change")
    steps.run_while_load_fails("load fails")
    steps.run("changed")
    steps.clear("first again", first)


def modified(runs: ForkedRuns) -> None:
    steps = Steps(runs, "modified")
    steps.run("first")
    steps.run("same")


def digest(runs: ForkedRuns) -> None:
    steps = Steps(runs, "digest")
    steps.run("first")
    steps.run("same")
    server("/change")
    steps.run("changed")


def examples(runs: ForkedRuns) -> None:
    for name in ("new_orders", "prices", "stock", "catalogue", "returns"):
        steps = Steps(runs, name, "shop/returns" if name == "returns" else "")
        steps.run("first")
        steps.run("second")


WORKS: dict[str, Callable[[ForkedRuns], None]] = {
    work.__name__: work for work in (rows, hidden, short, unwanted, times, etag, modified, digest, examples)
}


def main() -> None:
    initdb()
    runs = ForkedRuns(forks=False)
    for name in sys.argv[1:]:
        WORKS[name](runs)


if __name__ == "__main__":
    main()
