"""Why a task failed, from the end of its log file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from factory.local.reason import one_line

TAIL_BYTES = 64 * 1024
GENERAL = {"AirflowException", "AirflowFailException"}
"""Their names tell nothing that their texts do not."""


class TaskLogs:
    """The log files of one Airflow home: read here and not by the API, which sends a log as a whole."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def reason(self, row: Mapping[str, Any]) -> str:
        """The last error of an attempt in one line, else where its log is, else nothing: there is no log.

        `row` is a task instance as the REST API has it.
        """
        path = self._path(row)
        try:
            with path.open("rb") as file:
                file.seek(max(0, path.stat().st_size - TAIL_BYTES))
                text = file.read().decode(errors="replace")
        except FileNotFoundError:
            # Never started, or the shell has log names of its own.
            return ""
        except OSError:
            return f"see {path}"
        return next(_errors(text.splitlines()), f"see {path}")

    def _path(self, row: Mapping[str, Any]) -> Path:
        """As Airflow's default `[logging] log_filename_template` has it."""
        mapped = [f"map_index={row['map_index']}"] if row["map_index"] >= 0 else []
        run = f"dag_id={row['dag_id']}", f"run_id={row['dag_run_id']}", f"task_id={row['task_id']}"
        return self._folder.joinpath(*run, *mapped, f"attempt={row['try_number']}.log")


def _errors(lines: list[str]) -> Iterator[str]:
    """The log's errors, the last one first."""
    for line in reversed(lines):
        try:
            entry = json.loads(line)
        except ValueError:
            # The tail may begin in the middle of a line.
            continue
        if isinstance(entry, dict) and entry.get("level") in ("error", "critical"):
            yield _error(entry)


def _error(entry: Mapping[str, Any]) -> str:
    details = entry.get("error_detail")
    if isinstance(details, list) and details and isinstance(details[0], dict):
        raised = details[0]
        kind, value = raised.get("exc_type"), raised.get("exc_value")
        return one_line(str(value) if kind in GENERAL and value else f"{kind}: {value}")
    return one_line(str(entry.get("event", "")))
