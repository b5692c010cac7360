"""Pages: each way from one to the next, against a server that counts, changes and repeats."""

from __future__ import annotations

import json
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from factory.operators.http_errors import HttpError

from .http_server import Server

Runner = Callable[..., Any]
ROWS = list(range(7))


def answer(handler: BaseHTTPRequestHandler, value: Any, **headers: str) -> None:
    body = json.dumps(value).encode()
    handler.send_response(200)
    for name, text in {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}.items():
        handler.send_header(name, text)
    handler.end_headers()
    handler.wfile.write(body)


def query(handler: BaseHTTPRequestHandler) -> dict[str, str]:
    return {name: values[-1] for name, values in parse_qs(urlsplit(handler.path).query).items()}


def by_page(size: int, first: int = 1, **more: Any) -> Callable[[BaseHTTPRequestHandler], None]:
    def route(handler: BaseHTTPRequestHandler) -> None:
        start = (int(query(handler)["page"]) - first) * size
        answer(handler, {"data": ROWS[start : start + size], **more})

    return route


def by_offset(largest: int) -> Callable[[BaseHTTPRequestHandler], None]:
    def route(handler: BaseHTTPRequestHandler) -> None:
        start = int(query(handler)["offset"])
        answer(handler, ROWS[start : start + min(largest, int(query(handler)["limit"]))])

    return route


def by_cursor(handler: BaseHTTPRequestHandler) -> None:
    start = int(query(handler).get("cursor", 0))
    answer(handler, {"rows": ROWS[start : start + 3], "meta": {"next": start + 3 if start + 3 < len(ROWS) else None}})


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
    server.routes["/"] = lambda handler: answer(handler, {"data": [len(server.received)], "pages": "12"})
    pages = {"type": "page_number", "total_path": "pages"}
    assert run(server.url("/"), data_selector="data", pagination=pages) == list(range(1, 13))


def test_an_offset_moves_on_by_the_rows_that_came(server: Server, run: Runner) -> None:
    server.routes["/"] = by_offset(largest=2)
    assert run(server.url("/"), pagination={"type": "offset", "limit": 5}) == ROWS
    assert [query_of(r.path) for r in server.received] == [{"limit": "5", "offset": str(n)} for n in (0, 2, 4, 6, 7)]


def query_of(path: str) -> dict[str, str]:
    return {name: values[-1] for name, values in parse_qs(urlsplit(path).query).items()}


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


PAGED = {"data": [1], "paging": {"cursor": "b", "size": 1}}
LINKS = '</?p=2>; rel="next", </?p=9>; rel=last'


@pytest.mark.parametrize(
    ("pages", "body", "link", "reason"),
    [
        (
            {"type": "cursor", "cursor_path": "paging.nxt"},
            PAGED,
            "",
            r"`cursor_path` \(paging.nxt\) is not in it: `paging` has no `nxt`; it has cursor, size\. "
            r"More rows seem to follow, since it has `paging.cursor`",
        ),
        (
            {"type": "cursor", "cursor_path": "page.cursor"},
            PAGED,
            "",
            "the answer has no `page`; it has data, paging.* since it has `paging.cursor`",
        ),
        (
            {"type": "json_link", "next_url_path": "links.nxt"},
            {"data": [1], "links": {"next": {"href": "/?p=2"}}},
            "",
            "`links` has no `nxt`; it has next.* since it has `links.next`",
        ),
        (
            {"type": "json_link"},
            {"data": [1], "hasMore": True},
            "",
            "the answer has no `next`; it has data, hasMore.* since it has `hasMore`",
        ),
        (
            {"type": "header_link", "links_next_key": "nxt"},
            {"data": [1]},
            LINKS,
            r"`links_next_key` \(nxt\) is not in its `Link` header, which has next, last",
        ),
    ],
)
def test_a_wrong_path_of_the_next_page_fails_where_more_follows(
    server: Server, run: Runner, pages: dict[str, Any], body: Any, link: str, reason: str
) -> None:
    server.routes["/"] = lambda handler: answer(handler, body, **({"Link": link} if link else {}))
    with pytest.raises(HttpError, match=reason):
        run(server.url("/"), data_selector="data", pagination=pages)
    assert len(server.received) == 1


@pytest.mark.parametrize(
    ("pages", "body", "link", "warning"),
    [
        (
            {"type": "cursor", "cursor_path": "paging.nxt"},
            {"data": [1], "paging": {"after": "b"}},
            "",
            "`cursor_path` (paging.nxt) is not in it: `paging` has no `nxt`; it has after. So this page is taken",
        ),
        ({"type": "json_link"}, {"data": [1], "next_page": None, "has_more": False}, "", "it has data, next_page"),
        ({"type": "header_link"}, {"data": [1]}, "</?p=1>; rel=last", "is not in its `Link` header, which has last"),
        ({"type": "header_link"}, {"data": [1]}, "", "it has no `Link` header. So this page is taken"),
        ({"type": "cursor", "cursor_path": "paging.nxt"}, {"data": [1], "paging": {"nxt": None, "cursor": 5}}, "", ""),
        ({"type": "cursor", "cursor_path": "paging.nxt"}, {"data": [1], "paging": None, "cursor": 5}, "", ""),
        ({"type": "cursor", "cursor_path": "nxt || `null`"}, {"data": [1], "cursor": 5}, "", ""),
        ({"type": "cursor", "cursor_path": "nxt"}, {"data": [], "cursor": 5}, "", ""),
        ({"type": "json_link"}, {"data": {"id": 1, "next": False}, "next": ""}, "", ""),
    ],
)
def test_a_first_page_that_may_be_the_only_one_is_named(
    server: Server,
    run: Runner,
    capsys: pytest.CaptureFixture[str],
    pages: dict[str, Any],
    body: Any,
    link: str,
    warning: str,
) -> None:
    server.routes["/"] = lambda handler: answer(handler, body, **({"Link": link} if link else {}))
    run(server.url("/"), data_selector="data", pagination=pages)
    logged = capsys.readouterr().out
    assert ("is taken for the only one" in logged) == bool(warning)
    assert warning in logged


def test_a_later_page_needs_no_name_of_the_next(
    server: Server, run: Runner, capsys: pytest.CaptureFixture[str]
) -> None:
    def route(handler: BaseHTTPRequestHandler) -> None:
        more = {"next": "b", "cursor": "b"} if "cursor" not in query(handler) else {"cursor": "c"}
        answer(handler, {"data": [1], **more})

    server.routes["/"] = route
    assert run(server.url("/"), data_selector="data", pagination={"type": "cursor", "cursor_path": "next"}) == [1, 1]
    assert "only one" not in capsys.readouterr().out


def test_a_linked_page_elsewhere_gets_no_credentials(server: Server, other_server: Server, run: Runner) -> None:
    server.routes["/"] = lambda handler: answer(handler, {"rows": [1], "next": other_server.url("/")})
    other_server.routes["/"] = lambda handler: answer(handler, {"rows": [2]})
    output = run(server.url("/"), headers={"X-Api-Key": "k"}, data_selector="rows", pagination={"type": "json_link"})
    assert output == [1, 2]
    assert server.received[0].headers["X-Api-Key"] == "k"
    assert "X-Api-Key" not in other_server.received[0].headers


@pytest.mark.parametrize(
    ("pages", "reason"),
    [
        ({"type": "cursor", "cursor_path": "c"}, "its cursor came before"),
        ({"type": "json_link"}, "leads to a page that was read before"),
        ({"type": "page_number"}, "the server does not heed `page`"),
        ({"type": "offset", "limit": 1}, "the server does not heed `offset`"),
    ],
)
def test_pages_that_repeat_are_an_error(server: Server, run: Runner, pages: dict[str, Any], reason: str) -> None:
    server.routes["/"] = lambda handler: answer(handler, {"rows": [1], "c": "same", "next": "/"})
    with pytest.raises(HttpError, match=reason):
        run(server.url("/"), data_selector="rows", pagination=pages)
    assert len(server.received) <= 2


def test_more_pages_than_allowed_are_an_error(server: Server, run: Runner, pushed: dict[str, Any]) -> None:
    server.routes["/"] = by_page(1)
    with pytest.raises(HttpError, match=r"more pages than `max_pages` allows \(3\)"):
        run(server.url("/"), data_selector="data", pagination={"type": "page_number", "max_pages": 3})
    assert pushed["http"]["pages"] == 3


@pytest.mark.parametrize(
    ("selector", "pages", "reason"),
    [
        ("rowz", None, r"`data_selector` \(rowz\) finds nothing in the answer: .*rows"),
        (None, {"type": "header_link"}, "with `pagination` the answer must be a list"),
        ("rows", {"type": "cursor", "cursor_path": "rows"}, "gives neither text nor a number"),
        ("rows", {"type": "json_link", "next_url_path": "rows"}, "gives no text"),
        ("rows", {"type": "offset", "limit": 1, "total_path": "rows"}, "gives no whole number"),
        ("length(n)", None, "`data_selector` cannot be asked of the answer"),
        ("rows[", None, "an expression cannot be read"),
    ],
)
def test_answers_that_are_not_as_said(
    server: Server, run: Runner, selector: str | None, pages: dict[str, Any] | None, reason: str
) -> None:
    server.routes["/"] = lambda handler: answer(handler, {"rows": [1], "n": 3})
    with pytest.raises(HttpError, match=reason):
        run(server.url("/"), data_selector=selector, pagination=pages)


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


def test_a_page_that_fails_is_requested_again_and_not_those_before(
    server: Server, run: Runner, pushed: dict[str, Any]
) -> None:
    failed: list[str] = []

    def route(handler: BaseHTTPRequestHandler) -> None:
        if query(handler)["page"] == "2" and len(failed) < 2:
            failed.append(handler.path)
            handler.send_error(503)
        else:
            by_page(3)(handler)

    server.routes["/"] = route
    retries = {"attempts": 3, "status": ["5xx"], "initial_delay": 0.01}
    output = run(server.url("/"), data_selector="data", pagination={"type": "page_number"}, request_retries=retries)
    assert output == ROWS
    assert [query_of(r.path)["page"] for r in server.received] == ["1", "2", "2", "2", "3", "4"]
    assert pushed["http"]["retries"] == 2


def test_errors_and_retries_say_which_page(server: Server, run: Runner, capsys: pytest.CaptureFixture[str]) -> None:
    third: dict[str, Callable[[BaseHTTPRequestHandler], None]] = {
        "503": lambda handler: handler.send_error(503),
        "cut": lambda _: None,
        "condition": lambda handler: answer(handler, {"data": [1], "bad": True}),
        "schema": lambda handler: answer(handler, {"data": {}}),
        "selector": lambda handler: answer(handler, {}),
        "json": lambda handler: answer(handler, None, **{"Content-Length": "2"}),
    }
    reasons = {
        "503": "it answered 503",
        "cut": "the server broke",
        "condition": "the condition",
        "schema": "does not fit",
        "selector": "finds nothing",
        "json": "the answer is not JSON",
    }
    expect = {"condition": "!bad", "json_schema": {"properties": {"data": {"type": "array"}}}}
    for name, route in third.items():
        server.routes["/"] = lambda handler, route=route: (
            route(handler) if query(handler)["page"] == "3" else by_page(3)(handler)
        )
        with pytest.raises(HttpError, match=rf"/\?… \(page 3\): .*{reasons[name]}"):
            run(
                server.url("/"),
                data_selector="data",
                pagination={"type": "page_number"},
                expect=expect,
                request_retries={"attempts": 2, "initial_delay": 0.01, "status": ["5xx"]},
            )
        assert (" (page 3): " in capsys.readouterr().out) == (name in {"503", "cut"})


def test_a_connection_that_the_server_closed_meanwhile_is_opened_again(server: Server, run: Runner) -> None:
    def route(handler: BaseHTTPRequestHandler) -> None:
        # The first page's connection stays open; the second page is asked for on it, and gets nothing.
        handler.close_connection = len(server.received) != 1
        if len(server.received) != 2:
            by_page(3)(handler)

    server.routes["/"] = route
    assert run(server.url("/"), data_selector="data", pagination={"type": "page_number"}) == ROWS
    assert [query_of(r.path)["page"] for r in server.received] == ["1", "2", "2", "3", "4"]


def test_cookies_go_to_no_other_server_that_a_page_links_to(server: Server, other_server: Server, run: Runner) -> None:
    server.routes["/"] = lambda handler: answer(
        handler, [1], **{"Set-Cookie": "session=1", "Link": f"<{other_server.url('/b')}>; rel=next"}
    )
    other_server.routes["/b"] = lambda handler: answer(handler, [2])
    assert run(server.url("/"), pagination={"type": "header_link"}) == [1, 2]
    assert "Cookie" not in other_server.received[0].headers
