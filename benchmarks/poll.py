"""Polls against what one would write by hand, Airflow's HttpOperator, and dlt's `rest_api`.

All ask the same server, which is a process of its own, for the same pages, over one connection where they keep one.

- CPU of a request, on many small pages. By hand: one `requests.Session` that streams each answer under the same cap of
  bytes, decodes its JSON and gathers rows.
- A million rows, to a file of JSON Lines: rows a second, and the memory that they cost. By hand as above; dlt's rows
  are written as it hands them on.
- Which rows the poller and dlt get of the servers in tests/factory/http/cases, as far as dlt has words for them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import poll_process
from benchmarks.measure import arguments, in_turn, median, report, run
from benchmarks.poll_peer import DLT, rows_of_the_cases

REQUESTS = ("operator", "session", "http_operator")
FILES = ("operator_file", "session_file", "dlt_file")


def client(case: str, url: str, pages: int, rows: int, folder: Path) -> dict[str, float]:
    """What a client's requests took, imports and the start of the process left out."""
    answer = folder / "answer.json"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    environment |= {"AIRFLOW_HOME": str(folder / "home"), "AIRFLOW_CONN_BENCH": url, "NO_PROXY": "127.0.0.1", **DLT}
    command = [sys.executable, poll_process.__file__, str(answer), case, url, str(pages), str(rows)]
    run(command, environment=environment, log=folder / "process.log", cwd=folder)
    found: dict[str, float] = json.loads(answer.read_text())
    return found


@contextmanager
def server(pages: int, rows: int) -> Iterator[str]:
    command = [sys.executable, poll_process.__file__, "", "server", "", str(pages), str(rows)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603 # our own
    try:
        assert process.stdout is not None  # noqa: S101 # for the type checker
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.kill()
        process.wait()


def measured(names: tuple[str, ...], rounds: int, pages: int, rows: int, folder: Path) -> dict[str, dict[str, float]]:
    """Medians by name of the case."""
    with server(pages, rows) as url:
        cases: dict[str, Callable[[], dict[str, float]]] = {
            name: partial(client, name, url, pages, rows, folder) for name in names
        }
        found = in_turn(rounds, cases)
    return {name: {key: median(one[key] for one in values) for key in values[0]} for name, values in found.items()}


def main() -> int:
    options = arguments(__doc__).parse_args()
    small, large = (200, 10) if options.quick else (10_000, 1_000)
    rounds = 1 if options.quick else options.rounds or 3
    with tempfile.TemporaryDirectory() as name:
        requests = measured(REQUESTS, rounds, small, 10, Path(name))
        files = measured(FILES, rounds, large, 1_000, Path(name))
        ours, peers = rows_of_the_cases(Path(name))
    session = requests["session"]["cpu"]
    result: dict[str, Any] = {
        "pages": small,
        "rounds": rounds,
        "cpu_us_per_request": {case: round(1e6 * one["cpu"] / small) for case, one in requests.items()},
        "ratio_to_session": {case: round(one["cpu"] / session, 2) for case, one in requests.items()},
        "rows_to_a_file": large * 1_000,
        "rows_per_second": {case: round(large * 1_000 / one["wall"]) for case, one in files.items()},
        "memory_mib": {case: round(one["memory"], 1) for case, one in files.items()},
        "cases": {"poller": ours, "dlt": peers},
    }
    report("poll", result, keep=not options.quick)
    return 0


if __name__ == "__main__":
    sys.exit(main())
