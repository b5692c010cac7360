"""The rule of the poller, against servers that are built by chance: every row that the server has is handed on, each at
least once, or the poll fails and says why."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factory.http.errors import HttpError
from factory.http.page import Means
from factory.http.poll import poll
from factory.http.session import HttpSession
from factory.http.window import Forms, RowProgress, Window
from schemas.model.cursor import Incremental
from schemas.model.http import HttpRequest

from .http_server import Server
from .paged_answers import answer

KINDS = ("cursor", "json_link", "header_link", "offset", "page_number")
COUNTED = ("offset", "page_number")
ONCE = {"attempts": 3, "initial_delay": "PT0.001S"}
LIMIT = 3


@dataclass
class Listing:
    """A list as an API gives it. `sizes`: rows of each page, then three; `late`: rows that come up while it is read;
    `hidden`: places of an offset that are left out of answers; `broken`: number and status of a request that fails;
    `repeated`: number of a request that is answered as the one before it; `says`: how the end is said; `wrong`: what is
    added to the total."""

    kind: str
    rows: list[Any]
    sizes: list[int]
    late: int
    hidden: frozenset[int]
    broken: tuple[int, int] | None
    repeated: int | None
    says: str
    wrong: int

    def __post_init__(self) -> None:
        self.requests = 0
        self._last: tuple[Any, dict[str, str]] | None = None

    @property
    def is_honest(self) -> bool:
        """Whether nothing is wrong with it, so that a poll must not fail."""
        lasting = self.broken is not None and self.broken[1] == 500
        total = self.says == "total" and (self.wrong or self.hidden or self._has_empty_pages)
        return not lasting and self.repeated is None and not total

    @property
    def shows_repeats(self) -> bool:
        """Whether an answer that belongs to the request before can be told from the right one: by its rows, which have
        ids, or by its link or cursor, which then comes twice."""
        return self.kind not in COUNTED or not (self._has_empty_pages or self.hidden or None in self.rows)

    @property
    def _has_empty_pages(self) -> bool:
        return 0 in self.sizes

    def __call__(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:  # noqa: ARG002 # a script's
        self.requests += 1
        if self.broken is not None and self.requests == self.broken[0]:
            handler.send_error(self.broken[1])
            return
        if self.requests == 2:
            self.rows += [{"id": f"late {number}"} for number in range(self.late)]
        query = {name: values[-1] for name, values in parse_qs(urlsplit(handler.path).query).items()}
        if self.requests != self.repeated or self._last is None:
            self._last = self._page(query, f"http://127.0.0.1:{handler.server.server_address[1]}/rows")  # type: ignore[attr-defined]
        value, headers = self._last
        answer(handler, {**value, "request_id": self.requests}, **headers)

    def _page(self, query: dict[str, str], address: str) -> tuple[dict[str, Any], dict[str, str]]:
        if self.kind == "offset":
            start = int(query["offset"])
            places = range(start, min(start + LIMIT, len(self.rows)))
            rows = [self.rows[place] for place in places if place not in self.hidden]
            return self._counted(rows, start + LIMIT < len(self.rows), len(self.rows)), {}
        number = int(query.get("page", query.get("cursor", 1)))
        starts = list(self._starts())
        start, end = starts[number - 1] if number <= len(starts) else (len(self.rows), len(self.rows))
        rows, more = self.rows[start:end], number < len(starts)
        if self.kind == "page_number":
            return self._counted(rows, more, len(starts)), {}
        if self.kind == "cursor":
            return {"rows": rows, "next": number + 1 if more else None}, {}
        link = f"{address}?cursor={number + 1}"
        if self.kind == "json_link":
            return {"rows": rows, "next": link if more else None}, {}
        return {"rows": rows}, {"Link": f'<{link}>; rel="next"' if more else "<x>; rel=first"}

    def _counted(self, rows: list[Any], more: bool, total: int) -> dict[str, Any]:
        said = {"total": {"total": max(0, total + self.wrong)}, "more": {"has_more": more}}
        return {"rows": rows, **said.get(self.says, {})}

    def _starts(self) -> Iterator[tuple[int, int]]:
        start = 0
        for size in [*self.sizes, *[3] * len(self.rows)]:
            if start >= len(self.rows) and not (start == 0 and not self.rows):
                return
            yield start, min(start + size, len(self.rows))
            start += size
            if not self.rows:
                return

    def request(self, server: Server) -> HttpRequest:
        ends = {"total": {"total_path": "total"}, "more": {"has_more_path": "has_more"}}.get(self.says, {})
        of_kind = {"cursor": {"cursor_path": "next"}, "offset": {"limit": LIMIT, **ends}, "page_number": ends}
        pagination = {"type": self.kind, "max_pages": 60, **of_kind.get(self.kind, {})}
        return HttpRequest.model_validate(
            {
                "url": server.url("/rows"),
                "data_selector": "rows",
                "pagination": pagination,
                "request_retries": {**ONCE, "status": [503]},
            }
        )


@st.composite
def listings(draw: st.DrawFn) -> Listing:
    kind = draw(st.sampled_from(KINDS))
    number = draw(st.integers(0, 14))
    rows: list[Any] = [None if draw(st.integers(0, 9)) == 0 else {"id": n} for n in range(number)]
    says = draw(st.sampled_from(("total", "more", "nothing"))) if kind in COUNTED else "nothing"
    # Without a word of the end, a page without rows is the end of a counted list.
    smallest = 1 if kind in COUNTED and says == "nothing" else 0
    sizes = draw(st.lists(st.integers(smallest, 4), max_size=6)) if kind != "offset" else []
    hides = kind == "offset" and says != "nothing"
    wrong = draw(st.sampled_from((0, 0, 0, -3, -1, 1, 2)))
    if wrong < 0:
        # A total that is too small shows where pages are full: else the server has said twice that it ends.
        hides, sizes = False, []
        wrong = wrong if kind == "offset" or -(-number // 3) + wrong >= 2 else 0
    return Listing(
        kind=kind,
        rows=rows,
        sizes=sizes,
        late=draw(st.integers(0, 2)),
        hidden=draw(st.frozensets(st.integers(0, 14), max_size=5)) if hides else frozenset(),
        broken=draw(st.none() | st.tuples(st.integers(1, 6), st.sampled_from((500, 503)))),
        repeated=draw(st.none() | st.integers(2, 6)),
        says=says,
        wrong=wrong,
    )


@pytest.fixture(scope="module")
def lasting_server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


@settings(max_examples=200, deadline=None)
@given(listing=listings())
def test_every_row_or_a_failure(lasting_server: Server, listing: Listing) -> None:
    lasting_server.received.clear()
    due = [row for place, row in enumerate(listing.rows) if place not in listing.hidden]
    lasting_server.script = listing
    found, failure = _polled(listing.request(lasting_server))
    if failure is not None:
        assert not listing.is_honest, failure
        assert len(failure.partition(": ")[2]) > 20
        return
    missing = Counter(map(json.dumps, due)) - Counter(map(json.dumps, found))
    if listing.repeated is None or listing.shows_repeats:
        assert not missing, (listing, found)


def _polled(request: HttpRequest) -> tuple[list[Any], str | None]:
    """The rows of a poll, or why it failed."""
    with HttpSession() as session:
        try:
            return poll(request, Means(session=session)).rows or [], None
        except HttpError as error:
            return [], str(error)


@dataclass
class Feed:
    """Rows by cursor, of which each run sees more. `since` is respected where `filters` says so."""

    form: Callable[[int], Any]
    batches: list[list[int]]
    size: int
    filters: bool
    order: str | None
    kind: str

    def __post_init__(self) -> None:
        self.seen = 0

    def __call__(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:  # noqa: ARG002 # a script's
        query = {name: values[-1] for name, values in parse_qs(urlsplit(handler.path).query).items()}
        known = [number for batch in self.batches[: self.seen] for number in batch]
        if self.order is not None:
            known.sort(reverse=self.order == "desc")
        if self.filters and "since" in query:
            since = next(number for number in range(400) if str(self.form(number)) == query["since"])
            known = [number for number in known if number >= since]
        start = int(query.get("at", query.get("offset", (int(query.get("page", 1)) - 1) * self.size)))
        rows = [{"n": number, "at": self.form(number)} for number in known[start : start + self.size]]
        following = start + self.size if start + self.size < len(known) else None
        if self.kind == "json_link" and following is not None:
            since = {"since": query["since"]} if "since" in query else {}
            following = f"/rows?{urlencode({**since, 'at': following})}"
        more = {} if self.kind in COUNTED else {"next": following}
        answer(handler, {"rows": rows, "request_id": start, **more})

    def pagination(self) -> dict[str, Any]:
        return {"type": self.kind, **({"limit": self.size} if self.kind == "offset" else {}), **PAGED_FEEDS[self.kind]}


PAGED_FEEDS: dict[str, dict[str, str]] = {
    "page_number": {},
    "offset": {},
    "cursor": {"cursor_path": "next", "cursor_param": "at"},
    "json_link": {},
}


FORMS: dict[str, Callable[[int], Any]] = {
    "number": lambda n: n,
    "text": lambda n: f"{n + 100:06}",
    "decimal": lambda n: f"{n}.5",
    "iso": lambda n: f"2026-01-{n // 24 + 1:02}T{n % 24:02}:00:00Z",
    "rfc2822": lambda n: datetime(2026, 1, n // 24 + 1, n % 24, tzinfo=UTC).strftime("%a, %d %b %Y %H:%M:%S GMT"),
}


@settings(max_examples=100, deadline=None)
@given(
    form=st.sampled_from(sorted(FORMS)),
    steps=st.lists(st.lists(st.integers(1, 4), max_size=5), min_size=3, max_size=4),
    size=st.integers(1, 4),
    filters=st.booleans(),
    order=st.sampled_from((None, "asc", "desc")),
    kind=st.sampled_from(sorted(PAGED_FEEDS)),
    shuffled=st.randoms(use_true_random=False),
)
def test_every_row_over_several_runs(  # noqa: PLR0917 # what a feed is made of
    lasting_server: Server,
    form: str,
    steps: list[list[int]],
    size: int,
    filters: bool,
    order: str | None,
    kind: str,
    shuffled: Any,
) -> None:
    last, batches = 0, []
    for gaps in steps:
        batch = []
        for gap in gaps:
            last += gap
            batch.append(last)
        shuffled.shuffle(batch)
        batches.append(batch)
    feed = Feed(FORMS[form], batches, size, filters, order, kind)
    lasting_server.script = feed
    incremental = Incremental.model_validate({"cursor_path": "at", "start_param": "since", "row_order": order})
    forms = Forms(incremental, "UTC")
    request = HttpRequest.model_validate(
        {"url": lasting_server.url("/rows"), "data_selector": "rows", "pagination": feed.pagination()}
    )
    lasting_server.received.clear()
    watermark, got = None, set()
    for run, batch in enumerate(batches, 1):
        feed.seen = run
        window = Window.after(incremental, forms, watermark)
        progress = RowProgress(incremental, forms, window, lambda _: None)
        params = {} if window.start is None else {"since": window.start}
        with HttpSession() as session:
            answered = poll(request, Means(session=session), params=params, progress=progress)
        got |= {row["n"] for row in answered.rows or []}
        assert set(batch) <= got
        watermark = progress.watermark() or watermark
