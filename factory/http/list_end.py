"""Signs in an answer that more rows follow than the poll is about to ask for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from requests.utils import parse_header_links

from factory.http.page import Page
from factory.http.selection import AbsentKey, absent_key, named

_NEXT = re.compile(
    r"(?:odata)?next(?:page|results?|records)?(?:url|uri|link|href|token|cursor|key|marker|id)?|cursor"
    r"|(?:has|is)(?:more|next)(?:page|pages|results|items|data)?|moreavailable"
)
"""Keys by which an answer says that more follows, in small letters and without what is no letter."""


def check_body(page: Page, expression: str, key: str, log: Callable[[str], None], *, has_rows: bool) -> None:
    """Of a first page on which the path of `key` finds nothing.

    An absent key is a warning, one that is there and empty is the end of the pages. Raises HttpError where the answer
    says by another key that more follows.
    """
    absent = absent_key(page.value, expression)
    if absent is None:
        return
    missing = f"`{key}` ({expression}) is not in it: {_there(absent)}"
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


def sign_of_more(page: Page) -> str | None:
    """A key outside of the rows by which an answer says that more follows; None where there is none."""
    links = parse_header_links(page.headers.get("Link", ""))
    if any("next" in link.get("rel", "").lower().split() for link in links):
        return "Link"
    # A lone `cursor` may be that of the page itself.
    return next((sign for sign in _signs_of_more(page.value) if not sign.lower().endswith("cursor")), None)


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
