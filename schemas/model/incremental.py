"""`incremental`: a request asks for what is new since the last run."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from schemas.model.base import Model
from schemas.model.fields import Count, JmesPath
from schemas.model.times import PositiveDuration


def _lag_kind(value: Any) -> str:
    return "<duration>" if isinstance(value, str | timedelta) else "<number>"


Lag = Annotated[
    Annotated[PositiveDuration, Tag("<duration>")] | Annotated[Count, Tag("<number>")], Discriminator(_lag_kind)
]


class Incremental(Model):
    """Asks only for what is new since the last run. Airflow stores how far it has come (the watermark)."""

    cursor_path: JmesPath = Field(examples=["updated_at", "meta.id"])
    """Where the cursor of each row is, a time or a number that grows (JMESPath). The latest one received is the
    watermark."""
    start_param: Annotated[str, Field(min_length=1, examples=["since"])]
    """Query parameter for the watermark, written as in the rows."""
    end_param: Annotated[str, Field(min_length=1, examples=["until"])] | None = None
    """Query parameter for the moment of the run's first request, written like `initial_value`; for cursors that are
    times."""
    initial_value: str | int | float | None = Field(default=None, examples=["2026-01-01T00:00:00Z", 0])
    """Where the first run starts. Without it, the first run sends no `start_param`."""
    lag: Lag | None = None
    """How far before the watermark to ask again, for rows that arrive late: a duration (`5m`) where cursors are times,
    a whole number where they are numbers. Such rows arrive more than once."""
    row_order: Literal["asc", "desc"] | None = None
    """Order in which the API gives rows, by their cursor: `asc` oldest first, `desc` newest first. With it, no page is
    requested past the end (`asc`, with `end_param`) or the start (`desc`) of the window."""


Detection = Literal["etag", "last_modified", "hash"]


class ValueDetection(Model):
    """A value inside the answer decides whether the answer has changed."""

    path: JmesPath = Field(examples=["meta.version"])
    """Where the value is in the answer (JMESPath)."""


def _shape(value: Any) -> str:
    return "<path>" if isinstance(value, dict | ValueDetection) else "<word>"


ChangeDetection = Annotated[
    Annotated[Detection, Tag("<word>"), Field(title="what to compare")] | Annotated[ValueDetection, Tag("<path>")],
    Discriminator(_shape),
]
