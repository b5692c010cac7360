"""What an answer says beside its rows: links (RFC 8288, section 3), a total, that more follows, that it failed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from factory.http.page import Page
from factory.http.selection import JmesPathError, absent_key, is_path, named, search
from schemas.model.polling import Pagination

_PARAMETER = r"""[^\s=;,<>"]+\s*(?:=\s*(?:"(?:[^"\\]|\\.)*"|'[^']*'|[^\s;,"]*))?"""
_LINK = re.compile(rf"\s*<(?P<target>[^>]*)>(?P<parameters>(?:\s*;\s*(?:{_PARAMETER})?)*)\s*(?:,|$)")
_RELATION = re.compile(rf"\s*;\s*(?:rel\s*=\s*(?P<rel>\"[^\"]*\"|'[^']*'|[^\s;,\"]*)|(?:{_PARAMETER})?)", re.IGNORECASE)
_BETWEEN = re.compile(r"[\s,]*")
_HAS_MORE = r"(?:has|is)(?:more|next)(?:page|pages|results|items|data)?|more(?:available|results|items|rows|data)"
_MORE = re.compile(rf"{_HAS_MORE}|more|(?:is|results?)?truncated")
_NEXT = re.compile(
    r"(?:odata)?next(?:page|results?|records|continuation)?(?:url|uri|link|href|token|cursor|key|marker|id)?|cursor"
    rf"|{_HAS_MORE}|lastevaluatedkey|continuationtoken|istruncated"
)
"""Keys by which an answer says that more follows, in small letters and without what is no letter."""
_RANGE = re.compile(r"(?:[a-z]+ )?[0-9]{1,18}-(?P<last>[0-9]{1,18})/(?P<total>[0-9]{1,18})")
_TOTAL = re.compile(r"(?:total|all)?(?:count|results|items|elements|rows|records|hits|found)|total")
_OTHER_TOTALS = re.compile(r"rate|usage|quota|credit|limit|account|bill|stat|cost|price|summary", re.IGNORECASE)
"""Mappings whose totals are of something else than rows."""
_STATED = re.compile(r"(?:(?:[a-z]+ )?(?:[0-9]+-[0-9]+|\*)/)?(?P<total>[0-9]{1,18})")
"""A number, alone or as `Content-Range` has it (RFC 9110, section 14.4)."""
_FRAMES = 40
"""Values that are looked into."""
_LINKS = ("link", "links", "atom:link")
_RELATIONS = ("rel", "@rel", "relation")
_WHOLE = ("ok", "success", "succeeded", "jobcomplete", "iscomplete", "complete")
_IN_PART = re.compile(r"(?:is)?(?:partial|incomplete)(?:results?|failure|data)?|terminatedearly|timedout")
_LAST = ("last", "islast", "lastpage", "islastpage", "endofstream", "endoflist")
_FRAME = re.compile(r"_?(?:response|search|result|page|list)?(?:meta|metadata|info|pagination|paging|page)")
"""Mappings beside the rows that are about all of them."""
_FAILURES = ("error", "errors", "fault", "exception")


def links_of(field: str) -> tuple[list[tuple[str, list[str]]], str]:
    """The links of a field, each its target and its relations in small letters; and what of it cannot be read."""
    links: list[tuple[str, list[str]]] = []
    at = 0
    while (found := _LINK.match(field, (at := _end(_BETWEEN.match(field, at))))) is not None:
        relations = [one["rel"] for one in _RELATION.finditer(found["parameters"]) if one["rel"] is not None]
        # A link may stand for several relations; of several `rel`, the first counts.
        links.append((found["target"].strip(), relations[0].strip("\"'").lower().split() if relations else []))
        at = found.end()
    return links, field[at:].strip()


def _end(match: re.Match[str] | None) -> int:
    assert match is not None  # noqa: S101 # it matches nothing, too
    return match.end()


def check_body(page: Page, expression: str, key: str, log: Callable[[str], None], *, has_rows: bool) -> None:
    """Of a first page on which the path of `key` finds nothing.

    An absent key is a warning, one that is there and empty is the end of the pages. Raises HttpError where the answer
    says by another key that more follows.
    """
    absent = absent_key(page.value, expression)
    if absent is None:
        sign = sign_of_more(page) if has_rows and not is_path(expression) else None
        if sign is not None:
            missing = f"`{key}` ({expression}) finds nothing in it, but it has `{sign}`"
            if "||" not in expression:
                raise page.error(f"{missing}, so more rows seem to follow")
            log(f"{page.named}: {missing}. This page is taken for the only one.")
        return
    missing = f"`{key}` ({expression}) is not in it: {absent.said}"
    more = next(_signs_of_more(page.value), None) if has_rows else sign_of_more(page)
    if more is not None:
        hint = f"; where the answer may have no such key, write: {expression} || `null`"
        raise page.error(f"{missing}. More rows seem to follow, since it has `{more}`{hint}")
    if has_rows:
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


def check_cursor_header(page: Page, name: str, tell: Callable[[str], None]) -> None:
    """Of a first page with rows, which has no such header field. Raises HttpError where another one looks like it."""
    like = next((one for one in page.headers if _NEXT.fullmatch(re.sub(r"[^a-z]|^x-", "", one.lower()))), None)
    if like is not None or sign_of_more(page) is not None:
        raise page.error(f"it has no header field `{name}` (`cursor_header`), but `{like or sign_of_more(page)}`")
    # Of a single page this is usual.
    tell(f"{page.named}: it has no header field `{name}`. So this page is taken for the only one.")


def sign_of_more(page: Page) -> str | None:
    """A key outside of the rows by which an answer says that more follows; None where there is none."""
    if any("next" in relations for _, relations in links_of(page.headers.get("Link", ""))[0]):
        return "Link"
    of_all = _RANGE.fullmatch(page.headers.get("Content-Range", ""))
    if of_all is not None and int(of_all["last"]) + 1 < int(of_all["total"]):
        return "Content-Range"
    # A lone `cursor` may be that of the page itself.
    signs = (sign for sign in _signs_of_more(page.value) if sign.rpartition(".")[2].lower() != "cursor")
    return next(signs, None) or says_more(page.value)


@lru_cache(maxsize=1024)  # pages have the same keys
def _letters(key: Any) -> str:
    return re.sub(r"[^a-z]", "", str(key).lower())


def total_of_more(page: Page, number: int) -> str | None:
    """A key or header field and its number, by which an answer has more rows than the `number` that came. It may well
    be another number, such as that of all rows of a window or not."""
    return next((f"{key}: {total}" for key, total in totals_in(page) if total > max(number, 1)), None)


def totals_in(page: Page) -> Iterator[tuple[str, int]]:
    """Keys and header fields of an answer that may be a total."""
    headers = {key.lower().removeprefix("x-"): int(one) for key, one in page.headers.items() if one.isdecimal()}
    for key, value in _pairs(headers, page.value, passes_by=_OTHER_TOTALS):
        if _TOTAL.fullmatch(_letters(key)) is not None:
            is_exact = isinstance(value, Mapping) and value.get("relation") == "eq"
            total = value.get("value") if is_exact else value  # as Elasticsearch has it
            if isinstance(total, int) and not isinstance(total, bool):
                yield key, total


def _pairs(*frames: Any, passes_by: re.Pattern[str] | None = None) -> Iterator[tuple[str, Any]]:
    """Keys and values of mappings and of those in them, the outer first; nothing of what is in lists, which hold rows.
    Below keys that it `passes_by` it does not look."""
    pending = list(frames)
    for number, frame in enumerate(pending):
        for key, value in frame.items() if isinstance(frame, Mapping) else ():
            yield str(key), value
            if number < _FRAMES and (passes_by is None or not passes_by.search(str(key))):
                pending.append(value)


class StatedTotals:
    """Totals of answers, from page to page: those that the pipeline does not name, or the one that it names."""

    def __init__(self) -> None:
        self._first: dict[str, int] | None = None
        self._last: dict[str, int] = {}
        self._left: set[str] = set()
        self._fallen: dict[str, str] = {}
        self._size = 0

    def take(
        self, totals: Iterable[tuple[str, int]], number: int, sent: int, read: int, *, is_last: bool
    ) -> str | None:
        """Take in those of a page, the last `number` of `sent` rows (`read`: where more were taken, those); a total
        that has fallen. One that falls by the rows of each page, down to none, counts those that are left."""
        if self._first == {} and not is_last:
            return None  # as good as always, and looking for totals costs
        now = dict(totals)
        if self._first is None:
            self._first = {key: total for key, total in now.items() if total > number}
            self._left, self._size = set(now), number
        for key, total in now.items():
            first, before = self._first.get(key, 0), self._last.get(key, 0)
            # With rows, a page is at its place among all rows; a smaller number is of the page.
            if total < before and first and (read <= total or not number):
                self._fallen[key] = f"{key}: {before} → {total}"
            if total not in (first - sent + number, first - sent + self._size) or (
                is_last and total not in (0, number)
            ):
                self._left.discard(key)
        self._last = now or self._last
        return next((fell for key, fell in self._fallen.items() if key not in self._left), None)

    def above(self, read: int, headers: Mapping[str, str] | None = None) -> str | None:
        """A total that was above the rows that came, from the first page to the last; not one of these `headers`."""
        for key, total in self._last.items():
            is_header = headers is not None and (key in headers or f"x-{key}" in headers)
            if min(total, (self._first or {}).get(key, total)) > max(read, 1) and not is_header:
                return f"{key}: {total}"
        return None

    def at_first(self, read: int) -> int | None:
        """How many rows there were at first, by a total that is in the end that of the rows that came."""
        return next((first for key, first in (self._first or {}).items() if self._last.get(key) == read), None)


def sign_of_a_part(value: Any) -> str | None:
    """A key by which an answer says that rows are missing in it: errors beside data (GraphQL), what a search could not
    look at in time or on all of its parts. None where there is none."""
    if isinstance(value, list):  # several queries of GraphQL in one request
        parts = (one for one in value if isinstance(one, Mapping) and one.keys() <= {"data", "errors", "extensions"})
        return next((sign for one in parts if (sign := sign_of_a_part(one)) is not None), None)
    if not isinstance(value, Mapping):
        return None
    if "data" in value and isinstance(value.get("errors"), list | dict) and value["errors"]:
        return "errors"
    shards = value.get("_shards")
    if isinstance(shards, Mapping) and (shards.get("failed") or value.get("timed_out") is True):
        return "_shards" if shards.get("failed") else "timed_out"
    return "incomplete_results" if value.get("incomplete_results") is True else None


def sign_of_missing_rows(value: Any, number: int) -> str | None:
    """A key by which an answer that has this number of rows says that it failed, or that they are not all there. None
    where there is none."""
    for key, child in _of_frames(value):
        name = _letters(key.rpartition(".")[2])
        if not number and child and key.lower() in _FAILURES:
            return key
        if (child is False and name in _WHOLE) or (child is True and _IN_PART.fullmatch(name)):
            return key
        if isinstance(child, list | dict) and child and name in ("errors", "unreachable"):
            return key
    return None


def _of_frames(value: Any, inside: str = "") -> Iterator[tuple[str, Any]]:
    """Keys and values of an answer, and of its mappings that are no rows by their names."""
    for key, child in value.items() if isinstance(value, Mapping) else ():
        yield f"{inside}{key}", child
        if isinstance(child, Mapping) and _FRAME.fullmatch(_letters(key)):
            yield from _of_frames(child, f"{inside}{key}.")


def says_more(value: Any) -> str | None:
    """A key outside of lists that is true where more follows, or false where no last page is. None where there is
    none."""
    true = (key for key, child in _pairs(value) if child in (True, "true", "True"))
    false = (key for key, child in _of_frames(value) if child is False and _letters(key.rpartition(".")[2]) in _LAST)
    return next((key for key in true if _MORE.fullmatch(_letters(key))), None) or next(false, None)


def _signs_of_more(value: Any, inside: tuple[str, ...] = ()) -> Iterator[str]:
    """Keys outside of lists, which hold the rows, whose name and value say that more follows."""
    if not isinstance(value, Mapping) or len(inside) > 3:  # deeper down are rows, not their frame
        return
    for key, child in value.items():
        if str(key).lower() in _LINKS:
            links = child if isinstance(child, list) else [child]
            if any(isinstance(one, Mapping) and "next" in map(one.get, _RELATIONS) for one in links):
                yield ".".join((*inside, str(key)))
        if _NEXT.fullmatch(_letters(key)) and child not in (None, False, "false", "", 0, "0", [], {}):
            yield ".".join((*inside, str(key)))
        yield from _signs_of_more(child, (*inside, str(key)))


class Total:
    """How many rows or pages there are, where the answers say so."""

    def __init__(self, pagination: Pagination) -> None:
        self._path, self._header = pagination.total_path, pagination.total_header
        self._ask = searched(pagination.total_path)
        self.is_named = bool(self._path or self._header)

    def of(self, page: Page) -> int | None:
        """Raises HttpError where the answer does not say it as the pipeline says."""
        total = self.if_said(page)
        if total is None and self.is_named:
            where = f"`total_path` ({self._path})" if self._ask is not None else f"`total_header` ({self._header})"
            raise page.error(f"{where} gives no whole number")
        return total

    def if_said(self, page: Page) -> int | None:
        """None where the answer does not say it. Raises HttpError where it cannot be asked."""
        if self._ask is not None:
            total = asked(self._ask, page, "total_path", page.value)
        else:
            total = page.headers.get(self._header) if self._header is not None else None
        if isinstance(total, str) and (number := _STATED.fullmatch(total)) is not None:
            total = int(number["total"])
        if isinstance(total, float) and total.is_integer():
            total = int(total)
        return total if isinstance(total, int) and not isinstance(total, bool) else None


def searched(expression: str | None) -> Callable[[Any], Any] | None:
    return None if expression is None else search(expression)


def asked(ask: Callable[[Any], Any], page: Page, key: str, value: Any) -> Any:
    try:
        return ask(value)
    except JmesPathError as error:
        raise page.error(f"`{key}` cannot be asked of the answer: {error}") from None
