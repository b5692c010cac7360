"""What a failed task does by the exception that failed it, in the words of Airflow's ExceptionRetryPolicy."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from schemas.expressions.patterns import EXCEPTION_PATTERN
from schemas.model.base import Model
from schemas.model.durations import Duration

RetryAction = Literal["retry", "fail", "default"]
ExceptionName = Annotated[
    str, Field(pattern=EXCEPTION_PATTERN, examples=["TimeoutError", "requests.exceptions.HTTPError"])
]


class RetryRule(Model):
    """What is done after an exception."""

    exception: ExceptionName | Annotated[list[ExceptionName], Field(min_length=1)]
    """One of Python's own exceptions by its name, another one by its dotted path, or a list."""
    action: RetryAction = "retry"
    """`retry` tries again while there are `retries`, `fail` fails at once, `default` does what the task would do."""
    retry_delay: Duration | None = None
    """Time until the next try, in place of the task's."""
    reason: str | None = None
    """Why, for the log."""
    match_subclasses: bool = True
    """Hold for exceptions derived from it, too."""


class RetryPolicy(Model):
    """Rules that are asked in their order; the first that fits decides."""

    rules: Annotated[list[RetryRule], Field(min_length=1)]
    """What is done after which exception."""
    default: RetryAction = "default"
    """What is done where no rule fits."""
