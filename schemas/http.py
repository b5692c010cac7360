"""The request of the built-in task `http`, and so of `poll`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from schemas.change_detection import ChangeDetection
from schemas.durations import PositiveDuration
from schemas.incremental import Incremental
from schemas.model import Model
from schemas.numbers import PositiveNumber, StatusCode
from schemas.plain_value import PlainValue
from schemas.task_output import OrTaskOutput

Method = Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
StatusRange = Annotated[str, Field(pattern=r"^[1-5]xx$")]
STATUS_PATTERN = r"^[1-5][0-9][0-9]$"
URL_PATTERN = r"^[Hh][Tt][Tt][Pp][Ss]?://[^/?#\s]|\{\{|\{%|\$\{"
"""Absolute, or known only when it is filled in."""
STATE_KEY_PATTERN = r"^[A-Za-z0-9_./-]+$"
QueryScalar = str | int | float | bool


class Expect(Model):
    """What an answer must be; anything else fails the task."""

    status: StatusCode | StatusRange | Annotated[list[StatusCode | StatusRange], Field(min_length=1)] = "2xx"
    """A status code such as `200`, a range such as `2xx`, or a list of these."""


class HttpRequest(Model):
    """A request; the decoded answer (JSON or text) is the task's output."""

    url: Annotated[str, Field(min_length=1, pattern=URL_PATTERN, examples=["https://api.example.com/orders"])]
    """Absolute URL, `http` or `https`. Credentials belong into an Airflow connection, never here."""
    method: Method = "GET"
    """HTTP method, in capitals."""
    headers: OrTaskOutput[dict[str, str]] | None = Field(default=None, examples=[{"Accept": "application/json"}])
    """Header fields of the request. Values are text: numbers in quotes."""
    params: OrTaskOutput[dict[str, QueryScalar | list[QueryScalar]]] | None = None
    """Query parameters, added to the URL's own; a list gives one parameter for each item."""
    json_body: PlainValue = Field(default=None, alias="json")
    """Body of the request, sent as JSON."""
    timeout: PositiveDuration = Field(default="30s", validate_default=True)
    """Longest wait for the connection, and for each piece of the answer. The whole body has ten times as long; what
    bounds the task is its `execution_timeout`."""
    expect: Expect = Expect()
    """What the answer must be. Default: a status from 200 to 299."""
    max_bytes: PositiveNumber = 1_048_576
    """Largest answer, in bytes after decompression; a larger one fails the task."""
    incremental: Incremental | None = None
    """Ask only for what came since the last run."""
    change_detection: ChangeDetection | None = None
    """How to know that the answer is another one than the last: `etag` and `last_modified` let the server say so
    (If-None-Match, If-Modified-Since), `hash` compares the whole answer, `path` (JMESPath) a value inside. The first
    answer always counts as another one."""
    on_unchanged: Literal["skip", "run"] = "skip"
    """What to do when the answer is the same as the last: `skip` this task and what follows, or `run` on."""
    commit: Literal["consumers", "poll"] = "consumers"
    """When the watermark and what is known of the last answer move: when all tasks behind this one have succeeded
    (`consumers`), or as soon as the answer is there (`poll`)."""
    state_key: Annotated[str, Field(pattern=STATE_KEY_PATTERN, max_length=200)] | None = None
    """Name under which Airflow keeps what the task remembers. Default: `DAG_ID/TASK_ID`; write it down before you
    rename either. Never give one to two tasks."""
