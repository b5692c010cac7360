"""Runs of polls whose task processes are killed, by seed; started by test_poll_kills.py.

A kill is SIGKILL, at one of the points that a task passes: behind a page's request is sent, behind a transaction of
Airflow's database (the window's record, XComs, the watermark, the task's states), behind a row that is loaded, before
a file gets its name. Whenever a process has ended, the file and the watermark are looked at.
Prints one JSON line for each run: which DAG, whether it succeeded, the kills, how many files were looked at, and what
was wrong with them or with the watermark.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from airflow import settings
from airflow.models.taskinstance import TaskInstance
from airflow.utils.db import initdb
from sqlalchemy import event

from .forked_runs import ForkedRuns, stored

API = os.environ["TEST_API"]
FILES, SHOP = Path(os.environ["SHOP_FILES"]), os.environ["SHOP_DATABASE"]
POINTS = ("http.client.send", "shop.row", "os.rename")
"""Audit events: Python's own for each part of a request and for a file's new name, and one of the test's `load`."""
LAST_POINT = {"poll": 14, "load": 9, "poll_commit": 6}
"""About as many points as an undisturbed try passes; a kill that is planned behind the last one does not happen."""
TASKS = {"kills": tuple(LAST_POINT), "kills_at_poll": ("poll", "load"), "kills_with_a_file": tuple(LAST_POINT)}


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


@dataclass
class Watch:
    """What must hold whenever a process has ended: of `served` rows, a file that has its name holds all from the
    watermark on, and the watermark is not past the rows that were loaded."""

    dag_id: str
    run_id: str
    served: int
    files: int = 0

    def wrong(self) -> str:
        mark = stored(f"{self.dag_id}/poll").get("watermark", 0)
        if self.dag_id != "kills_at_poll":
            with sqlite3.connect(SHOP) as database:
                last = database.execute("SELECT max(id) FROM keyed WHERE dag = ?", [self.dag_id]).fetchone()[0] or 0
            if mark > last:
                return f"watermark {mark}, but {last} was the last that was loaded"
        path = FILES / f"{self.run_id}.jsonl"
        if not path.exists():
            return ""
        self.files += 1
        ids = [json.loads(line)["id"] for line in path.read_text().splitlines()]
        if ids and (ids != list(range(ids[0], self.served + 1)) or ids[0] > mark + 1):
            return f"{path.name} holds {ids} of {self.served}, watermark {mark}"
        return "" if ids or mark == self.served else f"{path.name} is empty, watermark {mark} of {self.served}"


def main() -> None:
    wanted, seed = int(sys.argv[1]), int(sys.argv[2])
    initdb()
    runs = ForkedRuns()
    chance = random.Random(seed)  # noqa: S311 # repeatable, keeps no secret
    done, served = 0, 3
    while done < wanted:
        dag_id = chance.choice(tuple(TASKS))
        more = chance.choice((1, 3, 3))
        requests.get(f"{API}/more/{more}", timeout=10).raise_for_status()
        served += more
        done += one_run(runs, dag_id, planned(chance, TASKS[dag_id]), served)
    for dag_id in TASKS:
        one_run(runs, dag_id, Kills({}), served)


def one_run(runs: ForkedRuns, dag_id: str, kills: Kills, served: int) -> int:
    """Run it, and return how often it was killed. Where the poll commits, clear the run until it succeeds: no other run
    asks for its rows."""
    run_id = runs.start(dag_id)
    before = runs.killed
    watch, wrong = Watch(dag_id, run_id, served), []
    succeeded = False
    while not succeeded:
        states = runs.finish(dag_id, run_id, kills, lambda: wrong.append(watch.wrong()))
        succeeded = set(states.values()) == {"success"}
        if dag_id != "kills_at_poll":
            break
        if not succeeded:
            runs.clear(dag_id, run_id)
    run = {"run": run_id, "dag": dag_id, "succeeded": succeeded, "kills": runs.killed - before}
    print("RUN", json.dumps({**run, "files": watch.files, "wrong": "; ".join(filter(None, wrong))}), flush=True)
    return runs.killed - before


if __name__ == "__main__":
    main()
