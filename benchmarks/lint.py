"""`factory lint` over 500 and 5,000 files, process start included; beside it dag-factory's lint, check-jsonschema with
our JSON Schema, and yamllint.

They do not check the same: yamllint looks at the YAML alone, check-jsonschema at the shape, dag-factory's lint at both.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import pipelines
from benchmarks.airflow_home import CHECKOUT
from benchmarks.measure import Cost, arguments, in_turn, median, report, run
from benchmarks.operator_pipelines import write_operators
from benchmarks.peers import peer

MANY = 1000


def main() -> int:
    parser = arguments(__doc__)
    parser.add_argument("--pipelines", type=int, nargs="+", default=[500, 5000])
    options = parser.parse_args()
    numbers = [20] if options.quick else options.pipelines
    results = [_measured(number, options) for number in numbers]
    report("lint", results[0] | {"more": results[1:]} if results[1:] else results[0], keep=not options.quick)
    return 0


def _measured(number: int, options: argparse.Namespace) -> dict[str, Any]:
    """All linters over so many files, in turn; fewer rounds where there are many files."""
    rounds = 1 if options.quick or number > MANY else options.rounds or 7
    with tempfile.TemporaryDirectory() as folder:
        cases = _cases(Path(folder), number, with_peers=not options.quick)
        for case in () if options.quick or number > MANY else cases.values():
            case()  # the operating system's cache, and Python's bytecode
        found = in_turn(rounds, cases)
    cpu = {name: median(cost.cpu for cost in costs) for name, costs in found.items()}
    return {
        "files": number,
        "lines_each": pipelines.OURS.count("\n"),
        "rounds": rounds,
        "cpu_s": {name: round(value, 2) for name, value in cpu.items()},
        "wall_s": {name: round(median(cost.wall for cost in costs), 2) for name, costs in found.items()},
        "memory_mib": {name: round(median(cost.memory for cost in costs)) for name, costs in found.items()},
        "ratio_to_ours": {name: round(value / cpu["factory lint"], 2) for name, value in cpu.items()},
    }


def _cases(root: Path, number: int, *, with_peers: bool) -> dict[str, Callable[[], Cost]]:
    ours = pipelines.write_ours(root / "ours", number)
    one = pipelines.write_ours(root / "one", 1)
    operators = write_operators(root / "operators", number)
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
        "factory lint of operators": partial(measured, [*factory, str(operators)]),
        "dagfactory lint": partial(measured, [sys.executable, "-m", "dagfactory", "lint", str(theirs)]),
    }
    if with_peers:
        relaxed = "{extends: relaxed, rules: {line-length: disable}}"
        cases["yamllint"] = partial(measured, [str(peer("yamllint")), "-d", relaxed, str(ours)])
        schema = str(CHECKOUT / "schemas" / "pipeline.schema.json")
        files = sorted(map(str, ours.glob("*.yaml")))
        cases["check-jsonschema"] = partial(measured, [str(peer("check-jsonschema")), "--schemafile", schema, *files])
    return cases


if __name__ == "__main__":
    sys.exit(main())
