"""Runs of polls whose task processes are killed, by seed; started by test_poll_kills.py.

A kill is SIGKILL, at one of the points that a task passes: behind a page's request is sent, behind a transaction of
Airflow's database (the window's record, XComs, the watermark, the task's states), behind a row that is loaded.
Prints one JSON line for each run: which DAG, the tasks' states, and the kills.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import requests
from airflow import settings
from airflow.models.taskinstance import TaskInstance
from airflow.utils.db import initdb
from sqlalchemy import event

from .forked_runs import ForkedRuns

API = os.environ["TEST_API"]
POINTS = ("http.client.send", "shop.row")
"""Audit events: Python's own for each part of a request, and one of the test's `load`."""
LAST_POINT = {"poll": 14, "load": 9, "poll_commit": 6}
"""About as many points as an undisturbed try passes; a kill that is planned behind the last one does not happen."""
TASKS = {"kills": tuple(LAST_POINT), "kills_at_poll": ("poll", "load")}


def at_each_point(act: Callable[[], None]) -> None:
    """Call it in this process, whenever a task passes a point."""

    def heard(name: str, _: Any) -> None:
        if name in POINTS:
            act()

    sys.addaudithook(heard)
    event.listen(settings.engine, "commit", lambda _: act())


@dataclass(frozen=True)
class Kills:
    """Which tries of which tasks are killed, and at which of their points."""

    points: Mapping[tuple[str, int], int]
    """(task, number of the try) → number of the point."""

    def __call__(self, instance: TaskInstance) -> None:
        """In the task's process."""
        number = self.points.get((instance.task_id, instance.try_number))
        if number is None:
            return
        passed = 0

        def act() -> None:
            nonlocal passed
            passed += 1
            if passed == number:
                os.kill(os.getpid(), signal.SIGKILL)

        at_each_point(act)


def planned(chance: random.Random, tasks: Sequence[str]) -> Kills:
    """One to three tries of one task; with three, all its tries are gone and the run fails."""
    task = chance.choice(tasks)
    tries = range(1, 1 + chance.choice((1, 1, 2, 3, 3)))
    return Kills({(task, number): chance.randint(1, LAST_POINT[task]) for number in tries})


def main() -> None:
    wanted, seed = int(sys.argv[1]), int(sys.argv[2])
    initdb()
    runs = ForkedRuns()
    chance = random.Random(seed)  # noqa: S311 # repeatable, keeps no secret
    done = 0
    while done < wanted:
        dag_id = chance.choice(tuple(TASKS))
        requests.get(f"{API}/more/{chance.choice((1, 3, 3))}", timeout=10).raise_for_status()
        done += one_run(runs, dag_id, planned(chance, TASKS[dag_id]))
    for dag_id in TASKS:
        one_run(runs, dag_id, Kills({}))


def one_run(runs: ForkedRuns, dag_id: str, kills: Kills) -> int:
    """Run it, and return how often it was killed. Where the poll commits, clear the run until it succeeds: no other run
    asks for its rows."""
    run_id = runs.start(dag_id)
    before = runs.killed
    succeeded = False
    while not succeeded:
        states = runs.finish(dag_id, run_id, kills)
        succeeded = set(states.values()) == {"success"}
        if dag_id == "kills":
            break
        if not succeeded:
            runs.clear(dag_id, run_id)
    killed = runs.killed - before
    print("RUN", json.dumps({"run": run_id, "dag": dag_id, "succeeded": succeeded, "kills": killed}), flush=True)
    return killed


if __name__ == "__main__":
    main()
