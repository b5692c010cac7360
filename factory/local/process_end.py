"""How a process that Airflow watches ended, from the lines that Airflow itself adds to the process's log."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def entries(text: str) -> list[Mapping[str, Any]]:
    """The log's lines that can be read; the first one may begin in its middle, and others be no JSON."""
    found: list[Mapping[str, Any]] = []
    for line in text.splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict):
            found.append(entry)
    return found


def how_it_died(entry: Mapping[str, Any]) -> str:
    """`exited with 3` or `was killed by SIGKILL`; empty for a line about something else."""
    # Source: `sdk/execution_time/supervisor.py::WatchedSubprocess._check_subprocess_exit`.
    event = str(entry.get("event", ""))
    if event == "Process exited abnormally":
        return f"exited with {entry.get('exit_code')}"
    if "Received SIGSEGV" in event:
        return "was killed by SIGSEGV"
    if not event.startswith("Process terminated by signal"):
        return ""
    name = entry.get("signal_name")
    return f"was killed by {name}" + (" (was memory short?)" if name == "SIGKILL" else "")
