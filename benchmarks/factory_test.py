"""`factory test` with a hundred tests of polls in one command, process start included.

Each test is of a poll with two pages and a Python function behind it, in a file and a pipeline of its own.
"""

from __future__ import annotations

import os
import sys
import tempfile
from functools import partial
from pathlib import Path

from benchmarks.airflow_home import CHECKOUT
from benchmarks.measure import arguments, in_turn, median, report, run

AIM_CPU_S = 15.0

POLL = """\
schedule: "@hourly"
poll:
  url: https://shop.example.com/orders
  params: {region: "<number>"}
  data_selector: data
  pagination: {type: cursor, cursor_path: next, cursor_param: page}
tasks:
  - {id: clean, uses: steps.clean, with: {rows: "${tasks.poll.output}"}}
"""
TEST = """\
tests:
  - name: a second page is followed, and refunds are left out
    given:
      http:
        - request: {url: "https://shop.example.com/orders", params: {region: "<number>"}}
          response: {json: {data: [{id: 1, amount: 3}], next: 2}}
          times: 1
        - request: {url: "https://shop.example.com/orders", params: {page: 2}}
          response: {json: {data: [{id: 2, amount: -1}]}}
    expect:
      tasks: {poll: success, clean: success}
      output: {clean: {rows: [{id: 1, amount: 3}]}}
      requests: 2
"""
STEPS = "def clean(rows):\n    return [row for row in rows if row['amount'] > 0]\n"


def main() -> int:
    options = arguments(__doc__).parse_args()
    number = 3 if options.quick else 100
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary, "pipelines")
        folder.mkdir()
        (folder / "steps.py").write_text(STEPS)
        for each in range(number):
            (folder / f"poll_{each:03}.yaml").write_text(POLL.replace("<number>", str(each)))
            (folder / f"poll_{each:03}.test.yaml").write_text(TEST.replace("<number>", str(each)))
        environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
        command = [sys.executable, "-m", "factory.cli", "test"]
        case = partial(run, command, environment=environment, log=Path(temporary, "output.log"), cwd=Path(temporary))
        found = in_turn(1 if options.quick else options.rounds or 3, {"factory test": case})["factory test"]
    result = {
        "tests": number,
        "aim_cpu_s": AIM_CPU_S,
        "cpu_s": round(median(cost.cpu for cost in found), 2),
        "wall_s": round(median(cost.wall for cost in found), 2),
        "memory_mib": round(median(cost.memory for cost in found)),
    }
    report("factory_test", result, keep=not options.quick)
    return 0


if __name__ == "__main__":
    sys.exit(main())
