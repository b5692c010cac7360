"""How many requests a pipeline may send to a host in a time, over all its tasks that run on one machine."""

from __future__ import annotations

import fcntl
import hashlib
import os
import stat
import struct
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

_SLOT = struct.Struct("<dd")
"""The next free slot, and when that was written: a clock that has been set back since makes it worthless."""


class Rate(Protocol):
    """Holds a request back until it is due."""

    def wait(self, url: str) -> None:
        """Wait for this URL's host."""
        ...


class Unlimited:
    """Every request is due."""

    def wait(self, url: str) -> None:
        """Returns at once."""


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
