"""`load` into PostgreSQL against dlt, Airflow's `insert_rows`, COPY and executemany by hand; `duckdb` against DuckDB;
the start of a task with the extras of the data tasks and without them.

    python -m benchmarks.data_tasks [PART …] [--quick] [--rounds N] [--bare PYTHON --full PYTHON]

A part is `loads-10000`, `loads-1000000`, `executemany-1000000`, `queries-10000`, `queries-1000000` or `starts`, and is
kept when it is done, beside the last results of the others. None given: all of them, `starts` only with `--bare` and
`--full`.

Needs PostgreSQL's programs (apt-get install postgresql). `--bare` and `--full` are the Pythons of two environments that
scripts/bootstrap.py has made, with the extra `airflow` alone and with what `make run` installs.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import measure, task_start
from tests.e2e.services import postgresql

LOADS = ("load", "dlt_by_hand", "insert_rows", "copy_by_hand", "executemany")
QUERIES = ("duckdb_task", "duckdb_by_hand")
MANY = 100_000
"""Above this, a round takes minutes."""


def written(path: Path, number: int) -> str:
    with path.open("w") as file:
        for n in range(number):
            at = f"2026-01-{n % 28 + 1:02}T{n % 24:02}:00:00Z"
            row = {"id": n, "customer": f"customer {n % 997}", "price": n / 8, "at": at, "note": None if n % 3 else "x"}
            file.write(json.dumps(row) + "\n")
    return str(path)


def copied(path: str, form: str) -> str:
    import duckdb  # noqa: PLC0415 # an extra

    found = f"{path}.{form}"
    duckdb.execute(f"COPY (FROM '{path}') TO '{found}' (FORMAT {form})")
    return found


def starts(pythons: dict[str, str], rounds: int) -> dict[str, Any]:
    """Milliseconds from a task's start to the first line of the user's function, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        cases = {name: task_start.Case(Path(folder) / name, "ours", 1, python).cold for name, python in pythons.items()}
        found = measure.in_turn(rounds, cases)
    return {
        name: {
            "median_ms": round(1000 * measure.median(one for some in costs for one in some)),
            "fastest_ms": round(1000 * min(one for some in costs for one in some)),
        }
        for name, costs in found.items()
    }


def spent(way: str, path: str, target: str, environment: dict[str, str]) -> dict[str, float]:
    """Raises CommandFailedError."""
    command = [sys.executable, "-m", "benchmarks.data_tasks_process", way, path, target]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise measure.CommandFailedError(f"{way}: {(done.stdout + done.stderr)[-3000:]}")
    line = next(line for line in done.stdout.splitlines() if line.startswith("SPENT "))
    found: dict[str, float] = json.loads(line.removeprefix("SPENT "))
    return found


def measured(rounds: int, cases: dict[str, Callable[[], dict[str, float]]]) -> dict[str, Any]:
    """Medians of each case."""
    found = measure.in_turn(rounds, cases)
    return {
        name: {key: round(measure.median([one[key] for one in costs]), 2) for key in ("cpu", "wall", "memory")}
        for name, costs in found.items()
    }


def loads(size: int, rounds: int | None, ways: Sequence[str]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as name, postgresql() as address:
        folder, numbers = Path(name), iter(range(1_000))
        environment = {
            **os.environ,
            "AIRFLOW_HOME": str(folder / "airflow"),
            "AIRFLOW_CONN_WAREHOUSE": f"postgres://{address}",
            "DATABASE": f"postgresql://{address}",
            "DLT_DATA_DIR": str(folder / "dlt"),
            "RUNTIME__DLTHUB_TELEMETRY": "false",
            "PROVIDERS__ENABLE_AIRFLOW_SECRETS": "false",
        }
        path = written(folder / f"{size}.jsonl", size)

        def case(way: str) -> dict[str, float]:
            return spent(way, path, f"t{next(numbers)}_{way}", environment)

        return measured(rounds or (1 if size > MANY else 5), {way: partial(case, way) for way in ways})


def queries(size: int, rounds: int | None) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as name:
        folder, numbers = Path(name), iter(range(1_000))
        environment = {**os.environ, "AIRFLOW_HOME": str(folder / "airflow")}
        lines = written(folder / f"{size}.jsonl", size)
        files = {"": lines, **{f"_{form}": copied(lines, form) for form in ("csv", "parquet")}}

        def case(way: str, path: str) -> dict[str, float]:
            return spent(way, path, str(folder / f"{next(numbers)}.parquet"), environment)

        cases = {f"{way}{end}": partial(case, way, path) for end, path in files.items() for way in QUERIES}
        return measured(rounds or 5, cases)


def main() -> None:
    parser = measure.arguments(__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART")
    parser.add_argument("--bare", help="Python of an environment without the extras")
    parser.add_argument("--full", help="Python of an environment with them")
    options = parser.parse_args()
    rounds = 1 if options.quick else options.rounds
    pythons = {"without extras": options.bare, "with extras": options.full}
    parts: dict[str, Callable[[], dict[str, Any]]] = {}
    for size in (1_000,) if options.quick else (10_000, 1_000_000):
        # It asks the server once a row, which takes longer than all others together.
        apart = ("executemany",) if size > MANY else ()
        parts[f"loads-{size}"] = partial(loads, size, rounds, [way for way in LOADS if way not in apart])
        if apart:
            parts[f"executemany-{size}"] = partial(loads, size, rounds, apart)
        parts[f"queries-{size}"] = partial(queries, size, rounds)
    if all(pythons.values()):
        parts["starts"] = partial(starts, pythons, rounds or 5)
    if unknown := set(options.parts) - set(parts):
        parser.error(f"no part {', '.join(sorted(unknown))}; there are {', '.join(parts)}")
    for name in options.parts or parts:
        measure.report_part("data_tasks", name, parts[name](), keep=not options.quick)


if __name__ == "__main__":
    main()
