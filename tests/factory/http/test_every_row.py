"""The rule of the poller, against servers that are built by chance: every row that the server has is handed on, each at
least once, or the poll fails and says why."""

from __future__ import annotations

import json
import operator
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factory.http.errors import HttpError
from factory.http.page import Means
from factory.http.poll import poll
from factory.http.session import HttpSession
from factory.http.window import Forms, RowProgress, Window
from schemas.model.cursor import CursorError
from schemas.model.http import HttpRequest
from schemas.model.polling import Incremental

from .http_server import Server
from .paged_answers import answer, query

KINDS = ("cursor", "json_link", "header_link", "offset", "page_number")
COUNTED = ("offset", "page_number")
SELECTORS: dict[str, Callable[[list[Any]], list[Any]]] = {
    "rows": lambda rows: rows,
    "rows[?open]": lambda rows: [row for row in rows if row["open"]],
    "sort_by(rows, &id)": lambda rows: rows,
    "rows[].lines[]": lambda rows: [line for row in rows for line in row["lines"]],
}
"""What a `data_selector` hands on of the rows that the server has."""
ONCE = {"attempts": 3, "initial_delay": "PT0.001S"}
LIMIT = 3


@dataclass
class Listing:
    """A list as an API gives it. `sizes`: rows of each page, then three; `late`: rows that come up while it is read;
    `hidden`: places of an offset that are left out of answers; `broken`: number and status of a request that fails;
    `repeated`: number of a request that is answered as the one before it; `says`: how the end is said; `wrong`: what is
    added to the total; `ignores`: whether a 404 is ignored; `unique`: whether rows are told apart by their `id`, and
    `moves`: then, number of a request before which the first row goes to the end."""

    kind: str
    rows: list[Any]
    sizes: list[int]
    late: int
    hidden: frozenset[int]
    broken: tuple[int, int] | None
    repeated: int | None
    says: str
    wrong: int
    selector: str = "rows"
    ignores: bool = False
    unique: bool = False
    moves: int | None = None

    def __post_init__(self) -> None:
        self.requests = 0
        self._last: tuple[Any, dict[str, str]] | None = None

    @property
    def is_honest(self) -> bool:
        """Whether nothing is wrong with it, so that a poll must not fail."""
        lasting = self.broken is not None and self.broken[1] != 503
        total = self.says in ("total", "both") and (self.wrong or self.hidden or self._has_empty_pages)
        return not lasting and self.repeated is None and not total

    @property
    def may_end_early(self) -> bool:
        """Whether a 404 that is ignored is all that is said of the end; as the first answer, it says that there is no
        list."""
        ignored = self.ignores and self.broken is not None and self.broken[1] == 404
        return ignored and (self.broken == (1, 404) or (self.kind in COUNTED and self.says == "nothing"))

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
            self.rows += [made(1000 + number) for number in range(self.late)]
        if self.requests == self.moves and self.unique:
            self.rows.append(self.rows.pop(0))
        if self.requests != self.repeated or self._last is None:
            self._last = self._page(query(handler), f"http://127.0.0.1:{handler.server.server_address[1]}/rows")  # type: ignore[attr-defined]
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
        said = {"total": max(0, total + self.wrong), "has_more": more}
        return {"rows": rows, **{key: said[key] for key in self._ends().values()}}

    def _ends(self) -> dict[str, str]:
        ends = {"total": {"total_path": "total"}, "more": {"has_more_path": "has_more"}}
        return ends["total"] | ends["more"] if self.says == "both" else ends.get(self.says, {})

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
        ends = self._ends()
        of_kind = {"cursor": {"cursor_path": "next"}, "offset": {"limit": LIMIT, **ends}, "page_number": ends}
        pagination = {"type": self.kind, "max_pages": 60, **of_kind.get(self.kind, {})}
        return HttpRequest.model_validate(
            {
                "url": server.url("/rows"),
                "data_selector": self.selector,
                "pagination": pagination,
                "request_retries": {**ONCE, "status": [503]},
                "response_actions": [{"status_code": 404, "action": "ignore"}] if self.ignores else [],
                "unique_by": "id" if self.unique else None,
            }
        )


def made(number: int, lines: int = 1, *, is_open: bool = True) -> dict[str, Any]:
    """A row, as all selectors take it."""
    return {"id": number, "open": is_open, "lines": [{"id": f"{number}.{line}"} for line in range(lines)]}


@st.composite
def listings(draw: st.DrawFn) -> Listing:
    kind = draw(st.sampled_from(KINDS))
    number = draw(st.integers(0, 14))
    selector = draw(st.sampled_from(sorted(SELECTORS)))
    unique = draw(st.booleans())
    has_nulls = selector == "rows" and not unique
    rows: list[Any] = [
        None
        if has_nulls and draw(st.integers(0, 9)) == 0
        else made(n, draw(st.integers(0, 3)), is_open=draw(st.booleans()))
        for n in range(number)
    ]
    says = draw(st.sampled_from(("total", "more", "both", "nothing"))) if kind in COUNTED else "nothing"
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
        broken=draw(st.none() | st.tuples(st.integers(1, 6), st.sampled_from((404, 500, 503)))),
        repeated=draw(st.none() | st.integers(2, 6)),
        says=says,
        wrong=wrong,
        selector=selector,
        ignores=draw(st.booleans()),
        unique=unique,
        moves=draw(st.none() | st.integers(2, 5)) if number else None,
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
    shown = [row for place, row in enumerate(listing.rows) if place not in listing.hidden]
    due = SELECTORS[listing.selector](shown)
    lasting_server.script = listing
    found, failure = _polled(listing.request(lasting_server))
    if failure is not None:
        assert not listing.is_honest, failure
        assert len(failure.partition(": ")[2]) > 20
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


@dataclass
class Feed:
    """Rows by cursor, of which each run sees more. `since`: how the parameter is respected; `future`: a cursor."""

    form: Callable[[int], Any]
    batches: list[list[int]]
    size: int
    since: Callable[[int, int], bool] | None
    order: str | None
    kind: str
    future: Any

    def __post_init__(self) -> None:
        self.seen = 0

    def __call__(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:  # noqa: ARG002 # a script's
        asked = query(handler)
        known = [number for batch in self.batches[: self.seen] for number in batch]
        if self.order is not None:
            known.sort(reverse=self.order == "desc")
        if self.since is not None and "since" in asked:
            since = next(number for number in range(400) if str(self.form(number)) == asked["since"])
            known = [number for number in known if self.since(number, since)]
        start = int(asked.get("at", asked.get("offset", (int(asked.get("page", 1)) - 1) * self.size)))
        made = [{"id": number % VERSIONED, "n": number, "at": self.form(number)} for number in known]
        if self.future is not None and self.batches[0]:
            made.insert(0 if self.order == "desc" else len(made), {"id": -1, "n": -1, "at": self.future})
        rows = made[start : start + self.size]
        following = start + self.size if start + self.size < len(made) else None
        if self.kind == "json_link" and following is not None:
            since = {"since": asked["since"]} if "since" in asked else {}
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


VERSIONED = 5
"""How many rows there are; a larger number is a newer version of one."""


def _written(pattern: str, hours: int = 1) -> Callable[[int], str]:
    return lambda n: (datetime(2026, 1, 28, 10, tzinfo=UTC) + n * timedelta(hours=hours)).strftime(pattern)


FORMS: dict[str, tuple[Callable[[int], Any], Any]] = {
    "number": (lambda n: n, None),
    "text": (lambda n: f"{n + 100:06}", None),
    "decimal": (lambda n: f"{n}.5", None),
    "iso": (_written("%Y-%m-%dT%H:%M:%SZ"), "2099-01-01T00:00:00Z"),
    "basic": (_written("%Y%m%dT%H%M%SZ"), "20990101T000000Z"),
    "named zone": (_written("%Y-%m-%d %H:%M:%S UTC"), "2099-01-01 00:00:00 UTC"),
    "day": (_written("%Y-%m-%d", 24), "2099-01-01"),
    "rfc2822": (_written("%a, %d %b %Y %H:%M:%S GMT"), "Thu, 01 Jan 2099 00:00:00 GMT"),
    "json date": (lambda n: f"/Date({1769594400000 + n * 3600000})/", "/Date(4070908800000)/"),
    "epoch": (lambda n: 1769594400 + n * 3600, 4070908800),
    "epoch text": (lambda n: f"{1769594400000 + n}", "4070908800000"),
    "day number": (lambda n: int(_written("%Y%m%d", 24)(n)), 20990101),
    "oracle": (lambda n: _written("%d-%b-%y", 24)(n).upper(), "01-JAN-99"),
    "noon": (_written("%Y-%m-%d %I:%M %p"), "2099-01-01 12:00 AM"),
    "short": (lambda n: f"2026-{9 + n // 28}-{n % 28 + 1}", "2099-1-1"),
    "log": (_written("%d/%b/%Y:%H:%M:%S +0000"), "01/Jan/2099:00:00:00 +0000"),
}
"""How rows write their cursor, and one in the future."""


@st.composite
def feeds(draw: st.DrawFn) -> tuple[Feed, str, dict[str, Any], dict[str, Any], bool]:
    """A feed, the form of its cursors, how it is asked for, and whether its rows go into a file."""
    batches, last = [], 0
    for gaps in draw(st.lists(st.lists(st.integers(1, 4), max_size=5), min_size=3, max_size=4)):
        batch = []
        for gap in gaps:
            last += gap
            batch.append(last)
        batches.append(draw(st.permutations(batch)))
    form, order = draw(st.sampled_from(sorted(FORMS))), draw(st.sampled_from((None, "asc", "desc")))
    feed = Feed(
        form=FORMS[form][0],
        batches=batches,
        size=draw(st.integers(1, 4)),
        since=draw(st.sampled_from((None, operator.ge, operator.gt))),
        order=order,
        kind=draw(st.sampled_from(sorted(PAGED_FEEDS))),
        future=FORMS[form][1] if draw(st.booleans()) else None,
    )
    where = draw(st.sampled_from(("server", "client")))
    incremental = {"cursor_path": "at", "start_param": "since", "row_order": order, "filter": where}
    return feed, form, incremental, {"unique_by": draw(st.sampled_from((None, "id")))}, draw(st.booleans())


@settings(max_examples=120, deadline=None)
@given(drawn=feeds())
def test_every_row_over_several_runs(
    lasting_server: Server, drawn: tuple[Feed, str, dict[str, Any], dict[str, Any], bool]
) -> None:
    feed, form, incremental, unique, to_file = drawn
    lasting_server.script = feed
    url = lasting_server.url("/rows")
    request = {"url": url, "data_selector": "rows", "pagination": feed.pagination(), **unique}
    lasting_server.received.clear()
    watermark, got, due = None, set(), set()
    for run, batch in enumerate(feed.batches, 1):
        feed.seen = run
        due |= set(batch)
        try:
            _, rows, watermark = _run(request, incremental, watermark, to_file=to_file)
        except CursorError as error:
            if form in REFUSED or (form in AMBIGUOUS and feed.future is not None and "`cursor_format`" in str(error)):
                return
            raise
        got |= {row["n"] for row in rows}
        newest = {number % VERSIONED: number for number in sorted(due)}
        assert (set(newest.values()) if unique["unique_by"] else due) <= got


REFUSED = ("oracle", "noon", "short", "log")
AMBIGUOUS = ("epoch", "epoch text", "day number")


@settings(max_examples=40, deadline=None)
@given(
    days=st.lists(st.integers(0, 12), max_size=6),
    step=st.sampled_from(("5h", "12h", "1d", "3d")),
    pattern=st.sampled_from(("%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ", "%Y%m%dT%H%M%SZ")),
    until=st.sampled_from((operator.le, operator.lt)),
    respects=st.booleans(),
)
def test_every_row_of_a_long_history_in_steps(
    lasting_server: Server,
    days: list[int],
    step: str,
    pattern: str,
    until: Callable[[str, str], bool],
    respects: bool,
) -> None:
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    written = [(today - timedelta(days=one)).strftime(pattern) for one in days]

    def script(handler: BaseHTTPRequestHandler, body: bytes) -> None:  # noqa: ARG001 # a script's
        asked = query(handler)
        rows = [at for at in written if not respects or (asked["since"] <= at and until(at, asked["until"]))]
        answer(handler, {"rows": [{"at": at} for at in rows]})

    lasting_server.script = script
    start = (today - timedelta(days=13)).strftime(pattern)
    keys = {"start_param": "since", "end_param": "until", "step": step, "initial_value": start}
    request = {"url": lasting_server.url("/rows"), "data_selector": "rows"}
    watermark, got = None, set()
    for _ in range(13 * 5 + 2):
        window, rows, watermark = _run(request, {"cursor_path": "at", **keys}, watermark)
        got |= {row["at"] for row in rows}
        if not window.is_step:
            break
    assert not window.is_step
    assert set(written) - {today.strftime(pattern)} <= got


def _run(
    request: dict[str, Any], keys: dict[str, Any], watermark: Any, *, to_file: bool = False
) -> tuple[Window, list[Any], Any]:
    """What a run asked for, its rows, and the watermark behind it."""
    incremental = Incremental.model_validate(keys)
    forms = Forms(incremental, "UTC")
    window = Window.after(incremental, forms, watermark)
    progress = RowProgress(incremental, forms, window, lambda _: None)
    params = {} if window.start is None else {"since": window.start}
    if incremental.end_param is not None:
        params["until"] = forms.asked_moment(window.until, window.start)
    written: list[Any] = []
    with HttpSession() as session:
        answered = poll(
            HttpRequest.model_validate(request),
            Means(session=session),
            params=params,
            progress=progress,
            write=written.extend if to_file else None,
        )
    return window, written if to_file else answered.rows or [], progress.watermark() or watermark
