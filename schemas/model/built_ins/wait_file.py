"""The built-in `wait_file`, in the words of Airflow's FileSensor."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from schemas.model.sensor import LOOKING, DeferrableSensorArguments
from schemas.model.task_base import TaskBase


class WaitFileArguments(DeferrableSensorArguments):
    """A file, or a folder that contains one."""

    filepath: str = Field(min_length=1, examples=["/data/in/{{ ds }}/orders.csv", "/data/in/*.csv"])
    """The file, or a folder that must contain one; `*`, `?` and `[…]` match any characters. Absolute, or with
    `fs_conn_id` below the connection's path."""
    fs_conn_id: str | None = Field(default=None, min_length=1)
    """Airflow connection (File, path) with the folder that `filepath` is in."""
    recursive: bool = False
    """Let `**` in `filepath` match folders at any depth."""


class WaitFileTask(TaskBase):
    """Waits for a file."""

    templated: ClassVar[frozenset[str]] = frozenset({"filepath", "fs_conn_id"})
    looking: ClassVar[tuple[str, ...]] = LOOKING

    uses: Literal["wait_file"]
    """The built-in that waits for a file."""
    with_: WaitFileArguments = Field(alias="with")
    """The file."""
