"""The pipelines folder without any pipeline: late, or really emptied."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from factory.bundle.source import FolderUnavailableError
from schemas.folder.discovery import is_pipeline_path

log = logging.getLogger(__name__)

EMPTY_SECONDS = 300.0
ALL = "./"
"""The path, among the problems of a state, of a folder that has lost all its pipelines."""


class EmptyFolder:
    """A folder that has lost all its pipelines. They stay for `seconds`: its mount may be late, or a link was swapped
    before there was anything behind it. Who really removed them all waits that long, and is told.
    """

    def __init__(self, folder: Path, seconds: float) -> None:
        self._folder = folder
        self._seconds = seconds
        self._since: float | None = None

    @property
    def is_held(self) -> bool:
        """Whether the last look found the folder empty, and its pipelines stayed."""
        return self._since is not None

    def holds(self, found: Iterable[str], before: Callable[[], Iterable[str]], owners: Iterable[str]) -> bool:
        """Whether the pipelines among the paths `before` stay, though there is none among those that were `found`.

        `owners` are the pipelines of the DAGs that Airflow has.

        :raises FolderUnavailableError: they stay, and this disk, a new one, has no version of theirs to show.
        """
        is_empty = not any(map(is_pipeline_path, found))
        kept = tuple(filter(is_pipeline_path, before())) if is_empty else ()
        if not (kept or (is_empty and any(owners))):
            self._since = None
            return False
        if self._since is None:
            self._since = time.monotonic()
            log.warning("%s: %s", self._folder, self.problem)
        if time.monotonic() - self._since < self._seconds:
            if not kept:
                raise FolderUnavailableError(f"the pipelines folder {self._folder} {self.problem}")
            return True
        self._since = None
        log.warning("%s: still has no pipeline; those that were there are removed", self._folder)
        return False

    @property
    def problem(self) -> str:
        """What is said of it."""
        return (
            f"has no pipeline any more; those that were there stay for {self._seconds / 60:.0f} minutes, in case they "
            "are back by then, and are removed after that"
        )
