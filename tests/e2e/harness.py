"""Starts what `make run` starts, on free ports and a home of its own, for tests that need the real thing."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import requests

from factory.local.api import AirflowClient, ApiUnavailableError
from factory.local.home import USER, Home

CHECKOUT = Path(__file__).resolve().parents[2]
START_SECONDS = 600.0
STOP_SECONDS = 60.0
BUSY_TRIES = 10
"""How often a request that changes something is sent again: docs/first-day.md tells why SQLite refuses some."""

# Root may read everything, and users may not. Without setpriv it stays root.
AS_A_USER = (
    ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
    if os.geteuid() == 0 and shutil.which("setpriv")
    else []
)

T = TypeVar("T")

RESOLVER = """\
import socket

resolve = socket.getaddrinfo
socket.getaddrinfo = lambda host, *more, **named: resolve("127.0.0.1" if host == {host!r} else host, *more, **named)
"""


class LocalRun:
    """One `factory run`. State is in `home`, so that a second one on the same folder goes on from it."""

    def __init__(self, pipelines: Path, home: Path, *, environment: Mapping[str, str] | None = None) -> None:
        self.requirements = home.with_name("requirements-extra.txt")
        self.pipelines = pipelines
        self.home = home
        self.port = free_port()
        self.local_api_port = free_port()
        self.output: list[str] = []
        """Lines of the terminal so far."""
        self._environment = {**os.environ, "PYTHONUNBUFFERED": "1", **(environment or {})}
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def local_api_url(self) -> str:
        return f"http://127.0.0.1:{self.local_api_port}/"

    @property
    def process(self) -> subprocess.Popen[str]:
        """The started command. Raises RuntimeError before the start."""
        if self._process is None:
            raise RuntimeError("not started")
        return self._process

    def name_local_api(self, host: str) -> None:
        """Let the pipelines reach the sample API by a name, which Airflow's processes resolve to loopback: by a plugin,
        which Airflow loads in each of them, for the machine's own names are its administrator's."""
        plugins = self.home / "plugins"
        plugins.mkdir(parents=True, exist_ok=True)
        (plugins / "names.py").write_text(RESOLVER.format(host=host))
        self._environment["LOCAL_API_URL"] = f"http://{host}:{self.local_api_port}/"

    # -- start and stop --------------------------------------------------------------------------------

    def launch(self) -> None:
        """Start the command and return at once."""
        options = ["--port", str(self.port), "--local-api-port", str(self.local_api_port)]
        folders = ["--airflow-home", str(self.home), "--pipelines", str(self.pipelines)]
        folders += ["--requirements", str(self.requirements)]
        self._process = subprocess.Popen(
            [*AS_A_USER, sys.executable, "-m", "factory.cli", "run", *options, *folders],
            cwd=CHECKOUT,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, args=(self._process,), daemon=True)
        self._reader.start()

    def start(self, seconds: float = START_SECONDS) -> None:
        """Start and wait until Airflow is ready. Raises AssertionError with the output where it is not."""
        self.launch()
        self.wait_for(lambda: self.printed("Airflow is ready"), seconds, "Airflow to be ready")

    def stop(self, number: signal.Signals = signal.SIGTERM, seconds: float = STOP_SECONDS) -> int:
        """Send a signal and wait for the end. Returns the exit status; raises AssertionError if too late."""
        self.process.send_signal(number)
        try:
            status = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running {seconds:.0f} s after {number.name}\n{self.tail()}") from None
        if self._reader:
            self._reader.join(5)
        return status

    def kill_left(self) -> list[str]:
        """End what is left, after a test that failed. Returns the command lines of what was."""
        left = self.processes()
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return list(left.values())

    def processes(self) -> dict[int, str]:
        """What runs with this run's home in its environment: process id → command line. Linux only."""
        mark = f"AIRFLOW_HOME={self.home}".encode()
        found: dict[int, str] = {}
        for entry in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if mark in (entry / "environ").read_bytes().split(b"\0"):
                    command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
                    found[int(entry.name)] = command
        return found

    # -- looking ---------------------------------------------------------------------------------------

    def wait_for(self, found: Callable[[], T], seconds: float, what: str) -> T:
        """Ask until the answer is truthy, and return it.

        An API that does not answer yet counts as no. Raises AssertionError with the end of the output after
        `seconds`, or when the command has ended.
        """
        deadline = time.monotonic() + seconds
        while True:
            ended = self.process.poll()
            with contextlib.suppress(ApiUnavailableError):
                answer = found()
                if answer:
                    return answer
            assert ended is None, f"ended with {ended} while waiting for {what}\n{self.tail()}"
            assert time.monotonic() < deadline, f"waited {seconds:.0f} s for {what}\n{self.tail()}"
            time.sleep(0.25)

    def printed(self, *words: str) -> list[str]:
        """The lines of the terminal that hold all these texts."""
        return [line for line in list(self.output) if all(word in line for word in words)]

    def tail(self, lines: int = 60) -> str:
        """The end of the output, and where the logs are: pytest keeps the folders of its last three runs."""
        return "\n".join([*self.output[-lines:], f"logs: {self.home / 'logs'}"])

    def api(self) -> RunClient:
        """A new session with the REST API, logged in as the user of the run."""
        return RunClient(self.url, USER, Home(self.home).read_password())

    def _read(self, process: subprocess.Popen[str]) -> None:
        for line in process.stdout or ():
            self.output.append(line.rstrip("\n"))


class RunClient(AirflowClient):
    """The REST API with what tests also need. Every method raises ApiUnavailableError."""

    def dag(self, dag_id: str) -> dict[str, Any] | None:
        """A DAG that is not stale, or None."""
        found: dict[str, Any] | None = self.get(f"/dags/{dag_id}")
        return None if found is None or found["is_stale"] else found

    def runs(self, dag_id: str, state: str | None = None) -> list[dict[str, Any]]:
        """The latest 100 runs of a DAG, newest first."""
        params: dict[str, str | int | list[str]] = {"order_by": "-run_after", "limit": 100}
        if state:
            params["state"] = state
        answer = self.get(f"/dags/{dag_id}/dagRuns", params)
        return answer["dag_runs"] if answer else []

    def tasks(self, dag_id: str, run_id: str) -> dict[str, dict[str, Any]]:
        """The task instances of a run by task id (without mapped ones' indexes)."""
        answer = self.get(f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances", {"limit": 100})
        return {task["task_id"]: task for task in answer["task_instances"]} if answer else {}

    def log(self, dag_id: str, run_id: str, task_id: str, attempt: int = 1) -> str:
        """The log of one attempt, as text."""
        answer = self.get(f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/logs/{attempt}")
        return "\n".join(str(line.get("event", line)) for line in answer["content"]) if answer else ""

    def trigger(self, dag_id: str) -> str:
        """Start a run now; returns its id."""
        answer = self.send("POST", f"/dags/{dag_id}/dagRuns", {"logical_date": None})
        return str(answer["dag_run_id"])

    def send(self, method: str, path: str, body: Mapping[str, Any]) -> Any:
        """A request that changes something, below `/api/v2`."""
        # Reading logs the session in where it is not (a version needs no login, this does).
        self.get("/dags", {"limit": 1})
        try:
            answer = self._send_once(method, path, body)
            for _ in range(BUSY_TRIES):
                if answer.status_code != requests.codes.server_error or "Database error" not in answer.text:
                    break
                answer = self._send_once(method, path, body)
            answer.raise_for_status()
            return answer.json() if answer.content else None
        except requests.RequestException as error:
            raise ApiUnavailableError(str(error)) from error

    def _send_once(self, method: str, path: str, body: Mapping[str, Any]) -> requests.Response:
        return self.session.request(method, f"{self.url}/api/v2{path}", json=body, timeout=60)


@contextlib.contextmanager
def local_run(
    pipelines: Path, home: Path, environment: Mapping[str, str] | None = None, *, local_api_host: str = ""
) -> Iterator[LocalRun]:
    """A run that is ready, and ended at the end whatever happens. `local_api_host`: see `LocalRun.name_local_api`."""
    run = LocalRun(pipelines, home, environment=environment)
    try:
        if local_api_host:
            run.name_local_api(local_api_host)
        run.start()
        yield run
    finally:
        if run.process.poll() is None:
            run.stop()
        run.kill_left()


def copy_pipelines(target: Path) -> Path:
    """The checkout's own pipelines in a folder that a test may change."""
    return Path(shutil.copytree(CHECKOUT / "pipelines", target, ignore=shutil.ignore_patterns("__pycache__")))


def free_port() -> int:
    """A loopback port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
