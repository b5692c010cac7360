"""One poll, whole: its pages requested one after the other, checked, and their rows put together. Knows no Airflow."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from http import HTTPStatus
from typing import Any

from factory.http.answer import has_unkeepable_text, media_type_of
from factory.http.credentials import Credentials, FixedCredentials
from factory.http.deadline import BODY_TIMEOUTS, BodyDeadline
from factory.http.errors import HttpError, Timeouts, shown_url
from factory.http.expectations import Expectations, ResponseAction
from factory.http.page import NOT_MODIFIED, Page, PageReader
from factory.http.pages import Pagination, pager
from factory.http.rate import Rate, Unlimited
from factory.http.request import HttpCall, Query, same_server
from factory.http.retries import Retries
from factory.http.selection import JmesPathError, search, search_all
from factory.http.session import HttpSession


@dataclass(frozen=True, kw_only=True)
class PollRequest:
    """What a pipeline says of a request, its templates filled in.

    `query` and `form` take lists for keys that repeat; `max_bytes` is of each page, after decompression.
    `log` is called with what goes wrong, `tell` with what else happens.
    """

    url: str
    method: str = "GET"
    headers: Mapping[str, str] | None = None
    query: Query | None = None
    json_body: Any = None
    form: Query | None = None
    timeouts: Timeouts = field(default_factory=lambda: Timeouts(30, 30))
    expectations: Expectations = field(default_factory=Expectations)
    max_bytes: int = 1_048_576
    credentials: Credentials = field(default_factory=FixedCredentials)
    retries: Retries = field(default_factory=Retries)
    actions: Sequence[ResponseAction] = ()
    data_selector: str | None = None
    pagination: Pagination | None = None
    rate: Rate = field(default_factory=Unlimited)
    log: Callable[[str], None] = lambda _: None
    tell: Callable[[str], None] = lambda _: None


@dataclass
class PollFacts:
    """What happened so far; right also where a poll fails halfway. `url` is without credentials and query.

    `status`, `url` and `content_type` are of the last request; `status` is None where it got no answer.
    `redirected_from`: the URL that led to `url`; `bytes` is the sum of all, after decompression.
    """

    method: str = "GET"
    url: str = ""
    status: int | None = None
    content_type: str | None = None
    bytes: int = 0
    rows: int | None = None
    pages: int = 0
    retries: int = 0
    milliseconds: int = 0
    redirected_from: str | None = None

    def asks(self, method: str, url: str) -> None:
        """A request goes out; until it is answered there is no status."""
        self.method, self.url = method, shown_url(url)
        self.status = self.content_type = self.redirected_from = None

    def answered(self, method: str, url: str, asked: str, status: int, content_type: str | None) -> None:
        """An answer came from `url`, which `asked` may have been redirected to; its body is not read yet."""
        self.method, self.url, self.status, self.content_type = method, shown_url(url), status, content_type
        self.redirected_from = shown_url(asked) if asked != url else None

    @property
    def media_type(self) -> str:
        """`application/json`; empty where there is none."""
        return media_type_of(self.content_type)

    def as_mapping(self) -> dict[str, Any]:
        """As an XCom."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class PollAnswer:
    """What a poll brought.

    `headers` are the first page's, by any case of their names. `rows` is one flat list where the request selects rows
    or has pages, else None; `body` is the decoded body of the first page. `digest` is the SHA-256 of all bodies.
    `not_modified`: the server answered 304 to a conditional request; there is no body then. `unkeepable`: it holds text
    that PostgreSQL refuses.
    """

    status: int
    headers: Mapping[str, str]
    body: Any
    rows: list[Any] | None
    digest: str
    not_modified: bool
    unkeepable: bool
    facts: PollFacts

    @property
    def output(self) -> Any:
        """What the task gives on."""
        return self.body if self.rows is None else self.rows


def poll(
    request: PollRequest,
    session: HttpSession,
    *,
    params: Query | None = None,
    headers: Mapping[str, str] | None = None,
    enough: Callable[[Sequence[Any]], bool] | None = None,
    facts: PollFacts | None = None,
) -> PollAnswer:
    """Request all pages; one after the other, in the order in which they are linked.

    `params` are added to the request's query, `headers` to its header fields (`If-None-Match`, `If-Modified-Since`:
    with one of these 304 is an answer). `enough`, called with the rows of each page, ends the poll where it is true.
    `facts` is kept up to date while the poll goes on. Raises HttpError; SkippedError where an action skips.
    """
    facts = facts if facts is not None else PollFacts()
    started = time.monotonic()
    try:
        with closing(BodyDeadline(BODY_TIMEOUTS * request.timeouts.read)) as deadline:
            reader = PageReader(request, session, deadline, facts)
            return _Poll(request, session, reader, facts).run(params, headers, enough)
    except JmesPathError as error:
        raise HttpError(request.method, request.url, f"an expression cannot be read: {error}") from None
    finally:
        facts.milliseconds = round((time.monotonic() - started) * 1000)


class _Poll:
    def __init__(self, request: PollRequest, session: HttpSession, reader: PageReader, facts: PollFacts) -> None:
        self._request = request
        self._session = session
        self._reader = reader
        self._facts = facts
        selector = request.data_selector
        self._select = search(selector) if selector is not None else None
        self._select_all = search_all(selector) if selector is not None and "[?" in selector else None

    def run(
        self,
        params: Query | None,
        headers: Mapping[str, str] | None,
        enough: Callable[[Sequence[Any]], bool] | None,
    ) -> PollAnswer:
        request = self._request
        conditional = bool({"if-none-match", "if-modified-since"} & {name.lower() for name in headers or ()})
        pages = pager(request.pagination, request.log, request.tell)
        call: HttpCall | None = pages.first(self._first_call(params, headers))
        digest = hashlib.sha256()
        gathered: list[Any] | None = [] if self._select is not None or request.pagination is not None else None
        first: Page | None = None
        page: Page | None = None
        unkeepable = False
        while call is not None:
            if request.pagination is not None and self._facts.pages >= request.pagination.max_pages:
                reason = f"there are more pages than `max_pages` allows ({request.pagination.max_pages:,})"
                raise HttpError(call.method, call.url, reason)
            if page is not None and not same_server(page.call.url, call.url):
                # A cookie jar knows hosts and their parents, no ports: it would give cookies to other servers.
                self._session.cookies.clear()
            page = self._reader.read(call, conditional=conditional and first is None)
            first = first or page
            self._facts.pages += 1
            if page.ignored or (conditional and page.status == NOT_MODIFIED):
                break
            digest.update(page.body)
            unkeepable = unkeepable or has_unkeepable_text(page.body, page.value)
            call = None
            if gathered is None:
                self._facts.rows = len(page.value) if isinstance(page.value, list) else None
            else:
                rows = self._rows(page)
                gathered += rows
                self._facts.rows = len(gathered)
                call = pages.after(page, self._all_rows(page, rows)) if enough is None or not enough(rows) else None
        assert first is not None  # noqa: S101 # the loop begins with a call
        return PollAnswer(
            status=first.status,
            headers=first.headers,
            body=first.value,
            rows=gathered,
            digest=digest.hexdigest(),
            not_modified=conditional and first.status == NOT_MODIFIED,
            unkeepable=unkeepable,
            facts=self._facts,
        )

    def _first_call(self, params: Query | None, headers: Mapping[str, str] | None) -> HttpCall:
        request = self._request
        call = HttpCall.of(request.method, request.url, request.headers, request.query, request.json_body, request.form)
        return call.with_query(params or {}).with_headers(headers or {})

    def _all_rows(self, page: Page, rows: list[Any]) -> list[Any]:
        """The rows of a page with those that a filter leaves out: a page that has only such is not empty, and an offset
        counts them."""
        found = self._select_all(page.value) if self._select_all is not None else None
        return found if isinstance(found, list) else rows

    def _rows(self, page: Page) -> list[Any]:
        """The rows of a page; what is selected and no list is one row."""
        if page.status == HTTPStatus.NO_CONTENT:
            return []
        if self._select is None:
            if isinstance(page.value, list):
                return page.value
            raise page.error(
                "with `pagination` the answer must be a list; `data_selector` says where in it the list is"
            )
        try:
            selected = self._select(page.value)
        except JmesPathError as error:
            raise page.error(f"`data_selector` cannot be asked of the answer: {error}") from None
        if selected is None:
            raise page.error(f"`data_selector` ({self._request.data_selector}) finds nothing in the answer")
        return selected if isinstance(selected, list) else [selected]
