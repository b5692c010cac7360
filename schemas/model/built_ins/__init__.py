"""The built-ins: what a `uses` without a dot can name.

One file each, named like the built-in, with a task model derived from `schemas.model.task.TaskBase`;
`factory.build.built_ins` has a row for it that says how it is built. A file is imported when a pipeline uses it.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from schemas.model.task_base import TaskBase

BUILT_INS: Mapping[str, str] = MappingProxyType(
    {
        "http": "HttpTask",
        "bash": "BashTask",
        "empty": "EmptyTask",
        "branch": "BranchTask",
        "short_circuit": "ShortCircuitTask",
        "latest_only": "LatestOnlyTask",
        "wait_file": "WaitFileTask",
        "wait_http": "WaitHttpTask",
        "wait_sql": "WaitSqlTask",
        "wait_until": "WaitUntilTask",
        "wait_dag": "WaitDagTask",
        "trigger_dag": "TriggerDagTask",
        "email": "EmailTask",
        "sql": "SqlTask",
        "load": "LoadTask",
        "duckdb": "DuckdbTask",
        "check": "CheckTask",
        "chart": "ChartTask",
        "train": "TrainTask",
        "predict": "PredictTask",
    }
)
"""Name → class in the module of that name, in the order in which people read them."""


@cache
def built_in(name: str) -> type[TaskBase]:
    """The model of a task that uses a built-in."""
    model: type[TaskBase] = getattr(importlib.import_module(f"schemas.model.built_ins.{name}"), BUILT_INS[name])
    return model
