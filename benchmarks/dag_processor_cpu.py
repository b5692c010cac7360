"""CPU of the dag-processor for each pipeline, forks included: ours, hand-written Python, dag-factory.

Each case is one `airflow dag-processor --num-runs 1` over an empty database; what a run over one pipeline costs is
taken off, so that starting Airflow does not count.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path

from benchmarks import pipelines
from benchmarks.airflow_home import LOCAL, OURS, AirflowHome
from benchmarks.measure import arguments, in_turn, median, report


@dataclass(frozen=True)
class Form:
    """How a set of pipelines is written, and how many of them are enough to measure."""

    write: Callable[[Path, int], Path]
    bundle: str
    share: float = 1.0


FORMS = {
    "ours": Form(pipelines.write_ours, OURS),
    "hand-written": Form(pipelines.write_python, LOCAL),
    "dag-factory, one loader": Form(pipelines.write_dag_factory, LOCAL),
    # Slow, and its cost for each file does not depend on their number.
    "dag-factory, a loader each": Form(pipelines.write_dag_factory_single, LOCAL, share=0.1),
}


class Bench:
    """Measures in homes of its own below `root`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._numbers = count()
        self._migrated = AirflowHome(root / "migrated", root)
        self._migrated.migrate()

    def cpu(self, form: Form, number: int) -> float:
        """CPU seconds of a dag-processor that takes in this many pipelines once."""
        place = self.root / f"run{next(self._numbers)}"
        home = AirflowHome(place / "home", form.write(place / "files", number), form.bundle)
        home.copy_database(self._migrated)
        cost = home.airflow("dag-processor", "--num-runs", "1")
        ((found,),) = home.query("SELECT count(*) FROM serialized_dag")
        if found != number:
            errors = home.query("SELECT filename, stacktrace FROM import_error LIMIT 3")
            raise RuntimeError(f"{found} of {number} pipelines became DAGs in {place}: {errors}")
        shutil.rmtree(place)
        return cost.cpu


def main() -> int:
    parser = arguments(__doc__)
    parser.add_argument("--pipelines", type=int, default=500)
    parser.add_argument("--only", action="append", choices=FORMS, help="only these forms; nothing is kept")
    options = parser.parse_args()
    number = 5 if options.quick else options.pipelines
    rounds = 1 if options.quick else options.rounds or 3
    forms = {name: FORMS[name] for name in options.only or FORMS}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        bench = Bench(Path(folder))
        numbers = {name: max(3, round(number * form.share)) for name, form in forms.items()}
        cases = {
            f"{name}/{kind}": partial(bench.cpu, form, size)
            for name, form in forms.items()
            for kind, size in (("one", 1), ("all", numbers[name]))
        }
        found = in_turn(rounds, cases)
    each = {
        name: [(whole - median(found[f"{name}/one"])) / (numbers[name] - 1) for whole in found[f"{name}/all"]]
        for name in forms
    }
    base = median(each["hand-written"]) if "hand-written" in each else None
    report(
        "dag_processor_cpu",
        {
            "pipelines": numbers,
            "rounds": rounds,
            "cpu_ms_per_pipeline": {name: round(1000 * median(values), 1) for name, values in each.items()},
            "cpu_ms_per_pipeline_each_round": {
                name: [round(1000 * value, 1) for value in values] for name, values in each.items()
            },
            "ratio_to_hand_written": {name: round(median(v) / base, 2) for name, v in each.items()} if base else None,
            "cpu_s_of_one_pipeline_start_included": {name: round(median(found[f"{name}/one"]), 2) for name in forms},
        },
        keep=not options.quick and not options.only,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
