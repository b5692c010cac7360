"""The request of the built-in task `http`, the task, and `poll`: a first task `{id: poll, uses: http, …}`, request and
settings in one mapping."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Discriminator, Field, Tag

from schemas.model.auth import Auth
from schemas.model.fields import (
    Count,
    JmesPath,
    Model,
    OrTaskOutput,
    PlainValue,
    PositiveCount,
    PositiveNumber,
    StatusCode,
    TaskOutput,
)
from schemas.model.polling import ChangeDetection, Incremental, Pagination
from schemas.model.settings import TaskSettings
from schemas.model.task_base import POLL_TASK_ID, TaskBase
from schemas.model.times import PositiveDuration

Method = Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
"""Methods that do no more when they are sent twice (RFC 9110, section 9.2.2)."""
STATUS_PATTERN = r"^[1-5][0-9][0-9]$"
URL_PATTERN = r"^[Hh][Tt][Tt][Pp][Ss]?://[^/?#\s]|\{\{|\{%|\$\{"
"""Absolute, or known only when it is rendered."""
STATE_KEY_PATTERN = r"^[A-Za-z0-9_./-]+$"
QueryScalar = str | int | float | bool
Name = Annotated[str, Field(min_length=1)]
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

    requests: PositiveCount | None = None
    """Number of requests, retries and pages included."""
    per: PositiveDuration = Field(default="1s", validate_default=True)
    """The time in which so many may be sent."""
    remaining_header: Name | None = Field(default=None, examples=["X-Quota-Left"])
    """Header field of an answer that holds how many requests are left; at 0 the next one waits. Known without it:
    `RateLimit-Remaining`, `X-RateLimit-Remaining` and their like."""
    reset_header: Name | None = Field(default=None, examples=["X-Quota-Reset"])
    """Header field of an answer that holds when there are requests again: seconds, or seconds since 1970. Known without
    it: `RateLimit-Reset`, `X-RateLimit-Reset` and their like."""


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
    """When a page is requested again, and after how long: twice as long each time, less up to a half by chance. What
    the server asks to wait (`Retry-After`, `X-RateLimit-Reset` and their like) is waited for."""

    attempts: PositiveCount = 5
    """How often a page is requested at most, the first time included."""
    initial_delay: PositiveDuration = Field(default="1s", validate_default=True)
    """Longest wait before the second attempt."""
    max_delay: PositiveDuration = Field(default="5m", validate_default=True)
    """Longest wait between two attempts. A server that asks for a longer one fails the task at once."""
    status: Status = [408, 425, 429, 500, 502, 503, 504]
    """Statuses to request again for, unless they are expected. Default: 408, 425, 429, 500, 502, 503 and 504."""
    connection_errors: bool = True
    """`false`: a connection that is refused, broken off or silent fails the task at once."""
    non_idempotent: bool = False
    """`true`: also with `POST` and `PATCH`, which may then be done twice."""


class ResponseAction(Model):
    """What to do about an answer for which all of these conditions hold."""

    status_code: Status | None = None
    """A status code such as `404`, a range such as `5xx`, or a list of these."""
    content: Annotated[str, Field(min_length=1)] | None = None
    """Text that the body contains."""
    condition: JmesPath | None = Field(default=None, examples=["status == 'running'"])
    """JMESPath that is true of the decoded body."""
    headers: dict[str, str] | None = Field(default=None, examples=[{"X-State": "pending"}])
    """Header fields of the answer and their values."""
    action: Literal["fail", "ignore", "retry", "skip"]
    """`fail`: the task fails. `ignore`: the page has no rows, and no other follows. `retry`: request it again, as often
    as `request_retries` allows. `skip`: the task is skipped."""


class Csv(Model):
    """How a CSV answer is written."""

    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    """Character between two fields; `"\\t"` is a tab."""
    quotechar: Annotated[str, Field(min_length=1, max_length=1)] = '"'
    """Character around fields that hold a delimiter."""
    header: bool | list[str] = True
    """`true`: the first line names the columns. A list: these are their names, and every line is a row. `false`: the
    columns are `column_1`, `column_2`, …."""
    skip_lines: Count = 0
    """Lines to leave out at the start."""


class Each(Model):
    """One request for each row of another answer, in one task. `${each.NAME}` anywhere in the request is the row's
    value."""

    rows: TaskOutput | list[PlainValue] = Field(examples=["${tasks.orders.output}"])
    """The rows: another task's output (a list, or the path of a file that it wrote), or a list."""
    include: list[str] | dict[str, str] = Field(default=[], examples=[["id"], {"order_id": "id"}])
    """Values of the row to put into each row that it brings: names, or new names with what they are in the row."""
    batch: PositiveCount | None = Field(default=None, examples=[50])
    """So many rows in one request: `${each.NAME}` is then their values, with commas between them inside a text. Each
    row must have the value."""
    on_missing: Literal["fail", "skip"] = "fail"
    """What to do where an answer is 404 (its first page): fail the task, or go on with the next row."""


class Until(Model):
    """A job that was started: its state is asked for until it is done. Nothing waits in a worker."""

    condition: JmesPath = Field(examples=["status == 'done'"])
    """JMESPath that is true of the decoded body, of the first page, when the job is done. An answer 202 is never
    done, nor one that `response_actions` ignores."""
    every: PositiveDuration = Field(default="30s", validate_default=True)
    """Time from one request to the next."""
    within: PositiveDuration = Field(default="1h", validate_default=True)
    """Longest time that the job may take, from the first request."""


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
    body: Annotated[str, Field(min_length=1)] | None = Field(default=None, examples=["<query>open</query>"])
    """Body of the request, sent as it is in UTF-8; write its `Content-Type` in `headers`."""
    auth: Auth | None = None
    """How the request is authenticated. The secret is in an Airflow connection, never here."""
    timeout: Annotated[
        Annotated[PositiveDuration, Tag("<duration>")] | Annotated[Timeout, Tag("<mapping>")],
        Discriminator(_kind_of_timeout),
    ] = Field(default="30s", validate_default=True)
    """Longest wait for the connection, and for each piece of the answer; or a mapping with both. The whole body has ten
    times as long. To limit the task, set its `execution_timeout`."""
    request_retries: RequestRetries | None = None
    """Request a page again that failed, before the task fails. Without it a page is requested up to three times after
    429, 502, 503, 504 and connection errors; `{attempts: 1}` requests it once."""
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
    max_total_bytes: PositiveNumber | None = None
    """Largest sum of all pages, and of all requests of `each`, in bytes after decompression; more fail the task."""
    max_rows: PositiveNumber | None = None
    """Largest number of rows; more fail the task."""
    format: Literal["json", "jsonl", "csv", "xml", "text", "bytes"] | None = None
    """What the body is. Default: JSON or text, as its `Content-Type` says; where the request selects or checks a part
    of it, also what the ending of the URL says. `jsonl`, `csv` and `xml` are decoded to rows or a mapping, `bytes` to
    base64 text."""
    compression: Literal["gzip", "zip", "none"] | None = None
    """How the body itself is compressed, besides `Content-Encoding`: `zip` takes an archive of one file. Default: by
    content type or the ending of the URL."""
    encoding: Annotated[str, Field(min_length=1, max_length=40)] | None = Field(default=None, examples=["cp1252"])
    """Character encoding of the body. Default: what its `Content-Type` says, else UTF-8."""
    csv: Csv | None = None
    """How a CSV body is written."""
    decimals: Literal["float", "text"] = "float"
    """`text`: numbers of a JSON body that have a fraction or an exponent stay the text that the server sent, so that
    no digit is lost."""
    to: Annotated[str, Field(min_length=1, examples=["/data/orders/{{ dag_run.run_after | ds }}.jsonl"])] | None = None
    """Write the rows to this file, page by page, and hand on its path in place of the rows. The ending says the format:
    `.jsonl`, `.json`, `.csv` (each also with `.gz`) or `.parquet`. Local, or such as `s3://CONN_ID@bucket/orders.csv`."""
    unique_by: JmesPath | None = Field(default=None, examples=["id", "[shop, number]"])
    """JMESPath of what tells rows apart: each is handed on once in a run; with `incremental`, its newest version. A
    list in which rows move while it is read is then read again."""
    each: Each | None = None
    """One request for each row of another answer, in one task."""
    until: Until | None = None
    """Ask again until the job that the answer tells of is done, without a worker."""
    response_headers: list[Name] = Field(default=[], examples=[["Location", "X-Total-Count"]])
    """Header fields of the first answer to put into the XCom `http`, as `${tasks.ID.xcom.http.headers}`, in small
    letters."""
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


class HttpTask(TaskBase):
    """Requests a URL."""

    mappable: ClassVar[frozenset[str]] = frozenset(
        {"url", "conn_id", "endpoint", "headers", "params", "json", "data", "body", "to"}
    )
    templated: ClassVar[frozenset[str]] = mappable | {"each"}

    uses: Literal["http"]
    """The built-in that requests a URL."""
    with_: HttpRequest = Field(alias="with")
    """The request."""


class Watch(Model):
    """Sends requests without a worker and starts a run when the answer has changed: by its `hash`, unless
    `change_detection` says otherwise."""

    every: PositiveDuration
    """Time from one request to the next, such as `10s`."""


class Poll(HttpRequest, TaskSettings):
    """Requests a URL on the pipeline's schedule; the answer is `${tasks.poll.output}`."""

    watch: Watch | None = None
    """Instead of a `schedule`: request from Airflow's triggerer, and start a run when the answer has changed."""

    def as_task(self) -> HttpTask:
        """The task that this mapping describes."""
        # All values, defaults included, were validated as this model's own fields.
        request = {name: getattr(self, name) for name in HttpRequest.model_fields}
        if self.watch is not None and self.change_detection is None:
            # So that the run sees the same change as the trigger that started it.
            request["change_detection"] = "hash"
        settings = {name: getattr(self, name) for name in self.model_fields_set & TaskSettings.model_fields.keys()}
        return HttpTask.model_construct(
            id=POLL_TASK_ID, uses="http", with_=HttpRequest.model_construct(**request), **settings
        )
