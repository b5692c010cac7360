"""Installs what is added to requirements-extra.txt while the run goes on."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

from factory.local.components import Component
from factory.local.logs import cut
from factory.local.terminal import Event

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
