"""The sensor behind the built-in `wait_file`: Airflow's FileSensor, which here needs no connection for a full path."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from airflow.providers.standard.sensors import filesystem


class FileSensor(filesystem.FileSensor):
    """Without `fs_conn_id` the path is what is written; Airflow's own asks for a connection also then."""

    def __init__(self, *, fs_conn_id: str | None = None, **arguments: Any) -> None:
        super().__init__(fs_conn_id=fs_conn_id, **arguments)

    @cached_property
    def path(self) -> str:
        """The file that is waited for."""
        return str(self.filepath if self.fs_conn_id is None else super().path)
