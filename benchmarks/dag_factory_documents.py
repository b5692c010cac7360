"""500 documents of dag-factory loaded by dag-factory's loader and by ours, and a task start among 1, 100 and 500.

CPU, wall time and memory of loading, without what a process imports. Ours reads, checks against the operators' source
and builds with dag-factory's builder; a task start is the one stub that Airflow parses then.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks import dag_factory_process, pipelines
from benchmarks.airflow_home import LOCAL, AirflowHome
from benchmarks.measure import arguments, in_turn, median, report, run

SIZES = (1, 100, 500)
BOTH = ("dag-factory", "ours")


def main() -> int:
    options = arguments(__doc__).parse_args()
    sizes = (1, 20) if options.quick else SIZES
    rounds = 1 if options.quick else options.rounds or 5
    with tempfile.TemporaryDirectory() as root:
        folders = {number: pipelines.write_dag_factory(Path(root) / str(number), number) for number in sizes}
        home = AirflowHome(Path(root) / "home", folders[sizes[-1]], LOCAL)
        cases: dict[str, Callable[[], dict[str, float]]] = {
            f"all/{who}": partial(measured, home, "all", who, folders[sizes[-1]], sizes[-1]) for who in BOTH
        }
        for number in sizes:
            for who in BOTH:
                cases[f"one/{who}/{number}"] = partial(measured, home, "one", who, folders[number], number)
        found = in_turn(rounds, cases)
    middle = {
        name: {key: median(one[key] for one in values) for key in ("cpu_s", "wall_s", "memory_mib")}
        for name, values in found.items()
    }
    report(
        "dag_factory_documents",
        {
            "documents": sizes[-1],
            "rounds": rounds,
            "load_all": {who: _rounded(middle[f"all/{who}"]) for who in BOTH},
            "cpu_of_dag_factory_to_ours": round(
                median(
                    theirs["cpu_s"] / ours["cpu_s"]
                    for theirs, ours in zip(found["all/dag-factory"], found["all/ours"], strict=True)
                ),
                2,
            ),
            "task_start_cpu_ms": {
                f"{who}/{number}": round(1000 * middle[f"one/{who}/{number}"]["cpu_s"], 1)
                for who in BOTH
                for number in sizes
            },
        },
        keep=not options.quick,
    )
    return 0


def measured(home: AirflowHome, what: str, who: str, folder: Path, number: int) -> dict[str, float]:
    """One process's answer. Raises RuntimeError where it did not load what it should have."""
    answer = home.root / "answer.json"
    dag_id = pipelines.dag_id(number // 2)
    command = [sys.executable, dag_factory_process.__file__, str(answer), what, who, str(folder), dag_id]
    run(command, environment=home.environment, log=home.root / "process.log", cwd=home.root)
    found: dict[str, float] = json.loads(answer.read_text())
    expected = 1 if (what, who) == ("one", "ours") else number
    if found["dags"] != expected:
        raise RuntimeError(f"{who} loaded {found['dags']} DAGs of {expected}")
    return found


def _rounded(values: dict[str, float]) -> dict[str, float]:
    return {key: round(value, 2) for key, value in values.items()}


if __name__ == "__main__":
    sys.exit(main())
