"""Pages of a server that repeats, changes, fails or answers otherwise than was said."""

from __future__ import annotations

from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from factory.http.errors import HttpError

from .http_server import ROWS, Server, answer, by_page, query, query_of

Runner = Callable[..., Any]


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


@pytest.mark.parametrize(
    ("pages", "reason"),
    [
        ({"type": "cursor", "cursor_path": "c"}, "its cursor came before"),
        ({"type": "json_link"}, "leads to a page that was read before"),
        ({"type": "page_number"}, "the server ignores `page`"),
        ({"type": "offset", "limit": 1}, "the server ignores `offset`"),
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
        (None, {"type": "header_link"}, "the answer must be a list"),
        ("rows", {"type": "cursor", "cursor_path": "rows"}, "gives neither text nor a number"),
        ("rows", {"type": "json_link", "next_url_path": "rows"}, "gives no text"),
        ("rows", {"type": "offset", "limit": 1, "total_path": "rows"}, "gives no whole number"),
        ("length(n)", None, "`data_selector` cannot be asked of the answer"),
        ("rows[", None, "an expression cannot be used"),
    ],
)
def test_answers_that_are_not_as_said(
    server: Server, run: Runner, selector: str | None, pages: dict[str, Any] | None, reason: str
) -> None:
    server.routes["/"] = lambda handler: answer(handler, {"rows": [1], "n": 3})
    with pytest.raises(HttpError, match=reason):
        run(server.url("/"), data_selector=selector, pagination=pages)


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


@pytest.mark.parametrize("kind", ["offset", "page_number"])
@pytest.mark.parametrize(
    ("ends", "said", "second", "reason"),
    [
        ("total", {"total": 9}, 404, "by a total or `has_more_path` the page before it says that more rows follow"),
        ("has_more", {"has_more": True}, 404, "by a total or `has_more_path` the page before it says"),
        (None, {"next": "/?p=2"}, 404, "by `next` the page before it says that more rows follow"),
        (None, {"next": "/?p=2"}, 204, "by `next` the page before it says that more rows follow"),
        (None, {}, 401, "which would be lost"),
    ],
)
def test_an_answer_that_says_nothing_ends_no_list_that_goes_on(
    server: Server, run: Runner, kind: str, ends: str | None, said: dict[str, Any], second: int, reason: str
) -> None:
    def route(handler: BaseHTTPRequestHandler) -> None:
        if len(server.received) == 1:
            answer(handler, {"data": [1, 2], **said})
            return
        handler.send_response(second)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    server.routes["/"] = route
    pages = {"type": kind, **({"limit": 2} if kind == "offset" else {}), **({f"{ends}_path": ends} if ends else {})}
    with pytest.raises(HttpError, match=reason):
        run(
            server.url("/"),
            data_selector="data || `[]`",
            pagination=pages,
            response_actions=[{"status_code": status, "action": "ignore"} for status in (401, 404)],
        )


def test_where_it_says_that_no_more_follows_the_total_is_held_against_it(server: Server, run: Runner) -> None:
    server.routes["/"] = lambda handler: answer(handler, {"data": [1, 2], "total": 9, "more": False})
    for pages in ({"type": "offset", "limit": 2}, {"type": "page_number"}):
        with pytest.raises(HttpError, match=r"the list ends here after [12] (rows|pages), but its total is 9"):
            run(
                server.url("/"),
                data_selector="data",
                pagination={**pages, "total_path": "total", "has_more_path": "more"},
            )


def test_a_total_that_is_cut_is_made_sure_of_where_the_server_gives_less_than_the_limit(
    server: Server, run: Runner
) -> None:
    def route(handler: BaseHTTPRequestHandler) -> None:
        start = int(query(handler)["offset"])
        answer(handler, {"data": list(range(start, min(start + 2, 7))), "total": 4})

    server.routes["/"] = route
    pages = {"type": "offset", "limit": 5, "total_path": "total"}
    assert run(server.url("/"), data_selector="data", pagination=pages) == ROWS


@pytest.mark.parametrize(
    ("pages", "reason"),
    [
        ({"cursor_header": "X-Nxt-Cursor"}, "no header field `X-Nxt-Cursor` .*, but `X-Next-Cursor`"),
        (
            {"cursor_path": "metas[0].next"},
            r"`cursor_path` \(metas\[0\].next\) finds nothing in it, but it has `meta.next`",
        ),
        ({"cursor_path": "meta.nxt || `null`"}, None),
    ],
)
def test_a_misspelt_place_of_the_cursor(
    server: Server, run: Runner, pages: dict[str, str], reason: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    server.routes["/"] = lambda handler: answer(
        handler, {"data": [1], "meta": {"next": "b"}}, **({"X-Next-Cursor": "b"} if "cursor_header" in pages else {})
    )
    asked = {"data_selector": "data", "pagination": {"type": "cursor", **pages}}
    if reason is None:
        assert run(server.url("/"), **asked) == [1]
        assert "finds nothing in it, but it has `meta.next`" in capsys.readouterr().out
        return
    with pytest.raises(HttpError, match=reason):
        run(server.url("/"), **asked)
