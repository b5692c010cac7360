"""`load` into PostgreSQL against dlt, Airflow's `insert_rows`, COPY and executemany by hand; `duckdb` against DuckDB;
the start of a task with the extras of the data tasks and without them.

    python -m benchmarks.data_tasks [--quick] [--rounds N] [--bare PYTHON --full PYTHON]

Needs PostgreSQL's programs (apt-get install postgresql). `--bare` and `--full` are the Pythons of two environments that
scripts/bootstrap.py has made, with the extra `airflow` alone and with what `make run` installs.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import measure, task_start
from tests.e2e.services import postgresql

LOADS = ("load", "dlt_by_hand", "insert_rows", "copy_by_hand", "executemany")
QUERIES = ("duckdb_task", "duckdb_by_hand")
PARQUET = "_parquet"
"""Behind a query's name: of a file of Parquet, not of JSON Lines."""


def written(path: Path, number: int) -> str:
    with path.open("w") as file:
        for n in range(number):
            at = f"2026-01-{n % 28 + 1:02}T{n % 24:02}:00:00Z"
            row = {"id": n, "customer": f"customer {n % 997}", "price": n / 8, "at": at, "note": None if n % 3 else "x"}
            file.write(json.dumps(row) + "\n")
    return str(path)


def as_parquet(path: str) -> str:
    import duckdb  # noqa: PLC0415 # an extra

    found = f"{path}.parquet"
    duckdb.execute(f"COPY (FROM '{path}') TO '{found}' (FORMAT parquet)")
    return found


def starts(pythons: dict[str, str], folder: Path, rounds: int) -> dict[str, float]:
    """Milliseconds from a task's start to the first line of the user's function, in a process of its own; medians."""
    cases = {name: task_start.Case(folder / name, "ours", 1, python).cold for name, python in pythons.items()}
    found = measure.in_turn(rounds, cases)
    return {name: round(1000 * measure.median(one for some in costs for one in some)) for name, costs in found.items()}


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


def main() -> None:
    parser = measure.arguments(__doc__)
    parser.add_argument("--bare", help="Python of an environment without the extras")
    parser.add_argument("--full", help="Python of an environment with them")
    arguments = parser.parse_args()
    sizes = (1_000,) if arguments.quick else (10_000, 1_000_000)
    result: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name, postgresql() as address:
        folder = Path(name)
        environment = {
            **os.environ,
            "AIRFLOW_HOME": str(folder / "airflow"),
            "AIRFLOW_CONN_WAREHOUSE": f"postgres://{address}",
            "DATABASE": f"postgresql://{address}",
            "DLT_DATA_DIR": str(folder / "dlt"),
            "RUNTIME__DLTHUB_TELEMETRY": "false",
            "PROVIDERS__ENABLE_AIRFLOW_SECRETS": "false",
        }
        if arguments.bare and arguments.full:
            pythons = {"without extras": arguments.bare, "with extras": arguments.full}
            result["start of a task, ms"] = starts(pythons, folder, arguments.rounds or 5)
        numbers = iter(range(1_000))
        for size in sizes:
            path = written(folder / f"{size}.jsonl", size)
            parquet = as_parquet(path)

            def case(way: str, path: str, size: int = size) -> dict[str, float]:
                target = f"t{next(numbers)}_{way}_{size}"
                return spent(way, path, target if way in LOADS else str(folder / f"{target}.parquet"), environment)

            few = arguments.rounds or (1 if size == max(sizes) else 3)
            cases = {way: partial(case, way, path) for way in QUERIES}
            cases |= {f"{way}{PARQUET}": partial(case, way, parquet) for way in QUERIES}
            found = measured(arguments.rounds or 5, cases)
            result[f"{size} rows"] = measured(few, {way: partial(case, way, path) for way in LOADS}) | found
    measure.report("data_tasks", result, keep=not arguments.quick)


if __name__ == "__main__":
    main()
