"""Lists as APIs give them, built by chance, and how a pipeline asks for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from typing import Any

from hypothesis import strategies as st

from schemas.model.http import HttpRequest

from .http_server import Server, answer, query

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
    `moves`: then, number of a request before which the first row goes to the end, or with `up` the last to the top;
    `equal`: rows in a row that are the same, so that pages may be; `counts`: key under which each answer counts the
    rows of its page; `says_more`: whether it also says on each but the last that more follows, which the pipeline does
    not look at; `deaf`: whether it gives its first page whatever is sent; `largest`: rows that it gives for an offset
    at most, whatever the limit; `first`: the offset of its first row; `cached`: whether a cache keeps its pages, unless
    it is asked not to; `zero`: whether its pages are counted from 0, and read from 1; `most`: pages that the pipeline
    allows. By `says`, the pipeline may take the number of a page's rows for the total (`own`), or what is true on the
    last page for what is true on the others (`opposite`) or negate it (`not`). `flags`: how it says yes and no; `cut`:
    number of a request whose answer leaves out its last row and has an `error` beside the others."""

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
    up: bool = False
    equal: int = 1
    counts: str | None = None
    says_more: bool = False
    deaf: bool = False
    largest: int = LIMIT
    first: int = 0
    cached: bool = False
    zero: bool = False
    most: int = 60
    flags: tuple[Any, Any] = (True, False)
    cut: int | None = None

    def __post_init__(self) -> None:
        self.requests = 0
        self._cache: dict[str, tuple[Any, dict[str, str]]] = {}
        self._last: tuple[Any, dict[str, str]] | None = None

    @property
    def is_honest(self) -> bool:
        """Whether nothing is wrong with it, so that a poll must not fail."""
        lasting = self.broken is not None and self.broken[1] != 503
        total = self.says in ("total", "both") and (self.wrong or self.hidden or self._has_empty_pages)
        # Of a counted list, a page like the one before it is a failure.
        alike = self.kind in COUNTED and self.equal > 1
        wrong = self.zero or self.says == "opposite" or self.most < 60
        return not (lasting or total or alike or self.deaf or wrong or self.cut) and self.repeated is None

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
        if self.unique and self.moves is not None:
            return False  # a list that is read once more begins with a link that came before
        hides = self._has_empty_pages or self.hidden or None in self.rows or self.equal > 1
        return self.kind not in COUNTED or not hides

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
            self.rows.insert(0 if self.up else len(self.rows), self.rows.pop(-1 if self.up else 0))
        if self.requests != self.repeated or self._last is None:
            asked = {"offset": "0"} if self.deaf else query(handler)
            made_now = self._page(asked, f"http://127.0.0.1:{handler.server.server_address[1]}/rows")  # type: ignore[attr-defined]
            keeps = self.cached and handler.headers.get("Cache-Control") != "no-cache"
            self._last = self._cache.setdefault(handler.path, made_now) if keeps else made_now
        value, headers = self._last
        if self.counts is not None:
            number = len(value["rows"])
            value, headers = (
                (value, headers | {self.counts: str(number)})
                if self.counts[:2] == "X-"
                else ({**value, self.counts: number}, headers)
            )
        if self.requests == self.cut and value["rows"]:
            value = {**value, "rows": value["rows"][:-1], "error": "timeout"}
        answer(handler, {**value, "request_id": self.requests}, **headers)

    def _page(self, query: dict[str, str], address: str) -> tuple[dict[str, Any], dict[str, str]]:
        if self.kind == "offset":
            start = max(0, int(query["offset"]) - self.first)
            places = range(start, min(start + self.largest, len(self.rows)))
            rows = [self.rows[place] for place in places if place not in self.hidden]
            return self._counted(rows, len(self.rows), more=start + self.largest < len(self.rows)), {}
        number = int(query.get("page", query.get("cursor", 1))) + self.zero
        starts = list(self._starts())
        start, end = starts[number - 1] if number <= len(starts) else (len(self.rows), len(self.rows))
        rows, more = self.rows[start:end], number < len(starts)
        if self.kind == "page_number":
            return self._counted(rows, len(starts), more=more) | ({"first": number == 1} if self.zero else {}), {}
        if self.kind == "cursor":
            return {"rows": rows, "next": number + 1 if more else None}, {}
        link = f"{address}?cursor={number + 1}"
        if self.kind == "json_link":
            return {"rows": rows, "next": link if more else None}, {}
        return {"rows": rows}, {"Link": f'<{link}>; rel="next"' if more else "<x>; rel=first"}

    def _counted(self, rows: list[Any], total: int, *, more: bool) -> dict[str, Any]:
        said = {
            "total": max(0, total + self.wrong),
            "has_more": self.flags[not more],
            "n": len(rows),
            "done": self.flags[more],
        }
        keys = [*(key.removeprefix("!") for key in self._ends().values()), *(["has_more"] if self.says_more else [])]
        return {"rows": rows, **{key: said[key] for key in keys}}

    def _ends(self) -> dict[str, str]:
        ends = {
            "total": {"total_path": "total"},
            "more": {"has_more_path": "has_more"},
            "own": {"total_path": "n"},
            "opposite": {"has_more_path": "done"},
            "not": {"has_more_path": "!done"},
        }
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
        of_kind = {
            "cursor": {"cursor_path": "next"},
            "offset": {"limit": LIMIT, "offset": self.first or None, **ends},
            "page_number": ends,
        }
        pagination = {"type": self.kind, "max_pages": self.most, **of_kind.get(self.kind, {})}
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
    equal = draw(st.sampled_from((1, 1, LIMIT * 2)))
    unique = equal == 1 and draw(st.booleans())
    has_nulls = selector == "rows" and not unique
    rows: list[Any] = [
        None
        if has_nulls and draw(st.integers(0, 9)) == 0
        else (made(n, draw(st.integers(0, 3)), is_open=draw(st.booleans())) if equal == 1 else made(n // equal))
        for n in range(number)
    ]
    says = (
        draw(st.sampled_from(("total", "more", "both", "nothing", "not", "opposite"))) if kind in COUNTED else "nothing"
    )
    says = "own" if kind == "offset" and draw(st.integers(0, 4)) == 0 else says
    # Without a word of the end, a page without rows is the end of a counted list.
    smallest = 1 if kind in COUNTED and says == "nothing" else 0
    sizes = draw(st.lists(st.integers(smallest, 4), max_size=6)) if kind != "offset" else []
    hides = kind == "offset" and says not in ("nothing", "own")
    wrong = draw(st.sampled_from((0, 0, 0, -3, -1, 1, 2)))
    if wrong < 0:
        # A total that is too small shows where pages are full: else the server has said twice that it ends.
        hides, sizes = False, []
        wrong = wrong if equal == 1 and (kind == "offset" or -(-number // 3) + wrong >= 2) else 0
    hidden = draw(st.frozensets(st.integers(0, 14), max_size=5)) if hides else frozenset()
    return Listing(
        kind=kind,
        rows=rows,
        sizes=sizes,
        late=draw(st.integers(0, 2)),
        hidden=hidden,
        broken=draw(st.none() | st.tuples(st.integers(1, 6), st.sampled_from((404, 500, 503)))),
        repeated=draw(st.none() | st.integers(2, 6)),
        says=says,
        wrong=wrong,
        selector=selector,
        ignores=draw(st.booleans()),
        unique=unique,
        # Places are hidden: a row that moves to one is none that the server gives.
        moves=draw(st.none() | st.integers(2, 5)) if number and not hidden else None,
        # Only a total tells it from a new row.
        up=kind == "offset" and says in ("total", "both") and draw(st.booleans()),
        equal=equal,
        counts=draw(st.sampled_from((None, "count", "results", "hits", "total_count", "X-Count"))),
        says_more=kind in COUNTED and draw(st.booleans()),
        deaf=wrong >= 0 and draw(st.integers(0, 7)) == 0,
        # A total that is too small shows where the last page is full; and places are hidden from the first row on.
        largest=draw(st.integers(1, LIMIT)) if wrong >= 0 and not hidden else LIMIT,
        first=draw(st.integers(0, 1)) if kind == "offset" and not wrong and not hidden else 0,
        cached=draw(st.booleans()),
        zero=kind == "page_number" and draw(st.integers(0, 5)) == 0,
        most=draw(st.sampled_from((60, 60, 60, 2, 3))),
        flags=draw(st.sampled_from(((True, False), (1, 0), ("true", "False"), ("Y", "N"), ("yes", "no"), ("1", "0")))),
        cut=draw(st.sampled_from((None, None, None, None, None, 1, 2, 3))),
    )
