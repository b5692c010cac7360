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
Text = Annotated[str, Field(min_length=1)]
CursorFormat = Annotated[str, Field(min_length=1, max_length=100)]


class Incremental(Model):
    """Asks only for what is new since the last run. Airflow stores how far it has come (the watermark)."""

    cursor_path: JmesPath | None = Field(default=None, examples=["updated_at", "meta.id"])
    """Where each row has its cursor, a time or a number that grows (JMESPath). The latest one that arrived is the
    watermark."""
    start_param: Text | None = Field(default=None, examples=["since"])
    """Query parameter that takes the watermark. In place of it, `${cursor.start}` anywhere in the request."""
    end_param: Text | None = Field(default=None, examples=["until"])
    """Query parameter that takes the moment at which the run first asked; for cursors that are times. In place of it,
    `${cursor.end}` anywhere in the request."""
    initial_value: str | int | float | None = Field(default=None, examples=["2026-01-01T00:00:00Z", 0])
    """What the first run asks from. Without it, the first run sends no `start_param`."""
    cursor_format: CursorFormat | None = Field(default=None, examples=["%d/%m/%Y", "epoch_ms"])
    """How rows write their cursor: `iso`, `date`, `rfc2822`, `epoch`, `epoch_ms`, `number`, `text`, or a pattern such
    as `%d/%m/%Y`. Default: what can be told from the values; a date that can be read in two ways fails the task."""
    param_format: CursorFormat | None = Field(default=None, examples=["epoch"])
    """How the request takes cursors, in the same words. Default: as `initial_value` and the rows have them."""
    lag: Lag | None = None
    """How far before the watermark to ask again, for rows that arrive late: a duration (`5m`) where cursors are times,
    a whole number where they are numbers. Such rows arrive more than once."""
    step: PositiveDuration | None = Field(default=None, examples=["7d"])
    """Longest time that one run asks for: a long back-fill goes run by run, and the watermark moves after each. For
    cursors that are times, with `end_param` or `${cursor.end}`."""
    row_order: Literal["asc", "desc"] | None = None
    """Order in which the API gives rows, by their cursor: `asc` oldest first, `desc` newest first. With it, no page is
    requested behind the window's end (`asc`, with `end_param`) or start (`desc`). Rows in another order fail the
    task."""
    filter: Literal["server", "client"] = "server"
    """`client`: the API gives all rows, and those before the watermark are left out here."""
    on_missing_cursor: Literal["fail", "keep", "skip"] = "fail"
    """What to do with a row without a cursor: fail the task, hand it on each time, or leave it out."""
    token_path: JmesPath | None = Field(default=None, examples=["nextSyncToken"])
    """In place of `cursor_path`: JMESPath of a token in the answer's last page that says what to ask for next time."""
    token_param: Text | None = Field(default=None, examples=["syncToken"])
    """With `token_path`: the query parameter that takes the token. Without it the token is the URL to request."""


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
