"""A project's pipelines folder: where it is, which environment is chosen, and its files, found by what a text may call
them."""

from __future__ import annotations

import fnmatch
import os
import posixpath
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

from schemas.findings.suggestions import meant

FOLDER_VARIABLE = "PIPELINES_FOLDER"
FOLDER_NAME = "pipelines"
TEMPLATES = "_templates"
"""The folder of templates, in the pipelines folder alone."""
ENVIRONMENT_VARIABLE = "PIPELINE_ENVIRONMENT"
"""Its value names the one of the pipelines' `environments` that overrides the rest; unset or empty: none."""


def pipelines_folder(target: Path | None = None, environ: Mapping[str, str] | None = None) -> Path:
    """The folder that a path to lint belongs to; its ids and defaults are relative to it.

    `PIPELINES_FOLDER` if it contains the target; else the nearest folder called `pipelines` above (or at) it; else
    the folder `pipelines` in it, the folder whose `_templates` it is in, the target itself, or the folder it lies in.
    Without a target: `PIPELINES_FOLDER`, else `pipelines`.
    """
    environ = os.environ if environ is None else environ
    configured = environ.get(FOLDER_VARIABLE)
    if target is None:
        return Path(configured or FOLDER_NAME)
    absolute = lexically_absolute(target)
    if configured and absolute.is_relative_to(lexically_absolute(Path(configured))):
        return Path(configured)
    for parent in (absolute, *absolute.parents):
        if parent.name == FOLDER_NAME and parent.is_dir():
            return parent
    if (absolute / FOLDER_NAME).is_dir():
        return absolute / FOLDER_NAME
    around = absolute if absolute.is_dir() else absolute.parent
    return around.parent if around.name == TEMPLATES else around


def lexically_absolute(path: Path) -> Path:
    """The absolute path with `..` gone and links kept: a linked file belongs to the folder of its link."""
    return Path(os.path.abspath(path))  # noqa: PTH100 # pathlib's resolve() follows links


def undeclared(environment: str | None, known: Iterable[str]) -> str | None:
    """The error for a chosen environment that is not `known`; None if it is."""
    names = tuple(dict.fromkeys(known))
    if not environment or environment in names:
        return None
    hint = meant(environment, names) or (f"there are {', '.join(names)}" if names else "none is declared")
    return f"no pipeline declares the environment `{environment}`; {hint}"


_MAX_TEMPLATE_BYTES = 1024 * 1024
_PATTERN = r"[^\s*]*\*[^\s]*\.[A-Za-z][A-Za-z0-9]{0,9}"


class FolderFiles:
    """The files below a folder, by path and by the ends of their paths."""

    def __init__(self, folder: Path) -> None:
        self.folder = lexically_absolute(folder)
        self.paths = frozenset(
            posixpath.normpath(posixpath.join(Path(root).relative_to(self.folder).as_posix(), name))
            for root, _, names in os.walk(self.folder)
            for name in names
        )
        self._matching: dict[str, frozenset[str]] = {}
        self._by_end: defaultdict[str, set[str]] = defaultdict(set)
        for path in self.paths:
            parts = path.split("/")
            for start in range(len(parts)):
                self._by_end["/".join(parts[start:])].add(path)

    def named(self, name: str) -> set[str]:
        """The files whose name, or whose path from some folder on, this is."""
        return self._by_end.get(name, set())

    def ending(self, end: str) -> set[str]:
        """The files whose path ends with this text, be it a whole name or not."""
        return {path for path in self.paths if path.endswith(end)} | self.named(end.lstrip("/"))

    def text(self, path: str) -> str:
        """The text of a listed file that may be a template; nothing where it is too large for one.

        :raises OSError: the file cannot be read.
        """
        file = self.folder / path
        if path not in self.paths or not file.is_file() or file.stat().st_size > _MAX_TEMPLATE_BYTES:
            return ""
        return file.read_text(encoding="utf-8", errors="replace")

    def matching(self, pattern: str) -> frozenset[str]:
        """The files that a pattern of names with a `*` and an ending may mean, from whatever folder it starts.

        Without an ending (`*`, a product, a text with asterisks) it says nothing about which files are meant.
        """
        if "*" not in pattern or not re.fullmatch(_PATTERN, pattern):
            return frozenset()
        if pattern not in self._matching:
            self._matching[pattern] = frozenset(fnmatch.filter(self.paths, f"*{pattern.lstrip('./')}"))
        return self._matching[pattern]
