"""The pages of a poll, one after the other, and where their list ends."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from factory.http.call import HttpCall
from factory.http.expectations import is_true
from factory.http.page import Means, Page
from factory.http.selection import is_path
from factory.http.signs import Total, asked, searched, sign_of_more
from factory.http.steps import Came, Following, step_of
from schemas.model.pagination import Pagination

_COUNTED = ("offset", "page_number")
_MOST_EMPTY = 1_000
"""Pages without rows, one after the other, for which an answer is believed that more follows."""


class Pager:
    """The pages of one poll, in order, to the end of the list. Raises JmesPathError for an expression."""

    def __init__(self, pagination: Pagination | None, means: Means) -> None:
        self._pagination = pagination or Pagination.model_construct(type="single_page")
        self._means = means
        self._step = step_of(self._pagination, means)
        self._has_more = searched(self._pagination.has_more_path)
        negated = (self._pagination.has_more_path or "").partition("!")
        self._not_done = searched(negated[2]) if negated[1] and not negated[0].strip() and is_path(negated[2]) else None
        self._stop = searched(self._pagination.stop)
        self._number = self._sent = self._rows = self._empty = 0
        self._total = Total(self._pagination)
        self._before: Sequence[Any] = ()
        self._promise: str | None = None

    def first(self, call: HttpCall) -> HttpCall:
        """The first call, from the one that the pipeline writes."""
        return self._step.first(call)

    def repeats(self, came: Came) -> bool:
        """Whether these are the rows of the page before."""
        return bool(came.sent) and came.sent == self._before

    def after(self, page: Page, came: Came) -> Following | None:
        """What is requested after a page; None after the last. Raises HttpError."""
        self._number += 1
        self._before = came.sent
        self._sent += came.number
        self._rows += len(came.rows)
        if page.ignored or (page.value is None and not page.body):
            self._check_silent(page)
        if page.ignored:
            return None
        if self._stop is not None and self._stops(page, came):
            self._means.tell(f"{page.named}: `stop` holds, so the list ends here")
            return None
        more = self._says_more(page)
        self._empty = 0 if came.number else self._empty + 1
        if more and self._empty == _MOST_EMPTY:
            raise page.error(f"`has_more_path` says that more follows, after {_MOST_EMPTY} pages without rows")
        following = None if more is False else self._step.after(page, came, more)
        if following is None and more:
            raise page.error("`has_more_path` says that more follows, and there is nothing to ask for it by")
        if following is None and (more is False or self._pagination.type not in _COUNTED):
            self._check_total(page)
        self._promise = "a total or `has_more_path`" if following is not None and following.promised else None
        if self._promise is None and (sign := sign_of_more(page)) is not None:
            self._promise = f"`{sign}`"
        return following

    def _check_total(self, page: Page) -> None:
        total = self._total.of(page)
        by_page = self._pagination.type == "page_number"
        read = self._number if by_page else self._sent + (self._pagination.offset or 0)
        # Of lists in lists, the total may be that of either.
        if total is not None and read < total and (by_page or self._rows != total):
            what = "pages" if by_page else "rows"
            raise page.error(f"the list ends here after {read:,} {what}, but its total is {total:,}")

    def _check_silent(self, page: Page) -> None:
        """An answer that says nothing is the end of a counted list, whose end is known by asking behind it. Of any
        other list, where the server failed, and where the page before says that more follows, rows would be lost."""
        if self._number == 1:
            return
        counted = self._pagination.type in _COUNTED
        what = f"`response_actions` ignores the answer {page.status} here" if page.ignored else "its body is empty"
        if counted and self._promise is not None:
            raise page.bare_error(f"{what}, but by {self._promise} the page before it says that more rows follow")
        is_end = 400 <= page.status < 500 and page.status not in (401, 403, 408, 429)
        if page.ignored and not (counted and is_end):
            raise page.bare_error(f"{what}, but the page before it says that more rows follow, which would be lost")
        if not page.ignored and page.status != HTTPStatus.NO_CONTENT:
            raise page.bare_error(f"{what}, so it does not say whether the list ends here")

    def _stops(self, page: Page, came: Came) -> bool:
        headers = {name.lower(): value for name, value in page.headers.items()}
        scope = {
            "page": page.value,
            "rows": came.rows,
            "last": came.rows[-1] if came.rows else None,
            "headers": headers,
        }
        assert self._stop is not None  # noqa: S101 # asked by the caller
        return is_true(asked(self._stop, page, "stop", scope))

    def _says_more(self, page: Page) -> bool | None:
        if self._has_more is None:
            return None
        value = asked(self._has_more, page, "has_more_path", page.value)
        if self._not_done is not None and asked(self._not_done, page, "has_more_path", page.value) is None:
            value = None  # `!` of nothing is true
        if isinstance(value, str) and value.lower() in ("true", "false"):
            return value.lower() == "true"
        if value is None:
            raise page.error(f"`has_more_path` ({self._pagination.has_more_path}) finds nothing in the answer")
        return is_true(value) and value != 0
