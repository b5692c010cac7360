"""One poll, whole: its pages requested one after the other, checked, and their rows handed on. Knows no Airflow."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from factory.http.answers import Way, shown
from factory.http.body import BODY_TIMEOUTS, BodyDeadline, has_unkeepable_text
from factory.http.call import HttpCall, Query
from factory.http.credentials import check_server
from factory.http.errors import HttpError, Timeouts
from factory.http.expectations import check_done, is_decided, is_pending
from factory.http.facts import PollAnswer, PollFacts
from factory.http.failures import signs_of_failure, signs_of_part, signs_of_whole
from factory.http.page import NOT_MODIFIED, Means, Page, PageReader, SkippedError
from factory.http.pages import EMPTY_HINT, Pager
from factory.http.repeats import Came, Readings, Unique
from factory.http.retries import server_time
from factory.http.rows import RowSelector, beside
from factory.http.selection import JmesPathError, search
from factory.http.signs import more_in_rows
from factory.http.steps import Following
from factory.http.totals import asked_for
from schemas.model.http import HttpRequest

if TYPE_CHECKING:
    from factory.http.progress import RowProgress

_FAILED = "that it failed or is not done, or that rows are missing in it"


def poll(
    request: HttpRequest,
    means: Means,
    *,
    params: Query | None = None,
    headers: Mapping[str, str] | None = None,
    progress: RowProgress | None = None,
    write: Callable[[list[Any]], None] | None = None,
    facts: PollFacts | None = None,
    unique: Unique | None = None,
) -> PollAnswer:
    """Request all pages; one after the other, in the order in which they are linked.

    `request` has its templates filled in. `params` are added to its query, `headers` to its header fields
    (`If-None-Match`, `If-Modified-Since`: with one of these 304 is an answer). `write` takes the rows of each page,
    which are then not kept. `facts` is kept up to date while the poll goes on. `unique` knows the rows of other polls,
    too. Raises HttpError; SkippedError where an action skips; what `progress` and `write` raise.
    """
    facts = facts if facts is not None else PollFacts()
    started = time.monotonic()
    try:
        with closing(BodyDeadline(BODY_TIMEOUTS * Timeouts.of(request.timeout).read)) as deadline:
            reader = PageReader(request, means, deadline, facts)
            return _Poll(request, means, reader, facts, progress, write, unique).run(params, headers)
    except JmesPathError as error:
        raise HttpError(request.method, str(request.url), f"an expression cannot be used: {error}") from None
    finally:
        facts.milliseconds = round((time.monotonic() - started) * 1000)


class _Poll:
    def __init__(
        self,
        request: HttpRequest,
        means: Means,
        reader: PageReader,
        facts: PollFacts,
        progress: RowProgress | None,
        write: Callable[[list[Any]], None] | None,
        unique: Unique | None,
    ) -> None:
        self._request = request
        self._means = means
        self._reader = reader
        self._facts = facts
        self._progress = progress
        self._write = write
        self._selector = RowSelector(request.data_selector)
        pages = request.pagination
        self._has_total = pages is not None and (pages.total_path or pages.total_header) is not None
        self._new_pager = partial(Pager, request.pagination, means, request.data_selector, request.incremental)
        self._pager = self._new_pager(is_again=False)
        self._shared = unique
        self._unique = unique or (Unique(request.unique_by, progress) if request.unique_by is not None else None)
        self._readings = Readings(self._unique, means.log) if self._unique is not None else None
        self._pages_before = 0
        self._is_done = search(request.until.condition) if request.until is not None else None
        self._digest = hashlib.sha256()
        self._unkeepable = False
        is_list = request.data_selector is not None or request.pagination is not None or self._unique is not None
        has_rows = is_list or progress is not None or write is not None
        self._rows: list[Any] | None = [] if has_rows else None

    def run(self, params: Query | None, headers: Mapping[str, str] | None) -> PollAnswer:
        conditional = bool({"if-none-match", "if-modified-since"} & {name.lower() for name in headers or ()})
        start = self._first_call(params, headers)
        following: Following | None = Following(self._pager.first(start))
        first: Page | None = None
        page: Page | None = None
        last: Any = None
        pending = False
        while following is not None:
            if first is not None and following.may_fail:
                following = self._proved(following)
                continue
            asked = time.monotonic()
            page = self._reader.read(following.call, conditional=conditional and first is None, beyond=following.beyond)
            if first is None:
                first = page
                if self._progress is not None:
                    self._progress.began(server_time(page.headers), time.monotonic() - asked)
                names = {name.lower() for name in self._request.response_headers}
                self._facts.headers = {name.lower(): v for name, v in page.headers.items() if name.lower() in names}
            self._facts.pages += 1
            last = last if page.value is None else page.value
            pending = self._is_done is not None and is_pending(self._is_done, page, is_first=page is first)
            if pending or (conditional and page.status == NOT_MODIFIED):
                break
            following = self._taken(page, beyond=following.beyond) or self._restarted(page, start)
        assert first is not None and page is not None  # noqa: S101, PT018 # the loop begins with a call
        if self._unique is not None and self._shared is None and self._unique.dropped:
            self._means.tell(f"`unique_by` left out {self._unique.dropped:,} rows that came before")
        if self._unique is not None and self._unique.changed:
            what = f"handed on {'in place of' if self._write is None else 'behind'} the older"
            self._means.tell(f"{self._unique.changed:,} rows changed meanwhile; the newer ones are {what}")
        return PollAnswer(
            status=first.status,
            headers=first.headers,
            body=first.value,
            last=last,
            rows=self._rows,
            digest=self._digest.hexdigest(),
            not_modified=conditional and first.status == NOT_MODIFIED,
            unkeepable=self._unkeepable,
            pending=pending,
            start=page.excerpt() if pending else "",
            facts=self._facts,
            ignored=first.ignored,
            proofs=page.proofs(),
        )

    def _taken(self, page: Page, *, beyond: bool) -> Following | None:
        """Hand on the rows of a page; what is to be requested next."""
        if self._facts.bytes > (largest := self._request.max_total_bytes or self._facts.bytes):
            raise page.bare_error(f"all pages together have more than {largest:,} bytes (`max_total_bytes`)")
        self._digest.update(page.body)
        if self._write is None:
            self._unkeepable = self._unkeepable or has_unkeepable_text(page.body, page.value)
        if self._rows is None:
            self._take_whole(page)
            return None
        page, came = self._checked(page, beyond)
        if not came.number and not page.ignored and self._is_done is None:
            check_done(page, self._request.expect.status)
        came = self._pager.counted(came)
        if self._pager.repeats(page, came, beyond=beyond):
            self._means.tell(f"{page.named}: behind the total the server repeats its last page, so the list ends here")
            return None
        rows = self._handed_on(page, came)
        self._facts.rows = (self._facts.rows or 0) + len(rows)
        self._check_rows(page)
        if self._write is not None:
            self._write(rows)
        else:
            self._rows += rows
        if page.number is not None:
            progress = f", {self._progress.so_far()}" if self._progress is not None else ""
            self._means.tell(f"{page.named} → {page.status}, {came.number} rows, {self._facts.rows} so far{progress}")
        following = self._pager.after(page, came)
        if following is not None and self._progress is not None and self._progress.is_over():
            self._means.tell(f"{page.named}: by `row_order`, no later page has rows of the window")
            return None
        if following is None:
            if self._request.pagination is None:
                self._check_only(page, came.number, is_row=came.number == 1 and came.sent[0] is page.value)
            return None
        return following if self._has_room(page, following) else None

    def _checked(self, page: Page, beyond: bool) -> tuple[Page, Came]:
        """A page and its rows, where it does not say that some are missing."""
        ways = self._selector.ways
        self._check_said(page, more_in_rows(page.value, ways), "that a list in a row has more than these")
        asked = asked_for(page.call)
        self._check_said(page, signs_of_part(page.value, ways, asked, has_total=self._has_total))
        came = self._selector.rows(page, beyond=beyond or self._pager.may_end_at(page))
        page = replace(page, inside={key for way in ways for key in way[:-1]})
        if isinstance(page.value, list):
            page = replace(page, beside=beside(page.value, came.sent))
            self._check_said(page, signs_of_part(None, (), asked, page.beside, has_total=self._has_total))
        if not came.number or (came.number == 1 and isinstance(came.sent[0], str)):
            self._check_said(page, signs_of_failure(page.value, ways, asked, page.beside))
        return page, came

    def _proved(self, following: Following) -> Following | None:
        """What follows a page that by the total does not exist: whatever it answers without rows, that is the end."""
        rows = self._facts.rows
        try:
            page = self._reader.read(following.call, beyond=True)
            self._facts.pages += 1
            return self._taken(page, beyond=True)
        except (HttpError, SkippedError) as error:
            if self._facts.rows != rows:
                raise
            self._means.tell(f"{error}; by its total, the list has ended before")
        return None

    def _handed_on(self, page: Page, came: Came) -> list[Any]:
        """The rows to hand on of those of a page."""
        rows = list(came.rows)
        if self._readings is not None:
            self._readings.take(came)
        if self._progress is not None:
            rows = self._progress.take(rows)
        if self._unique is not None:
            rows = self._unique.first_of(rows, page.bare_error, self._rows if self._write is None else None)
        return rows

    def _restarted(self, page: Page, start: HttpCall) -> Following | None:
        """The list once more from its first page, where rows moved while it was read."""
        pager, readings = self._pager, self._readings
        if readings is None or not readings.again(page, pager.rows_at_first, is_counted=pager.is_counted):
            return None
        self._means.log(f"{page.named}: rows moved from page to page, so the list is read once more")
        self._pages_before = self._facts.pages
        self._pager = self._new_pager(is_again=True)
        if self._progress is not None:
            self._progress.restart()
        # A cache would give the pages of before.
        return Following(self._pager.first(start.with_headers({"Cache-Control": "no-cache"})))

    def _take_whole(self, page: Page) -> None:
        """An answer that is handed on as it is."""
        self._check_said(page, signs_of_whole(page.value))
        self._facts.rows = len(page.value) if isinstance(page.value, list) else None
        if self._facts.rows is not None:
            self._check_rows(page)
            self._check_only(page, self._facts.rows)
        if self._facts.rows == 0 and self._is_done is None:
            check_done(page, self._request.expect.status)

    def _has_room(self, page: Page, following: Following) -> bool:
        """Whether another page may be requested. Raises HttpError where `max_pages` says that it must not."""
        pagination = self._request.pagination
        # The one that only proves the total is none of them.
        most = pagination.max_pages + following.beyond if pagination is not None else 0
        if pagination is None or self._facts.pages - self._pages_before < most:
            return True
        if pagination.on_max_pages == "fail":
            reason = f"there are more pages than `max_pages` allows ({pagination.max_pages:,})"
            if (empty := self._pager.empty) > 1:
                reason += f", the last {empty:,} without rows; {EMPTY_HINT}"
            raise HttpError(following.call.method, following.call.url, reason)
        self._leave_rest(page, f"{pagination.max_pages:,} pages", "max_pages")
        reason = f"the list goes on, and `on_max_pages: stop` ends it after {pagination.max_pages:,}"
        self._means.log(f"{page.named}: {reason}")
        return False

    def _leave_rest(self, page: Page, read: str, key: str) -> None:
        """The rows behind these are for the next run. Raises HttpError where that would come no further."""
        if self._progress is not None and not self._progress.stop():
            reason = f"no two cursors of {read} (`{key}`) are past that of the last run"
            raise page.bare_error(f"{reason}: the next run would stop here again; raise `{key}`")

    def _check_said(self, page: Page, signs: Iterable[Way], what: str = _FAILED) -> None:
        """What the pipeline has a condition for, it decides itself."""
        for sign in signs:
            if not is_decided(self._request, sign):
                hint = f"an `expect: {{condition: …}}` that names `{shown(sign)}` says which of these answers to take"
                raise page.error(f"it says by `{shown(sign)}` {what}; {hint}")

    def _check_only(self, page: Page, number: int, *, is_row: bool = False) -> None:
        """Of an answer of which no pages are asked for. The watermark would move past the rows of the others."""
        if self._progress is not None and self._progress.is_over():
            return
        if (size := self._pager.check_only(page, number, is_row=is_row)) is not None:
            self._leave_rest(page, f"{number:,} rows", size)

    def _check_rows(self, page: Page) -> None:
        most = self._request.max_rows
        if most is not None and (self._facts.rows or 0) > most:
            raise page.bare_error(f"there are more than {most:,} rows (`max_rows`)")

    def _first_call(self, params: Query | None, headers: Mapping[str, str] | None) -> HttpCall:
        request: Any = self._request  # its templates are filled in, so these are values and no references
        call = HttpCall.of(
            request.method, request.url, request.headers, request.params, request.json_body, request.data, request.body
        )
        check_server(call, request, self._means.session, self._means.servers)
        return call.with_query(params or {}).with_headers(headers or {})
