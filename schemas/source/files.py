"""What is read of the disk: files → facts, and the modules outside the folders of the search path, by `.pth` files and
editable installs. The facts of a content outlive a reader; what a path holds does not."""

from __future__ import annotations

import ast
import hashlib
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Generic, TypeVar

from schemas.source.facts import Imported, ModuleFacts, Unreadable
from schemas.source.parse import MAX_BYTES, module_facts, module_imports, parse
from schemas.source.syntax import literal_mapping

Computed = TypeVar("Computed")


class FactCache:
    """Facts by the hash of the content they were computed from, the oldest dropped first.

    It never goes stale, so a long-lived process hands one to every reader that it makes.
    """

    def __init__(self, capacity: int = 4096) -> None:
        self._facts = _Bounded(module_facts, capacity)
        self._imports = _Bounded(module_imports, capacity)

    def facts(self, data: bytes) -> ModuleFacts | Unreadable:
        """The facts of a module with this content."""
        return self._facts.get(data)

    def imports(self, data: bytes) -> tuple[Imported, ...]:
        """The import statements of a module with this content."""
        return self._imports.get(data)


class _Bounded(Generic[Computed]):
    """The results of one function of bytes."""

    def __init__(self, compute: Callable[[bytes], Computed], capacity: int) -> None:
        self._compute = compute
        self._capacity = capacity
        self._results: dict[bytes, Computed] = {}

    def get(self, data: bytes) -> Computed:
        key = hashlib.sha256(data).digest()
        if key not in self._results:
            while len(self._results) >= self._capacity:
                del self._results[next(iter(self._results))]
            self._results[key] = self._compute(data)
        return self._results[key]


class SourceFiles:
    """Python files as one reader sees them: each is read once, so that its answers agree."""

    def __init__(self, cache: FactCache) -> None:
        self._cache = cache
        self._contents: dict[Path, bytes | Unreadable] = {}
        self._facts: dict[Path, ModuleFacts | Unreadable] = {}

    def facts(self, file: Path) -> ModuleFacts | Unreadable:
        """The facts of a file, or why there are none."""
        if file not in self._facts:
            data = self._content(file)
            self._facts[file] = data if isinstance(data, Unreadable) else self._cache.facts(data)
        return self._facts[file]

    def imports(self, file: Path) -> tuple[Imported, ...]:
        """The import statements of a file; none if it cannot be read."""
        data = self._content(file)
        return () if isinstance(data, Unreadable) else self._cache.imports(data)

    def mentions(self, file: Path, text: bytes) -> bool:
        """Whether the file holds `text` anywhere."""
        data = self._content(file)
        return not isinstance(data, Unreadable) and text in data

    def _content(self, file: Path) -> bytes | Unreadable:
        if file not in self._contents:
            self._contents[file] = _read(file)
        return self._contents[file]


def _read(file: Path) -> bytes | Unreadable:
    try:
        # Without waiting, as a pipe or a device named *.py would block or never end.
        descriptor = os.open(file, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        with os.fdopen(descriptor, "rb") as stream:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                return Unreadable(1, 1, "it is not a regular file", syntax=False)
            # One byte over the bound is enough for the parser to refuse it.
            return stream.read(MAX_BYTES + 1)
    except OSError as error:
        return Unreadable(1, 1, f"it cannot be read: {error.strerror or error}", syntax=False)


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
