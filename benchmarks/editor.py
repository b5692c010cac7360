"""`factory editor`: from a change to the findings, among a thousand pipelines, and what ten thousand changes leave.

A client over standard input and output types one character after the other into one file, and waits for the findings of
each; the time holds the pause of 20 ms that the server waits for the next key.
Exit status: 1 where an aim is missed, on a quiet machine; `--quick` compares nothing.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from pathlib import Path

import psutil

from benchmarks.measure import arguments, percentile, report
from tests.factory.cli.editor.client import Editor, editor

AIM_P95_MS = 100.0
AIM_GROWTH_MB = 2.0
PIPELINE = """\
schedule: "{minute} 6 * * *"
tasks:
  - {{id: extract, uses: steps.extract}}
  - {{id: load, uses: steps.load, needs: [extract], with: {{rows: "${{tasks.extract.output}}"}}}}
  - {{id: report, uses: bash, needs: [load], with: {{bash_command: echo done}}}}
"""


def main() -> int:
    options = arguments(__doc__).parse_args()
    pipelines, timed, edits = (20, 10, 50) if options.quick else (1000, 300, 10_000)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary, "pipelines")
        folder.mkdir()
        (folder / "steps.py").write_text("def extract():\n    return []\n\n\ndef load(rows):\n    ...\n")
        for number in range(pipelines):
            (folder / f"p{number:04}.yaml").write_text(PIPELINE.format(minute=number % 60))
        taken, grown = asyncio.run(measured(folder, timed, edits))
    figures = {
        "pipelines": pipelines,
        "change_to_findings_ms": {"p50": round(percentile(taken, 50)), "p95": round(percentile(taken, 95))},
        "aim_p95_ms": AIM_P95_MS,
        "edits": edits,
        "memory_grown_mb": grown,
        "aim_growth_mb": AIM_GROWTH_MB,
    }
    report("editor", figures, keep=not options.quick)
    is_met = percentile(taken, 95) <= AIM_P95_MS and grown <= AIM_GROWTH_MB
    return 0 if is_met or options.quick else 1


async def measured(folder: Path, timed: int, edits: int) -> tuple[list[float], float]:
    """Milliseconds of each timed change, and megabytes that the server grew by in the second half of the edits."""
    path = "p0005.yaml"
    text = PIPELINE.format(minute=5)
    async with editor(folder) as opened:
        opened.open(path)
        await opened.findings(path, set())
        taken = []
        for number in range(timed):
            wrong = number % 2 == 0
            started = time.perf_counter()
            opened.type(path, text.replace("needs", "nedes", 1) if wrong else text)
            await opened.findings(path, {"PF102"} if wrong else set())
            taken.append((time.perf_counter() - started) * 1000)
        half = await _typed(opened, path, text, edits // 2)
        return taken, round((await _typed(opened, path, text, edits // 2) - half) / 1e6, 1)


async def _typed(opened: Editor, path: str, text: str, edits: int) -> int:
    """Type in bursts of twenty; returns the server's memory after them."""
    for number in range(edits):
        opened.type(path, f"{text}# {number}\n")
        if number % 20 == 19:
            await asyncio.sleep(0.06)
    opened.type(path, text.replace("needs", "nedes", 1))
    await opened.findings(path, {"PF102"})
    opened.type(path, text)
    await opened.findings(path, set())
    (server,) = (one for one in psutil.Process().children() if "factory.cli" in " ".join(one.cmdline()))
    return int(server.memory_info().rss)


if __name__ == "__main__":
    sys.exit(main())
