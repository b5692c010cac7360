"""The request of the built-in task `http`, and so of `poll`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from schemas.model.base import Model
from schemas.model.fields import JmesPath, OrTaskOutput, PlainValue, PositiveCount, PositiveNumber, StatusCode
from schemas.model.incremental import ChangeDetection, Incremental
from schemas.model.pagination import Pagination
from schemas.model.times import PositiveDuration

Method = Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
STATUS_PATTERN = r"^[1-5][0-9][0-9]$"
URL_PATTERN = r"^[Hh][Tt][Tt][Pp][Ss]?://[^/?#\s]|\{\{|\{%|\$\{"
"""Absolute, or known only when it is rendered."""
STATE_KEY_PATTERN = r"^[A-Za-z0-9_./-]+$"
QueryScalar = str | int | float | bool
ConnId = Annotated[str, Field(min_length=1, max_length=250, examples=["orders_api"])]


class Timeout(Model):
    """Longest waits, one by one."""

    connect: PositiveDuration = Field(default="30s", validate_default=True)
    """Longest wait for the connection."""
    read: PositiveDuration = Field(default="30s", validate_default=True)
    """Longest wait for each piece of the answer. The whole body has ten times as long."""


def _kind_of_timeout(value: Any) -> str:
    return "<mapping>" if isinstance(value, dict | Timeout) else "<duration>"


class RateLimit(Model):
    """How many requests may be sent to one host, spread evenly over time."""

    requests: PositiveCount
    """Number of requests, retries and pages included."""
    per: PositiveDuration = Field(default="1s", validate_default=True)
    """The time in which this many may be sent."""


KEYS_BY_TYPE = {
    "bearer": (),
    "api_key": ("name", "location"),
    "basic": (),
    "oauth2_client_credentials": ("access_token_url", "scope"),
}
"""The keys of each type besides `type` and `conn_id`."""


class Auth(Model):
    """How a request is authenticated. Only the first server gets the credentials, not one that it redirects or links
    to."""

    type: Literal["bearer", "api_key", "basic", "oauth2_client_credentials"]
    """`bearer`: the connection's password as a token. `api_key`: its password in a header field or a query parameter.
    `basic`: its login and password. `oauth2_client_credentials`: an access token, requested with its login (client
    id) and password (client secret)."""
    conn_id: Annotated[str, Field(min_length=1, max_length=250, examples=["orders_api"])]
    """The Airflow connection with the secret."""
    name: Annotated[str, Field(min_length=1)] | None = Field(default=None, examples=["X-Api-Key"])
    """With `api_key`: name of the header field or query parameter. Default: `X-Api-Key`."""
    location: Literal["header", "query"] | None = None
    """With `api_key`: where to send it. Default: `header`."""
    access_token_url: Annotated[str, Field(min_length=1)] | None = Field(
        default=None, examples=["https://login.example.com/oauth2/token"]
    )
    """With `oauth2_client_credentials`: where to request the token. Default: the connection's address."""
    scope: Annotated[str, Field(min_length=1)] | None = None
    """With `oauth2_client_credentials`: what the token is for; separate several with spaces."""


StatusRange = Annotated[str, Field(pattern=r"^[1-5]xx$")]
Status = StatusCode | StatusRange | Annotated[list[StatusCode | StatusRange], Field(min_length=1)]
MEDIA_TYPE_PATTERN = r"^[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+$"
MediaType = Annotated[str, Field(pattern=MEDIA_TYPE_PATTERN)]


class Expect(Model):
    """What an answer must be; anything else fails the task."""

    status: Status = "2xx"
    """A status code such as `200`, a range such as `2xx`, or a list of these."""
    content_type: MediaType | Annotated[list[MediaType], Field(min_length=1)] | None = Field(
        default=None, examples=["application/json"]
    )
    """Media type of the body, without parameters, or a list of these."""
    condition: JmesPath | None = Field(default=None, examples=["status == 'ok'", "length(items) > `0`"])
    """JMESPath that must be true of the decoded body; empty and missing count as false."""
    json_schema: dict[str, PlainValue] | None = None
    """JSON Schema that the decoded body must fit."""


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
    """Text that the body contains."""
    action: Literal["fail", "ignore", "retry", "skip"]
    """`fail`: the task fails. `ignore`: the page has no rows, and no other follows. `retry`: request it again, as often
    as `request_retries` allows. `skip`: the task is skipped."""


class HttpRequest(Model):
    """A request; the decoded answer (JSON or text) is the task's output."""

    url: Annotated[str, Field(min_length=1, pattern=URL_PATTERN)] | None = Field(
        default=None, examples=["https://api.example.com/orders"]
    )
    """Absolute URL, `http` or `https`. Put credentials into an Airflow connection, never here."""
    conn_id: ConnId | None = None
    """Instead of `url`: an Airflow connection of type HTTP, with its address, credentials, header fields and TLS
    settings."""
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
    """How the request is authenticated. The secret is in an Airflow connection, never here."""
    timeout: Annotated[
        Annotated[PositiveDuration, Tag("<duration>")] | Annotated[Timeout, Tag("<mapping>")],
        Discriminator(_kind_of_timeout),
    ] = Field(default="30s", validate_default=True)
    """Longest wait for the connection, and for each piece of the answer; or a mapping with both. The whole body has ten
    times as long. To limit the task, set its `execution_timeout`."""
    request_retries: RequestRetries | None = None
    """Retry a page that failed, before the task fails. Without it, every page is requested once."""
    expect: Expect = Expect.model_construct()
    """What every answer must look like. Default: a status from 200 to 299."""
    response_actions: list[ResponseAction] = []
    """What to do with particular answers. The first that matches is used, before `expect`."""
    data_selector: JmesPath | None = Field(default=None, examples=["data", "result.items[*]"])
    """JMESPath of the rows in an answer; with it the output is one flat list."""
    pagination: Pagination | None = None
    """How to get from one page to the next; with it the output is one flat list."""
    rate_limit: RateLimit | None = None
    """How often to send requests to a host, shared by the tasks of the pipeline that run on one machine."""
    max_bytes: PositiveNumber = 1_048_576
    """Largest answer (of each page), in bytes after decompression; a larger one fails the task."""
    incremental: Incremental | None = None
    """Ask only for what came since the last run."""
    change_detection: ChangeDetection | None = None
    """How to tell that the answer has changed: `etag` and `last_modified` let the server say so
    (If-None-Match, If-Modified-Since), `hash` compares the whole answer, `path` (JMESPath) a value inside. The first
    answer always counts as changed."""
    on_unchanged: Literal["skip", "run"] = "skip"
    """What to do when the answer has not changed: `skip` this task and those after it, or `run` on."""
    commit: Literal["consumers", "poll"] = "consumers"
    """When the watermark and the stored state of the last answer move: when all tasks after this one have succeeded
    (`consumers`), or as soon as the answer arrives (`poll`)."""
    state_key: Annotated[str, Field(pattern=STATE_KEY_PATTERN, max_length=200)] | None = None
    """Name under which Airflow stores the state of the task. Default: `DAG_ID/TASK_ID`; set it before you rename
    either. Never use one name for two tasks."""
