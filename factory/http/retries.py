"""When a request is sent again, and how long it waits before that."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from factory.http.expectations import StatusPattern, is_expected
from factory.http.session import IDEMPOTENT


@dataclass(frozen=True, slots=True)
class Retries:
    """`attempts` is how often a page is requested at most, the first time included. Delays are in seconds."""

    attempts: int = 1
    initial_delay: float = 1
    max_delay: float = 60
    status: tuple[StatusPattern, ...] = ()
    connection_errors: bool = True
    non_idempotent: bool = False

    def covers(self, method: str) -> bool:
        """Whether a request of this method may be sent again."""
        return self.attempts > 1 and (method in IDEMPOTENT or self.non_idempotent)

    def covers_status(self, status: int) -> bool:
        """Whether an answer of this status is one to ask again for."""
        return is_expected(status, self.status)

    def delay(self, attempt: int, retry_after: float | None) -> float | None:
        """Seconds to wait after the attempt of this number, from 1; None where the server wants a longer time.

        Twice as long each time, less up to a half by chance, so that many that failed together do not come back
        together. What a server asks for is a lower bound: a `Retry-After: 0` is not asked again at once.
        """
        backoff = min(self.max_delay, self.initial_delay * 2.0 ** min(attempt - 1, 63))
        own = backoff * random.uniform(0.5, 1)  # noqa: S311 # no secret hangs on it
        if retry_after is None:
            return own
        return None if retry_after > self.max_delay else max(own, retry_after)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that a server asks to wait: a number, or the time until a date (RFC 9110, section 10.2.3)."""
    text = headers.get("Retry-After", "").strip()
    if not text:
        return None
    if text.isascii() and text.isdigit():
        return float(text[:12])
    try:
        when = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    aware = when if when.tzinfo is not None else when.replace(tzinfo=UTC)
    return max(0.0, (aware - datetime.now(UTC)).total_seconds())
