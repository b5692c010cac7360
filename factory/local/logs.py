"""What Airflow's log files say: why a task failed, and which pipelines could not be read.

Airflow itself tells nobody when the process that reads a pipeline dies: such a parse leaves no import error, and the
DAG as it was.
"""

from __future__ import annotations

import ast
import contextlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from factory.local.environment import PARSE_SECONDS

TAIL_BYTES = 64 * 1024
GENERAL = {"AirflowException", "AirflowFailException"}
"""Their names tell nothing that their texts do not."""

HINTS = {
    "You can only execute one statement": "To run several, add `split_statements: true` to the task's `with`.",
    "SMTP connection is not found": (
        "Add a connection of type SMTP in Admin → Connections, `smtp_default` or the one that `smtp_conn_id` names."
    ),
}
"""What to do, behind errors that are written for who calls SQLite or a hook, not for who wrote the pipeline."""

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
            log = entries(path)
        except FileNotFoundError:
            # Never started, or the shell has log names of its own.
            return ""
        except OSError:
            return f"see {path}"
        reason = next(_errors(log), "")
        if not reason:
            return f"see {path}"
        return reason if cut(reason) == reason else f"{cut(reason)} (log: {path})"

    def failed_notifications(self, row: Mapping[str, Any]) -> list[str]:
        """Why the notifications of an attempt failed, as its log says."""
        try:
            return [_error(entry) for entry in entries(self._path(row)) if is_failed_callback(entry)]
        except OSError:
            return []

    def _path(self, row: Mapping[str, Any]) -> Path:
        """As Airflow's default `[logging] log_filename_template` has it."""
        mapped = [f"map_index={row['map_index']}"] if row["map_index"] >= 0 else []
        run = f"dag_id={row['dag_id']}", f"run_id={row['dag_run_id']}", f"task_id={row['task_id']}"
        return self._folder.joinpath(*run, *mapped, f"attempt={row['try_number']}.log")


def _errors(log: list[Mapping[str, Any]]) -> Iterator[str]:
    """The log's errors, the last one first."""
    for entry in reversed(log):
        if str(entry.get("event")).startswith((*FAILED_CALLBACKS, "Failed to send notification")):
            continue
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
        said = one_line(str(value) if kind in GENERAL and value else f"{kind}: {value}")
        hint = next((hint for text, hint in HINTS.items() if text in said and hint not in said), "")
        return f"{said} {hint}".rstrip()
    return one_line(str(entry.get("event", "")))


def _refusal(refused: re.Match[str]) -> str:
    """What the API answered, such as `Dag with dag_id: 'x' not found`, out of what the exception makes of it."""
    message = refused["text"]
    with contextlib.suppress(ValueError, SyntaxError, KeyError, TypeError):
        message = ast.literal_eval(message)["detail"]["detail"]["message"]
    return one_line(f"Airflow's API refused: {message}")


def entries(path: Path) -> list[Mapping[str, Any]]:
    """The lines at the end of a log that are JSON; the first may begin in its middle. Raises OSError."""
    found: list[Mapping[str, Any]] = []
    for line in tail(path).splitlines():
        with contextlib.suppress(ValueError):
            entry = json.loads(line)
            if isinstance(entry, dict):
                found.append(entry)
    return found


def tail(path: Path) -> str:
    """Raises OSError."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - TAIL_BYTES))
        return file.read().decode(errors="replace")


FAILED_CALLBACKS = ("Callback failed", "Error in callback", "Failed to run task callback", "Failed to send email")
"""Source: `dag_processing/processor.py`, `sdk/execution_time/task_runner.py`."""


def is_failed_callback(entry: Mapping[str, Any]) -> bool:
    return str(entry.get("event")).startswith(FAILED_CALLBACKS)


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


LONGEST = 600
"""Characters of a reason: some exceptions hold a whole page."""

TRACEBACK = "Traceback (most recent call last):"
RAISED = re.compile(r"^(?:[A-Za-z_]\w*\.)*[A-Z]\w*(?:Error|Exception|Timeout|Interrupt|Exit)\b")
COMPLAINT = re.compile(r"\b(?:error|critical|fatal|exception)\b", re.IGNORECASE)
USUAL = re.compile(r"\[(?:info|debug)\b", re.IGNORECASE)


def cut(reason: str) -> str:
    """At most LONGEST characters, with `…` where something is missing."""
    return reason if len(reason) <= LONGEST else reason[: LONGEST - 1].rstrip() + "…"


def one_line(text: str) -> str:
    return " ".join(text.split())


def last_reason(lines: Sequence[str]) -> str:
    """Of a log: the last exception that was raised, else the last line that complains, else the last line.

    Empty where the log ends with business as usual.
    """
    told = [line for line in lines if line.strip()]
    for pattern in (RAISED, COMPLAINT):
        found = [line for line in told if pattern.search(line)]
        if found:
            return one_line(found[-1])
    return one_line(told[-1]) if told and not USUAL.search(told[-1]) else ""


def first_reason(text: str) -> str:
    """Of an error message: what the last traceback in it ended with, else its first line."""
    lines = [line for line in text.splitlines() if line.strip()]
    if any(line.strip() == TRACEBACK for line in lines):
        begin = max(number for number, line in enumerate(lines) if line.strip() == TRACEBACK)
        # Frames are indented, the exception is not.
        lines = [line for line in lines[begin + 1 :] if not line[0].isspace()] or lines[-1:]
    return one_line(lines[0]) if lines else ""


BEGIN = "Filling up the DagBag from "
CALLBACKS = ("Executing on_", "Executing Task callback", "Sending ")
"""How the log of a process begins its lines that only runs callbacks: it parses the file and keeps nothing."""

PATIENCE = timedelta(seconds=PARSE_SECONDS + 40)
"""Airflow ends a parse after so long, and the log of the parse does not say so."""
KILLED = re.compile(
    r"^(?P<ended>\S+) .*?Processor for DagFileInfo\(rel_path=\w+\((?P<quote>['\"])(?P<name>.+?)(?P=quote)\), .*"
    r" has been running for (?P<seconds>[\d.]+) seconds, exceeding the timeout of ",
    re.MULTILINE,
)
"""In the dag-processor's own log. Source: `dag_processing/manager.py::_kill_timed_out_processors`."""
SETTLED = timedelta(seconds=5)
"""How long what a killed process said may take to its log."""


class UnreadFiles:
    """Compares the logs of Airflow's parses with what it kept. `files` is the folder that it reads, `dag_processor` the
    log of the process that starts the parses."""

    def __init__(self, logs: Path, files: Path, dag_processor: Path, since: datetime) -> None:
        self._logs = logs
        self._files = files
        self._dag_processor = dag_processor
        self._since = self._killed_until = since
        self._read_until: dict[str, datetime] = {}
        self._failed: list[tuple[str, str]] = []

    def look(self, kept: Mapping[str, datetime]) -> dict[str, str]:
        """File → why it could not be read. `kept`: file → when Airflow last wrote down what it read there."""
        found = {}
        latest = dict(self._latest_logs())
        self._collect_killed_callbacks(latest)
        for name, log in latest.items():
            last = kept.get(name, datetime.min.replace(tzinfo=UTC))
            self._collect_failed_callbacks(name, log)
            # A log older than what was kept is about parses that went well.
            if datetime.fromtimestamp(log.stat().st_mtime, UTC) > last and (self._files / name).is_file():
                why = _why(entries(log), last)
                if why:
                    found[name] = f"{why}; see {log}"
        return found

    def failed_notifications(self) -> list[tuple[str, str]]:
        """(file, why and where) of the notifications of runs that failed since the last call."""
        found, self._failed = self._failed, []
        return found

    def _collect_failed_callbacks(self, name: str, log: Path) -> None:
        changed = datetime.fromtimestamp(log.stat().st_mtime, UTC)
        if changed <= self._read_until.get(name, self._since):
            return
        before, self._read_until[name] = self._read_until.get(name, self._since), changed
        runs_callbacks = False
        for entry in entries(log):
            event = str(entry.get("event"))
            runs_callbacks = event.startswith(CALLBACKS) or (runs_callbacks and not event.startswith(BEGIN))
            died = f"its process {how_it_died(entry)}" if runs_callbacks and how_it_died(entry) else ""
            if (died or is_failed_callback(entry)) and before < _time(entry):
                self._failed.append((name, f"{died or _error(entry)} (log: {log})"))

    def _collect_killed_callbacks(self, latest: Mapping[str, Path]) -> None:
        """Those that took too long: their own log just ends."""
        try:
            text = tail(self._dag_processor)
        except OSError:
            return
        for kill in KILLED.finditer(text):
            ended = datetime.fromisoformat(kill["ended"])
            log = latest.get(kill["name"])
            if log is None or not self._killed_until < ended < datetime.now(UTC) - SETTLED:
                continue
            self._killed_until = ended
            begun = ended - timedelta(seconds=float(kill["seconds"]))
            said = [entry for entry in entries(log) if begun <= _time(entry) <= ended]
            if any(str(entry.get("event")).startswith(CALLBACKS) for entry in said):
                why = f"its process was killed after {float(kill['seconds']):.0f} s, which is too long for Airflow"
                self._failed.append((kill["name"], f"{why} (log: {self._dag_processor})"))

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
    """Of the last parse in a log that has ended; one that may still go on tells nothing yet."""
    begins = [number for number, entry in enumerate(log) if str(entry.get("event")).startswith(BEGIN)]
    last = log[begins[-1] :] if begins else log
    if any(str(entry.get("event")).startswith(CALLBACKS) for entry in last):
        return ""
    died = next((entry for entry in last if how_it_died(entry)), None)
    if died is not None:
        return f"the process that reads it {how_it_died(died)}" if _time(died) > kept else ""
    if not begins or _time(last[0]) <= kept:
        return ""
    if datetime.now(UTC) - _time(last[0]) > PATIENCE:
        return "Airflow has kept nothing of it"
    return _why(log[: begins[-1]], kept)


def _time(entry: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(str(entry["timestamp"]))
