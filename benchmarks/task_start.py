"""Time from a task's start, at `PipelineBundle.initialize()`, to the first line of the user's code.

Among 1, 100 and 1,000 pipelines; in processes forked from one that has loaded Airflow and its plugins (LocalExecutor,
Celery) and in cold ones (Kubernetes); ours, hand-written Python in Airflow's own bundle, dag-factory's loader.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks import pipelines, task_start_process
from benchmarks.airflow_home import LOCAL, OURS, AirflowHome
from benchmarks.measure import arguments, in_turn, report, run

SIZES = (1, 100, 1000)
FORMS: dict[str, tuple[Callable[[Path, int], Path], str, str]] = {
    # How it is written, the bundle's class, and the DAG file of a DAG id.
    "ours": (pipelines.write_ours, OURS, "{}.yaml.py"),
    "hand-written": (pipelines.write_python, LOCAL, "{}.py"),
    "dag-factory": (pipelines.write_dag_factory, LOCAL, "loader.py"),
}
# Its first line; the process that waits for it takes the difference.
STARTED = "\n\ndef extract(shop, day):\n    import time\n\n    return time.monotonic()\n"


class Case:
    """Pipelines of one form and number, ready to run a task of the one in the middle."""

    def __init__(self, root: Path, form: str, number: int, python: str = sys.executable) -> None:
        self._python = python
        write, bundle, dag_file = FORMS[form]
        folder = write(root / "files", number)
        with (folder / f"{pipelines.MODULE}.py").open("a") as module:
            module.write(STARTED)
        self._home = AirflowHome(root / "home", folder, bundle)
        self._dag_id = pipelines.dag_id(number // 2)
        self._dag_file = dag_file.format(self._dag_id)
        self._version = str(self._process("version"))

    def forked(self, count: int) -> list[float]:
        """Seconds of some starts in forks of one process."""
        return self._seconds("forked", count)

    def cold(self) -> list[float]:
        """Seconds of a start in a process of its own, after what Airflow's task runner imports by itself."""
        return self._seconds("cold", 1)

    def _seconds(self, mode: str, count: int) -> list[float]:
        found = self._process(mode, self._version, self._dag_file, self._dag_id, str(count))
        assert isinstance(found, list)  # noqa: S101 # for the type checker
        return [float(value) for value in found]

    def _process(self, *words: str) -> object:
        answer = self._home.root / "answer.json"
        command = [self._python, task_start_process.__file__, str(answer), *words]
        log = self._home.root / "process.log"
        run(command, environment=self._home.environment, log=log, cwd=self._home.root)
        return json.loads(answer.read_text())


def main() -> int:
    options = arguments(__doc__).parse_args()
    sizes = (1, 20) if options.quick else SIZES
    rounds = 1 if options.quick else options.rounds or 5
    with tempfile.TemporaryDirectory() as folder:
        ready = {
            (form, number): Case(Path(folder) / f"{form}-{number}", form, number) for form in FORMS for number in sizes
        }
        cases: dict[str, Callable[[], list[float]]] = {}
        for (form, number), case in ready.items():
            cases[f"forked/{form}/{number}"] = partial(case.forked, 3)
            cases[f"cold/{form}/{number}"] = case.cold
        found = in_turn(rounds, cases)
    samples = {name: [value for some in values for value in some] for name, values in found.items()}
    report(
        "task_start",
        {
            "rounds": rounds,
            "median_ms": {name: round(1000 * statistics.median(values), 1) for name, values in samples.items()},
            "fastest_ms": {name: round(1000 * min(values), 1) for name, values in samples.items()},
            "ratio_of_most_to_one": {
                f"{mode}/{form}": round(
                    statistics.median(samples[f"{mode}/{form}/{sizes[-1]}"])
                    / statistics.median(samples[f"{mode}/{form}/1"]),
                    2,
                )
                for mode in ("forked", "cold")
                for form in FORMS
            },
        },
        keep=not options.quick,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
