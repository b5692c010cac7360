"""What a local run is told: folders and ports."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


class LocalRunError(Exception):
    """The run cannot start; the text is one line for the person who asked for it."""


@dataclass(frozen=True)
class Settings:
    """Folders are absolute; ports are on the loopback interface."""

    pipelines: Path
    home: Path
    port: int
    local_api_port: int
    local_api: Path | None
    """The sample API's program, or None to run without it."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def local_api_url(self) -> str:
        return f"http://127.0.0.1:{self.local_api_port}/"
