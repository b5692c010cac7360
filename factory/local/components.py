"""The processes of a local run, each with its own log file, and their restarts when they end or hang.

Among them is the one that installs what is added to requirements-extra.txt while the run goes on.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from factory.local.logs import cut, last_reason
from factory.local.processes import children, descendants, end_with_parent, group_leaders, send
from factory.local.terminal import Event

MAX_LOG_BYTES = 20 * 1024 * 1024
TAIL_BYTES = 16 * 1024

PAUSES = (1.0, 5.0, 20.0)
"""Seconds before each restart; there are no more restarts than pauses within WINDOW_SECONDS."""

WINDOW_SECONDS = 600.0
UNHEALTHY_SECONDS = 45.0
STARTING_SECONDS = 60.0
"""A component that was just started counts as healthy for this long."""

GRACE_SECONDS = 3.0
REASON_LINES = 100
"""How many lines of a log's end are searched for the reason."""


class Component:
    """A process in a session of its own, so that a signal to the terminal does not reach it.

    The supervisor collects all children, and puts a process's exit status into `status`.
    """

    def __init__(self, name: str, command: Sequence[str], log: Path) -> None:
        self.name = name
        self.log = log
        self.status: int | None = None
        self.started = 0.0
        """By time.monotonic."""
        self._log_start = 0
        self._command = list(command)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Of the started process. Raises RuntimeError before the start."""
        if self._process is None:
            raise RuntimeError(f"{self.name} was not started")
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self.status is None

    @property
    def how_it_ended(self) -> str:
        """`ended with status 3` or `was killed by SIGKILL`."""
        status = self.status or 0
        return f"was killed by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"

    def start(self, environment: Mapping[str, str], folder: Path) -> None:
        """Start the process in `folder`, again if it has ended. Raises OSError."""
        if self.log.exists() and self.log.stat().st_size > MAX_LOG_BYTES:
            self.log.replace(self.log.with_suffix(".old.log"))
        with self.log.open("ab") as output:
            self._log_start = output.tell()
            self._process = subprocess.Popen(  # noqa: S603  commands of this package, no shell
                self._command,
                env=dict(environment),
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                # Only ever from the main thread, whose end the kernel watches; takes no other thread's lock.
                preexec_fn=lambda: end_with_parent(signal.SIGTERM),  # noqa: PLW1509
            )
        self.status = None
        self.started = time.monotonic()

    def kill_group(self) -> None:
        """End whatever is left of its process group."""
        # None is left; macOS has another error when only those are left that nobody has collected yet.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)

    def ended(self, status: int) -> None:
        """Tell the component that its process was collected with this exit status."""
        self.status = status
        if self._process is not None:
            # Otherwise Popen would wait for a process that no longer exists.
            self._process.returncode = status

    def last_lines(self, count: int = 15) -> list[str]:
        """The end of its log, since its last start."""
        with self.log.open("rb") as file:
            file.seek(max(self._log_start, self.log.stat().st_size - TAIL_BYTES))
            return file.read().decode(errors="replace").splitlines()[-count:]


class Recovery:
    """Looks at the components now and then; `start` starts one again, `say` tells the person.

    On Linux this process must be the parent of every orphan (`adopt_orphans`), so that none is left behind.
    """

    def __init__(
        self, components: Sequence[Component], start: Callable[[Component], None], say: Callable[[Event], None]
    ) -> None:
        self._components = components
        self._start = start
        self._say = say
        self._ends: dict[str, list[float]] = {}
        self._due: dict[str, float] = {}
        self._killed: dict[str, float] = {}
        """When a component that hangs was told to end."""
        self._restarting: set[str] = set()

    def look(self, unhealthy_since: Mapping[str, float]) -> Component | None:
        """Do what is due now. Returns a component that has ended for good."""
        now = time.monotonic()
        for component in self._components:
            if component.running:
                self._end_if_hanging(component, unhealthy_since.get(component.name), now)
            elif component.name in self._restarting:
                self._restarting.discard(component.name)
                self._clear(component)
                self._start(component)
            elif component.name not in self._due:
                if not self._plan(component, now):
                    return component
            elif now >= self._due[component.name]:
                del self._due[component.name]
                self._start(component)
        return None

    def restart(self, name: str) -> None:
        """End a component that runs, to be started again at the next look."""
        for component in self._components:
            if component.name == name and component.running:
                self._restarting.add(name)
                send(signal.SIGTERM, [component.pid])

    def _plan(self, component: Component, now: float) -> bool:
        """Whether there will be a restart. Removes what the component left behind either way."""
        self._killed.pop(component.name, None)
        self._clear(component)
        ends = [end for end in self._ends.get(component.name, []) if now - end < WINDOW_SECONDS]
        if len(ends) >= len(PAUSES):
            return False
        self._ends[component.name] = [*ends, now]
        pause = PAUSES[len(ends)]
        self._due[component.name] = now + pause
        text = f"{component.name} {component.how_it_ended}, starts again in {pause:.0f} s (log: {component.log})"
        self._say(Event(text, cut(last_reason(component.last_lines(REASON_LINES)))))
        return True

    def _end_if_hanging(self, component: Component, since: float | None, now: float) -> None:
        killed = self._killed.get(component.name)
        if killed is not None:
            if now - killed > GRACE_SECONDS:
                send(signal.SIGKILL, [*descendants(component.pid), component.pid])
            return
        healthy_until = max(since or now, component.started + STARTING_SECONDS)
        if since is None or now - healthy_until < UNHEALTHY_SECONDS:
            return
        self._killed[component.name] = now
        self._say(Event(f"{component.name} hangs: Airflow finds it unhealthy for {now - since:.0f} s. Ending it …"))
        # Also its tasks, which report to nobody without it.
        send(signal.SIGTERM, [*group_leaders(component.pid), component.pid])

    def _clear(self, component: Component) -> None:
        """End what a component left: its group, and on Linux the orphans that came here."""
        component.kill_group()
        ours = {other.pid for other in self._components if other.running}
        for orphan in set(children(os.getpid())) - ours:
            send(signal.SIGKILL, [*descendants(orphan), orphan])


LOOK_SECONDS = 2.0
LOCK = "requirements.lock"
"""Beside the file, where there is one: the versions that Airflow and this project run on."""


class Packages:
    """Watches the file. Tasks import a new package at once, as each has a process of its own; the dag-processor has to
    read the pipelines again."""

    def __init__(self, file: Path, log: Path, start: Callable[[Component], None], say: Callable[[Event], None]) -> None:
        lock = file.with_name(LOCK)
        constraints = ["--constraint", str(lock)] if lock.is_file() else []
        options = ["--disable-pip-version-check", "--no-input", "--quiet", *constraints, "--requirement", str(file)]
        self.component = Component("packages", [sys.executable, "-P", "-m", "pip", "install", *options], log)
        self._file = file
        self._start = start
        self._say = say
        self._installed = self._text()
        self._next_look = 0.0
        self._installing = False

    def look(self) -> bool:
        """Whether packages were installed since the last look. Starts an installation when the file has changed."""
        if self._installing:
            return not self.component.running and self._ended()
        if time.monotonic() >= self._next_look:
            self._next_look = time.monotonic() + LOOK_SECONDS
            text = self._text()
            if text not in (self._installed, b""):
                self._installed, self._installing = text, True
                self._say(Event(f"Installing the packages of {self._file.name} …"))
                self._start(self.component)
        return False

    def _ended(self) -> bool:
        self._installing = False
        seconds = time.monotonic() - self.component.started
        if self.component.status == 0:
            self._say(Event(f"Installed the packages of {self._file.name} after {seconds:.0f} s; no restart is needed"))
            return True
        errors = [line for line in self.component.last_lines(100) if line.startswith("ERROR")]
        text = f"{self._file.name} could not be installed (log: {self.component.log})"
        self._say(Event(text, cut(errors[-1] if errors else "")))
        return False

    def _text(self) -> bytes:
        try:
            return self._file.read_bytes()
        except OSError:
            return b""
