"""An answer's body, read with a bound and decompressed, within the time that a request has."""

from __future__ import annotations

import re
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import requests
import urllib3

from factory.http.errors import Timeouts, is_passing, reason_of

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


CHUNK_BYTES = 64 * 1024
_GZIP = 16 + zlib.MAX_WBITS


class AnswerError(Exception):
    """An answer cannot be used; its text is the reason, without the request.

    `passing`: the same request may well be answered better a little later.
    """

    def __init__(self, reason: str, *, passing: bool = False) -> None:
        super().__init__(reason)
        self.passing = passing


def read_body(response: requests.Response, max_bytes: int, timeouts: Timeouts, deadline: BodyDeadline) -> bytes:
    """The whole body, decompressed; memory stays near `max_bytes`, however well the body is compressed.

    Raises AnswerError for a body that is larger, cut off, compressed in a way that was not asked for, or not there
    within ten times the timeout of each of its pieces.
    """
    announced = response.headers.get("Content-Length", "")
    if announced.isdigit() and int(announced) > max_bytes and response.request.method != "HEAD":
        raise AnswerError(f"the answer has {int(announced):,} bytes, more than `max_bytes` ({max_bytes:,})")
    decoder = _decoder(response.headers.get("Content-Encoding", "identity"))
    body = bytearray()
    try:
        with deadline.over(response):
            for piece in response.raw.stream(CHUNK_BYTES, decode_content=False):
                body += decoder.decode(piece, max_bytes + 1 - len(body))
                if len(body) > max_bytes:
                    raise AnswerError(f"the answer has more than {max_bytes:,} bytes (`max_bytes`)")
    except OverdueError:
        raise _overdue(timeouts) from None
    except (urllib3.exceptions.HTTPError, requests.RequestException, OSError) as error:
        raise AnswerError(reason_of(error, timeouts), passing=is_passing(error)) from None
    decoder.finish()
    return bytes(body)


def read_start(response: requests.Response, max_bytes: int, timeouts: Timeouts, deadline: BodyDeadline) -> bytes:
    """What can be had of the body's start, for an answer that is refused anyway."""
    body = bytearray()
    try:
        decoder = _decoder(response.headers.get("Content-Encoding", "identity"))
        with deadline.over(response):
            for piece in response.raw.stream(max_bytes, decode_content=False):
                body += decoder.decode(piece, max_bytes - len(body))
                if len(body) >= max_bytes:
                    break
    except OverdueError:
        body += f" ({_overdue(timeouts)})".encode()
    except (AnswerError, urllib3.exceptions.HTTPError, requests.RequestException, OSError) as error:
        # The status is what is wrong with the answer; a body that ends early only shortens the excerpt.
        note = str(error) if isinstance(error, AnswerError) else reason_of(error, timeouts)
        body += f" ({note})".encode()
    return bytes(body)


def _overdue(timeouts: Timeouts) -> AnswerError:
    seconds = BODY_TIMEOUTS * timeouts.read
    return AnswerError(f"the answer did not end within {seconds:g} s ({BODY_TIMEOUTS} times `timeout`)", passing=True)


class _Identity:
    def decode(self, data: bytes, limit: int) -> bytes:
        return data[:limit]

    def finish(self) -> None:
        """Nothing is held back."""


class Gzip:
    """Gzip of one or several members (RFC 1952); never gives more than asked for at once."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(_GZIP)
        self._started = False

    def decode(self, data: bytes, limit: int) -> bytes:
        decoded = bytearray()
        try:
            while data and len(decoded) < limit:
                if self._member.eof:
                    data = data.lstrip(b"\0")  # as files are filled up to a block
                    if not data:
                        break
                    self._member = zlib.decompressobj(_GZIP)
                self._started = True
                # At the limit the caller stops, so what is then left unconsumed is not needed.
                decoded += self._member.decompress(data, limit - len(decoded))
                data = self._member.unused_data
        except zlib.error:
            raise AnswerError("the answer says that it is gzip, but it is not") from None
        return bytes(decoded)

    def finish(self) -> None:
        if self._started and not self._member.eof:
            raise AnswerError("the answer is cut off: its gzip data ends in the middle", passing=True)


def _decoder(encoding: str) -> _Identity | Gzip:
    name = encoding.strip().lower()
    if name in ("", "identity"):
        return _Identity()
    if name in ("gzip", "x-gzip"):
        return Gzip()
    raise AnswerError(f"the answer is compressed as `{name}`, which was not asked for (gzip was)")


_UNKEEPABLE = re.compile("[\\0\ud800-\udfff]")
_UNKEEPABLE_BYTES = re.compile(rb"\x00|\\u(?:0000|[dD][89a-fA-F])")


def has_unkeepable_text(body: bytes, value: Any) -> bool:
    """Whether a decoded body holds text that PostgreSQL refuses in JSON: U+0000, or half of a surrogate pair."""
    if _UNKEEPABLE_BYTES.search(body) is None:
        # As good as always; looking at each value costs.
        return False
    pending = [value]
    while pending:
        one = pending.pop()
        if isinstance(one, str) and _UNKEEPABLE.search(one) is not None:
            return True
        if isinstance(one, dict):
            pending += [*one, *one.values()]
        elif isinstance(one, list):
            pending += one
    return False
