"""Pages: each way from one to the next, against a server that counts."""

from __future__ import annotations

import json
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any

import jmespath
import pytest

from factory.http.call import HttpCall
from factory.http.errors import HttpError
from factory.http.repeats import counts

from .http_server import ROWS, Server, answer, by_cursor, by_offset, by_page, query, query_of

Runner = Callable[..., Any]


def test_page_numbers_until_an_empty_page(server: Server, run: Runner, pushed: dict[str, Any]) -> None:
    server.routes["/"] = by_page(3)
    assert run(server.url("/?a=1"), data_selector="data", pagination={"type": "page_number"}) == ROWS
    assert [r.path for r in server.received] == [f"/?a=1&page={n}" for n in (1, 2, 3, 4)]
    assert (pushed["http"]["pages"], pushed["http"]["rows"], pushed["http"]["retries"]) == (4, 7, 0)


def test_page_numbers_until_the_last_of_a_known_number(server: Server, run: Runner) -> None:
    server.routes["/"] = by_page(3, first=0, pages=3)
    pages = {"type": "page_number", "base_page": 0, "total_path": "pages"}
    assert run(server.url("/"), data_selector="data", pagination=pages) == ROWS
    assert len(server.received) == 3


def test_what_is_counted_replaces_what_the_url_has_of_that_name(server: Server, run: Runner) -> None:
    server.routes["/"] = by_page(3)
    assert run(server.url("/?page=9&a=1"), data_selector="data", pagination={"type": "page_number"}) == ROWS
    assert server.received[0].path == "/?a=1&page=1"


def test_a_total_may_be_text(server: Server, run: Runner) -> None:
    def route(handler: BaseHTTPRequestHandler) -> None:
        page = int(query(handler)["page"])
        answer(handler, {"data": [page] if page <= 12 else [], "pages": "12"})

    server.routes["/"] = route
    pages = {"type": "page_number", "total_path": "pages"}
    assert run(server.url("/"), data_selector="data", pagination=pages) == list(range(1, 13))
    # The last page is as full as the others, so whether the total is right only the next can say.
    assert len(server.received) == 13


def test_an_offset_moves_on_by_the_rows_that_came(server: Server, run: Runner) -> None:
    server.routes["/"] = by_offset(largest=2)
    assert run(server.url("/"), pagination={"type": "offset", "limit": 5}) == ROWS
    assert [query_of(r.path) for r in server.received] == [{"limit": "5", "offset": str(n)} for n in (0, 2, 4, 6, 7)]


def test_a_cursor_until_there_is_none(server: Server, run: Runner) -> None:
    server.routes["/"] = by_cursor
    pages = {"type": "cursor", "cursor_path": "meta.next"}
    assert run(server.url("/"), data_selector="rows", pagination=pages) == ROWS
    assert [r.path for r in server.received] == ["/", "/?cursor=3", "/?cursor=6"]


@pytest.mark.parametrize(
    ("pages", "route", "selector", "requests"),
    [
        ({"type": "cursor", "cursor_path": "meta.next"}, by_cursor, "rows[?@ > `5`]", 3),
        ({"type": "page_number"}, by_page(3), "data[?@ > `5`]", 4),
        ({"type": "offset", "limit": 3}, by_offset(3), "[?@ > `5`]", 4),
        ({"type": "offset", "limit": 3}, by_offset(3), "[*] | [?@ > `5`].{row: @} | [*].row", 4),
    ],
)
def test_rows_that_a_selector_leaves_out_are_rows_of_the_page(
    server: Server,
    run: Runner,
    pages: dict[str, Any],
    route: Callable[[BaseHTTPRequestHandler], None],
    selector: str,
    requests: int,
) -> None:
    server.routes["/"] = route
    assert run(server.url("/"), data_selector=selector, pagination=pages) == [6]
    assert len(server.received) == requests


ORDERS = [
    {"id": n, "status": "new", "open": n not in (2, 3), "at": None if n == 3 else n, "lines": [n] * (n % 3)}
    for n in range(8)
]


@pytest.mark.parametrize("kind", ["offset", "page_number"])
@pytest.mark.parametrize(
    "selector",
    [
        "data.orders[].lines[]",
        "data.orders[?open].lines[]",
        "sort_by(data.orders[?open], &at)",
        "data.orders[?open] | [?at] | [*].{a: at}",
        "data.orders[?open] || `[]`",
        "data.orders[1:]",
        "data.orders[].status",
        "data.*[].id",
        "[data.orders[?open], data.none][][]",
        "not_null(data.none, data.orders)[?open]",
        "[@][0].data.orders[?open]",
        "max_by(data.orders, &id)",
    ],
)
def test_rows_are_counted_where_the_server_counts_them(server: Server, run: Runner, kind: str, selector: str) -> None:
    """Pages of two; what is selected of all pages is what is selected of each."""

    def page(start: int) -> dict[str, Any]:
        # What a slice leaves out by its place, no server counts.
        top = [{"id": "head"}] if selector.endswith("[1:]") else []
        return {"data": {"orders": top + ORDERS[start : start + 2]}}

    def route(handler: BaseHTTPRequestHandler) -> None:
        asked = query(handler)
        answer(handler, page(int(asked["offset"]) if kind == "offset" else int(asked["page"]) * 2))

    server.routes["/"] = route
    pages = {"type": kind, "limit": 2} if kind == "offset" else {"type": kind, "base_page": 0}
    if selector.startswith("max_by"):
        pages["stop"] = "length(page.data.orders) < `2` || page.data.orders[1].id == `7`"
    due = [row for start in range(0, len(ORDERS), 2) for row in _listed(jmespath.search(selector, page(start)))]
    assert run(server.url("/"), data_selector=selector, pagination=pages) == due


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def test_what_is_made_for_the_rows_of_a_condition_is_not_asked_of_the_others(server: Server, run: Runner) -> None:
    people = [{"id": number, "name": "Ada" if number == 4 else None} for number in range(5)]

    def route(handler: BaseHTTPRequestHandler) -> None:
        start = int(query(handler)["offset"])
        answer(handler, people[start : start + 2])

    server.routes["/"] = route
    pages = {"type": "offset", "limit": 2}
    assert run(server.url("/"), data_selector="[?name].length(name)", pagination=pages) == [3]
    assert [query_of(r.path)["offset"] for r in server.received] == ["0", "2", "4", "5"]


def test_a_cursor_in_a_body(server: Server, run: Runner) -> None:
    def by_body(handler: BaseHTTPRequestHandler) -> None:
        start = json.loads(server.received[-1].body).get("page", {}).get("after", 0)
        answer(handler, {"rows": ROWS[start : start + 3], "next": start + 3 if start + 3 < len(ROWS) else None})

    server.routes["/"] = by_body
    pages = {"type": "cursor", "cursor_path": "next", "cursor_body_path": "page.after"}
    asked = {"method": "POST", "json_body": {"sort": "id"}, "data_selector": "rows", "pagination": pages}
    assert run(server.url("/"), **asked) == ROWS
    bodies = [json.loads(r.body) for r in server.received]
    assert bodies == [{"sort": "id"}, *({"sort": "id", "page": {"after": after}} for after in (3, 6))]
    assert {r.path for r in server.received} == {"/"}
    with pytest.raises(HttpError, match=r"its JSON body has no mapping to put `sort\.after` into"):
        run(server.url("/"), **{**asked, "pagination": {**pages, "cursor_body_path": "sort.after"}})


def test_links_in_the_body_and_in_header_fields(server: Server, run: Runner) -> None:
    def body(handler: BaseHTTPRequestHandler) -> None:
        page = int(query(handler).get("p", 1))
        answer(handler, {"items": [page], "paging": {"next": f"/body?p={page + 1}" if page < 3 else ""}})

    def header(handler: BaseHTTPRequestHandler) -> None:
        page = int(query(handler).get("p", 1))
        link = f'<{server.url("/header")}?p={page + 1}>; rel="last next"; title="a, b", </header?p=0>; rel=prev'
        answer(handler, [page], **({"Link": link} if page < 3 else {"Link": "</x>; rel=prev"}))

    server.routes |= {"/body": body, "/header": header}
    pages = {"type": "json_link", "next_url_path": "paging.next"}
    assert run(server.url("/body"), data_selector="items", pagination=pages) == [1, 2, 3]
    assert run(server.url("/header"), pagination={"type": "header_link"}) == [1, 2, 3]


def test_what_is_selected_is_always_a_flat_list(server: Server, run: Runner) -> None:
    server.routes["/"] = lambda handler: answer(handler, {"rows": [{"id": 1, "x": 2}], "one": {"id": 3}, "none": []})
    assert run(server.url("/"), data_selector="rows[*].id") == [1]
    assert run(server.url("/"), data_selector="one") == [{"id": 3}]
    assert run(server.url("/"), data_selector="none") == []


def test_no_content_is_a_page_without_rows(server: Server, run: Runner) -> None:
    server.answers("/none", status=204)
    server.routes["/"] = lambda handler: by_page(3)(handler) if "page=4" not in handler.path else _none(handler)
    pages = {"type": "page_number"}
    assert run(server.url("/none"), data_selector="data") == run(server.url("/none"), pagination=pages) == []
    assert run(server.url("/"), data_selector="data", pagination=pages) == ROWS


def _none(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(204)
    handler.end_headers()


@pytest.mark.parametrize("key", ["done", "is_last", "lastPage", "finished", "exhausted", "eos", "end", "noMoreRows"])
@pytest.mark.parametrize("negated", [False, True])
def test_a_key_that_says_the_opposite_ends_no_list(server: Server, run: Runner, key: str, negated: bool) -> None:
    key = "has_more" if negated else key

    def route(handler: BaseHTTPRequestHandler) -> None:
        number = int(query(handler).get("cursor", 1))
        answer(handler, {"rows": [number], "next": number + 1 if number < 3 else None, key: (number < 3) is negated})

    server.routes["/"] = route
    pages = {"type": "cursor", "cursor_path": "next"}
    wrong, right = (f"!{key}", key) if negated else (key, f"!{key}")
    with pytest.raises(HttpError, match=rf"\({wrong}\) is by its name true on the last page; write `{right}`"):
        run(server.url("/"), data_selector="rows", pagination={**pages, "has_more_path": wrong})
    assert run(server.url("/"), data_selector="rows", pagination={**pages, "has_more_path": right}) == [1, 2, 3]


def test_a_linked_page_elsewhere_gets_no_credentials(server: Server, other_server: Server, run: Runner) -> None:
    server.routes["/"] = lambda handler: answer(handler, {"rows": [1], "next": other_server.url("/")})
    other_server.routes["/"] = lambda handler: answer(handler, {"rows": [2]})
    with pytest.raises(
        HttpError, match=r"linked to another server than .*, which got no credentials and may give only"
    ):
        run(server.url("/"), headers={"X-Api-Key": "sesame"}, data_selector="rows", pagination={"type": "json_link"})
    assert server.received[0].headers["X-Api-Key"] == "sesame"
    assert "X-Api-Key" not in other_server.received[0].headers


def test_cookies_go_to_no_other_server_that_a_page_links_to(server: Server, other_server: Server, run: Runner) -> None:
    server.routes["/"] = lambda handler: answer(
        handler, [1], **{"Set-Cookie": "session=1", "Link": f"<{other_server.url('/b')}>; rel=next"}
    )
    other_server.routes["/b"] = lambda handler: answer(handler, [2])
    assert run(server.url("/"), pagination={"type": "header_link"}) == [1, 2]
    assert "Cookie" not in other_server.received[0].headers


@pytest.mark.parametrize(
    ("before", "after", "rows", "is_counted"),
    [
        ("/rows?page=2", "/rows?page=3", 50, True),
        ("/rows", "/rows?page=2", 50, True),
        ("/rows", "/rows?limit=50&start=50", 50, True),
        ("/rows/page/2", "/rows/page/3", 50, True),
        ("/rows", "/rows/page/2", 50, True),
        ("/rows?after=o50", "/rows?after=o100", 50, True),
        ("/rows?after=YXJyYXljb25uZWN0aW9uOjQ5", "/rows?after=YXJyYXljb25uZWN0aW9uOjk5", 50, True),
        ("/rows?after=8173", "/rows?after=9251", 50, False),
        ("/rows?after=xq", "/rows?after=zk", 50, False),
        ("/rows?after=2026-01-01&page=1", "/rows?after=2026-01-02&page=2", 50, False),
        ("/rows/page/2", "/rows/page/9", 50, False),
    ],
)
def test_what_counts_pages_or_rows(before: str, after: str, rows: int, is_counted: bool) -> None:
    one, other = (HttpCall("GET", f"http://api.example{path}", {}, None) for path in (before, after))
    assert counts(one, other, rows) is is_counted


def test_a_body_and_a_header_field_count_rows() -> None:
    call = HttpCall("POST", "http://api.example/rows", {"Content-Length": "1"}, b'{"filter": {"a": 1}}')
    paged = call.with_json_value(["page", "after"], "50")
    assert counts(call, paged, 50)
    assert counts(paged, call.with_json_value(["page", "after"], "100"), 50)
    assert counts(call.with_headers({"X-Page": "1"}), call.with_headers({"x-page": "2"}), 50)
    assert not counts(paged, call.with_json_value(["page", "after"], "117"), 50)


def test_links_that_only_lead_to_pages_without_rows(server: Server, run: Runner) -> None:
    def route(handler: BaseHTTPRequestHandler) -> None:
        at = int(query(handler).get("at", 0))
        answer(handler, {"rows": [] if at else [1], "next": f"/?at={at + 1}"})

    server.routes["/"] = route
    with pytest.raises(
        HttpError, match="the last 100 pages have no rows, and each says that more follows; `stop` says"
    ):
        run(server.url("/"), data_selector="rows", pagination={"type": "json_link"})
    assert len(server.received) == 101
    with pytest.raises(HttpError, match=r"more pages than `max_pages` allows \(150\), the last 149 without rows"):
        run(server.url("/"), data_selector="rows", pagination={"type": "json_link", "max_pages": 150})
