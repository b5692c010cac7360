"""`.airflowignore` files: pipelines that are switched off, as Airflow and dag-factory read them (`glob` syntax)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

IGNORE_FILE = ".airflowignore"
_OF_BUNDLES = ("!*.yaml.py", "[yY][aA]?[mM][lL]")
"""What only the file holds that the bundle writes, which leaves Airflow nothing but the stubs."""


class IgnoredPaths:
    """The paths below one folder that its `.airflowignore` files name; each of these is read once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._specs: dict[str, GitIgnoreSpec | None] = {}

    def has(self, path: str) -> bool:
        """Whether a file's POSIX path, or a folder on the way to it, is ignored."""
        parts = path.split("/")
        ways = ("/".join(parts[:end]) + ("/" if end < len(parts) else "") for end in range(1, len(parts) + 1))
        return any(self._is_named(way) for way in ways)

    def _is_named(self, path: str) -> bool:
        """The last pattern that matches decides, of the files from the top down to the path's own folder."""
        decision = False
        start = 0
        while start >= 0:
            spec = self._spec(path[:start])
            found = spec.check_file(path[start:]).include if spec is not None else None
            decision = decision if found is None else found
            following = path.find("/", start)
            start = following + 1 if 0 <= following < len(path) - 1 else -1
        return decision

    def _spec(self, prefix: str) -> GitIgnoreSpec | None:
        if prefix not in self._specs:
            try:
                text = (self._folder / prefix / IGNORE_FILE).read_text(encoding="utf-8")
            except (OSError, ValueError):
                text = ""
            self._specs[prefix] = _read(text) if text and not any(mark in text for mark in _OF_BUNDLES) else None
        return self._specs[prefix]


def _read(text: str) -> GitIgnoreSpec:
    from pathspec import GitIgnoreSpec  # noqa: PLC0415 # few folders have such a file

    return GitIgnoreSpec.from_lines(line.partition("#")[0].strip() for line in text.splitlines())
