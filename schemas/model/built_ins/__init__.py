"""The built-ins: what a `uses` without a dot can name.

Each has a task model derived from `schemas.model.task_base.TaskBase`, in a file with those of its kind, and
`factory.build.built_ins` has a row that says how it is built. A file is imported when a pipeline uses a task of it.
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
        "http": "http.HttpTask",
        "bash": "messages.BashTask",
        "empty": "flow.EmptyTask",
        "branch": "flow.BranchTask",
        "short_circuit": "flow.ShortCircuitTask",
        "latest_only": "flow.LatestOnlyTask",
        "wait_file": "waits.WaitFileTask",
        "wait_http": "waits.WaitHttpTask",
        "wait_sql": "waits.WaitSqlTask",
        "wait_until": "waits.WaitUntilTask",
        "wait_dag": "waits.WaitDagTask",
        "trigger_dag": "flow.TriggerDagTask",
        "email": "messages.EmailTask",
        "sql": "tables.SqlTask",
        "load": "tables.LoadTask",
        "duckdb": "tables.DuckdbTask",
        "check": "tables.CheckTask",
        "chart": "models.ChartTask",
        "train": "models.TrainTask",
        "predict": "models.PredictTask",
    }
)
"""Name → module here and class in it, in the order in which people read them."""


@cache
def built_in(name: str) -> type[TaskBase]:
    """The model of a task that uses a built-in."""
    module, _, task = BUILT_INS[name].partition(".")
    model: type[TaskBase] = getattr(importlib.import_module(f"schemas.model.built_ins.{module}"), task)
    return model
