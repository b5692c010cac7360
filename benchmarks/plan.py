"""`factory plan` over 1,000 pipelines of which ten changed, start included: with a folder, and with a revision."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

from benchmarks import pipelines
from benchmarks.airflow_home import CHECKOUT
from benchmarks.measure import arguments, in_turn, median, report, run

CHANGED = 10
AIM_CPU_S = 2.0


def main() -> int:
    options = arguments(__doc__).parse_args()
    number = 20 if options.quick else 1000
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        pipelines.write_ours(root / "pipelines", number)
        _git(root, "init", "--quiet")
        _git(root, "add", ".")
        _git(root, "-c", "user.name=bench", "-c", "user.email=bench@example.com", "commit", "--quiet", "-m", "before")
        shutil.copytree(root / "pipelines", root / "before")
        for path in sorted((root / "pipelines").glob("*.yaml"))[:CHANGED]:
            path.write_text(path.read_text().replace("retries: ", "retries: 1"))
        environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
        factory = partial(run, environment=environment, log=root / "output.log", cwd=root)
        command = [sys.executable, "-m", "factory.cli", "plan"]
        cases = {
            "with a folder": partial(factory, [*command, "before"]),
            "with a revision": partial(factory, [*command, "HEAD"]),
        }
        for case in () if options.quick else cases.values():
            case()  # the operating system's cache, and Python's bytecode
        found = in_turn(1 if options.quick else options.rounds or 5, cases)
        said = (root / "output.log").read_text().splitlines()[0]
    result = {
        "pipelines": number,
        "changed": CHANGED,
        "said": said.rpartition(": ")[2],
        "aim_cpu_s": AIM_CPU_S,
        "cpu_s": {name: round(median(cost.cpu for cost in costs), 2) for name, costs in found.items()},
        "wall_s": {name: round(median(cost.wall for cost in costs), 2) for name, costs in found.items()},
    }
    report("plan", result, keep=not options.quick)
    return 0


def _git(folder: Path, *words: str) -> None:
    subprocess.run(["git", *words], cwd=folder, check=True)  # noqa: S603, S607 # git is found on the path


if __name__ == "__main__":
    sys.exit(main())
