"""`factory try`: runs a DAG in this process, without a scheduler, a server or a database.

Each task runs in Airflow's own task runner. What the runner asks of Airflow's servers (XComs, connections, what a poll
remembers) is answered from memory, and gone when the process ends.

Nothing leaves the machine while a test runs: requests go to the fixture server, other connections are refused.
"""

from __future__ import annotations

import io
import ipaddress
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import Any, TextIO

from factory.operators import leave_out_telemetry
from schemas.findings.suggestions import meant

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
        if not is_here(host):
            raise BlockedConnectionError(f"a test may not connect to {host}: put its answers into `given`")


def is_here(host: str) -> bool:
    """Whether a host is this machine."""
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return host in ("localhost", "")


class HidingStream(io.TextIOBase, TextIO):
    """What tasks print and log, line by line, without secrets: `hidden` takes them out of a text."""

    def __init__(self, target: TextIO) -> None:
        self.hidden: Callable[[str], str] = str
        self._target = target
        self._begun = ""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._target, name)

    def fileno(self) -> int:
        """For programs that are to write there themselves."""
        return self._target.fileno()

    def isatty(self) -> bool:
        """Of the terminal behind it."""
        return self._target.isatty()

    def write(self, text: str) -> int:
        """Whole lines go on, the rest waits: a secret may come in parts."""
        lines, end, self._begun = (self._begun + text).rpartition("\n")
        if end:
            self._target.write(self.hidden(lines) + end)
        return len(text)

    def flush(self) -> None:
        """Also of a line that has not ended."""
        begun, self._begun = self._begun, ""
        self._target.write(self.hidden(begun))
        self._target.flush()


@contextmanager
def hiding_output(*, apart: bool = False) -> Iterator[TextIO]:
    """Hide secrets in what tasks write while the block runs. Gives the place for what the command itself writes.

    To be entered before Airflow is imported, whose log keeps the streams that it finds. `apart`: the command's own
    output is standard output alone, and all else goes to standard error, also what programs that tasks start write.
    """
    with redirect_stderr(HidingStream(sys.stderr)) as errors:
        try:
            if not apart:
                with redirect_stdout(HidingStream(sys.stdout)) as output:
                    yield output
                    output.flush()
                return
            sys.stdout.flush()
            with os.fdopen(os.dup(1), "w", encoding="utf-8") as own, redirect_stdout(errors):
                os.dup2(2, 1)
                try:
                    yield own
                finally:
                    os.dup2(own.fileno(), 1)
        finally:
            errors.flush()


def hide_in_output(hidden: Callable[[str], str]) -> None:
    """What is secret from now on."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, HidingStream):
            stream.hidden = hidden


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


def wrong_param(dag: Any, given: Mapping[str, Any], data: Any) -> tuple[str, str] | None:
    """The first of the given params that a DAG does not take, or of those that it lacks, and why; None where all are
    fine. `data` is its document: one that reads what a run is triggered with takes any name."""
    reads_all = "dag_run.conf" in str(data)
    from airflow.sdk.exceptions import ParamValidationError  # noqa: PLC0415 # whose home is set by now

    # A run's params win over those of a task.
    known = {name: params for params in (*(task.params for task in dag.tasks), dag.params) for name in params}
    for name, value in {**dict.fromkeys(known), **given}.items():
        if name not in known:
            if reads_all:
                continue
            hint = meant(name, list(known)) or (f"there are {', '.join(known)}" if known else "it has none")
            return name, f"the pipeline has no param `{name}`; {hint}"
        try:
            known[name].get_param(name).resolve(*((value,) if name in given else ()))
        except ParamValidationError as error:
            return name, f"the param `{name}`: {str(error).splitlines()[0].removeprefix('Invalid input: ')}"
    return None


def tasks_of(dag: Any, name: str) -> list[str]:
    """The task of a name, or those inside of a group of it; empty where there is neither."""
    group = dag.task_group_dict.get(name)
    return [name] if name in dag.task_dict else [] if group is None else [task.task_id for task in group.iter_tasks()]


def prepare_airflow(home: str, log_level: str) -> None:
    """Before Airflow is imported: a home of its own; no installation is read or changed."""
    os.environ["AIRFLOW_HOME"] = home
    os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
    os.environ["AIRFLOW__LOGGING__LOGGING_LEVEL"] = log_level
    os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] = "sqlite://"
    leave_out_telemetry()
