"""Requesting again, and what else is done about particular answers."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from schemas.durations import PositiveDuration
from schemas.http_expect import Status
from schemas.model import Model
from schemas.numbers import PositiveCount


class RequestRetries(Model):
    """When a page is requested again, and after how long: twice as long each time, less up to a half by chance. A
    `Retry-After` of the server is waited for."""

    attempts: PositiveCount = 5
    """How often a page is requested at most, the first time included."""
    initial_delay: PositiveDuration = Field(default="1s", validate_default=True)
    """Longest wait before the second attempt."""
    max_delay: PositiveDuration = Field(default="60s", validate_default=True)
    """Longest wait between two attempts. A server that asks for a longer one fails the task at once."""
    status: Status = [408, 425, 429, 500, 502, 503, 504]
    """Statuses to request again for, unless they are expected. Default: 408, 425, 429, 500, 502, 503 and 504."""
    connection_errors: bool = True
    """`false`: a connection that is refused, broken off or silent fails the task at once."""
    non_idempotent: bool = False
    """`true`: also with `POST` and `PATCH`, which may then be done twice."""


class ResponseAction(Model):
    """What to do about an answer with this status (any, where there is none) and this text in it."""

    status_code: Status | None = None
    """A status code such as `404`, a range such as `5xx`, or a list of these."""
    content: Annotated[str, Field(min_length=1)] | None = None
    """Text that the body has in it."""
    action: Literal["fail", "ignore", "retry", "skip"]
    """`fail`: the task fails. `ignore`: the page has no rows, and no other follows. `retry`: request it again, as often
    as `request_retries` says. `skip`: the task is skipped."""
