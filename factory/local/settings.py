"""What a local run is told: folders and ports."""

from __future__ import annotations

import errno
import socket
from dataclasses import dataclass
from pathlib import Path

import psutil


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
    requirements: Path | None = None
    """The file whose packages are installed when it changes, or None."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def local_api_url(self) -> str:
        return f"http://127.0.0.1:{self.local_api_port}/"


HOST = "127.0.0.1"


def require_free_ports(settings: Settings) -> None:
    """Raises LocalRunError naming the port, who has it, and how to choose another."""
    _require_free(settings.port, "Airflow", "PORT", "--port", settings.port + 1)
    if settings.local_api:
        spare = settings.local_api_port + 1
        _require_free(settings.local_api_port, "the sample API", "LOCAL_API_PORT", "--local-api-port", spare)
        if settings.local_api_port == settings.port:
            raise LocalRunError(f"Airflow and the sample API cannot both have port {settings.port}.")


def _require_free(port: int, purpose: str, variable: str, option: str, spare: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do: connections that a server closed a moment ago do not count as taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
            probe.listen(1)
        except OSError as error:
            taken = error.errno == errno.EADDRINUSE
            reason = f"is taken{_by(port)}" if taken else f"cannot be used ({error.strerror})"
            raise LocalRunError(
                f"Port {port}, for {purpose}, {reason}. Choose another: make run {variable}={spare} "
                f"(factory run {option} {spare})."
            ) from None


def _by(port: int) -> str:
    """Who listens on the port, if the system lets this user see it."""
    try:
        found = [c for c in psutil.net_connections("tcp") if c.status == psutil.CONN_LISTEN and c.laddr.port == port]
        process = psutil.Process(next(connection.pid for connection in found if connection.pid))
        return f" by process {process.pid} ({' '.join(process.cmdline())[:60].strip()})"
    except (psutil.Error, StopIteration):
        return ""
