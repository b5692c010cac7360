"""Every row over several runs of a list whose rows change while its pages are read."""

from __future__ import annotations

import operator
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from .http_server import Server, answer, query
from .incremental_runs import run_once

START = datetime(2026, 1, 28, 10, tzinfo=UTC)


@dataclass
class Changing:
    """Rows at fixed places, one of which may change before each answer; each change has a later cursor.

    `changes`: of each answer, the row that changes, or None. The server's clock moves on by ten seconds an answer.
    """

    form: Callable[[int], Any]
    changes: list[int | None]
    size: int
    since: Callable[[int, int], bool]
    places: list[int]
    ticks: int = 0
    rows: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for place in self.places:
            self.ticks += 1
            self.rows[place] = self.ticks

    def __call__(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:  # noqa: ARG002 # a script's
        self.ticks += 10
        if (changed := self.changes.pop(0) if self.changes else None) is not None:
            self.rows[changed] = self.ticks
        asked = query(handler)
        known = [(place, tick) for place, tick in sorted(self.rows.items()) if place > int(asked.get("behind", 0))]
        if "since" in asked:
            since = next(tick for tick in range(self.ticks + 1) if str(self.form(tick)) == asked["since"])
            known = [(place, tick) for place, tick in known if self.since(tick, since)]
        page = known[: self.size]
        following = page[-1][0] if len(known) > self.size else None
        rows = [{"id": place, "changed": self.form(tick)} for place, tick in page]
        handler.send_response = handler.send_response_only  # type: ignore[method-assign] # it leaves the real Date out
        now = format_datetime(START + timedelta(seconds=self.ticks), usegmt=True)
        answer(handler, {"rows": rows, "next": following}, Date=now)


FORMS: dict[str, Callable[[int], Any]] = {
    "number": lambda tick: tick,
    "text": lambda tick: f"v{tick:06}",
    "time": lambda tick: (START + timedelta(seconds=tick)).strftime("%Y-%m-%dT%H:%M:%SZ"),
    "epoch": lambda tick: int(START.timestamp()) + tick,
}


@st.composite
def lists(draw: st.DrawFn) -> Changing:
    number = draw(st.integers(1, 7))
    places = list(range(1, number + 1))
    random.Random(draw(st.integers(0, 20))).shuffle(places)  # noqa: S311 # the order in which they were made
    return Changing(
        form=FORMS[draw(st.sampled_from(sorted(FORMS)))],
        changes=draw(st.lists(st.sampled_from([None, *range(1, number + 1)]), max_size=14)),
        size=draw(st.integers(1, 3)),
        since=draw(st.sampled_from((operator.ge, operator.gt))),
        places=places,
    )


@settings(max_examples=150)
@given(made=lists(), to_file=st.booleans())
def test_the_last_state_of_each_row_comes(lasting_server: Server, made: Changing, to_file: bool) -> None:
    lasting_server.script = made
    lasting_server.received.clear()
    pagination = {"type": "cursor", "cursor_path": "next", "cursor_param": "behind"}
    request = {"url": lasting_server.url("/rows"), "data_selector": "rows", "pagination": pagination}
    keys = {"cursor_path": "changed", "start_param": "since"}
    watermark, came = None, set()
    for _ in range(20):
        is_quiet = not made.changes
        _, rows, watermark = run_once(request, keys, watermark, to_file=to_file)
        came |= {(row["id"], row["changed"]) for row in rows}
        if is_quiet:
            break
    assert is_quiet
    assert {(place, made.form(tick)) for place, tick in made.rows.items()} <= came
