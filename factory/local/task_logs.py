"""Why a task failed, from the end of its log file."""

from __future__ import annotations

import ast
import contextlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from factory.local.process_end import entries, how_it_died
from factory.local.reason import cut, one_line

TAIL_BYTES = 64 * 1024
GENERAL = {"AirflowException", "AirflowFailException"}
"""Their names tell nothing that their texts do not."""

REFUSED = re.compile(r"API_SERVER_ERROR: (?P<text>\{.*\})", re.DOTALL)
"""Source: `sdk/exceptions.py::AirflowRuntimeError`."""


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
        reason = next(_errors(entries(text)), "")
        if not reason:
            return f"see {path}"
        return reason if cut(reason) == reason else f"{cut(reason)} (log: {path})"

    def _path(self, row: Mapping[str, Any]) -> Path:
        """As Airflow's default `[logging] log_filename_template` has it."""
        mapped = [f"map_index={row['map_index']}"] if row["map_index"] >= 0 else []
        run = f"dag_id={row['dag_id']}", f"run_id={row['dag_run_id']}", f"task_id={row['task_id']}"
        return self._folder.joinpath(*run, *mapped, f"attempt={row['try_number']}.log")


def _errors(log: list[Mapping[str, Any]]) -> Iterator[str]:
    """The log's errors, the last one first."""
    for entry in reversed(log):
        died = how_it_died(entry)
        if died:
            yield f"its process {died}"
        elif entry.get("level") in ("error", "critical"):
            yield _error(entry)


def _error(entry: Mapping[str, Any]) -> str:
    details = entry.get("error_detail")
    if isinstance(details, list) and details and isinstance(details[0], dict):
        raised = details[0]
        kind, value = raised.get("exc_type"), raised.get("exc_value")
        refused = REFUSED.fullmatch(str(value))
        if refused:
            return _refusal(refused)
        return one_line(str(value) if kind in GENERAL and value else f"{kind}: {value}")
    return one_line(str(entry.get("event", "")))


def _refusal(refused: re.Match[str]) -> str:
    """What the API answered, such as `Dag with dag_id: 'x' not found`, out of what the exception makes of it."""
    message = refused["text"]
    with contextlib.suppress(ValueError, SyntaxError, KeyError, TypeError):
        message = ast.literal_eval(message)["detail"]["detail"]["message"]
    return one_line(f"Airflow's API refused: {message}")
