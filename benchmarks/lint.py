"""CPU of `factory lint` over 500 files, process start included; beside it dag-factory's lint and yamllint.

They do not check the same: dag-factory's lint and yamllint look at the YAML alone.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks import pipelines
from benchmarks.airflow_home import CHECKOUT
from benchmarks.measure import Cost, arguments, in_turn, median, report, run


def main() -> int:
    parser = arguments(__doc__)
    parser.add_argument("--pipelines", type=int, default=500)
    options = parser.parse_args()
    number = 20 if options.quick else options.pipelines
    rounds = 1 if options.quick else options.rounds or 7
    with tempfile.TemporaryDirectory() as folder:
        cases = _cases(Path(folder), number)
        for case in () if options.quick else cases.values():
            case()  # the operating system's cache, and Python's bytecode
        found = in_turn(rounds, cases)
    cpu = {name: median(cost.cpu for cost in costs) for name, costs in found.items()}
    report(
        "lint",
        {
            "files": number,
            "lines_each": pipelines.OURS.count("\n"),
            "rounds": rounds,
            "cpu_s": {name: round(value, 2) for name, value in cpu.items()},
            "wall_s": {name: round(median(cost.wall for cost in costs), 2) for name, costs in found.items()},
            "ratio_to_ours": {name: round(value / cpu["factory lint"], 2) for name, value in cpu.items()},
        },
        keep=not options.quick,
    )
    return 0


def _cases(root: Path, number: int) -> dict[str, Callable[[], Cost]]:
    ours = pipelines.write_ours(root / "ours", number)
    one = pipelines.write_ours(root / "one", 1)
    theirs = pipelines.write_dag_factory(root / "theirs", number)
    environment = {
        **os.environ,
        "PYTHONPATH": str(CHECKOUT),
        "AIRFLOW_HOME": str(root / "home"),
        "AIRFLOW__DAG_FACTORY__ENABLE_TELEMETRY": "False",
    }
    measured = partial(run, environment=environment, log=root / "output.log", cwd=root)
    factory = [sys.executable, "-m", "factory.cli", "lint"]
    cases: dict[str, Callable[[], Cost]] = {
        "factory lint": partial(measured, [*factory, str(ours)]),
        "factory lint of one file": partial(measured, [*factory, str(one)]),
        "dagfactory lint": partial(measured, [sys.executable, "-m", "dagfactory", "lint", str(theirs)]),
    }
    yamllint = shutil.which("yamllint", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if yamllint:
        relaxed = "{extends: relaxed, rules: {line-length: disable}}"
        cases["yamllint"] = partial(measured, [yamllint, "-d", relaxed, str(ours)])
    return cases


if __name__ == "__main__":
    sys.exit(main())
