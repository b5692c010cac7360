"""A failed attempt's reason, from log files as Airflow writes them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from factory.local.logs import TaskLogs

ROW = {"dag_id": "a", "dag_run_id": "manual__1", "task_id": "t", "map_index": -1, "try_number": 2}


def log(folder: Path, *entries: dict[str, Any], mapped: str = "") -> Path:
    path = folder / "dag_id=a" / "run_id=manual__1" / "task_id=t" / mapped / "attempt=2.log"
    path.parent.mkdir(parents=True)
    path.write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    return path


def test_the_last_error_in_one_line(tmp_path: Path) -> None:
    raised = {"exc_type": "AirflowException", "exc_value": "Bash command failed.\nExit code 3."}
    log(
        tmp_path,
        {"level": "error", "event": "an earlier one"},
        {"level": "error", "event": "Task failed with exception", "error_detail": [raised]},
        {"level": "info", "event": "x" * 10_000},
    )
    assert TaskLogs(tmp_path).reason(ROW) == "Bash command failed. Exit code 3."


def test_a_mapped_task_and_an_error_without_exception(tmp_path: Path) -> None:
    log(tmp_path, {"level": "critical", "event": "killed"}, mapped="map_index=3")
    assert TaskLogs(tmp_path).reason({**ROW, "map_index": 3}) == "killed"


def test_a_log_without_an_error_is_pointed_at(tmp_path: Path) -> None:
    path = log(tmp_path, {"level": "info", "event": "error"})
    assert TaskLogs(tmp_path).reason(ROW) == f"see {path}"


def test_an_attempt_without_a_log_never_started(tmp_path: Path) -> None:
    assert TaskLogs(tmp_path).reason(ROW) == ""


def test_a_process_that_died_is_told_by_how(tmp_path: Path) -> None:
    log(tmp_path / "1", {"level": "warning", "event": "Process exited abnormally", "exit_code": 3})
    assert TaskLogs(tmp_path / "1").reason(ROW) == "its process exited with 3"
    killed = "Process terminated by signal. Likely out of memory error (OOM). For more information, see https://…"
    log(tmp_path / "2", {"level": "critical", "event": killed, "signal": -9, "signal_name": "SIGKILL"})
    assert TaskLogs(tmp_path / "2").reason(ROW) == "its process was killed by SIGKILL (was memory short?)"


def test_a_refusal_of_the_api_is_told_in_its_own_words(tmp_path: Path) -> None:
    answer = {"detail": {"reason": "not_found", "message": "Dag with dag_id: 'nope' not found"}}
    text = f"API_SERVER_ERROR: { {'status_code': 404, 'message': 'Server returned error', 'detail': answer} }"
    raised = {"exc_type": "AirflowRuntimeError", "exc_value": text}
    log(tmp_path, {"level": "error", "event": "Task failed with exception", "error_detail": [raised]})
    assert TaskLogs(tmp_path).reason(ROW) == "Airflow's API refused: Dag with dag_id: 'nope' not found"


def test_a_very_long_error_is_cut_and_its_log_named(tmp_path: Path) -> None:
    path = log(tmp_path, {"level": "error", "event": "very " * 1000})
    reason = TaskLogs(tmp_path).reason(ROW)
    assert len(reason) < 700 + len(str(path))
    assert reason.endswith(f"… (log: {path})")
