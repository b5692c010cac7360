"""When a request is sent again after a failure, and how long it waits before that; and how many requests a pipeline may
send to a host in a time, over all its tasks that run on one machine."""

from __future__ import annotations

import fcntl
import hashlib
import os
import random
import re
import stat
import struct
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlsplit

from factory.http.expectations import is_expected
from schemas.model.http import IDEMPOTENT, RateLimit, RequestRetries

STANDARD = RequestRetries.model_validate({"attempts": 3, "status": [429, 502, 503, 504]})
"""Where a pipeline says nothing: what is safe to repeat."""
TOO_MANY = 429
_REMAINING = (
    "ratelimit-remaining",
    "x-ratelimit-remaining",
    "x-rate-limit-remaining",
    "x-ratelimit-requests-remaining",
    "x-ratelimit-remaining-requests",
)
_RESET = (
    "ratelimit-reset",
    "x-ratelimit-reset",
    "x-rate-limit-reset",
    "x-ratelimit-reset-after",
    "x-ratelimit-requests-reset",
    "x-ratelimit-reset-requests",
)
_FIELD = re.compile(r"\b(?P<name>r|t|remaining|reset)=(?P<value>[0-9]+)")
_NAMES = {"r": "r", "t": "t", "remaining": "r", "reset": "t"}
_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
_EPOCH, _EPOCH_MS = 1e9, 1e12
"""Numbers from these on are moments, not waits."""


def may_repeat(retries: RequestRetries, method: str) -> bool:
    """Whether a request of this method may be sent again after a failure."""
    return method in IDEMPOTENT or retries.non_idempotent


def wants_repeat(retries: RequestRetries, method: str, status: int, headers: Mapping[str, str]) -> bool:
    """Whether an answer is one to ask again for. A request that the server refused as one too many did nothing."""
    has_wait = status == 403 and wait_in(headers.get("Retry-After", ""), headers) is not None
    if status == TOO_MANY or has_wait or (status == 403 and remaining(headers) == 0):
        return is_expected(TOO_MANY, retries.status)
    return is_expected(status, retries.status) and may_repeat(retries, method)


def delay(retries: RequestRetries, attempt: int, asked: float | None) -> float | None:
    """Seconds to wait after the attempt of this number, from 1; None where the server wants a longer time.

    Twice as long each time, less up to a half by chance, so that many that failed together do not come back
    together. What a server asks for is a lower bound: a `Retry-After: 0` is not asked again at once.
    """
    longest = retries.max_delay.total_seconds()
    backoff = min(longest, retries.initial_delay.total_seconds() * 2.0 ** min(attempt - 1, 63))
    own = backoff * random.uniform(0.5, 1)  # noqa: S311 # spreads load, keeps no secret
    if asked is None:
        return own
    return None if asked > longest else max(own, asked)


def asked_wait(status: int, headers: Mapping[str, str]) -> float | None:
    """Seconds that a server asks to wait: by `Retry-After` (RFC 9110, section 10.2.3, also with a fraction), in
    milliseconds, or until its quota is full again; None where it says nothing that can be read."""
    found = wait_in(headers.get("Retry-After", ""), headers)
    if found is not None:
        return found
    for name in ("retry-after-ms", "x-ms-retry-after-ms"):
        milliseconds = _number(headers.get(name, ""))
        if milliseconds is not None:
            return milliseconds / 1000
    left = remaining(headers)
    return reset_wait(headers) if left == 0 or (left is None and status == TOO_MANY) else None


def remaining(headers: Mapping[str, str], name: str | None = None) -> int | None:
    """How many requests are left, where an answer says so, by this header field or a usual one."""
    if name is None and "limit" not in " ".join(headers).lower():
        return None  # as good as always, and looking for each name costs
    for one in (name,) if name else _REMAINING:
        number = _number(headers.get(one, ""))
        if number is not None:
            return int(number)
    return None if name else _of_ratelimit(headers, "r")


def reset_wait(headers: Mapping[str, str], name: str | None = None) -> float | None:
    """Seconds until there are requests again, where an answer says so."""
    for one in (name,) if name else _RESET:
        found = wait_in(headers.get(one, ""), headers)
        if found is not None:
            return found
    return None if name else _of_ratelimit(headers, "t")


def wait_in(text: str, headers: Mapping[str, str]) -> float | None:
    """Seconds from now in a header field: a number of them or several (the field came twice), with units (`6m0s`), a
    date, or a moment in (milli)seconds since 1970. What time it is, the server's own `Date` says, so that its clock may
    differ."""
    text = text.strip()
    numbers = [_number(part) for part in text.split(",")]
    number = None if None in numbers else max(filter(None, numbers), default=0.0)
    if number is None and (parts := re.fullmatch(r"(?:[0-9.]+(?:ms|[smhd]))+", text, re.ASCII)) is not None:
        with suppress(ValueError):
            return sum(float(one) * _UNITS[unit] for one, unit in re.findall(r"([0-9.]+)(ms|[smhd])", parts.group()))
    if number is None:
        moment = _date(text)
        return None if moment is None else max(0.0, moment - _now(headers))
    if number < _EPOCH:
        return number
    return max(0.0, number / (1000 if number >= _EPOCH_MS else 1) - _now(headers))


def _of_ratelimit(headers: Mapping[str, str], name: str) -> int | None:
    """Of `RateLimit: "default";r=0;t=30` (draft-ietf-httpapi-ratelimit-headers; `limit=100, remaining=0, reset=30`
    before its eighth): of several limits, of the one of which the least is left."""
    text = headers.get("RateLimit", "")
    policies = [text] if "remaining=" in text else text.split(",")
    limits = [{_NAMES[one["name"]]: int(one["value"]) for one in _FIELD.finditer(part)} for part in policies]
    least = min((one for one in limits if "r" in one), key=lambda one: (one["r"], -one.get("t", 0)), default={})
    return least.get(name)


def _number(text: str) -> float | None:
    return float(text) if re.fullmatch(r"[0-9]{1,15}(?:\.[0-9]{1,9})?", text.strip(), re.ASCII) else None


def _date(text: str) -> float | None:
    try:
        when = datetime.fromisoformat(text) if re.match(r"[0-9]{4}-", text) else parsedate_to_datetime(text)
    except (ValueError, OverflowError, TypeError, IndexError):
        return None
    return (when if when.tzinfo is not None else when.replace(tzinfo=UTC)).timestamp()


def _now(headers: Mapping[str, str]) -> float:
    return _date(headers.get("Date", "")) or time.time()


def server_time(headers: Mapping[str, str]) -> datetime | None:
    """When the server answered, by its own clock."""
    seconds = _date(headers.get("Date", ""))
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


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

    @classmethod
    def of(cls, limit: RateLimit | None, owner: str, longest: float, tell: Callable[[str], None]) -> Pace:
        """What a pipeline says. `owner` is whose limit it is: others with the same one have slots of their own."""
        shared = None
        if limit is not None and limit.requests is not None:
            folder = Path(tempfile.gettempdir()) / f"airflow-pipelines-{os.getuid()}"
            per = limit.per.total_seconds()
            shared = SharedRate(limit.requests, per, folder, f"{owner} {limit.requests}/{per}")
        return cls(limit, shared, longest, tell)

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
        until = self._until.pop(urlsplit(url).netloc, 0.0) if self._until else 0.0  # splitting costs
        if (seconds := until - time.monotonic()) > 0:
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
