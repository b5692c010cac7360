"""One process of a local run, with a log file of its own."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from factory.local.process_tree import end_with_parent

MAX_LOG_BYTES = 20 * 1024 * 1024
TAIL_BYTES = 16 * 1024


class Component:
    """A process in a session of its own, so that a signal to the terminal does not reach it.

    Its exit status is collected by the supervisor, which collects all children, and put into `status`.
    """

    def __init__(self, name: str, command: Sequence[str], log: Path) -> None:
        self.name = name
        self.log = log
        self.status: int | None = None
        self.started = 0.0
        """When, by time.monotonic."""
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
        """Start the process in `folder`, again where it has ended. Raises OSError."""
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
                # Only ever from the main thread, whose end the kernel watches; takes no lock of another one.
                preexec_fn=lambda: end_with_parent(signal.SIGTERM),  # noqa: PLW1509
            )

        self.status = None
        self.started = time.monotonic()

    def kill_group(self) -> None:
        """End whatever is left of its process group."""
        # None is left; macOS has another error where only those are left that nobody has collected yet.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)

    def ended(self, status: int) -> None:
        """Tell the component that its process was collected with this exit status."""
        self.status = status
        if self._process is not None:
            # Else Popen would wait for a process that is no longer there.
            self._process.returncode = status

    def last_lines(self, count: int = 15) -> list[str]:
        """The end of its log, since its last start."""
        with self.log.open("rb") as file:
            file.seek(max(self._log_start, self.log.stat().st_size - TAIL_BYTES))
            return file.read().decode(errors="replace").splitlines()[-count:]
