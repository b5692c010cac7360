"""From one page to the next (RFC 8288 for links in header fields). One class for each way; each serves one poll."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from requests.utils import parse_header_links

from factory.http.page import Page
from factory.http.request import HttpCall
from factory.http.selection import AbsentKey, JmesPathError, absent_key, named, search

PaginationType = Literal["json_link", "header_link", "cursor", "offset", "page_number", "single_page"]


@dataclass(frozen=True, kw_only=True)
class Pagination:
    """How pages follow each other, in the words of dlt's paginators. Of the keys a type has its own only."""

    type: PaginationType
    max_pages: int = 10_000
    next_url_path: str = "next"
    links_next_key: str = "next"
    cursor_path: str = ""
    cursor_param: str = "cursor"
    cursor_body_path: str | None = None
    limit: int = 100
    limit_param: str = "limit"
    offset: int = 0
    offset_param: str = "offset"
    base_page: int = 1
    page_param: str = "page"
    total_path: str | None = None


class Pager(Protocol):
    """Says what is requested after a page."""

    def first(self, call: HttpCall) -> HttpCall:
        """The first call, from the one that the pipeline writes."""
        ...

    def after(self, page: Page, rows: Sequence[Any]) -> HttpCall | None:
        """The call for what follows a page on which the server sent these rows; None behind the last.

        Raises HttpError.
        """
        ...


def pager(pagination: Pagination | None, log: Callable[[str], None], tell: Callable[[str], None]) -> Pager:
    """A pager that has not begun yet; `log` is called with what looks wrong, `tell` with what only may be.

    Raises JmesPathError.
    """
    if pagination is None or pagination.type == "single_page":
        return _SinglePage()
    if pagination.type == "json_link":
        return _Links(_json_link(pagination.next_url_path, log))
    if pagination.type == "header_link":
        return _Links(_header_link(pagination.links_next_key, log, tell))
    if pagination.type == "cursor":
        return _Cursor(pagination.cursor_path, pagination.cursor_param, pagination.cursor_body_path, log)
    return _Counted(pagination)


class _SinglePage:
    def first(self, call: HttpCall) -> HttpCall:
        return call

    def after(self, page: Page, rows: Sequence[Any]) -> HttpCall | None:  # noqa: ARG002 # a Pager's
        return None


@dataclass
class _Links:
    """Each page names the address of the next."""

    link: Callable[[Page, bool], str | None]
    """The next address; called with the page and whether it is the first."""
    _first: HttpCall | None = None
    _seen: set[str] = field(default_factory=set)

    def first(self, call: HttpCall) -> HttpCall:
        self._first = call
        self._seen.add(call.url)
        return call

    def after(self, page: Page, rows: Sequence[Any]) -> HttpCall | None:
        if not rows:
            return None
        target = self.link(page, len(self._seen) == 1)
        if target is None:
            return None
        assert self._first is not None  # noqa: S101 # `first` comes first
        call = self._first.linked(target, page.call.url)
        if call.url in self._seen:
            raise page.error("its link to the next page leads to a page that was read before")
        self._seen.add(call.url)
        return call


def _json_link(path: str, log: Callable[[str], None]) -> Callable[[Page, bool], str | None]:
    ask = search(path)

    def link(page: Page, is_first: bool) -> str | None:
        target = _asked(ask, page, "next_url_path")
        if target is None and is_first:
            check_body(page, path, "next_url_path", log)
        if target is None or target == "" or target is False:
            return None
        if not isinstance(target, str):
            raise page.error(f"`next_url_path` ({path}) gives no text")
        return target

    return link


def _header_link(
    relation: str, log: Callable[[str], None], tell: Callable[[str], None]
) -> Callable[[Page, bool], str | None]:
    def link(page: Page, is_first: bool) -> str | None:
        relations: list[str] = []
        for one in parse_header_links(page.headers.get("Link", "")):
            # A link may stand for several relations; they are told apart without regard to case.
            found = one.get("rel", "").lower().split()
            if relation.lower() in found:
                return one["url"]
            relations += found
        if is_first:
            check_header(page, relation, relations, log, tell)
        return None

    return link


@dataclass
class _Cursor:
    """Each page says what to send for the next."""

    path: str
    param: str
    body_path: str | None
    log: Callable[[str], None]
    _call: HttpCall | None = None
    _seen: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._ask = search(self.path)

    def first(self, call: HttpCall) -> HttpCall:
        self._call = call
        return call

    def after(self, page: Page, rows: Sequence[Any]) -> HttpCall | None:
        if not rows:
            return None
        cursor = _asked(self._ask, page, "cursor_path")
        if cursor is None and not self._seen:
            check_body(page, self.path, "cursor_path", self.log)
        if cursor is None or cursor == "" or cursor is False:
            return None
        if not isinstance(cursor, str | int | float):
            raise page.error(f"`cursor_path` ({self.path}) gives neither text nor a number")
        text = str(cursor)
        if text in self._seen:
            raise page.error("its cursor came before: following it would never end")
        self._seen.add(text)
        assert self._call is not None  # noqa: S101 # `first` comes first
        if self.body_path is not None:
            return self._call.with_json_value(self.body_path.split("."), cursor)
        return self._call.with_query({self.param: text})


@dataclass
class _Counted:
    """Pages are counted here: by their number, or by the rows before them."""

    pagination: Pagination
    _call: HttpCall | None = None
    _body: bytes | None = None

    def __post_init__(self) -> None:
        self._by_page = self.pagination.type == "page_number"
        self._position = self.pagination.base_page if self._by_page else self.pagination.offset
        self._param = self.pagination.page_param if self._by_page else self.pagination.offset_param
        self._total = search(self.pagination.total_path) if self.pagination.total_path is not None else None

    def first(self, call: HttpCall) -> HttpCall:
        self._call = call if self._by_page else call.with_query({self.pagination.limit_param: self.pagination.limit})
        return self._at_position()

    def after(self, page: Page, rows: Sequence[Any]) -> HttpCall | None:
        if not rows:
            return None
        if page.body == self._body:
            raise page.error(f"it is the same as the page before: the server does not heed `{self._param}`")
        self._body = page.body
        # By the rows that came: a server that gives fewer than asked for must not lose any.
        self._position += 1 if self._by_page else len(rows)
        total = self._known_total(page)
        end = self.pagination.base_page + total if self._by_page and total is not None else total
        return None if end is not None and self._position >= end else self._at_position()

    def _at_position(self) -> HttpCall:
        assert self._call is not None  # noqa: S101 # `first` comes first
        return self._call.with_query({self._param: self._position})

    def _known_total(self, page: Page) -> int | None:
        if self._total is None:
            return None
        total = _asked(self._total, page, "total_path")
        if isinstance(total, str) and total.isascii() and total.isdigit():
            total = int(total[:18])
        if not isinstance(total, int) or isinstance(total, bool):
            raise page.error(f"`total_path` ({self.pagination.total_path}) gives no whole number")
        return total


def _asked(ask: Callable[[Any], Any], page: Page, key: str) -> Any:
    try:
        return ask(page.value)
    except JmesPathError as error:
        raise page.error(f"`{key}` cannot be asked of the answer: {error}") from None


_NEXT = re.compile(
    r"(?:odata)?next(?:page|results?|records)?(?:url|uri|link|href|token|cursor|key|marker|id)?|cursor"
    r"|(?:has|is)(?:more|next)(?:page|pages|results|items|data)?|moreavailable"
)
"""Keys by which an answer says that more follows, in small letters and without what is no letter."""


def check_body(page: Page, expression: str, key: str, log: Callable[[str], None]) -> None:
    """Of a first page with rows, on which the path of `key` finds nothing.

    An absent key is a warning, one that is there and empty is the end of the pages. Raises HttpError where the answer
    says by another key that more follows.
    """
    absent = absent_key(page.value, expression)
    if absent is None:
        return
    missing = f"`{key}` ({expression}) is not in it: {_there(absent)}"
    more = next(_signs_of_more(page.value), None)
    if more is not None:
        hint = f"; where the answer may have no such key, write: {expression} || `null`"
        raise page.error(f"{missing}. More rows seem to follow, since it has `{more}`{hint}")
    log(f"{page.named}: {missing}. So this page is taken for the only one.")


def check_header(
    page: Page, relation: str, relations: list[str], log: Callable[[str], None], tell: Callable[[str], None]
) -> None:
    """Of a first page with rows, whose Link header has no such relation.

    Raises HttpError where it has `next`, which is the registered name of what follows.
    """
    if not relations:
        # Of a single page this is usual.
        tell(f"{page.named}: it has no `Link` header. So this page is taken for the only one.")
        return
    missing = f"`links_next_key` ({relation}) is not in its `Link` header, which has {named(relations)}"
    if "next" in relations:
        raise page.error(missing)
    log(f"{page.named}: {missing}. So this page is taken for the only one.")


def _there(absent: AbsentKey) -> str:
    where = f"`{absent.parent}`" if absent.parent else "the answer"
    if absent.keys is None:
        return f"{where} is {absent.kind}, which has no `{absent.key}`"
    return f"{where} has no `{absent.key}`; it has {named(absent.keys)}"


def _signs_of_more(value: Any, inside: tuple[str, ...] = ()) -> Iterator[str]:
    """Keys outside of lists, which hold the rows, whose name and value say that more follows."""
    if not isinstance(value, Mapping) or len(inside) > 2:  # deeper down are rows, not their frame
        return
    for key, child in value.items():
        if _NEXT.fullmatch(re.sub(r"[^a-z]", "", str(key).lower())) and child not in (None, False, "", 0, [], {}):
            yield ".".join((*inside, str(key)))
        yield from _signs_of_more(child, (*inside, str(key)))
