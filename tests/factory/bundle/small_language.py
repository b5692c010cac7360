"""A small language in the place of the real one: what the bundle needs of it, really working.

A pipeline is lines of `key: value`. `dag_id` names the DAG (default: the path, which nobody else has), `uses` a module,
`file` a file below the folder; a line `broken` makes the file unreadable, `fails` makes it fail to build.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from schemas.check.dependencies import PipelineFile
from schemas.folder.discovery import is_pipeline_path


def read(path: Path) -> list[tuple[str, str]]:
    lines = path.read_bytes().decode(errors="replace").splitlines()
    return [(key.strip(), value.strip()) for key, _, value in (line.partition(":") for line in lines)]


def small_file(folder: Path, path: str) -> PipelineFile:
    settings = read(folder / path)
    above = [str(parent / "_defaults.yaml") for parent in PurePosixPath(path).parents]
    named = [value for key, value in settings if key == "file"]
    modules = [value.replace(".", "/") + ".py" for key, value in settings if key == "uses"]
    ids = tuple(value for key, value in settings if key == "dag_id") or (path,)
    broken = any(key == "broken" for key, _ in settings)
    schedules = [(dag_id, value) for key, value in settings if key == "schedule" for dag_id in ids]
    depends_on = frozenset([path, *above, *named, *modules])
    return PipelineFile(path, () if broken else ids, depends_on, schedules=() if broken else tuple(schedules))


def pipeline_files(folder: Path, unchanged: Mapping[str, PipelineFile]) -> tuple[PipelineFile, ...]:
    paths = [file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()]
    return tuple(unchanged.get(path) or small_file(folder, path) for path in sorted(paths) if is_pipeline_path(path))


def load_stub(
    namespace: dict[str, object], path: str, folder: Path, conflicts: tuple[tuple[str, str], ...] = (), **_: object
) -> None:
    from airflow.sdk import DAG  # noqa: PLC0415 - only the tests that build DAGs pay for it

    for dag_id, other in conflicts:
        raise ImportError(f"{path}: the DAG id {dag_id} is also that of {other}")
    if any(key in ("broken", "fails") for key, _ in read(folder / path)):
        raise ImportError(f"{path}: broken")
    for dag_id in small_file(folder, path).dag_ids:
        namespace[dag_id] = DAG(dag_id.replace("/", ".").replace(" ", "_"), schedule=None)
