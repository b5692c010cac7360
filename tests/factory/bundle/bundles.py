"""The bundle under test and a bench to work on it."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

from factory.bundle import PipelineBundle
from factory.bundle.source import SETTLE_SECONDS

from . import small_language

NAME = "pipelines"


class SmallBundle(PipelineBundle):
    files = staticmethod(small_language.pipeline_files)
    beside = None
    loader: ClassVar[str] = small_language.__name__


@dataclass
class Bench:
    """The live folder and the storage of one bundle."""

    folder: Path
    storage: Path
    name: str = NAME
    settle_seconds: float = SETTLE_SECONDS
    empty_seconds: float = 0.0

    @property
    def base(self) -> Path:
        return self.storage / self.name

    @property
    def current(self) -> Path:
        return self.base / "current"

    def bundle(self, version: str | None = None, **kwargs: Any) -> SmallBundle:
        arguments = {"folder": str(self.folder), **kwargs}
        bundle = SmallBundle(name=self.name, version=version, **arguments)
        bundle.settle_seconds = self.settle_seconds
        bundle.empty_seconds = self.empty_seconds
        return bundle

    def write(self, path: str, text: str | bytes) -> Path:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode() if isinstance(text, str) else text)
        return file

    def beside(self, name: str) -> Bench:
        """The same folder with a store of its own."""
        return replace(self, name=name)

    def refreshed(self) -> SmallBundle:
        bundle = self.bundle()
        bundle.refresh()
        return bundle


def version_of(bundle: PipelineBundle) -> str:
    version = bundle.get_current_version()
    assert version is not None
    return version.version


def contents(folder: Path) -> dict[str, bytes]:
    """Relative path → content of every file; folders, which are never empty in a version, come out of it."""
    found = {}
    for root, _, names in os.walk(folder):
        for name in names:
            path = Path(root, name)
            found[path.relative_to(folder).as_posix()] = path.read_bytes()
    return found


def times(folder: Path) -> dict[str, tuple[int, int]]:
    """Relative path → (inode, modification time) of every file."""
    return {path: ((folder / path).stat().st_ino, (folder / path).stat().st_mtime_ns) for path in contents(folder)}
