"""Pipelines that Airflow cannot read because the process that reads them dies. Airflow itself tells nobody:
such a parse leaves no import error, and the DAG as it was."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from factory.local.task_logs import entries, how_it_died

TAIL_BYTES = 16 * 1024
BEGIN = "Filling up the DagBag from "
CALLBACKS = ("Executing on_", "Executing Task callback", "Sending ")
"""What the log of a process says that only runs callbacks, which parses the file and keeps nothing of it."""

PATIENCE = timedelta(seconds=90)
"""Airflow ends a parse after 50 s by default, and its log does not say so."""


class UnreadFiles:
    """Compares the logs of Airflow's parses with what it kept. `files` is the folder that it reads."""

    def __init__(self, logs: Path, files: Path) -> None:
        self._logs = logs
        self._files = files

    def look(self, kept: Mapping[str, datetime]) -> dict[str, str]:
        """File → why it could not be read. `kept`: file → when Airflow last wrote down what it read there."""
        found = {}
        for name, log in self._latest_logs():
            last = kept.get(name, datetime.min.replace(tzinfo=UTC))
            # A log that is older than what was kept tells of parses that went well.
            if datetime.fromtimestamp(log.stat().st_mtime, UTC) > last and (self._files / name).is_file():
                why = _why(entries(_tail(log)), last)
                if why:
                    found[name] = f"{why}; see {log}"
        return found

    def _latest_logs(self) -> Iterator[tuple[str, Path]]:
        """The newest log of every file. Airflow has a folder for each day; a file is parsed more often."""
        seen = set()
        for day in sorted(self._logs.glob("[0-9]*-*/"), reverse=True)[:2]:
            for log in day.glob("*/**/*.log"):
                name = "/".join(log.relative_to(day).parts[1:]).removesuffix(".log")
                if name not in seen:
                    seen.add(name)
                    yield name, log


def _why(log: list[Mapping[str, Any]], kept: datetime) -> str:
    """Of the last parse in a log."""
    begins = [number for number, entry in enumerate(log) if str(entry.get("event")).startswith(BEGIN)]
    last = log[begins[-1] :] if begins else log
    if any(str(entry.get("event")).startswith(CALLBACKS) for entry in last):
        return ""
    died = next((entry for entry in last if how_it_died(entry)), None)
    if died is not None:
        return f"the process that reads it {how_it_died(died)}" if _time(died) > kept else ""
    forgotten = begins and _time(last[0]) > kept and datetime.now(UTC) - _time(last[0]) > PATIENCE
    return "Airflow has kept nothing of it" if forgotten else ""


def _time(entry: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(str(entry["timestamp"]))


def _tail(path: Path) -> str:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - TAIL_BYTES))
        return file.read().decode(errors="replace")
