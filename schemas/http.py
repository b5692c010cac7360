"""The request of the built-in task `http`, and so of `poll`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from schemas.change_detection import ChangeDetection
from schemas.durations import PositiveDuration
from schemas.http_auth import Auth
from schemas.http_expect import Expect
from schemas.http_pagination import Pagination
from schemas.http_retries import RequestRetries, ResponseAction
from schemas.incremental import Incremental
from schemas.jmespath import JmesPath
from schemas.model import Model
from schemas.numbers import PositiveCount, PositiveNumber
from schemas.plain_value import PlainValue
from schemas.task_output import OrTaskOutput

Method = Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
STATUS_PATTERN = r"^[1-5][0-9][0-9]$"
URL_PATTERN = r"^[Hh][Tt][Tt][Pp][Ss]?://[^/?#\s]|\{\{|\{%|\$\{"
"""Absolute, or known only when it is filled in."""
STATE_KEY_PATTERN = r"^[A-Za-z0-9_./-]+$"
QueryScalar = str | int | float | bool
ConnId = Annotated[str, Field(min_length=1, max_length=250, examples=["orders_api"])]


class Timeout(Model):
    """Longest waits, told apart."""

    connect: PositiveDuration = Field(default="30s", validate_default=True)
    """Longest wait for the connection."""
    read: PositiveDuration = Field(default="30s", validate_default=True)
    """Longest wait for each piece of the answer. The whole body has ten times as long."""


def _kind_of_timeout(value: Any) -> str:
    return "<mapping>" if isinstance(value, dict | Timeout) else "<duration>"


class RateLimit(Model):
    """How many requests may be sent to one host, evenly spread over the time."""

    requests: PositiveCount
    """Number of requests, retries and pages included."""
    per: PositiveDuration = Field(default="1s", validate_default=True)
    """The time in which so many may be sent."""


class HttpRequest(Model):
    """A request; the decoded answer (JSON or text) is the task's output."""

    url: Annotated[str, Field(min_length=1, pattern=URL_PATTERN)] | None = Field(
        default=None, examples=["https://api.example.com/orders"]
    )
    """Absolute URL, `http` or `https`. Credentials belong into an Airflow connection, never here."""
    conn_id: ConnId | None = None
    """In place of `url`: an Airflow connection of type HTTP, whose address, credentials, header fields and TLS settings
    hold."""
    endpoint: str | None = Field(default=None, examples=["/v1/orders"])
    """With `conn_id`: what follows the connection's address."""
    method: Method = "GET"
    """HTTP method, in capitals."""
    headers: OrTaskOutput[dict[str, str]] | None = Field(default=None, examples=[{"Accept": "application/json"}])
    """Header fields of the request. Values are text: numbers in quotes."""
    params: OrTaskOutput[dict[str, QueryScalar | list[QueryScalar]]] | None = None
    """Query parameters, added to the URL's own; a list gives one parameter for each item."""
    json_body: PlainValue = Field(default=None, alias="json")
    """Body of the request, sent as JSON."""
    data: OrTaskOutput[dict[str, QueryScalar | list[QueryScalar]]] | None = None
    """Body of the request, sent as the fields of a form; a list gives one field for each item."""
    auth: Auth | None = None
    """What proves to the server who asks. The secret is in an Airflow connection, never here."""
    timeout: Annotated[
        Annotated[PositiveDuration, Tag("<duration>")] | Annotated[Timeout, Tag("<mapping>")],
        Discriminator(_kind_of_timeout),
    ] = Field(default="30s", validate_default=True)
    """Longest wait for the connection, and for each piece of the answer; or both told apart. The whole body has ten
    times as long; what bounds the task is its `execution_timeout`."""
    request_retries: RequestRetries | None = None
    """Request a page again that failed, before the task fails. Without it every page is requested once."""
    expect: Expect = Expect.model_construct()
    """What every answer must be. Default: a status from 200 to 299."""
    response_actions: list[ResponseAction] = []
    """What to do about particular answers; the first that holds counts, before `expect`."""
    data_selector: JmesPath | None = Field(default=None, examples=["data", "result.items[*]"])
    """JMESPath of the rows in an answer; with it the output is one flat list."""
    pagination: Pagination | None = None
    """How to get from one page to the next; with it the output is one flat list."""
    rate_limit: RateLimit | None = None
    """How often to request a host, shared by the tasks of the pipeline that run on one machine."""
    max_bytes: PositiveNumber = 1_048_576
    """Largest answer (of each page), in bytes after decompression; a larger one fails the task."""
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
