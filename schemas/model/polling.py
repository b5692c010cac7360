"""What a poll asks for: `pagination` (in the words of dlt's `rest_api`), `incremental`, `change_detection`."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from schemas.model.fields import Count, JmesPath, Model, PlainValue, PositiveCount
from schemas.model.times import PositiveDuration

_TOTAL = ("total_path", "total_header")
KEYS_BY_TYPE = {
    "json_link": ("next_url_path", *_TOTAL),
    "header_link": ("links_next_key", *_TOTAL),
    "cursor": (
        "cursor_path",
        "cursor_header",
        "cursor_param",
        "cursor_body_path",
        "cursor_request_header",
        "next_request",
        *_TOTAL,
    ),
    "offset": (
        "limit",
        "limit_param",
        "limit_body_path",
        "offset",
        "offset_param",
        "offset_body_path",
        *_TOTAL,
    ),
    "page_number": ("base_page", "page_param", "page_body_path", *_TOTAL),
    "single_page": (),
}
"""The keys of each type besides `type`, `max_pages` and those that say where any list ends."""
NEEDED = {"cursor": ("cursor_path", "cursor_header"), "offset": ("limit",)}
"""Of the keys of a type, one must be written."""
IN_BODY = {
    "cursor_body_path": ("cursor_param", "cursor_request_header"),
    "offset_body_path": ("offset_param",),
    "page_body_path": ("page_param",),
    "limit_body_path": ("limit_param",),
}
"""Places in the `json` body, and what they take the place of."""
Name = Annotated[str, Field(min_length=1)]
BODY_PATH_PATTERN = r"^[^.]+(\.[^.]+)*$"
BodyPath = Annotated[str, Field(pattern=BODY_PATH_PATTERN, max_length=200)]

LAST = (
    r"(?:is)?(?:last|lastpage|lastbatch|done|finished|exhausted|final|finalpage|eos|eof)|nomore.*|isend|(?:is)?endreached"
    r"|(?:is)?(?:reached|at)(?:the)?end|endof(?:stream|list|results?|records?|data)"
)
"""Names of keys that are true on the last page, in small letters and without what is no letter."""
_OPPOSITES = {
    "": re.compile(rf"{LAST}|(?:is)?(?:end|ended|completed?)|all(?:loaded|fetched|read)"),
    "!": re.compile(r"(?:has|is|are|thereis|thereare)?(?:any)?(?:more|next|truncated)(?!.*last)(?!.*end).*"),
}
_MAYBE_NOT = re.compile(r"\s*(?P<sign>!?)\s*(?P<open>\()?\s*(?P<path>[\w.\"@-]+)\s*(?(open)\)\s*)")


def instead_of_opposite(has_more_path: str) -> str | None:
    """What to write for a path that by its name says the opposite: `!done` for `done`. None where it does not."""
    found = _MAYBE_NOT.fullmatch(has_more_path)
    key = re.sub(r"[^a-z]", "", found["path"].rpartition(".")[2].lower()) if found is not None else ""
    if found is None or _OPPOSITES[found["sign"]].fullmatch(key) is None:
        return None
    path = found["path"]
    return path if found["sign"] else f"!({path})" if "." in path else f"!{path}"  # `!a.b` is `(!a).b`


class NextRequest(Model):
    """The request for every page but the first, where it is another one. It gets the cursor too."""

    url: Annotated[str, Field(min_length=1)] = Field(examples=["/files/list_folder/continue"])
    """URL; a relative one is below that of the first page."""
    method: Literal["GET", "POST"] | None = None
    """HTTP method. Default: that of the first page."""
    params: dict[str, str | int | float | bool] | None = None
    """Query parameters; those of the first page are not sent."""
    json_body: dict[str, PlainValue] | None = Field(default=None, alias="json", examples=[{"scroll": "1m"}])
    """Body, sent as JSON; that of the first page is not sent."""


class Pagination(Model):
    """How to get from one page to the next. A list of links or cursors ends where there is no other one, a list that is
    counted ends at its total or at a page without rows."""

    type: Literal["json_link", "header_link", "cursor", "offset", "page_number", "single_page"]
    """`json_link`: the body holds the next page's URL. `header_link`: the header field `Link` does. `cursor`: the
    answer holds what to send for the next page. `offset`, `page_number`: pages are counted. `single_page`: there is
    one."""
    next_url_path: JmesPath | None = None
    """With `json_link`: JMESPath of the next page's URL. Default: `next`."""
    links_next_key: Name | None = None
    """With `header_link`: relation of the link. Default: `next`."""
    cursor_path: JmesPath | None = Field(default=None, examples=["meta.next_cursor"])
    """With `cursor`: JMESPath of what to send for the next page; with `cursor_body_path` it may be a list. A mapping is
    sent as query parameters of its names, where no `cursor_param` is written."""
    cursor_header: Name | None = Field(default=None, examples=["X-Next-Cursor"])
    """With `cursor`: in place of `cursor_path`, the header field of the answer that holds it."""
    cursor_param: Name | None = None
    """With `cursor`: the query parameter it is sent in. Default: `cursor`."""
    cursor_body_path: BodyPath | None = Field(default=None, examples=["page.after"])
    """With `cursor`: in place of a query parameter, where in the `json` body it is sent: keys joined by dots."""
    cursor_request_header: Name | None = Field(default=None, examples=["x-ms-continuation"])
    """With `cursor`: in place of a query parameter, the header field it is sent in."""
    next_request: NextRequest | None = None
    """With `cursor`: the request for every page but the first, where it goes to another URL."""
    limit: PositiveCount | None = None
    """With `offset`: how many rows a page has."""
    limit_param: Name | None = None
    """With `offset`: the query parameter of `limit`. Default: `limit`."""
    limit_body_path: BodyPath | None = None
    """With `offset`: in place of a query parameter, where in the `json` body `limit` is sent."""
    offset: Count | None = None
    """With `offset`: rows to skip at the start. Default: 0."""
    offset_param: Name | None = None
    """With `offset`: the query parameter of the rows that came before. Default: `offset`."""
    offset_body_path: BodyPath | None = Field(default=None, examples=["from"])
    """With `offset`: in place of a query parameter, where in the `json` body the offset is sent."""
    base_page: Count | None = None
    """With `page_number`: number of the first page. Default: 1."""
    page_param: Name | None = None
    """With `page_number`: the query parameter of the page's number. Default: `page`."""
    page_body_path: BodyPath | None = Field(default=None, examples=["page.number"])
    """With `page_number`: in place of a query parameter, where in the `json` body the number is sent."""
    total_path: JmesPath | None = None
    """JMESPath of the number of all rows; with `page_number`: of all pages. Where fewer rows come, the task fails. With
    `offset` and `page_number` it is where the list ends; without it a page without rows is the end."""
    total_header: Name | None = Field(default=None, examples=["X-Total-Count"])
    """In place of `total_path`: the header field that holds this number, also behind a range: `0-24/319`."""
    has_more_path: JmesPath | None = Field(default=None, examples=["has_more"])
    """JMESPath of what says whether more follows: true, or false, as `false`, `0`, `"no"`, `"N"` and what is empty are.
    `!` negates it, of a path with dots in parentheses: `!(meta.done)`. Then a page without rows is not the end."""
    stop: JmesPath | None = Field(default=None, examples=["last.id <= `100`"])
    """JMESPath that is true on the last page, of `{page, rows, last, headers, cursor}`: the decoded body, its rows, the
    last of them, the answer's header fields in small letters, and the cursor that asked for the page."""
    max_pages: PositiveCount = 10_000
    """More pages than this fail the task, unless `on_max_pages` says otherwise."""
    on_max_pages: Literal["fail", "stop"] = "fail"
    """`stop`: hand on the rows of the first `max_pages` pages, with a warning in the log."""


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
    as `%d/%m/%Y`. Default: what can be told from the values; any other date fails the task."""
    param_format: CursorFormat | None = Field(default=None, examples=["epoch"])
    """How the request takes cursors, in the same words. Default: as `initial_value` and the rows have them."""
    lag: Lag | None = None
    """How far before the watermark to ask again, for rows that arrive late: a duration (`5m`) where cursors are times,
    a whole number where they are numbers. Such rows arrive more than once."""
    step: PositiveDuration | None = Field(default=None, examples=["7d"])
    """Longest time that one run asks for: a long back-fill goes run by run, and the watermark moves after each, once
    its time is over for 15 minutes, by the server's clock, too. For cursors that are times, with `end_param` or
    `${cursor.end}`."""
    row_order: Literal["asc", "desc"] | None = None
    """Order in which the API gives rows, by their cursor: `asc` oldest first, `desc` newest first. With it, no page is
    requested behind the window's end (`asc`, with `end_param`) or start (`desc`). Rows in another order fail the
    task."""
    filter: Literal["server", "client"] = "server"
    """`client`: the API gives all rows, and those before the watermark are left out here."""
    on_missing_cursor: Literal["fail", "keep", "skip"] = "fail"
    """What to do with a row without a cursor, or with an empty one: fail the task, hand it on each time, or leave it
    out."""
    token_path: JmesPath | None = Field(default=None, examples=["nextSyncToken"])
    """In place of `cursor_path`: JMESPath of a token in the answer's last page that says what to ask for next time."""
    token_param: Text | None = Field(default=None, examples=["syncToken"])
    """With `token_path`: the query parameter that takes the token. In place of it, `${cursor.start}` anywhere in the
    request. Without both the token is the URL to request."""


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
