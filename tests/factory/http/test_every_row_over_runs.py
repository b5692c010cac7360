"""The rule of the poller from run to run: every row of a feed, each at least once, whatever its cursors look like."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import urlencode

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.model.cursor import CursorError

from .http_server import Server, answer, query
from .incremental_runs import run_once

COUNTED = ("offset", "page_number")


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


@settings(max_examples=120)
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
            _, rows, watermark = run_once(request, incremental, watermark, to_file=to_file)
        except CursorError as error:
            if form in REFUSED or (form in AMBIGUOUS and feed.future is not None and "`cursor_format`" in str(error)):
                return
            raise
        got |= {row["n"] for row in rows}
        newest = {number % VERSIONED: number for number in sorted(due)}
        assert (set(newest.values()) if unique["unique_by"] else due) <= got


REFUSED = ("oracle", "noon", "short", "log")
AMBIGUOUS = ("epoch", "epoch text", "day number")


@settings(max_examples=40)
@given(
    days=st.lists(st.integers(0, 12), max_size=6),
    step=st.sampled_from(("5h", "12h", "1d", "3d")),
    pattern=st.sampled_from(("%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ", "%Y%m%dT%H%M%SZ")),
    since=st.sampled_from((operator.ge, operator.gt)),
    until=st.sampled_from((operator.le, operator.lt)),
    param=st.sampled_from((None, "%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ")),
    respects=st.booleans(),
)
def test_every_row_of_a_long_history_in_steps(  # noqa: PLR0917 # drawn by name
    lasting_server: Server,
    days: list[int],
    step: str,
    pattern: str,
    since: Callable[[datetime, datetime], bool],
    until: Callable[[datetime, datetime], bool],
    param: str | None,
    respects: bool,
) -> None:
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    written = [(today - timedelta(days=one)).strftime(pattern) for one in days]

    def script(handler: BaseHTTPRequestHandler, body: bytes) -> None:  # noqa: ARG001 # a script's
        start, end = (datetime.strptime(query(handler)[name], param or pattern) for name in ("since", "until"))
        read = {at: datetime.strptime(at, pattern) for at in written}
        rows = [at for at in written if not respects or (since(read[at], start) and until(read[at], end))]
        answer(handler, {"rows": [{"at": at} for at in rows]})

    lasting_server.script = script
    start = (today - timedelta(days=13)).strftime(pattern)
    keys: dict[str, Any] = {"start_param": "since", "end_param": "until", "step": step, "initial_value": start}
    keys["param_format"] = param
    request = {"url": lasting_server.url("/rows"), "data_selector": "rows"}
    watermark, got = None, set()
    for _ in range(14 * 5 + 2):  # today counts, however late it is
        window, rows, watermark = run_once(request, {"cursor_path": "at", **keys}, watermark)
        got |= {row["at"] for row in rows}
        if not window.is_step:
            break
    assert not window.is_step
    assert set(written) - {today.strftime(pattern)} <= got


@settings(max_examples=80)
@given(
    runs=st.lists(st.lists(st.integers(0, 2), max_size=4), min_size=2, max_size=5),
    unit=st.sampled_from(("second", "minute", "day", "epoch", "sent as a day", "sent as epoch")),
    is_exclusive=st.booleans(),
    size=st.integers(1, 3),
)
def test_every_row_of_equal_times_over_several_runs(
    lasting_server: Server, runs: list[list[int]], unit: str, is_exclusive: bool, size: int
) -> None:
    """Later runs have rows of the time of the watermark; an API that begins behind it needs the `lag` of a unit."""
    pattern, step, lag, param = TIED[unit]
    sent = {"date": "%Y-%m-%d", "epoch": "%s", None: pattern}[param]
    known: list[datetime] = []

    def text(moment: datetime, form: str) -> Any:
        return int(moment.timestamp()) if form == "%s" else moment.strftime(form)

    def script(handler: BaseHTTPRequestHandler, body: bytes) -> None:  # noqa: ARG001 # a script's
        asked = query(handler)
        rows = [{"id": number, "at": text(moment, pattern)} for number, moment in enumerate(known)]
        if "since" in asked:
            compare = operator.gt if is_exclusive else operator.ge
            since = int(asked["since"]) if sent == "%s" else asked["since"]
            rows = [row for row in rows if compare(text(known[row["id"]], sent), since)]
        start = (int(asked["page"]) - 1) * size
        answer(handler, {"rows": rows[start : start + size]})

    lasting_server.script = script
    request = {"url": lasting_server.url("/rows"), "data_selector": "rows", "pagination": {"type": "page_number"}}
    keys: dict[str, Any] = {"cursor_path": "at", "start_param": "since", "param_format": param}
    keys |= {"lag": lag} if is_exclusive else {}
    keys |= {"cursor_format": "epoch"} if pattern == "%s" else {}
    watermark, got, last = None, set(), datetime(2026, 1, 1, tzinfo=UTC)
    for gaps in runs:
        for gap in gaps:
            last += gap * step
            known.append(last)
        _, rows, watermark = run_once(request, keys, watermark)
        got |= {row["id"] for row in rows}
        assert got == set(range(len(known)))


TIED: dict[str, tuple[str, timedelta, str, str | None]] = {
    "second": ("%Y-%m-%dT%H:%M:%SZ", timedelta(seconds=1), "1s", None),
    "minute": ("%Y-%m-%dT%H:%MZ", timedelta(minutes=1), "1m", None),
    "day": ("%Y-%m-%d", timedelta(days=1), "1d", None),
    "epoch": ("%s", timedelta(seconds=1), "1s", None),
    "sent as a day": ("%Y-%m-%dT%H:%M:%SZ", timedelta(hours=7), "1d", "date"),
    "sent as epoch": ("%Y-%m-%dT%H:%M:%S.%fZ", timedelta(milliseconds=300), "1s", "epoch"),
}
"""How rows write their cursor, how far they are apart, the lag of a unit, and how the request takes it."""
