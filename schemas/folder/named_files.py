"""The files below a pipelines folder, listed once and found by what a text may call them."""

from __future__ import annotations

import fnmatch
import os
import posixpath
import re
from collections import defaultdict
from pathlib import Path

_MAX_TEMPLATE_BYTES = 1024 * 1024
_PATTERN = re.compile(r"[^\s*]*\*[^\s]*\.[A-Za-z][A-Za-z0-9]{0,9}")


class FolderFiles:
    """The files below a folder, by path and by the ends of their paths."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
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
        if "*" not in pattern or not _PATTERN.fullmatch(pattern):
            return frozenset()
        if pattern not in self._matching:
            self._matching[pattern] = frozenset(fnmatch.filter(self.paths, f"*{pattern.lstrip('./')}"))
        return self._matching[pattern]
