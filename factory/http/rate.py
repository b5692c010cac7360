"""How many requests a pipeline may send to a host in a time, over all its tasks that run on one machine."""

from __future__ import annotations

import fcntl
import hashlib
import os
import stat
import struct
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from factory.http.retries import remaining, reset_wait
from schemas.model.http import RateLimit

_SLOT = struct.Struct("<dd")
"""The next free slot, and when that was written: a clock that has been set back since makes it worthless."""


class Pace:
    """Holds each request back until it is due: by the pipeline's own limit, and where a server says that none are left,
    until there are again. `longest`: seconds."""

    def __init__(
        self,
        limit: RateLimit | None = None,
        shared: SharedRate | None = None,
        longest: float = 60,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._shared = shared
        self._remaining_header = limit.remaining_header if limit is not None else None
        self._reset_header = limit.reset_header if limit is not None else None
        self._longest = longest
        self._tell = tell
        self._until: dict[str, float] = {}

    def respect(self, url: str, headers: Mapping[str, str]) -> None:
        """Take in what an answer says. A wait longer than the longest is not begun: the server will refuse the next
        request, and why is then known."""
        if remaining(headers, self._remaining_header) != 0:
            return
        seconds = reset_wait(headers, self._reset_header)
        if seconds is not None and 0 < seconds <= self._longest:
            self._until[urlsplit(url).netloc] = time.monotonic() + seconds

    def wait(self, url: str) -> None:
        """Wait for this URL's host."""
        if self._shared is not None:
            self._shared.wait(url)
        seconds = self._until.pop(urlsplit(url).netloc, 0.0) - time.monotonic()
        if seconds > 0:
            self._tell(f"the server has no requests left for now: waiting {seconds:.1f} s, as it says")
            time.sleep(seconds)


@dataclass(frozen=True)
class SharedRate:
    """`requests` in `seconds`, evenly spread, for each host.

    Every request takes the next free slot of its host from a small file below `folder`, under a lock that ends with
    the process: tasks that run at once share the slots, and one that is killed leaves nothing behind. `budget` names
    what shares: requests with another one are counted apart.
    """

    requests: int
    seconds: float
    folder: Path
    budget: str

    def wait(self, url: str) -> None:
        """Take the next slot and sleep until it comes. Raises OSError where the folder cannot be used."""
        host = urlsplit(url).hostname or ""
        pause = self._slot(hashlib.sha256(f"{self.budget}\n{host}".encode()).hexdigest()) - time.time()
        if pause > 0:
            time.sleep(pause)

    def _slot(self, name: str) -> float:
        _own_folder(self.folder)
        place = os.open(self.folder / name, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(place, fcntl.LOCK_EX)
            written = os.pread(place, _SLOT.size, 0)
            now = time.time()
            free, at = _SLOT.unpack(written) if len(written) == _SLOT.size else (now, now)
            slot: float = max(now, free) if at <= now else now
            os.pwrite(place, _SLOT.pack(slot + self.seconds / self.requests, now), 0)
        finally:
            os.close(place)
        return slot


def _own_folder(folder: Path) -> None:
    """A folder that nobody else can put anything into, though the one above it may be everybody's."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    facts = folder.lstat()
    if not stat.S_ISDIR(facts.st_mode) or facts.st_uid != os.getuid():
        raise PermissionError(f"{folder} belongs to somebody else")
