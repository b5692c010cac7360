"""The ways from one page to the next. One class for each; each serves one poll."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol
from urllib.parse import urljoin

from factory.http import signs
from factory.http.call import HttpCall, links_of
from factory.http.expectations import Total
from factory.http.page import Means, Page
from factory.http.repeats import Came, Places, hint_of_the_whole
from factory.http.selection import asked, search, searched
from schemas.model.cursor import has_lost_digits
from schemas.model.polling import Pagination


class Following(NamedTuple):
    """What is requested next. `beyond`: the list has ended by its total, and this only makes sure: the server may say
    that there is no such page. `may_fail`: in any way. `promised`: the answer before says that there is one. `cursor`:
    what asks for it."""

    call: HttpCall
    beyond: bool = False
    may_fail: bool = False
    promised: bool = False
    cursor: Any = None


class Step(Protocol):
    """One way from a page to the next."""

    def first(self, call: HttpCall) -> HttpCall:
        """The first call, from the one that the pipeline writes."""
        ...

    def after(self, page: Page, came: Came, more: bool | None) -> Following | None:
        """What follows a page; None after the last. `more`: where the answer says it, whether. Raises HttpError."""
        ...


def step_of(pagination: Pagination, means: Means) -> Step:
    match pagination.type:
        case "json_link":
            return _Links(_json_link(pagination.next_url_path or "next", means), pagination)
        case "header_link":
            return _Links(_header_link(pagination.links_next_key or "next", means), pagination)
        case "cursor":
            return _Cursor(pagination, means)
        case "offset" | "page_number":
            return _Counted(pagination, means)
        case _:
            return _Links(lambda *_: None, pagination)


class _Links:
    """Each page names the address of the next. `link` is called with the page, its rows, and whether it is first."""

    def __init__(self, link: Callable[[Page, Came, bool], str | None], pagination: Pagination) -> None:
        self._link = link
        self._places = Places(pagination)

    def first(self, call: HttpCall) -> HttpCall:
        self._first = call
        self._places.take(call.url, ())
        return call

    def after(self, page: Page, came: Came, more: bool | None) -> Following | None:  # noqa: ARG002 # a page may be empty
        target = self._link(page, came, len(self._places.seen) == 1)
        if target is None:
            return None
        call = self._first.linked(target, page.call.url)
        if (problem := self._places.take(call.url, came.sent)) is not None:
            raise page.error(f"its link to the next page leads to a page that was read before{problem}")
        return Following(call)


def _json_link(path: str, means: Means) -> Callable[[Page, Came, bool], str | None]:
    ask = search(path)

    def link(page: Page, came: Came, is_first: bool) -> str | None:
        target = asked(ask, page, "next_url_path", page.value)
        if target is None and is_first:
            signs.check_body(page, path, "next_url_path", means.log, has_rows=bool(came.number))
        if target is None or target == "" or target is False:
            return None
        if not isinstance(target, str):
            raise page.error(f"`next_url_path` ({path}) gives no text")
        return target

    return link


def _header_link(relation: str, means: Means) -> Callable[[Page, Came, bool], str | None]:
    def link(page: Page, came: Came, is_first: bool) -> str | None:
        links, unread = links_of(page.headers.get("Link", ""))
        for target, found in links:
            if relation.lower() in found:
                return target
        if unread:
            raise page.bare_error(f"its `Link` header cannot be read (RFC 8288) from here on: {unread[:100]}")
        relations = [one for _, found in links for one in found]
        if is_first and came.number:
            signs.check_header(page, relation, relations, means.log, means.tell)
        return None

    return link


class _Cursor:
    """Each page says what to send for the next."""

    def __init__(self, pagination: Pagination, means: Means) -> None:
        self._pagination = pagination
        self._means = means
        self._ask = searched(pagination.cursor_path)
        self._places = Places(pagination)
        self._takes_several = pagination.cursor_param is None and pagination.cursor_request_header is None

    def first(self, call: HttpCall) -> HttpCall:
        self._call = call
        return call

    def after(self, page: Page, came: Came, more: bool | None) -> Following | None:  # noqa: ARG002 # a page may be empty
        cursor = self._cursor(page, came)
        path = self._pagination.cursor_path or ""
        if cursor is None and came.number and "[-1]" in path:
            hint = f"where that is the end of the list, write: {path} || ''"
            raise page.error(f"`cursor_path` ({path}) finds nothing, though the page has rows; {hint}")
        # By 0 lists begin and, in some APIs, end.
        if cursor in (None, "", False, 0, "0") or cursor in ([], {}):
            return None
        if (problem := self._places.take(json.dumps(cursor), came.sent)) is not None:
            raise page.error(f"its cursor came before: following it would never end{problem}")
        return Following(self._sent(cursor), cursor=cursor)

    def _cursor(self, page: Page, came: Came) -> Any:
        pages = self._pagination
        if self._ask is None:
            cursor = page.headers.get(str(pages.cursor_header))
            cursor = None if str(cursor).lower() == "null" else cursor  # a header field has no other null
            if cursor is None and not self._places.seen and came.number:
                signs.check_cursor_header(page, str(pages.cursor_header), self._means.tell)
            return cursor
        cursor = asked(self._ask, page, "cursor_path", page.value)
        if cursor is None and not self._places.seen:
            signs.check_body(page, str(pages.cursor_path), "cursor_path", self._means.log, has_rows=bool(came.number))
        parts = list(cursor.values()) if isinstance(cursor, Mapping) and self._takes_several else [cursor]
        if pages.cursor_body_path is None and not all(isinstance(one, str | int | float | None) for one in parts):
            several = ", nor a mapping of these" if self._takes_several else ""
            raise page.error(f"`cursor_path` ({pages.cursor_path}) gives neither text nor a number{several}")
        if any(map(has_lost_digits, parts)):
            text = f"`cursor_path` ({pages.cursor_path}) gives {cursor!r}, a float that may have lost digits"
            raise page.error(f"{text}; `decimals: text` keeps them")
        return cursor

    def _sent(self, cursor: Any) -> HttpCall:
        pages, call = self._pagination, self._call
        if (following := pages.next_request) is not None:
            call = call.linked(urljoin(call.url, following.url), call.url, following.method)
            call = call.with_json(following.json_body).with_query(following.params or {})
            if pages.cursor_body_path is not None and following.json_body is None:
                call = call.with_json({})
        if pages.cursor_body_path is not None:
            return call.with_json_value(pages.cursor_body_path.split("."), cursor, alike=self._ask is None)
        if pages.cursor_request_header is not None:
            return call.with_headers({pages.cursor_request_header: str(cursor)})
        if isinstance(cursor, Mapping):
            return call.with_query({str(name): one for name, one in cursor.items()})
        return call.with_query({pages.cursor_param or "cursor": cursor})


class _Counted:
    """Pages follow by number, or by the number of rows that came before."""

    def __init__(self, pagination: Pagination, means: Means) -> None:
        self._pagination = pagination
        self._means = means
        self._by_page = pagination.type == "page_number"
        self._start = (
            (1 if pagination.base_page is None else pagination.base_page) if self._by_page else pagination.offset or 0
        )
        self._position = self._start
        self._total = Total(pagination)
        self._before: Sequence[Any] = ()
        self._fullest = pagination.limit or 0
        name = self._total.name
        is_last = self._start == 0 and re.search("last|final|max", name) is not None
        self._is_sure = not is_last if self._by_page else signs.is_sure_total(name)
        self._is_beyond = self._is_started = self._is_reached = False
        self._promised = 0

    def first(self, call: HttpCall) -> HttpCall:
        pages = self._pagination
        self._has_place = call.has_page
        if not self._by_page and pages.limit is not None and not (self._has_place and pages.limit_param is None):
            call = _placed(call, pages.limit_body_path, pages.limit_param or "limit", pages.limit)
        self._call = call
        return self._at_position()

    def after(self, page: Page, came: Came, more: bool | None) -> Following | None:
        self._check_heeded(page, came)
        if came.number:
            self._position += 1 if self._by_page else came.number
        elif more or self._by_page:
            self._position += 1 if self._by_page else self._pagination.limit or 1
        is_full = came.number >= self._fullest > 0
        # A server may give fewer than `limit` asks for; then what it gives is what is full.
        self._fullest = max(self._fullest if self._is_started else 0, came.number)
        self._is_started = True
        total = None if self._is_beyond else self._total.of(page)
        self._is_reached = self._is_reached and not came.number
        if total is None or more:
            if came.number or more:
                return Following(self._at_position(), self._is_beyond and not more, promised=bool(more))
            if not self._is_reached and (sign := signs.sign_of_more(page)) is not None:
                raise page.error(f"it has no rows, but says that more follow (`{sign}`); see `has_more_path`")
            return None
        return self._by_total(page, came, total, is_full)

    def _by_total(self, page: Page, came: Came, total: int, is_full: bool) -> Following | None:
        read, what = self._position - self._start, "pages" if self._by_page else "rows"
        if total < self._promised:
            raise page.error(
                f"its total fell from {self._promised:,} to {total:,} while the list was read: rows that moved up are "
                "left out"
            )
        self._promised = total
        is_listed = self._by_page and (read > 1 or signs.total_of_more(page, 0) is not None)
        if is_listed and not came.number and read <= total:
            hint = "; does the list begin with page 0 (`base_page: 0`)?" if self._start == 1 else ""
            raise page.error(f"it has no rows, but its total is {total:,} pages{hint}")
        if self._position < (self._start if self._by_page else 0) + total:
            if not came.number and not self._by_page:
                raise page.error(f"it has no rows, but the total is {total:,} and {read:,} came")
            return Following(self._at_position(), promised=True)
        if self._position > (self._start if self._by_page else 0) + total and (came.number or not self._by_page):
            if read > total:
                self._means.log(f"{page.named}: more {what} came than its total says ({total:,}); reading to the end")
            self._is_beyond = True
            return Following(self._at_position(), beyond=True)
        if self._by_page and read == 1:
            is_full = came.number > 0 and signs.may_be_full(page, came.number)
        is_page = not self._is_sure and (self._by_page or 0 < came.number == total)
        if is_full or is_page or (read < total and not self._by_page):
            # The last page is full: whether the total is right, only the page behind it can say. So it is where it may
            # be the number of the page, of its rows or, of pages from 0, of the last one, and where the first `offset`
            # may be the number of the first row, and no row that is left out.
            self._is_beyond, self._is_reached = True, self._is_sure
            return Following(self._at_position(), beyond=True, may_fail=self._by_page and read == 1 and self._is_sure)
        return None

    def _check_heeded(self, page: Page, came: Came) -> None:
        """Where a page brings the rows of the page before it, what was sent for it has no effect."""
        before, self._before, limit = self._before, came.sent, self._pagination.limit or 0
        on_top = "counting a row that stays on top would leave another out; page by number, or by links"
        is_page_before = came.sent == before
        if not self._by_page and not is_page_before and _has_same_on_top(came.sent, before):
            raise page.error(f"its first row is that of the page before: {on_top}")
        if 0 < limit == len(came.rows) < came.number and not self._by_page:
            text = f"of its {came.number} rows, more than `limit` ({limit}), `data_selector` leaves out some at the top"
            raise page.error(f"{text}: whether an offset counts these cannot be told; page by number, or by links")
        if came.number and 0 < len(before) <= limit < self._fullest and not self._by_page:
            raise page.error(f"an earlier page has more rows than `limit` ({limit}), and others have not: {on_top}")
        if not came.sent or not is_page_before or all(row is None for row in came.sent):
            return
        pages = self._pagination
        name = (pages.page_param or "page") if self._by_page else (pages.offset_param or "offset")
        if self._position - self._start <= (1 if self._by_page else came.number):
            hint = hint_of_the_whole(page, came.number)
            if came.number < limit:
                hint += ", or hides rows of each page, so that these seem the same; take its links or a cursor"
            raise page.error(f"its rows are those of the page before: the server ignores `{name}`{hint}")
        raise page.error(
            "its rows are those of the page before: the server repeats its last page; `total_path`, `has_more_path` or "
            "`stop` says where the list ends"
        )

    def _at_position(self) -> HttpCall:
        pages = self._pagination
        if self._has_place:
            return self._call.with_page(self._position)
        if self._by_page:
            return _placed(self._call, pages.page_body_path, pages.page_param or "page", self._position)
        return _placed(self._call, pages.offset_body_path, pages.offset_param or "offset", self._position)


def _has_same_on_top(rows: Sequence[Any], before: Sequence[Any]) -> bool:
    """Whether the first row of two pages is the same, and no other one of them."""
    first = rows[0] if len(rows) > 1 < len(before) else None
    return first is not None and first == before[0] and first not in (*rows[1:], *before[1:])


def _placed(call: HttpCall, body_path: str | None, param: str, value: Any) -> HttpCall:
    if body_path is not None:
        return call.with_json_value(body_path.split("."), value)
    return call.with_query({param: value})
