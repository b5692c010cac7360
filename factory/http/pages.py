"""The pages of a poll, one after the other, where their list ends, and what moves in it meanwhile."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from http import HTTPStatus
from typing import Any

from factory.http import signs, sizes
from factory.http.answers import shared_path
from factory.http.call import HttpCall
from factory.http.counting import step_of
from factory.http.expectations import more_of
from factory.http.page import Means, Page
from factory.http.repeats import Came, Redirects, counts
from factory.http.selection import gap_in, is_path, same_things
from factory.http.steps import Following, Stop
from factory.http.totals import StatedTotals, Total, counts_all, is_sure_total, total_of_more, totals_in
from schemas.model.polling import Incremental, Pagination

_COUNTED = ("offset", "page_number")
_MOST_EMPTY, _MOST_EMPTY_WITHOUT_END = 1_000, 100
"""Pages without rows, one after the other, for which an answer is believed that more follows: where the pipeline says
how the list ends, and where only a link or a cursor leads to each. A `max_pages` that is written takes their place."""
EMPTY_HINT = (
    "`stop` says where the list ends; `stop: '!rows'` ends it at its first page without rows, and some APIs have such "
    "pages in the middle"
)
_MAY_END = re.compile(r"\|\||prev|before|older|earlier|back", re.IGNORECASE)
"""Of places of a link or cursor: what says that it may be missing beside another one (`next || ''`), and names by which
a list is read from its other end, where each page has a next one, too."""


class Pager:
    """The pages of one poll, in order, to the end of the list. `selector`: of rows. `incremental`: a watermark moves
    past them. `is_again`: the list was read before. Raises JmesPathError for an expression."""

    def __init__(
        self,
        pagination: Pagination | None,
        means: Means,
        selector: str | None,
        incremental: Incremental | None,
        *,
        is_again: bool,
    ) -> None:
        self._remembers, self._is_again = incremental is not None, is_again
        self._goes_on = incremental is not None and incremental.row_order == "asc"
        self._stated = StatedTotals()
        self._keys: set[str] | None = None
        self._pagination = pagination or Pagination.model_construct(type="single_page")
        self._means = means
        self._step = step_of(self._pagination, means)
        self._says_more = more_of(self._pagination.has_more_path)
        self._stop = Stop(self._pagination.stop)
        self._number = self._sent = self._rows = self.empty = 0
        self._total = Total(self._pagination)
        self._is_counted = self._pagination.type in _COUNTED
        names = (self._pagination.next_url_path, self._pagination.links_next_key, self._pagination.cursor_path)
        self._may_end = _MAY_END.search(" ".join(name for name in names if name))
        is_linked = self._pagination.type == "json_link"
        place = self._pagination.cursor_path or (self._pagination.next_url_path or "next" if is_linked else None)
        self._frame = shared_path(selector, place) if selector is not None and place is not None else None
        self._before: Sequence[Any] = ()
        self._foot: int | None = None
        self._last: tuple[Page, Following | None] | None = None
        self._redirects = Redirects()
        self._was_beyond = False
        self._moved_on: tuple[HttpCall, HttpCall, int] | None = None

    @property
    def is_counted(self) -> bool:
        """Whether pages are told apart by how many pages or rows come before them."""
        return self._is_counted or (self._moved_on is not None and counts(*self._moved_on))

    @property
    def rows_at_first(self) -> int | None:
        """How many rows there were when the list was begun, where a total says so."""
        return self._stated.at_first(self._sent)

    def first(self, call: HttpCall) -> HttpCall:
        """The first call, from the one that the pipeline writes."""
        return self._step.first(call)

    def may_end_at(self, page: Page) -> bool:
        """Whether an answer is an empty body where a counted list may end."""
        return self._is_counted and self._number > 0 and not page.body.strip()

    def counted(self, came: Came) -> Came:
        """What a server counts of a page: of a counted list, not what a condition leaves out at the end of each, as it
        may be a footer. An offset asks for it once more, and it is left out once more."""
        if not self._is_counted or not came.sent:
            return came
        if came.rows:
            self._foot = min(came.behind, came.behind if self._foot is None else self._foot)
            is_offset = self._pagination.type == "offset"
            return Came(came.rows, came.sent[: came.number - came.behind]) if is_offset and came.behind else came
        is_foot = came.number == (1 if self._foot is None else self._foot)
        is_known = self._foot is not None or came.sent == self._before
        is_end = is_foot and is_known and not (self._last is not None and self._last[1] and self._last[1].promised)
        return Came([], []) if is_end else came

    def repeats(self, page: Page, came: Came, *, beyond: bool) -> bool:
        """Whether these are certainly the rows of the page before, once more: where a counted list has ended by its
        total, which the pipeline names (`beyond`), or which is one of all rows by its name and has more than this page.
        Whatever may be other rows is no such page: two may be equal, and a `count` that of a page."""
        is_only = beyond and self._number == 1 and self._pagination.type == "page_number"
        if is_only and same_things(came.sent, self._before):  # values may have changed meanwhile
            return True
        if not came.sent or came.sent != self._before or not self._is_counted:
            return False
        if self._pagination.has_more_path is not None or signs.sign_of_more(page) is not None:
            return False
        if self._number == 1 and self._pagination.type == "offset" and not is_sure_total(self._total.name):
            return False
        read = self._sent + (self._pagination.offset or 0)
        is_whole = any(n == read > came.number and counts_all(key) for key, n in totals_in(page))
        return beyond or (is_whole and not self._total.is_named and any(row is not None for row in came.sent))

    def check_only(self, page: Page, number: int, *, is_row: bool) -> str | None:
        """Of an answer of which no pages are asked for. `is_row`: the whole of it is a row, so its keys are about that.
        Returns what asks for as many rows as came, where the next run is to go on behind them. Raises HttpError where a
        watermark would move past the rows of the others."""
        if (sign := signs.sign_of_more(page, is_row=is_row)) is not None:
            text = f"it says by `{sign}` that more rows follow, and there is no `pagination`"
        elif not is_row and (total := total_of_more(page, number)) is not None:
            text = f"it has {number:,} rows and `{total}`, and there is no `pagination`"
        elif self._remembers and (size := sizes.size_in(page, number)) is not None:
            if self._goes_on:
                return size
            text = f"it has as many rows as `{size}` asks for, and there is no `pagination`"
        elif number and (sign := signs.sign_of_part(page, is_sure=not self._remembers or self._goes_on)) is not None:
            text = f"by `{sign}` it may be a part of the list, and there is no `pagination`"
        else:
            return None
        if self._remembers:
            raise page.error(f"{text}; `pagination: {{type: single_page}}` says that this page is enough")
        self._means.log(f"{page.named}: {text}")
        return None

    def after(self, page: Page, came: Came) -> Following | None:
        """What is requested after a page; None after the last. Raises HttpError."""
        self._number += 1
        self._before = came.sent
        self._sent += came.number
        self._rows += len(came.rows)
        self._total.if_said(page, came.number)
        before = self._last[1].cursor if self._last is not None and self._last[1] is not None else None
        stops = self._stop.is_written and not page.ignored and self._stop.holds(page, came, before)
        if not stops and (page.ignored or (not came.number and not page.body.strip())):
            self._check_silent(page)
        if page.ignored:
            return None
        self._redirects.check(page, may_repeat=self._was_beyond)
        if stops:
            self._check_total(page, came, is_said=False)
            self._stop.check(page, came)
            self._means.tell(f"{page.named}: `stop` holds, so the list ends here")
            return None
        self._check_frame(page, came)
        if self._number == 1 and self._pagination.type == "page_number" and self._pagination.base_page is None:
            self._check_first(page)
        # An answer without a body says nothing, and has no rows: where none was promised, it is the end.
        is_silent = page.status == HTTPStatus.NO_CONTENT
        more = False if is_silent else self._says_more(page)
        self.empty = 0 if came.number else self.empty + 1
        following = None if more is False else self._step.after(page, came, more)
        has_end = more is not None or self._stop.is_written
        is_limited = "max_pages" in self._pagination.model_fields_set
        most_empty = _MOST_EMPTY if has_end else _MOST_EMPTY_WITHOUT_END
        if following is not None and self.empty == most_empty and not is_limited:
            text = f"the last {self.empty:,} pages have no rows, and each says that more follows"
            raise page.error(f"{text}; {EMPTY_HINT}; a `max_pages` that you write lets it go on to that many")
        if following is None and more:
            raise page.error("`has_more_path` says that more follows, and there is nothing to ask for it by")
        if following is None and (more is False or not self._is_counted):
            self._check_total(page, came, is_said=not is_silent)
        read, is_last = max(self._sent, self._rows), following is None
        fell = self._stated.take(self._totals(page, came), came.number, self._sent, read, is_last=is_last)
        if fell is not None and self.is_counted:
            raise page.error(f"its total fell while the list was read (`{fell}`): rows that moved up are left out")
        if following is None and self._pagination.offset == 1 and (total := self._stated.above(self._sent)) is not None:
            text = "`offset: 1` is for a list whose first row has the number 1, not 0"
            self._means.log(f"{page.named}: the list ends after {self._sent:,} rows, but has `{total}`; {text}")
        if following is None and (more is None or is_silent) and not self._stop.is_written:
            self._check_unnamed_total(page, came)
        if more is False and (sign := signs.says_more(page)) is not None:
            self._means.log(f"{page.named}: by `has_more_path` the list ends here, but it has `{sign}`")
        self._was_beyond = following is not None and following.beyond
        if following is not None:
            self._moved_on = page.call, following.call, came.number
        self._last = page, following
        return following

    def _check_first(self, page: Page) -> None:
        """Of pages from 0, the one with the number 1 has another before it."""
        if (sign := signs.sign_of_earlier(page, self._pagination.page_param or "page", 1)) is not None:
            hint = "`base_page: 0` begins with 0, and `base_page: 1` says that this is the first"
            text = f"by `{sign}` there is a page before the first one that was requested, which has the number 1"
            raise page.error(f"{text}; {hint}")

    def _totals(self, page: Page, came: Came) -> Iterator[tuple[str, int]]:
        """Totals of rows: the one that the pipeline names, which the page behind the last may not say, or others."""
        if not self._total.is_named or self._pagination.type == "page_number":
            yield from totals_in(page)
        elif came.number or self._pagination.type != "offset":
            total = self._total.if_said(page, came.number)
            yield from () if total is None else (("total", total),)

    def _check_total(self, page: Page, came: Came, *, is_said: bool) -> None:
        """Of the end of a list: whether as many rows or pages came as its total says. Where the last answer need not
        say it (`is_said`), an earlier one may have."""
        total = self._total.of(page, came.number) if is_said else self._total.known
        by_page = self._pagination.type == "page_number"
        read = self._number if by_page else self._sent + (self._pagination.offset or 0)
        # Of lists in lists, the total may be that of either.
        if total is not None and read < total and (by_page or self._rows != total):
            what = "pages" if by_page else "rows"
            raise page.error(f"the list ends here after {read:,} {what}, but its total is {total:,}")

    def _check_unnamed_total(self, page: Page, came: Came) -> None:
        """Where the pipeline does not say how a list ends, the answer may. A page without rows is the end of a counted
        list, unless all of its rows are hidden from who asks."""
        if self._pagination.type == "single_page":
            return
        if not came.number and page.body and self._frame is not None and (gap := gap_in(page.value, self._frame)):
            text = f"{gap}, which has the rows and says what follows, is null or missing"
            if self._number > 1:
                raise page.error(f"{text}; `stop` says where the list ends, if this is its end")
            self._means.log(f"{page.named}: {text}, so there are no rows")
        is_whole = self._is_counted or self._may_end is not None
        sign = signs.says_more(page) if is_whole else signs.sign_of_more(page)
        sign = sign or (signs.sign_of_part(page) if 0 < came.number == self._sent else None)
        if sign is not None:
            text = f"the list ends here, but by `{sign}` the answer says that more follows"
            raise page.error(f"{text}; `has_more_path` or `stop` says where it ends, if not so")
        if self._number == 1 and sizes.size_in(page, came.number) == "$top":
            text = "it has as many rows as `$top` asks for, and no link: more may be left"
            self._means.log(f"{page.named}: {text}; without `$top`, OData servers give pages and links by themselves")
        if self._total.is_named:
            return
        read = max(self._sent, self._rows) + (self._pagination.offset or 0)
        if (total := self._stated.above(read)) is None:
            return
        text = f"the list ends here after {read:,} rows, but the answer has `{total}`"
        is_by_rows = self._remembers or "[-1]" in (self._pagination.cursor_path or "")
        if self._is_counted or (is_by_rows and self._stated.above(read, page.headers)):
            raise page.error(f"{text}; `total_path`, `has_more_path` or `stop` says where it ends")
        self._means.log(f"{page.named}: {text}")

    def _check_frame(self, page: Page, came: Came) -> None:
        """Of a later page without rows: one that has nothing of the first is no page of this list."""
        if self._keys is not None and (came.number or not self._keys or not page.body.strip() or self._was_beyond):
            return
        # By numbers, PHP writes lists.
        keys = {str(key) for key in page.value if not str(key).isdecimal()} if isinstance(page.value, dict) else set()
        if self._keys is None:
            self._keys = keys
        elif not keys & self._keys:
            self._check_total(page, came, is_said=False)
            hint = (
                f"; where the list ends so, write: stop: page == `{json.dumps(page.value)}`" if not page.value else ""
            )
            raise page.error(f"it has no rows, and none of the keys of the first page{hint}")

    def _check_silent(self, page: Page) -> None:
        """An answer that says nothing is the end of a counted list, whose end is known by asking behind it. Of any
        other list, where the server failed, and where the page before says that more follows, rows would be lost."""
        what = f"`response_actions` ignores the answer {page.status} here" if page.ignored else "its body is empty"
        if self._number == 1:
            if self._is_again:
                raise page.bare_error(f"{what}, and the list had rows when it was read before")
            return
        promise = self._promise() if self._is_counted or not page.ignored else None
        if promise is not None:
            raise page.bare_error(f"{what}, but by {promise} the page before it says that more rows follow")
        is_open = not self._stop.is_written and self._pagination.has_more_path is None and not self._total.is_named
        if page.ignored and is_open and (total := self._stated.above(self._sent + (self._pagination.offset or 0))):
            raise page.bare_error(f"{what}, but the page before it has `{total}`, and {self._sent:,} rows came")
        is_end = 400 <= page.status < 500 and page.status not in (401, 403, 408, 429)
        if page.ignored and not (self._is_counted and is_end):
            raise page.bare_error(f"{what}, but the page before it says that more rows follow, which would be lost")
        # A cursor that the answer gives promises a page, as a link does; one of its rows does not.
        is_promised = not self._is_counted and (
            self._pagination.cursor_path is None or is_path(self._pagination.cursor_path)
        )
        # No lines are no rows in JSON Lines and CSV, as an answer 204 has none.
        is_usual = self._is_counted or page.status == HTTPStatus.NO_CONTENT or page.value == []
        if not page.ignored and (not is_usual or is_promised):
            hint = f"; where it does, write: stop: page == `{json.dumps(page.value)}`" if is_usual else ""
            raise page.bare_error(f"{what}, so it does not say whether the list ends here{hint}")

    def _promise(self) -> str | None:
        """What of the page before says that there is another one."""
        page, following = self._last or (None, None)
        if following is not None and following.promised:
            return "a total or `has_more_path`"
        return f"`{sign}`" if page is not None and (sign := signs.sign_of_more(page)) is not None else None
