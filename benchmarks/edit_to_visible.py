"""Seconds from saving a file until Airflow's database shows it, among 1,000 pipelines, and what was parsed for it.

One real `airflow dag-processor` with the settings of `factory run`, on SQLite. Nothing else runs, so that no DAG does.
Only Airflow's periodic parsing of everything is put off, so that what is parsed is parsed for an edit.
"""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks import pipelines
from benchmarks.airflow_home import AirflowHome
from benchmarks.measure import arguments, median, percentile, report

POLL_SECONDS = 0.1
QUIET_SECONDS = 4.0
TIMEOUT_SECONDS = 1200.0
SHARED_MODULE = "special_steps"
DEFAULTS = "_defaults.yaml"
NOT_MEANWHILE = {"AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "86400"}
EDITED_HOUR = 4
BEGAN = "Filling up the DagBag"
"""What Airflow writes into a DAG file's log each time it parses the file."""


class Bench:
    """A pipelines folder, and the dag-processor that reads it."""

    def __init__(self, root: Path, number: int, sharing: int) -> None:
        """`sharing` of the pipelines take their functions from a module of their own."""
        self.number = number
        self._choice = random.Random(1)  # noqa: S311 # the same moments each time
        self.folder = pipelines.write_ours(root / "files", number)
        (self.folder / DEFAULTS).write_text("tags: [first]\n")
        (self.folder / f"{SHARED_MODULE}.py").write_text(pipelines.STEPS)
        step = number // sharing
        self.sharing = {pipelines.dag_id(one) for one in range(0, step * sharing, step)}
        for dag_id in self.sharing:
            file = self.folder / f"{dag_id}.yaml"
            file.write_text(file.read_text().replace(f"{pipelines.MODULE}.", f"{SHARED_MODULE}."))
        self.home = AirflowHome(root / "home", self.folder)
        self.home.migrate()

    @contextmanager
    def dag_processor(self) -> Iterator[None]:
        with (self.home.root / "dag-processor.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "airflow", "dag-processor"],
                env={**self.home.environment, **NOT_MEANWHILE},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
            try:
                yield
            finally:
                os.killpg(process.pid, signal.SIGTERM)
                try:
                    process.wait(30)
                except subprocess.TimeoutExpired:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()

    def seconds_until(self, seen: Callable[[], bool]) -> float:
        """Seconds from now until the database shows it. Raises TimeoutError."""
        began = time.monotonic()
        while not seen():
            if time.monotonic() - began > TIMEOUT_SECONDS:
                raise TimeoutError(f"not seen after {TIMEOUT_SECONDS:.0f} s")
            time.sleep(POLL_SECONDS)
        return time.monotonic() - began

    def parses(self) -> Counter[str]:
        """How often each DAG file was parsed so far."""
        logs = self.home.root / "logs" / "dag_processor"
        counts: Counter[str] = Counter()
        for log in logs.glob("2*/**/*.log"):
            counts[log.name.removesuffix(".yaml.py.log")] += log.read_text(errors="replace").count(BEGAN)
        return counts

    def settled(self) -> Counter[str]:
        """`parses`, once nothing has been parsed for a while."""
        last = self.parses()
        while True:
            time.sleep(QUIET_SECONDS)
            now = self.parses()
            if now == last:
                return now
            last = now

    def count(self, sql: str, *values: object) -> int:
        ((found,),) = self.home.query(f"SELECT count(*) {sql}", *values)
        return int(found)

    def save(self, name: str, text: str) -> None:
        """Replace a file as an editor does."""
        new = self.folder / f".{name}.new"
        new.write_text(text)
        new.replace(self.folder / name)

    # -- edits

    def edit_schedule(self, number: int, minute: int) -> dict[str, Any]:
        """Give one pipeline another minute, and an hour that none has, so that no edit says what was there already."""
        dag_id = pipelines.dag_id(number)
        text = (self.folder / f"{dag_id}.yaml").read_text()
        new = re.sub(r'^schedule: "\d+ \d+', f'schedule: "{minute} {EDITED_HOUR}', text, flags=re.MULTILINE)

        def seen() -> bool:
            return (
                self.count(
                    "FROM dag WHERE dag_id = ? AND timetable_summary LIKE ?", dag_id, f"{minute} {EDITED_HOUR} %"
                )
                == 1
            )

        return self._edit(f"{dag_id}.yaml", new, {"seconds": seen}, {dag_id})

    def edit_module(self) -> dict[str, Any]:
        """Edit the functions that some pipelines use: new runs of just these take the new version."""
        versions = "SELECT dag_id, bundle_version FROM dag"
        before = dict(self.home.query(versions))

        def seen() -> bool:
            now = dict(self.home.query(versions))
            return all(now[dag_id] != before[dag_id] for dag_id in self.sharing)

        text = pipelines.STEPS + "\n\nEDITED = True\n"
        return self._edit(f"{SHARED_MODULE}.py", text, {"seconds": seen}, self.sharing)

    def edit_defaults(self) -> dict[str, Any]:
        """Edit the root defaults: every pipeline depends on them. Those that run next are to be shown first."""
        tagged = "FROM dag_tag WHERE name = 'second'"
        by_next_run = "SELECT dag_id FROM dag WHERE NOT is_paused ORDER BY next_dagrun_create_after, dag_id LIMIT 10"
        soon = [dag_id for (dag_id,) in self.home.query(by_next_run)]
        its_own = f"{tagged} AND dag_id IN ({', '.join('?' * len(soon))})"
        everyone = {pipelines.dag_id(one) for one in range(self.number)}
        points = {
            "seconds_to_first": lambda: self.count(tagged) > 0,
            "seconds_to_the_ten_that_run_next": lambda: self.count(its_own, *soon) == len(soon),
            "seconds": lambda: self.count(tagged) == self.number,
        }
        return self._edit(DEFAULTS, "tags: [second]\n", points, everyone)

    def _edit(self, name: str, text: str, points: dict[str, Callable[[], bool]], touched: set[str]) -> dict[str, Any]:
        before = self.settled()
        time.sleep(self._choice.uniform(0, 5))  # any moment between two looks at the folder
        self.save(name, text)
        seconds, passed = {}, 0.0
        for point, seen in points.items():
            passed += self.seconds_until(seen)
            seconds[point] = round(passed, 2)
        parsed = self.settled() - before
        return {
            **seconds,
            "files_that_depend_on_it": len(touched),
            "files_parsed": len(parsed),
            "parses": parsed.total(),
            "parsed_without_need": len(parsed.keys() - touched),
        }


def main() -> int:
    parser = arguments(__doc__)
    parser.add_argument("--pipelines", type=int, default=1000)
    parser.add_argument("--edits", type=int, default=20)
    options = parser.parse_args()
    number, edits = (20, 2) if options.quick else (options.pipelines, options.edits)
    choice = random.Random(2)  # noqa: S311 # the same edits each time
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        bench = Bench(Path(folder), number, sharing=10)
        with bench.dag_processor():
            first_load = bench.seconds_until(
                lambda: bench.home.database.exists() and bench.count("FROM dag WHERE NOT is_stale") == number
            )
            print(f"  loaded after {first_load:.1f} s", flush=True)
            single = []
            for edit in range(edits):
                single.append(bench.edit_schedule(choice.randrange(number), 60 - edit - 1))
                print(f"  edit {edit + 1}/{edits}: {single[-1]}", flush=True)
            module = bench.edit_module()
            print(f"  module: {module}", flush=True)
            defaults = bench.edit_defaults()
    seconds = [edit["seconds"] for edit in single]
    report(
        "edit_to_visible",
        {
            "pipelines": number,
            "edits": edits,
            "first_load_s": round(first_load, 1),
            "edit_p50_s": round(median(seconds), 2),
            "edit_p95_s": round(percentile(seconds, 95), 2),
            "edit_slowest_s": max(seconds),
            "share_under_10_s": sum(value < 10 for value in seconds) / edits,
            "files_parsed_per_edit": sorted({edit["files_parsed"] for edit in single}),
            "parses_per_edit": sorted({edit["parses"] for edit in single}),
            "parsed_without_need": sum(edit["parsed_without_need"] for edit in single),
            "edit_of_a_module_that_10_use": module,
            "edit_of_the_root_defaults": defaults,
            "edit_seconds": seconds,
        },
        keep=not options.quick,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
