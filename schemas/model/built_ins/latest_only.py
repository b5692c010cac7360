"""The built-in `latest_only`, Airflow's LatestOnlyOperator."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from schemas.model.built_ins.empty import NoArguments
from schemas.model.task_base import TaskBase


class LatestOnlyTask(TaskBase):
    """Skips the tasks directly after it in all runs but the latest scheduled one and those triggered manually."""

    uses: Literal["latest_only"]
    """The built-in that lets only the latest run go on."""
    with_: NoArguments = Field(default=NoArguments(), alias="with")
    """Takes no arguments."""
