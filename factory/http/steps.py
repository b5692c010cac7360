"""The ways from one page to the next, one class for each, and where the pipeline says that they end. Each serves one
poll."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol
from urllib.parse import urljoin

from factory.http import signs
from factory.http.answers import keys_read
from factory.http.call import HttpCall, links_of
from factory.http.expectations import is_true
from factory.http.page import Means, Page
from factory.http.repeats import Came, Places
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


class Links:
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


def json_link(path: str, means: Means) -> Callable[[Page, Came, bool], str | None]:
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


def header_link(relation: str, means: Means) -> Callable[[Page, Came, bool], str | None]:
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


class Cursor:
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
            if not self._places.seen:  # then it would be the end, too, where the path is wrong
                hint = "it is a path of the whole answer, with the keys that lead to the rows (`data[-1].id`)"
            raise page.error(f"`cursor_path` ({path}) finds nothing, though the page has rows; {hint}")
        # By 0 lists begin and, in some APIs, end; in a row it is a value.
        is_zero = cursor is not False and cursor in (0, "0")
        if (is_zero and "[-1]" not in path) or cursor is False or cursor in (None, "", [], {}):
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
        values = cursor if isinstance(cursor, list) else parts
        if values and all(one is None for one in values):  # such as those of a last row, where there is none
            return None
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


class Stop:
    """The end of a list as `stop` says it. Raises JmesPathError."""

    def __init__(self, expression: str | None) -> None:
        self._expression = expression or ""
        self._ask = searched(expression)

    @property
    def is_written(self) -> bool:
        """Whether the pipeline says it."""
        return self._ask is not None

    def holds(self, page: Page, came: Came, cursor: Any) -> bool:
        """Whether the list ends with a page, which was asked for by `cursor`. Raises HttpError."""
        scope = {
            "page": page.value,
            "rows": came.rows,
            "last": came.rows[-1] if came.rows else None,
            "headers": {name.lower(): value for name, value in page.headers.items()},
            "cursor": cursor,
        }
        assert self._ask is not None  # noqa: S101 # `is_written`
        return is_true(asked(self._ask, page, "stop", scope))

    def check(self, page: Page, came: Came) -> None:
        """Of a page with which the list ends. Raises HttpError where it has no rows, and says that more follow by what
        `stop` does not look at."""
        sign = None if came.number else signs.says_more(page)
        key = (sign or "").partition(":")[0].rpartition(".")[2]
        if sign is not None and not any(key in path for path in keys_read(self._expression)):
            text = f"`stop` holds, but the page has no rows, and by `{sign}` it says that more follow"
            raise page.error(f"{text}; a `stop` that looks at `{key}`, too, says where the list ends")
