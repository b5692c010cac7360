"""When a request is sent again, and how long it waits before that."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Mapping
from datetime import UTC, timedelta
from email.utils import parsedate_to_datetime

from factory.http.expectations import is_expected
from schemas.model.http import IDEMPOTENT, RequestRetries

STANDARD = RequestRetries.model_construct(
    attempts=3,
    initial_delay=timedelta(seconds=1),
    max_delay=timedelta(seconds=60),
    status=[429, 502, 503, 504],
    connection_errors=True,
    non_idempotent=False,
)
"""Where a pipeline says nothing: what is safe to repeat."""
TOO_MANY = 429
_REMAINING = (
    "ratelimit-remaining",
    "x-ratelimit-remaining",
    "x-rate-limit-remaining",
    "x-ratelimit-requests-remaining",
)
_RESET = (
    "ratelimit-reset",
    "x-ratelimit-reset",
    "x-rate-limit-reset",
    "x-ratelimit-reset-after",
    "x-ratelimit-requests-reset",
)
_FIELD = re.compile(r"\b(?P<name>[rt])=(?P<value>[0-9]+)")
_EPOCH, _EPOCH_MS = 1e9, 1e12
"""Numbers from these on are moments, not waits."""


def may_repeat(retries: RequestRetries, method: str) -> bool:
    """Whether a request of this method may be sent again after a failure."""
    return method in IDEMPOTENT or retries.non_idempotent


def wants_repeat(retries: RequestRetries, method: str, status: int, headers: Mapping[str, str]) -> bool:
    """Whether an answer is one to ask again for. A request that the server refused as one too many did nothing."""
    if status == TOO_MANY or (status == 403 and remaining(headers) == 0):
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
    """Seconds from now in a header field: a number of them, a date, or a moment in (milli)seconds since 1970. What time
    it is, the server's own `Date` says, so that its clock may differ."""
    text = text.strip()
    number = _number(text)
    if number is None:
        moment = _date(text)
        return None if moment is None else max(0.0, moment - _now(headers))
    if number < _EPOCH:
        return number
    return max(0.0, number / (1000 if number >= _EPOCH_MS else 1) - _now(headers))


def _of_ratelimit(headers: Mapping[str, str], name: str) -> int | None:
    """Of `RateLimit: "default";r=0;t=30` (draft-ietf-httpapi-ratelimit-headers)."""
    for field in _FIELD.finditer(headers.get("RateLimit", "")):
        if field["name"] == name:
            return int(field["value"])
    return None


def _number(text: str) -> float | None:
    return float(text) if re.fullmatch(r"[0-9]{1,15}(?:\.[0-9]{1,9})?", text.strip(), re.ASCII) else None


def _date(text: str) -> float | None:
    try:
        when = parsedate_to_datetime(text)
    except (ValueError, OverflowError, TypeError, IndexError):
        return None
    return (when if when.tzinfo is not None else when.replace(tzinfo=UTC)).timestamp()


def _now(headers: Mapping[str, str]) -> float:
    return _date(headers.get("Date", "")) or time.time()
