"""What more pipelines cost the dag-processor: CPU of a first refresh, one without changes, an edit, root defaults.

It measures the bundle's own part, in one process. What Airflow does with each changed file is in `edit_to_visible`.
`python -m benchmarks.growth --draw` draws the last result again.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks import pipelines
from benchmarks.measure import RESULTS, arguments, median, report
from factory.bundle.archives import ArchiveStore
from factory.bundle.records import Origin
from factory.bundle.refresh import Refresher
from factory.bundle.store import Store
from factory.reporters.in_force import beside_text
from schemas.check.dependencies import pipeline_files

EDITS = 5


def cpu(step: Callable[[], object]) -> float:
    """Seconds of CPU of a step."""
    start = time.process_time()
    step()
    return round(time.process_time() - start, 3)


def measured(number: int, root: Path) -> dict[str, float]:
    """Each step's CPU seconds for a folder with so many pipelines."""
    folder = pipelines.write_ours(root / "files", number)
    defaults = folder / "_defaults.yaml"
    defaults.write_text("tags: [first]\n")
    edited = [path for path in sorted(folder.glob("*.yaml")) if path != defaults][:EDITS]
    refresher = Refresher(
        origin=Origin(str(folder), ""),
        store=Store(root / "store"),
        files=pipeline_files,
        loader="factory.stub_loader",
        beside=beside_text,
    )
    found = {"first": cpu(refresher.refresh), "unchanged": cpu(refresher.refresh)}
    edits: list[float] = []
    for path in edited:
        path.write_text(path.read_text() + "# edited\n")
        edits.append(cpu(refresher.refresh))
    found["edit"] = median(edits)
    defaults.write_text("tags: [second]\n")
    found["root_defaults"] = cpu(refresher.refresh)

    archives = ArchiveStore(f"file://{root}/archives")
    manifest = refresher.store.manifest(next(iter(refresher.store.versions())))
    archives.put(manifest, refresher.store.read)
    found["archive_bytes"] = (root / "archives" / f"{manifest.version}.gz").stat().st_size
    worker = Store(root / "worker")
    found["fetch_and_unpack"] = cpu(lambda: worker.unpack(manifest.version, archives.fetch(manifest.version)))
    return found


def draw(seconds: dict[str, dict[str, float]]) -> None:
    """The curve of each step over the number of pipelines, both by their logarithm: a straight line of slope 1 is in
    proportion."""
    import vl_convert  # noqa: PLC0415 # of the extra `chart`

    rows = [
        {"pipelines": int(number), "seconds": value, "step": step.replace("_", " ")}
        for number, steps in seconds.items()
        for step, value in steps.items()
        if step != "archive_bytes"
    ]
    logarithmic = {"type": "quantitative", "scale": {"type": "log"}}
    spec = {
        "data": {"values": rows},
        "width": 420,
        "height": 320,
        "mark": {"type": "line", "point": True},
        "encoding": {
            "x": {"field": "pipelines", **logarithmic},
            "y": {"field": "seconds", "title": "seconds of CPU", **logarithmic},
            "color": {"field": "step", "type": "nominal", "title": None},
        },
    }
    (RESULTS / "growth.svg").write_text(vl_convert.vegalite_to_svg(spec))


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--draw", action="store_true")
    options = parser.parse_args()
    if options.draw:
        draw(json.loads((RESULTS / "growth.json").read_text())["cpu_s_by_pipelines"])
        return
    result = {}
    for number in (20, 40) if options.quick else (100, 1000, 5000):
        with tempfile.TemporaryDirectory() as root:
            result[str(number)] = measured(number, Path(root))
    report("growth", {"cpu_s_by_pipelines": result}, keep=not options.quick)
    if not options.quick:
        draw(result)


if __name__ == "__main__":
    main()
