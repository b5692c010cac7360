"""What an answer says beside its rows: that more follows, and where to go on."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, urlsplit

from factory.http.answers import PREFIX, Level, Way, frames, is_thing, keys_in, letters, levels, whole_number
from factory.http.call import links_of
from factory.http.page import Page
from factory.http.selection import absent_key, is_path, named
from factory.http.totals import counts_all, is_sure_total, is_total, numbers_in, totals_in
from schemas.model.polling import LAST

_NOUN = (
    "pages?|results?|items?|data|records?|rows?|entries|objects?|elements?|documents?|events?|messages?|hits|content"
    "|available|exists?|incollection|remaining|tofetch"
)
_MORE = re.compile(
    rf"(?:has|is|are|thereis|thereare)(?:any)?(?:more|next|additional)(?:{_NOUN})*|more(?:{_NOUN})+|more"
    r"|(?:is|results?)?truncated|exceededtransferlimit"
)
"""Keys that are true where more follows, in small letters and without what is no letter."""
_NEXT = re.compile(
    rf"{PREFIX}next(?:{_NOUN}|continuation|set)?(?:url|uri|link|href|token|cursor|key|marker|id|no|number|params?)?"
    r"|cursor|lastevaluatedkey|continue|continuation(?:token)?|resumptiontoken"
)
"""Keys of what to go on by."""
_NEXT_OF_LIST = re.compile(rf"{PREFIX}next(?:page|results)?(?:url|uri|link|href|token|cursor|marker)?")
"""Of these, those that are of a list even in a row."""
_NEXT_PLACE = re.compile(r"next(?:record|row|item|result|chunk|batch|page)?(?:offset|start|skip|from|index|position)")
"""The same, as a number of rows, which may be that of all of them."""
_LAST, _PLACES = re.compile(LAST), ("last", "lastpage", "lastbatch", "final", "finalpage")
"""Keys that are false where more follows, and those whose numbers are places of rows or pages."""
SIZE = re.compile(r"(?:page)?(?:limit|top|size)|perpage|maxresults|numrows|rows|first|count|pagelimit|resultsperpage")
"""Names of parameters that ask for a number of rows."""
_MORE_LINKED = re.compile(r"<[^>]*>(?=[^<]*\bnext\b)[^<]*\bresults\s*=\s*\"?true\b", re.IGNORECASE)
_SIZE_OR_PLACE = re.compile(rf"{SIZE.pattern}|(?:page)?(?:start|startat|offset|page|skip)")
_FIRST = re.compile(r"(?:is)?(?:first|firstpage)")
_EARLIER = re.compile(rf"{PREFIX}(?:has|is)?(?:any)?prev(?:ious)?(?:{_NOUN})*(?:url|uri|link|href|exists)?")
"""Keys that lead, or say whether there is something, before a page."""
_PAGES = re.compile(
    rf"{PREFIX}(?:(?:total|last|num|numberof|totalnumberof)?pages|(?:total|last|num)page|(?:total)?pages?count|pagestotal)"
)
_PAGE = re.compile(rf"{PREFIX}(?:(?:current|this)?page(?:number|no|num|index)?|number)")
_RANGE = re.compile(r"(?:[a-z]+ )?[0-9]{1,18}-(?P<last>[0-9]{1,18})/(?P<total>[0-9]{1,18})")
_LINKS, _RELATIONS = ("link", "links", "atom:link"), ("rel", "@rel", "relation")
_TRUE, _VAGUE = (True, "true", "True", "yes", "Y"), ("more", "truncated")
_NOTHING: tuple[Any, ...] = (None, False, "", 0, "0", [], {}, "false", "False", "no", "N", "null")


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
    more = next(_signs_of_more(page), None) if has_rows else sign_of_more(page)
    if more is not None:
        hint = f"; where the answer may have no such key, write: {expression} || `null`"
        raise page.error(f"{missing}. More rows seem to follow, since it has `{more}`{hint}")
    if has_rows:
        log(f"{page.named}: {missing}. So this page is taken for the only one.")


def check_header(
    page: Page, relation: str, relations: list[str], log: Callable[[str], None], tell: Callable[[str], None]
) -> None:
    """Of a first page with rows, whose Link header has no such relation.

    Raises HttpError where it has `next`, the registered name of what follows."""
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


def sign_of_more(page: Page, *, is_row: bool = False) -> str | None:
    """A key outside of the rows by which an answer says that more follows; None where there is none."""
    if any("next" in relations for _, relations in links_of(page.headers.get("Link", ""))[0]):
        return "Link"
    of_all = _RANGE.fullmatch(page.headers.get("Content-Range", ""))
    if of_all is not None and int(of_all["last"]) + 1 < int(of_all["total"]):
        return "Content-Range"
    if is_row:
        return None
    # A lone `cursor` may be that of the page itself, also as an attribute of XML (OAI-PMH).
    return next((sign for sign in _signs_of_more(page) if letters(sign.rpartition(".")[2]) != "cursor"), None)


def says_end(page: Page, rows: int) -> bool:
    """Whether an answer with so many rows says that nothing follows."""
    said = [
        (letters(key), one)
        for _, frame, is_frame in frames(page.frame, page.inside)
        if is_frame
        for key, one in frame.items()
    ]
    return (
        any(one in _NOTHING[:3] and (_MORE.fullmatch(name) or _NEXT.fullmatch(name)) for name, one in said)
        or any(_is_last(name, one) is True for name, one in said)
        or any(total == rows and is_sure_total(key) for key, total in totals_in(page))
    )


def sign_of_part(page: Page, *, is_sure: bool = True) -> str | None:
    """The status 206 without a total; unless it has to be sure, also a range of 200 without one (PostgREST)."""
    span = page.headers.get("Content-Range", "")
    if page.status == HTTPStatus.PARTIAL_CONTENT and _RANGE.fullmatch(span) is None and span[:1] != "*":
        return f"206, {span}" if span else "206"
    return f"Content-Range: {span}" if not is_sure and re.fullmatch(r"(?:[a-z]+ )?[0-9]+-[0-9]+/\*", span) else None


def sign_of_earlier(page: Page, param: str, number: int) -> str | None:
    """A key by which a page of this number, which is sent as `param`, is not the first of its list."""
    for target, relations in links_of(page.headers.get("Link", ""))[0]:
        if {"prev", "previous"} & {*relations} and _is_before(target, param, number):
            return "Link"
    for inside, frame, is_frame in frames(page.frame, page.inside):
        for key, child in frame.items():
            name = letters(key)
            leads_back = _EARLIER.fullmatch(name) is not None and (child is True or _is_before(child, param, number))
            if leads_back or (is_frame and child is False and _FIRST.fullmatch(name) is not None):
                return f"{inside}{key}"
    return None


def _is_before(link: Any, param: str, number: int) -> bool:
    """Whether a link leads to a page before the one of this number. A number alone may be of the first, too."""
    link = link.get("href") if isinstance(link, Mapping) else link
    if not isinstance(link, str) or re.search("[/?]", link) is None:
        return False
    pages = parse_qs(urlsplit(link).query).get(param, ["-1"])
    return pages[0].lstrip("-").isdecimal() and int(pages[0]) < number


def more_in_rows(value: Any, ways: Iterable[Way]) -> Iterator[Way]:
    """The keys by which lists in rows say that they have more than these, where their rows are those of the answer."""
    for level in levels(value, ways):
        lists = [key for key in level.leads if any(isinstance(one.get(key), list) for one in level.values)]
        for path, values in level.holders() if level.is_item and lists else ():
            keys = keys_in(values)
            is_about_list = path != level.path or not (level.is_listed or is_thing(keys, path))
            for key in keys:
                name = letters(key)
                if _MORE.fullmatch(name) and name not in _VAGUE and (is_about_list or name.startswith("hasmore")):
                    says = any(one.get(key) in _TRUE for one in values)
                elif is_about_list and _NEXT_OF_LIST.fullmatch(name):
                    says = any(isinstance(child := one.get(key), str) and child not in _NOTHING for one in values)
                else:
                    says = is_about_list and values is level.values and _is_above(level, key, lists, sized=keys)
                if says:
                    yield (*path, str(key))


def _is_above(level: Level, key: str, lists: Iterable[str], sized: Iterable[str]) -> bool:
    """Whether a key beside lists counts more than is in one of them. A `total` may be one of money, unless a size or a
    place of pages is beside it."""
    if not is_total(key) or not (counts_all(key) or any(_SIZE_OR_PLACE.fullmatch(letters(one)) for one in sized)):
        return False
    pairs = [(whole_number(one.get(key)), one.get(rows)) for one in level.values for rows in lists]
    return any(isinstance(rows, list) and (total or 0) > len(rows) for total, rows in pairs)


def says_more(page: Page) -> str | None:
    """A key outside of lists that is true where more follows, or false where no last page is, or that counts pages; or
    a link that says that there are rows behind it."""
    if _MORE_LINKED.search(page.headers.get("Link", "")) is not None:
        return "link"
    return next((sign for sign in _signs_of_more(page, of_place=False)), None)


def _signs_of_more(page: Page, *, of_place: bool = True) -> Iterator[str]:
    """Keys outside of lists, which hold the rows, that say that more follows. `of_place`: also by where to go on."""
    headers = {letters(key): one for key, one in numbers_in(page.headers).items()}
    for inside, frame, is_frame in [("", headers, True), *frames(page.frame, page.inside)]:
        for key, child in frame.items():
            # `@Microsoft.Dynamics.CRM.morerecords`: a name, and whose it is.
            name = letters(key.rpartition(".")[2] if str(key)[:1] == "@" else key)
            says = (
                (_MORE.fullmatch(name) is not None and _is_so(name, child))
                or (is_frame and _is_last(name, child) is False)
                or (of_place and _leads_on(page, name, child))
            )
            if says:
                yield f"{inside}{key}"
        if is_frame and (pages := _more_pages(frame, page.number or 1)) is not None:
            yield f"{inside}{pages}"


def _is_last(name: str, child: Any) -> bool | None:
    """Whether a page is the last one by a key; None where the key does not say."""
    is_place = name in _PLACES and not isinstance(child, bool | str)
    if is_place or _LAST.fullmatch(name) is None:
        return None
    return True if child in _TRUE else False if child in (False, "false", "False", "0") else None


def _is_so(name: str, child: Any) -> bool:
    """Whether the value of a key that says that more follows is true; `more` may be about something else."""
    if child in _TRUE:
        return True
    return name not in _VAGUE and isinstance(child, str | int) and child not in _NOTHING


def _leads_on(page: Page, name: str, child: Any) -> bool:
    """Whether what a key has is the way to more rows."""
    if name in _LINKS:
        links = child if isinstance(child, list) else [child]
        return any(isinstance(one, Mapping) and "next" in map(one.get, _RELATIONS) for one in links)
    if child in _NOTHING:
        return False
    if name == "resumptiontoken" and isinstance(child, Mapping):  # XML: on the last page it has attributes only
        return bool(child.get("#text"))
    if name == "offset":  # a number is that of this page
        return isinstance(child, str) and not child.isdecimal()
    if _NEXT_PLACE.fullmatch(name) is not None:
        number = whole_number(child)
        return number is None or all(total > number for _, total in totals_in(page))
    return _NEXT.fullmatch(name) is not None


def _more_pages(frame: Mapping[str, Any], read: int) -> str | None:
    """A key that counts more pages than were read, and than the number of this one, where that is there."""
    numbers = {key: number for key, one in frame.items() if (number := whole_number(one)) is not None}
    here = max((one for key, one in numbers.items() if _PAGE.fullmatch(letters(key))), default=0)
    for key, pages in numbers.items():
        if pages > max(read, here) and _PAGES.fullmatch(letters(key)) is not None:
            return f"{key}: {pages}"
    return None
