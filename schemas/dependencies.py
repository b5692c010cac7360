"""What a pipeline's meaning depends on, besides its own text: defaults, Python modules, files it names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from schemas.check import Checker
from schemas.discovery import defaults_paths, pipeline_paths
from schemas.source import SourceReader
from schemas.task import DOTTED_PATH_PATTERN

_DOTTED = re.compile(DOTTED_PATH_PATTERN)
_FILE_NAME = re.compile(r"(?<![\w./-])(?:\./)?[\w-][\w./-]*\.[A-Za-z][A-Za-z0-9]{0,9}(?![\w/-])")
_INCLUDED = re.compile(r"\{%-?\s*(?:include|import|extends|from)\s+[\"']([^\"']+)[\"']")
_MAX_TEMPLATE_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class PipelineFile:
    """One pipeline. Paths are POSIX, below the pipelines folder.

    `dag_ids` are the ids it claims; none where the file cannot be read.
    `depends_on` holds the file itself and every path its meaning depends on, also
    paths that do not exist and would matter if they did.
    """

    path: str
    dag_ids: tuple[str, ...]
    depends_on: frozenset[str]


def pipeline_files(folder: Path) -> tuple[PipelineFile, ...]:
    """All pipelines below a folder that does not change meanwhile; unreadable ones depend on their defaults."""
    checker = Checker(folder)
    scan = _Scan(folder, SourceReader(folder))
    return tuple(
        PipelineFile(path, checker.claims(path), scan.dependencies(path, checker)) for path in pipeline_paths(folder)
    )


class _Scan:
    def __init__(self, folder: Path, reader: SourceReader) -> None:
        self._folder = folder
        self._reader = reader
        self._modules: dict[str, frozenset[str]] = {}

    def dependencies(self, path: str, checker: Checker) -> frozenset[str]:
        found = {path, *defaults_paths(path)}
        effective = checker.effective(path)
        if effective is not None:
            own = PurePosixPath(path).parent
            for text in _texts(effective.data):
                if _DOTTED.fullmatch(text):
                    found |= self._module_files(text)
                for name in _FILE_NAME.findall(text):
                    found |= self._named_files(own, name)
        return frozenset(found)

    def _module_files(self, dotted: str) -> frozenset[str]:
        """The local modules behind a path, and the files that would be such modules."""
        if dotted not in self._modules:
            files = {self._relative(file) for file in self._reader.local_modules(dotted)}
            parts = dotted.split(".")
            for count in range(1, len(parts)):
                module = "/".join(parts[:count])
                files |= {f"{module}.py", f"{module}/__init__.py"}
            self._modules[dotted] = frozenset(files)
        return self._modules[dotted]

    def _named_files(self, own: PurePosixPath, name: str) -> set[str]:
        """A name is looked for where Airflow looks for templates: beside the pipeline, then at the root.

        What an existing template includes counts too.
        """
        found: set[str] = set()
        waiting = [name]
        while waiting:
            current = PurePosixPath(waiting.pop())
            if current.is_absolute() or ".." in current.parts:
                continue
            for place in {own / current, current}:
                if str(place) not in found:
                    found.add(str(place))
                    waiting += self._included(self._folder / place)
        return found

    def _included(self, file: Path) -> list[str]:
        if not file.is_file() or file.stat().st_size > _MAX_TEMPLATE_BYTES:
            return []
        return _INCLUDED.findall(file.read_text(encoding="utf-8", errors="replace"))

    def _relative(self, file: Path) -> str:
        return file.relative_to(self._folder).as_posix()


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for child in value.values():
            yield from _texts(child)
    elif isinstance(value, list):
        for child in value:
            yield from _texts(child)
