"""Pages that are asked for by number, or by the number of rows before them; and which way a pagination goes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from factory.http import signs, sizes
from factory.http.call import HttpCall
from factory.http.page import Means, Page
from factory.http.repeats import Came
from factory.http.selection import ID
from factory.http.steps import Cursor, Following, Links, Step, header_link, json_link
from factory.http.totals import Total, is_sure_total, total_of_more, totals_in
from schemas.model.polling import Pagination


class Counted:
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
        self._is_sure = not is_last if self._by_page else is_sure_total(name)
        self._is_beyond = self._is_started = self._is_reached = False
        self._promised = self._came = 0

    def first(self, call: HttpCall) -> HttpCall:
        pages = self._pagination
        self._has_place = call.has_page
        if not self._by_page and pages.limit is not None and not (self._has_place and pages.limit_param is None):
            call = _placed(call, pages.limit_body_path, pages.limit_param or "limit", pages.limit)
        self._call = call
        return self._at_position()

    def after(self, page: Page, came: Came, more: bool | None) -> Following | None:
        self._check_heeded(page, came)
        self._came += came.number
        if came.number:
            self._position += 1 if self._by_page else came.number
        elif more or self._by_page:
            self._position += 1 if self._by_page else self._pagination.limit or 1
        is_full = came.number >= self._fullest > 0
        # A server may give fewer than `limit` asks for; then what it gives is what is full.
        self._fullest = max(self._fullest if self._is_started else 0, came.number)
        self._is_started = True
        total = None if self._is_beyond else self._total.of(page, came.number)
        self._is_reached = self._is_reached and not came.number
        if total is None or more:
            if came.number or more:
                return Following(self._at_position(), self._is_beyond and not more, promised=bool(more))
            if not self._is_reached and (sign := signs.sign_of_more(page)) is not None:
                totals = [key for key, total in totals_in(page) if total == self._came and key not in page.headers]
                hint = f"`total_path: {totals[0]}` says where it ends" if totals else "see `has_more_path`"
                raise page.error(f"it has no rows, but says that more follow (`{sign}`); {hint}")
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
        is_listed = self._by_page and (read > 1 or total_of_more(page, 0) is not None)
        if is_listed and not came.number and read <= total:
            hint = "; does the list begin with page 0 (`base_page: 0`)?" if self._start == 1 else ""
            if total == self._came:
                hint += " So many rows came: if it counts rows, leave it out, since here it must count pages"
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
            is_full = came.number > 0 and sizes.may_be_full(page, came.number)
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
        if not came.rows:
            text = f"its items, of which `data_selector` takes no row, are those of the page before ({came.number})"
            raise page.error(f"{text}; where the list ends so, write: stop: '!rows'")
        pages = self._pagination
        name = (pages.page_param or "page") if self._by_page else (pages.offset_param or "offset")
        if self._position - self._start <= (1 if self._by_page else came.number):
            hint = sizes.hint_of_the_whole(page, came.number)
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
    """Whether the first row of two pages is certainly the same, and no other one of them is. A single value proves
    nothing, unless it is an id."""
    first = rows[0] if len(rows) > 1 < len(before) else None
    is_one = isinstance(first, Mapping | list) and (len(first) > 1 or any(ID.search(str(key)) for key in first))
    return is_one and first == before[0] and first not in (*rows[1:], *before[1:])


def _placed(call: HttpCall, body_path: str | None, param: str, value: Any) -> HttpCall:
    if body_path is not None:
        return call.with_json_value(body_path.split("."), value)
    return call.with_query({param: value})


def step_of(pagination: Pagination, means: Means) -> Step:
    """The way that a pagination goes."""
    match pagination.type:
        case "json_link":
            return Links(json_link(pagination.next_url_path or "next", means), pagination)
        case "header_link":
            return Links(header_link(pagination.links_next_key or "next", means), pagination)
        case "cursor":
            return Cursor(pagination, means)
        case "offset" | "page_number":
            return Counted(pagination, means)
        case _:
            return Links(lambda *_: None, pagination)
