"""States of DAG runs and of tasks, in Airflow's words (airflow.utils.state, 3.3)."""

from __future__ import annotations

from typing import Literal

RunState = Literal["queued", "running", "success", "failed"]
TaskState = Literal[
    "success",
    "failed",
    "skipped",
    "upstream_failed",
    "removed",
    "running",
    "queued",
    "scheduled",
    "restarting",
    "up_for_retry",
    "up_for_reschedule",
    "deferred",
]
