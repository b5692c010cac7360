"""Lines for the person at the terminal."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from datetime import datetime


class Terminal:
    """Writes whole lines, from several threads. Where nobody reads any more, `on_lost` is called once."""

    def __init__(self, on_lost: Callable[[], None]) -> None:
        self.interactive = sys.stdout.isatty()
        self._on_lost = on_lost
        self._lost = False
        self._lock = threading.Lock()

    def line(self, text: str = "") -> None:
        with self._lock:
            if self._lost:
                return
            try:
                sys.stdout.write(text + "\n")
                sys.stdout.flush()
            except OSError:
                # The terminal was closed, or the pipe's reader is gone.
                self._lost = True
                self._on_lost()

    def event(self, text: str) -> None:
        """A line with the time of day."""
        self.line(f"{datetime.now():%H:%M:%S}  {text}")
