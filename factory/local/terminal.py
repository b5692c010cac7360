"""Lines for the person at the terminal."""

from __future__ import annotations

import select
import sys
import threading
from collections.abc import Callable
from datetime import datetime

from factory.local.event import Event


class Terminal:
    """Writes whole lines, from several threads. Where nobody reads any more, `on_lost` is called once."""

    def __init__(self, on_lost: Callable[[], None]) -> None:
        self.interactive = sys.stdout.isatty()
        self._on_lost = on_lost
        self._lost = False
        self._lock = threading.Lock()
        self._poll = select.poll()
        # No event asked for: that the other end is gone is always told.
        self._poll.register(sys.stdout.fileno(), 0)

    def line(self, text: str = "") -> None:
        with self._lock:
            if self._lost:
                return
            try:
                sys.stdout.write(text + "\n")
                sys.stdout.flush()
            except OSError:
                self._lose()

    def check(self) -> None:
        """Notice without writing that the terminal was closed or the pipe's reader is gone.

        A closed terminal sends SIGHUP to its session's leader only, and make, for one, does not pass it on.
        """
        with self._lock:
            if not self._lost and self._poll.poll(0):
                self._lose()

    def _lose(self) -> None:
        self._lost = True
        self._on_lost()

    def event(self, event: Event) -> None:
        """With the time of day before it."""
        self.line(f"{datetime.now():%H:%M:%S}  {event.lines(wide=not self.interactive)}")
