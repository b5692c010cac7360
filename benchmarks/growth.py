"""What more pipelines cost the dag-processor: CPU of a first refresh, one without changes, an edit, root defaults.

It measures the bundle's own part, in one process. What Airflow does with each changed file is in `edit_to_visible`.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks import pipelines
from benchmarks.measure import arguments, median, report
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


def main() -> None:
    options = arguments(__doc__).parse_args()
    result = {}
    for number in (20, 40) if options.quick else (100, 1000, 5000):
        with tempfile.TemporaryDirectory() as root:
            result[str(number)] = measured(number, Path(root))
    report("growth", {"cpu_s_by_pipelines": result}, keep=not options.quick)


if __name__ == "__main__":
    main()
