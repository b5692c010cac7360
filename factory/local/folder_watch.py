"""Whether the pipelines folder is there: without it Airflow goes on with what it read last, and only a log says so."""

from __future__ import annotations

from pathlib import Path

from factory.local.event import Event, in_columns


class FolderWatch:
    """Remembers what it told last."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._there = True

    def look(self) -> Event | None:
        """The event where the folder has gone or come back since the last look."""
        there = self._folder.is_dir()
        if there == self._there:
            return None
        self._there = there
        if there:
            return Event(in_columns("back", self._folder.name), f"the folder {self._folder} is there again")
        return Event(
            in_columns("missing", self._folder.name),
            f"there is no folder {self._folder} any more; its pipelines stay as they were until it is back",
        )
