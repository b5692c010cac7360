"""Airflow as a cluster runs it: a process for each component, Celery, PostgreSQL and Redis; workers can be killed."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from factory.local.api import ApiUnavailableError
from factory.local.environment import local_environment
from factory.local.home import USER, Home, Settings
from factory.local.processes import descendants, send

from .harness import CHECKOUT, RunClient, free_port
from .services import postgresql, redis

T = TypeVar("T")
COMPONENTS = ("api-server", "scheduler", "dag-processor", "triggerer")
HEARTBEAT_SECONDS = 20
"""A task whose process sends none for so long is taken for dead."""
START_SECONDS = 300.0
STOP_SECONDS = 20.0


class Cluster:
    """Its processes, their logs in `home/output`, and a client of its API."""

    def __init__(self, environment: Mapping[str, str], home: Home, url: str) -> None:
        self.home = home
        self.api = RunClient(url, USER, home.read_password())
        self.environment = environment
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._output = home.path / "output"
        self._output.mkdir()
        self._workers = 0

    def start(self) -> None:
        """Start all, and wait until the API answers."""
        self.airflow("db", "migrate")
        for component in COMPONENTS:
            self._launch(component, component)
        self.wait_for(lambda: self.api.dags() is not None, START_SECONDS, "the API")

    def airflow(self, *arguments: str) -> None:
        """Run a command of Airflow to its end."""
        command = [sys.executable, "-m", "airflow", *arguments]
        done = subprocess.run(command, env=self.environment, cwd=CHECKOUT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]

    def start_worker(self, queue: str = "default", inside: Sequence[str] = ()) -> str:
        """Another worker, with a name of its own, which is returned; `inside` is the command that runs it, if any."""
        self._workers += 1
        name = f"worker-{self._workers}"
        options = ["--celery-hostname", f"{name}@%h", "--pid", str(self.home.path / f"{name}.pid"), "--skip-serve-logs"]
        self._launch(name, "celery", "worker", "--queues", queue, *options, inside=inside)
        return name

    def kill_worker(self, name: str = "") -> list[int]:
        """SIGKILL to a worker, the last one unless it is named, and all below it, as when a machine loses its power.

        Returns the ids of what was killed.
        """
        worker = self._processes.pop(name or f"worker-{self._workers}")
        # Its children first stop, so that none is started meanwhile.
        worker.send_signal(signal.SIGSTOP)
        killed = [worker.pid, *descendants(worker.pid)]
        send(signal.SIGKILL, killed)
        worker.wait()
        return killed

    def stop(self) -> None:
        """End all, whatever state it is in."""
        left = [pid for process in self._processes.values() for pid in (process.pid, *descendants(process.pid))]
        for process in self._processes.values():
            process.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        for process in self._processes.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(0.1, deadline - time.monotonic()))
        send(signal.SIGKILL, left)
        for process in self._processes.values():
            process.wait()

    def wait_for(self, found: Callable[[], T], seconds: float, what: str) -> T:
        """Ask until the answer is truthy, and return it. Raises AssertionError with the ends of all logs."""
        deadline = time.monotonic() + seconds
        while True:
            with contextlib.suppress(ApiUnavailableError):
                answer = found()
                if answer:
                    return answer
            ended = [name for name, process in self._processes.items() if process.poll() is not None]
            assert not ended, f"{ended} ended while waiting for {what}\n{self.tails()}"
            assert time.monotonic() < deadline, f"waited {seconds:.0f} s for {what}\n{self.tails()}"
            time.sleep(1)

    def tails(self, lines: int = 25) -> str:
        """The end of each process's output."""
        texts = {path.stem: path.read_text(errors="replace") for path in sorted(self._output.iterdir())}
        return "\n".join(f"== {name}\n" + "\n".join(text.splitlines()[-lines:]) for name, text in texts.items())

    def _launch(self, name: str, *arguments: str, inside: Sequence[str] = ()) -> None:
        with (self._output / f"{name}.log").open("wb") as output:
            self._processes[name] = subprocess.Popen(
                [*inside, sys.executable, "-m", "airflow", *arguments],
                env=self.environment,
                cwd=CHECKOUT,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )


@contextlib.contextmanager
def cluster(pipelines: Path, folder: Path, variables: Mapping[str, str], *, worker: bool = True) -> Iterator[Cluster]:
    """A cluster that is ready, and ended at the end whatever happens; `variables` are the pipelines' own."""
    home = Home(folder)
    home.prepare()
    settings = Settings(pipelines, folder, free_port(), free_port(), None)
    local = local_environment(os.environ, settings, home).variables
    with postgresql() as database, redis() as broker:
        environment = {
            **local,
            "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"postgresql+psycopg2://{database}",
            "AIRFLOW__CELERY__BROKER_URL": f"redis://{broker}/0",
            "AIRFLOW__CELERY__RESULT_BACKEND": f"db+postgresql+psycopg2://{database}",
            "AIRFLOW__CELERY__WORKER_CONCURRENCY": "2",
            "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": str(HEARTBEAT_SECONDS),
            "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(free_port()),
            "PYTHONUNBUFFERED": "1",
            **variables,
        }
        run = Cluster(environment, home, settings.url)
        try:
            run.start()
            if worker:
                run.start_worker()
            yield run
        finally:
            run.stop()
