"""Modules outside the folders of the search path: `.pth` files and editable installs."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from schemas.source.facts import Unreadable
from schemas.source.parse import parse
from schemas.source.syntax import literal_mapping

_SITE_FOLDERS = frozenset({"site-packages", "dist-packages"})


def with_path_files(search_path: Sequence[str]) -> Iterator[str]:
    """The search path with the folders that its `.pth` files add.

    https://docs.python.org/3/library/site.html: a line is a folder; lines that start with `import` are
    executed by Python and therefore skipped here.
    """
    for entry in search_path:
        yield entry
        for file in _site_files(entry, "*.pth"):
            for line in _lines(file):
                text = line.strip()
                if text and not text.startswith(("#", "import ", "import\t")):
                    yield os.path.join(entry, text)  # noqa: PTH118 - as Python's site module joins it


def editable_modules(folders: Iterable[str]) -> Mapping[str, str]:
    """Top-level name → its place, as setuptools' editable installs write it into a literal `MAPPING`."""
    modules: dict[str, str] = {}
    for folder in folders:
        for file in _site_files(folder, "__editable___*_finder.py"):
            for name, place in _mapping(file, file.stat().st_mtime_ns).items():
                if isinstance(place, str):
                    modules.setdefault(name, place)
    return modules


def _site_files(folder: str, pattern: str) -> list[Path]:
    path = Path(folder)
    return sorted(path.glob(pattern)) if path.name in _SITE_FOLDERS else []


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        # Python skips a `.pth` file that it cannot read, too.
        return []


@lru_cache(64)
def _mapping(file: Path, _: int) -> Mapping[str, object]:
    try:
        tree = parse(file.read_bytes())
    except OSError:
        return {}
    for node in () if isinstance(tree, Unreadable) else tree.body:
        match node:
            case (
                ast.Assign(targets=[ast.Name(id="MAPPING")], value=value)
                | ast.AnnAssign(target=ast.Name(id="MAPPING"), value=ast.expr() as value)
            ):
                return literal_mapping(value)
            case _:
                continue
    return {}
