"""`factory try` from a cold start to a task's first line, beside a process that imports Airflow and builds that DAG.

The pipeline is that of `pipelines.py`; the task is its first Python function, whose module says how much CPU was used
when the function is called. Beside it, the same DAG in hand-written Python, built without running anything.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from benchmarks import pipelines
from benchmarks.airflow_home import CHECKOUT
from benchmarks.measure import arguments, in_turn, median, report, run

AIM_RATIO = 1.5
_SAY = 'import resource\nused = resource.getrusage(resource.RUSAGE_SELF)\nprint("CPU", used.ru_utime + used.ru_stime)\n'
_CPU = re.compile(r"CPU ([\d.]+)")


def main() -> int:
    options = arguments(__doc__).parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        pipelines.write_ours(root / "pipelines", 1)
        (pipeline,) = (root / "pipelines").glob("*.yaml")
        module = root / "pipelines" / f"{pipelines.MODULE}.py"
        said = "".join(f"    {line}\n" for line in _SAY.splitlines())
        module.write_text(module.read_text().replace("day):\n", f"day):\n{said}", 1))
        (root / "by_hand.py").write_text(pipelines.PYTHON.replace("NUMBER", "0").replace("MINUTE", "0") + _SAY)
        home = {**os.environ, "AIRFLOW_HOME": str(root / "home"), "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}
        python = {**home, "PYTHONPATH": os.pathsep.join([str(CHECKOUT), str(root / "pipelines")])}
        tried = [sys.executable, "-m", "factory.cli", "try", str(pipeline), "--task", "extract"]
        cases = {
            "factory try": partial(_cpu, tried, python, root),
            "import Airflow and build": partial(_cpu, [sys.executable, str(root / "by_hand.py")], python, root),
        }
        for case in () if options.quick else cases.values():
            case()  # the operating system's cache, and Python's bytecode
        found = in_turn(1 if options.quick else options.rounds or 7, cases)
    cpu = {name: median(values) for name, values in found.items()}
    result = {
        "aim_ratio": AIM_RATIO,
        "cpu_s_until_then": {name: round(value, 2) for name, value in cpu.items()},
        "ratio": round(cpu["factory try"] / cpu["import Airflow and build"], 2),
    }
    report("try_start", result, keep=not options.quick)
    return 0


def _cpu(command: Sequence[str], environment: Mapping[str, str], root: Path) -> float:
    """Seconds of CPU that the process had used at its line `CPU …`."""
    log = root / "output.log"
    run(command, environment=environment, log=log, cwd=root)
    found = _CPU.search(log.read_text())
    if found is None:
        raise ValueError(f"no line of CPU in: {log.read_text()[-1000:]}")
    return float(found[1])


if __name__ == "__main__":
    sys.exit(main())
