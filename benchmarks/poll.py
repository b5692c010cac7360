"""CPU of a request: our operator on a poll of many small pages, against what one would write by hand, and HttpOperator.

All ask the same server, which is a process of its own, for the same pages, over one connection where they keep one.
By hand: one `requests.Session` that streams each answer under the same cap of bytes, decodes its JSON and gathers rows.
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

from benchmarks import poll_process
from benchmarks.measure import arguments, in_turn, median, report, run

PAGES = 10_000
CASES = ("operator", "session", "http_operator")


def seconds(case: str, url: str, pages: int, folder: Path) -> float:
    """CPU seconds of a request, imports and the start of the process left out."""
    answer = folder / "answer.json"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    environment |= {"AIRFLOW_HOME": str(folder / "home"), "AIRFLOW_CONN_BENCH": url, "NO_PROXY": "127.0.0.1"}
    command = [sys.executable, poll_process.__file__, str(answer), case, url, str(pages)]
    run(command, environment=environment, log=folder / "process.log", cwd=folder)
    return float(json.loads(answer.read_text())) / pages


def main() -> int:
    options = arguments(__doc__).parse_args()
    pages = 200 if options.quick else PAGES
    rounds = 1 if options.quick else options.rounds or 3
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        command = [sys.executable, poll_process.__file__, str(folder / "port.json"), "server", "", str(pages)]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603 # our own
        try:
            assert server.stdout is not None  # noqa: S101 # for the type checker
            url = f"http://127.0.0.1:{int(server.stdout.readline())}"
            cases: dict[str, Callable[[], float]] = {case: partial(seconds, case, url, pages, folder) for case in CASES}
            found = in_turn(rounds, cases)
        finally:
            server.kill()
            server.wait()
    medians = {case: median(values) for case, values in found.items()}
    report(
        "poll",
        {
            "pages": pages,
            "rounds": rounds,
            "cpu_us_per_request": {case: round(1e6 * value) for case, value in medians.items()},
            "ratio_to_session": {case: round(value / medians["session"], 2) for case, value in medians.items()},
        },
        keep=not options.quick,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
