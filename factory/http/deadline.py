"""A body ends in time, however steadily its pieces drip in: one read may wait for many of them."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import requests
import urllib3

BODY_TIMEOUTS = 10
"""A body has this many times the timeout of each of its pieces."""


class OverdueError(Exception):
    """A body did not end in time."""


class BodyDeadline:
    """Ends the reading of a body after `seconds`. One thread watches all bodies of a poll, one after the other.

    A body that ends in time costs no wake-up of that thread: it sleeps until the earliest moment at which one could
    be late, and then looks which is read.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = min(seconds, threading.TIMEOUT_MAX)
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None
        self._response: requests.Response | None = None
        self._until = 0.0
        self._is_over = False

    def close(self) -> None:
        """End the thread."""
        self._closed.set()
        if self._thread is not None:
            self._thread.join()

    @contextmanager
    def over(self, response: requests.Response) -> Iterator[None]:
        """Watch the reading of a body. Raises OverdueError."""
        with self._lock:
            self._response, self._until, self._is_over = response, time.monotonic() + self._seconds, False
        if self._thread is None:
            self._thread = threading.Thread(target=self._watch, name="body-deadline", daemon=True)
            self._thread.start()
        try:
            yield
        except (urllib3.exceptions.HTTPError, requests.RequestException, OSError):
            if not self._is_over:
                raise
        finally:
            with self._lock:
                self._response = None
        if self._is_over:
            raise OverdueError

    def _watch(self) -> None:
        wait = self._seconds
        while not self._closed.wait(wait):
            with self._lock:
                now = time.monotonic()
                if self._response is None or self._is_over:
                    wait = self._seconds
                elif self._until > now:
                    wait = self._until - now
                else:
                    self._is_over = True
                    # Nothing is left to cut short where the answer ended in this moment.
                    with suppress(OSError, ValueError, RuntimeError):
                        self._response.raw.shutdown()
                    wait = self._seconds
