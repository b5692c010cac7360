"""Whether a page is full: as many rows as its request asks for, or as it counts itself, may not be all."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, unquote_plus, urlsplit

from factory.http.answers import frames, letters, whole_number
from factory.http.page import Page
from factory.http.signs import SIZE, says_end, sign_of_more
from factory.http.totals import total_of_more, totals_in
from factory.http.wording import words

_THINGS = (
    r"(?: ?(?:results?|rows|records?|items?|hits|entries|keys|elements|documents|events|messages|objects|pages?|of))"
)
_ASKED_SIZE = re.compile(
    r"(?!min |skip )(?:.* )?(?:[a-z]*(?:limit|size)|(?:page ?)?(?:len|count|length)|top|take|first|last|rows)"
    r"|(?:(?:page|row|result|record|item|hit|list)s? )?(?:[a-z]*ret)?(?:max|num|n)|recent|rpp"
    rf"|(?:.* )?(?:max|num|number|limit){_THINGS}+|(?:nb )?(?:results|records|items|entries)|.*per ?page",
)
"""Names by which requests ask for a number of rows, in small letters and with a space between words."""
_ASKED_NUMBER = re.compile(
    r"(?P<name>[$A-Za-z_][\w.$-]*(?:\[[\w-]+\])?)(?:[\s:=\"'\\(]{1,5}|>(?=[0-9]+<))(?P<number>[0-9]{1,9})(?![\w.:-])"
)
"""A name and a number behind it, in whatever a request is written: `limit=3`, `"first": 3`, `LIMIT 3`, `<size>3<`."""


def size_in(page: Page, rows: int) -> str | None:
    """What in a request's query or body asks for so many rows as came: there may be more, unless the answer says its
    end."""
    if not rows or says_end(page, rows):
        return None
    asked = f"{unquote_plus(urlsplit(page.call.url).query)}\n{(page.call.body or b'').decode(errors='replace')}"
    for found in _ASKED_NUMBER.finditer(asked):
        if int(found["number"]) == rows and _ASKED_SIZE.fullmatch(words(found["name"]).strip()):
            return found["name"]
    return None


def may_be_full(page: Page, rows: int) -> bool:
    """Whether a lone page may be as long as pages get: neither its request nor its answer names a larger size."""
    pairs = [
        *parse_qsl(urlsplit(page.call.url).query),
        *(one for _, frame, _ in frames(page.frame, page.inside) for one in frame.items()),
    ]
    sizes = (one for key, one in pairs if SIZE.fullmatch(name := letters(key)) and name not in ("count", "rows"))
    return all((whole_number(size) or 0) <= rows for size in sizes)


def hint_of_the_whole(page: Page, rows: int) -> str:
    """What to write where a page has as many rows as a key counts, which may be all that there are."""
    if sign_of_more(page) is None and total_of_more(page, rows) is None:
        for key, number in totals_in(page):
            if number == rows and key.isidentifier() and key in page.frame:
                return f"; where the first page is the whole list, write: stop: length(rows) >= page.{key}"
    return ""
