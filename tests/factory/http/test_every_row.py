"""The rule of the poller, against servers that are built by chance: every row that the server has is handed on, each at
least once, or the poll fails and says why."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any

from hypothesis import given, settings

from factory.http.errors import HttpError
from factory.http.page import Means
from factory.http.poll import poll
from factory.http.session import HttpSession
from schemas.model.http import HttpRequest

from .http_server import Server
from .listings import SELECTORS, Listing, listings

CAUSES = re.compile(
    r"it answered (?:404|500) |was read before|cursor came before|those of the page before"
    r"|the list ends here after|it has no rows, but|`response_actions` ignores the answer|rows moved from page to page"
    r"|its total fell|it says by `error` that|is by its name true on the last page|there is a page before the first one"
    r"|says that more (?:rows )?follow|more pages than `max_pages`"
)
"""What a failure names."""


@settings(max_examples=200)
@given(listing=listings())
def test_every_row_or_a_failure(lasting_server: Server, listing: Listing) -> None:
    lasting_server.received.clear()
    shown = [row for place, row in enumerate(listing.rows) if place not in listing.hidden]
    due = SELECTORS[listing.selector](shown)
    lasting_server.script = listing
    found, failure = _polled(listing.request(lasting_server))
    if failure is not None:
        assert not listing.is_honest or (listing.hidden and "hides rows" in failure), failure
        assert CAUSES.search(failure) is not None, failure
        return
    missing = Counter(map(json.dumps, due)) - Counter(map(json.dumps, found))
    if not listing.may_end_early and (listing.repeated is None or listing.shows_repeats):
        assert not missing, (listing, found)


def _polled(request: HttpRequest) -> tuple[list[Any], str | None]:
    """The rows of a poll, or why it failed."""
    with HttpSession() as session:
        try:
            return poll(request, Means(session=session)).rows or [], None
        except HttpError as error:
            return [], str(error)
