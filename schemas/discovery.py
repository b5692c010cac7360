"""Which files below a pipelines folder are pipelines, and what they are called."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

SUFFIXES = (".yaml", ".yml")
DEFAULTS_STEM = "_defaults"


def pipeline_paths(folder: Path) -> Iterator[str]:
    """POSIX paths below `folder` of its pipelines, sorted; hidden and `_…` files and folders are none.

    Links to folders are followed once: a folder that was seen under another name is left out.
    """
    yield from sorted(_walk(folder, "", frozenset()))


def _walk(folder: Path, prefix: str, seen: frozenset[tuple[int, int]]) -> Iterator[str]:
    status = folder.stat()
    identity = (status.st_dev, status.st_ino)
    if identity in seen:
        return
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(("_", ".")):
                continue
            if entry.is_dir():
                yield from _walk(Path(entry.path), f"{prefix}{entry.name}/", seen | {identity})
            elif entry.name.endswith(SUFFIXES) and entry.is_file():
                yield f"{prefix}{entry.name}"


def is_pipeline_path(path: str) -> bool:
    """Whether a POSIX path below the pipelines folder names a pipeline."""
    parts = PurePosixPath(path).parts
    return path.endswith(SUFFIXES) and not any(part.startswith(("_", ".")) for part in parts)


def is_defaults_path(path: str) -> bool:
    """Whether a POSIX path below the pipelines folder names folder defaults."""
    pure = PurePosixPath(path)
    return pure.stem == DEFAULTS_STEM and pure.suffix in SUFFIXES


def defaults_paths(path: str) -> tuple[str, ...]:
    """Where defaults of a pipeline may stand, from the root to its own folder; they need not exist."""
    parents = [*reversed(PurePosixPath(path).parents)]
    return tuple(str(parent / f"{DEFAULTS_STEM}{suffix}") for parent in parents for suffix in SUFFIXES)


def default_dag_id(path: str) -> str:
    """The DAG id of a file that names none: its path without the ending, `/` as `.`."""
    return re.sub(r"\.ya?ml$", "", path).replace("/", ".")
