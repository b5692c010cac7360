"""Lines for the person at the terminal."""

from __future__ import annotations

import select
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from factory.reporters.text import columns, padded, printable

WAITING_SECONDS = 20


class Terminal:
    """Writes whole lines, from several threads. Where nobody reads any more, `on_lost` is called once."""

    def __init__(self, on_lost: Callable[[], None]) -> None:
        self.interactive = sys.stdout.isatty()
        self._on_lost = on_lost
        self._lost = False
        self._waited = 0
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

    def waiting(self, step: str, seconds: float, logs: Path) -> None:
        """Now and then, that a step of the start goes on; `seconds` it has taken by now."""
        waited = int(seconds // WAITING_SECONDS)
        if waited > self._waited:
            self.line(f"  {step:<32} {seconds:6.0f} s  its log is in {logs}")
        self._waited = waited

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


MAX_LINE = 160
"""Characters of a line on a terminal; a longer event has its detail on a line of its own."""

INDENT = " " * 10
"""As wide as the time of day before an event."""


@dataclass(frozen=True)
class Event:
    """`text` is short and in columns; `detail` may be long: a path, a message."""

    text: str
    detail: str = ""

    def lines(self, *, wide: bool) -> str:
        """Nothing is cut. `wide`: one line however long it is, for what is no terminal."""
        text, detail = printable(self.text), printable(self.detail)
        one = f"{text}  {detail}".rstrip()
        return one if wide or columns(INDENT + one) <= MAX_LINE else f"{text.rstrip()}\n{INDENT}{detail}"


def in_columns(word: str, name: str) -> str:
    """How all events begin: what happened, and to which pipeline."""
    return f"{padded(word, 16)} {padded(printable(name), 28)}"
