"""`factory try`: runs a DAG in this process, without a scheduler, a server or a database.

Each task runs in Airflow's own task runner. What the runner asks of Airflow's servers (XComs, connections, what a poll
remembers) is answered from memory, and gone when the process ends.

Nothing leaves the machine while a test runs: requests go to the fixture server, other connections are refused.
"""

from __future__ import annotations

import ipaddress
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from factory.operators import leave_out_telemetry

PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")
CERTIFICATES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")

PATIENCE_SECONDS = 10.0
"""How long a task of a test waits, for a file or the end of a job."""


class BlockedConnectionError(OSError):
    """A test that wants to leave the machine."""


class Guard:
    """Refuses connections to anything but this machine, while it is on; an audit hook stays for the process's life."""

    def __init__(self) -> None:
        self.is_on = False
        sys.addaudithook(self._audited)

    def _audited(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.is_on:
            return
        if event in ("socket.connect", "socket.sendto", "socket.sendmsg") and isinstance(arguments[1], tuple):
            self._refuse(str(arguments[1][0]))
        elif event in ("socket.getaddrinfo", "socket.gethostbyname") and arguments[0] is not None:
            self._refuse(arguments[0].decode() if isinstance(arguments[0], bytes) else str(arguments[0]))

    def _refuse(self, host: str) -> None:
        if not _is_here(host):
            raise BlockedConnectionError(f"a test may not connect to {host}: put its answers into `given`")


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return host in ("localhost", "")


@contextmanager
def environment(variables: Mapping[str, str], without: tuple[str, ...] = ()) -> Iterator[None]:
    """These variables, for as long as the block runs; none that leads requests past the proxy, or begins as `without`
    says."""
    before = dict(os.environ)
    for name in before:
        if name.startswith(("NO_PROXY", "no_proxy", *without)):
            del os.environ[name]
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def through(port: int, bundle: str) -> dict[str, str]:
    """The variables that lead requests to the fixture server, and have its certificates trusted."""
    proxies = dict.fromkeys(PROXIES, f"http://127.0.0.1:{port}")
    return {**proxies, **dict.fromkeys(CERTIFICATES, bundle)}


def prepare_airflow(home: str, log_level: str) -> None:
    """Before Airflow is imported: a home of its own; no installation is read or changed."""
    os.environ["AIRFLOW_HOME"] = home
    os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
    os.environ["AIRFLOW__LOGGING__LOGGING_LEVEL"] = log_level
    os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] = "sqlite://"
    leave_out_telemetry()
