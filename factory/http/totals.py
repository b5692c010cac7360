"""How many rows or pages there are, where a pipeline names what says it, and where answers say it by themselves."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import parse_qsl, urlsplit

from factory.http.answers import PREFIX, frames, letters, whole_number
from factory.http.call import HttpCall, fields_of
from factory.http.page import Page
from factory.http.selection import Answered, asked, searched
from schemas.model.polling import Pagination

_STATED = re.compile(r"(?:(?:[a-z]+ )?(?:[0-9]+-[0-9]+|\*)/)?(?P<total>[0-9]{1,18})")
"""A number, alone or as `Content-Range` has it (RFC 9110, section 14.4)."""
_TOTAL = re.compile(
    rf"{PREFIX}(?:(?:total|all)?(?:numberof|num)?(?:count|results|items|elements|rows|records|hits|found|entries|documents)"
    r"|total|(?:total|full)?(?:total|full|record|row|item|hit|result)s?(?:count|number))"
)
_OF_ALL = re.compile(rf"{PREFIX}(?:(?:total|all|full)(?!$)|numfound).*")
"""Of these, those that are of all rows by their names, where `count` may be that of a page, `total` that of pages."""
_VAGUE = re.compile(r"count|rows|items|results|hits")
"""Totals that may be what was asked for: they count where nobody asked for so many."""
_COUNTED = "total|counts?|records|rows|items|results"
_FILTERED = re.compile(rf"(?:{_COUNTED})filter(?:ed)?|filter(?:ed)?(?:{_COUNTED})(?:count)?")


class Total:
    """How many rows or pages there are, where the answers say so; some say it on the first page only, and nothing, 0 or
    a number below 0 on those behind it."""

    def __init__(self, pagination: Pagination) -> None:
        self._path, self._header = pagination.total_path, pagination.total_header
        self._ask = searched(pagination.total_path)
        self.is_named = bool(self._path or self._header)
        self._is_below_zero = False
        self.known: int | None = None
        """What an answer said last."""
        self.name = (self._path or self._header or "").rpartition(".")[2].lower().removeprefix("x-")

    def of(self, page: Answered, number: int) -> int | None:
        """Of a page with `number` rows; None where nothing names it, or it is below 0. Raises HttpError where neither
        this answer nor one before it says it."""
        total = self.if_said(page, number)
        if total is None and self.is_named and not self._is_below_zero:
            where = f"`total_path` ({self._path})" if self._ask is not None else f"`total_header` ({self._header})"
            raise page.error(f"{where} gives no whole number")
        return total

    def if_said(self, page: Answered, number: int) -> int | None:
        """As this page, with `number` rows, or one before it says it. Raises HttpError where it cannot be asked."""
        total: object
        if self._ask is not None and page.value is not None:
            total = asked(self._ask, page, "total_path", page.value)
        else:
            total = page.headers.get(self._header) if self._header is not None else None
        if isinstance(total, str) and (stated := _STATED.fullmatch(total)) is not None:
            total = int(stated["total"])
        if isinstance(total, float) and total.is_integer():
            total = int(total)
        if isinstance(total, int) and not isinstance(total, bool):
            self._is_below_zero = total < 0
            if total > 0 or (total == 0 and (not number or self.known is None)):
                self.known = total
        return self.known


def total_of_more(page: Page, number: int) -> str | None:
    """A key or header field and its number, by which an answer has more rows than came, unless it counts others."""
    return next((f"{key}: {total}" for key, total in totals_in(page) if total > max(number, 1)), None)


def totals_in(page: Page) -> Iterator[tuple[str, int]]:
    """Where an answer may say a total, in its header fields or by a path, and the number. Where it also counts what a
    filter leaves, that is the total."""
    found = list(_totals_in(page))
    return iter([one for one in found if _FILTERED.fullmatch(letters(one[0].rpartition(".")[2]))] or found)


def _totals_in(page: Page) -> Iterator[tuple[str, int]]:
    fields = numbers_in(page.headers)
    yield from ((key, int(one)) for key, one in fields.items() if _TOTAL.fullmatch(letters(key)) and whole_number(one))
    for inside, frame, is_of_all in sorted(frames(page.frame, page.inside), key=lambda one: one[0].count(".")):
        for key, value in frame.items() if is_of_all else ():  # what other mappings count are other things
            name = letters(key)
            if _TOTAL.fullmatch(name) is None and _FILTERED.fullmatch(name) is None:
                continue
            is_counted = isinstance(value, Mapping) and value.get("relation") in ("eq", "gte")
            total = whole_number(value.get("value") if is_counted else value)  # as Elasticsearch has it
            if total is not None and _VAGUE.fullmatch(name) is not None:
                is_echo = total != page.number and str(total) in {value for name, value in asked_for(page.call) if name}
                total = None if is_echo else total
            if total is not None:
                yield f"{inside}{key}", total


def asked_for(call: HttpCall) -> list[tuple[str, str]]:
    """The values of a request's query and body, as text, each with its name; those in its path have none."""
    url = urlsplit(call.url)
    return [*parse_qsl(url.query), *fields_of(call.body or b""), *(("", part) for part in url.path.split("/"))]


def numbers_in(headers: Mapping[str, str]) -> dict[str, str]:
    return {key.lower().removeprefix("x-"): one for key, one in headers.items() if one.isdecimal()}


def is_total(key: str) -> bool:
    """Whether a key counts rows by its name, beyond doubt."""
    name = letters(key)
    return _TOTAL.fullmatch(name) is not None and _VAGUE.fullmatch(name) is None


def counts_all(key: str) -> bool:
    """Whether a total's name says that it is of all rows, and not of a page's, or of pages."""
    return _OF_ALL.fullmatch(letters(key.rpartition(".")[2])) is not None


def is_sure_total(name: str) -> bool:
    """Whether a total that a pipeline names is one of all rows, where `count` may be that of a page."""
    return counts_all(name) or name.rpartition(".")[2].lower() in ("total", "content-range")


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
