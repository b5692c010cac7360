"""Answers: bodies that are compressed, chunked, cut off, slow or too large; the header field `Link` in its forms."""

from __future__ import annotations

import contextlib
import gzip
import time
import tracemalloc
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from factory.http import body, poll
from factory.http.call import links_of
from factory.http.errors import HttpError

from .http_server import Server

Runner = Callable[..., Any]
GZIP = {"Content-Type": "text/plain", "Content-Encoding": "gzip"}


def reason(run: Runner, url: str, **arguments: Any) -> str:
    with pytest.raises(HttpError) as caught:
        run(url, **arguments)
    assert caught.value.__cause__ is None
    return str(caught.value).partition(f"{url}: ")[2]


def chunks(*pieces: bytes, end: bytes = b"0\r\n\r\n") -> Callable[[BaseHTTPRequestHandler], None]:
    def route(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "text/plain")
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        for piece in pieces:
            handler.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
        handler.wfile.write(end)

    return route


def test_gzip_is_decompressed(server: Server, run: Runner, pushed: dict[str, Any]) -> None:
    server.answers("/", gzip.compress(b"hello" * 100), headers=GZIP)
    assert run(server.url("/"), max_bytes=500) == "hello" * 100
    assert pushed["http"]["bytes"] == 500


def test_gzip_of_several_members(server: Server, run: Runner) -> None:
    server.answers("/", gzip.compress(b"one ") + gzip.compress(b"") + gzip.compress(b"two") + b"\0" * 9, headers=GZIP)
    assert run(server.url("/")) == "one two"


def test_a_gzip_bomb_costs_no_memory(server: Server, run: Runner) -> None:
    bomb = gzip.compress(b"\0" * 30_000_000)
    server.answers("/", bomb, headers=GZIP)
    tracemalloc.start()
    text = reason(run, server.url("/"), max_bytes=1_000_000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert text == "the answer has more than 1,000,000 bytes (`max_bytes`)"
    assert peak < 10_000_000


def test_a_bomb_as_error_page_costs_no_memory(server: Server, run: Runner) -> None:
    server.answers("/", gzip.compress(b"A" * 30_000_000), status=500, headers=GZIP)
    tracemalloc.start()
    text = reason(run, server.url("/"))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert text.startswith("it answered 500 Internal Server Error, expected 2xx: AAAA")
    assert peak < 10_000_000


@pytest.mark.parametrize("size", [1000, 1001])
def test_max_bytes_is_the_largest_body_allowed(server: Server, run: Runner, size: int) -> None:
    server.answers("/", b"x" * size)
    server.routes["/chunked"] = chunks(b"x" * size)
    if size == 1000:
        assert run(server.url("/"), max_bytes=1000) == run(server.url("/chunked"), max_bytes=1000) == "x" * 1000
    else:
        assert (
            reason(run, server.url("/"), max_bytes=1000) == "the answer has 1,001 bytes, more than `max_bytes` (1,000)"
        )
        assert (
            reason(run, server.url("/chunked"), max_bytes=1000) == "the answer has more than 1,000 bytes (`max_bytes`)"
        )


@pytest.mark.parametrize(
    ("body", "headers", "expected"),
    [
        (gzip.compress(b"x" * 100, mtime=0)[:-9], GZIP, "the answer is cut off: its gzip data ends in the middle"),
        (b"not gzip", GZIP, "the answer says that it is gzip, but it is not"),
        (b"x", {"Content-Encoding": "br"}, "the answer is compressed as `br`, which was not asked for (gzip was)"),
        (b"x", {"Content-Length": "50"}, "the answer is cut off: the connection ended before all of it came"),
    ],
)
def test_a_damaged_body_fails(server: Server, run: Runner, body: bytes, headers: dict[str, str], expected: str) -> None:
    server.answers("/", body, headers=headers)
    assert reason(run, server.url("/")) == expected


def test_chunks(server: Server, run: Runner) -> None:
    server.routes["/"] = chunks(b"one ", b"two")
    server.routes["/cut"] = chunks(b"one ", end=b"ff\r\nonly this")
    server.routes["/early"] = chunks(b"one ", end=b"")
    server.routes["/no-chunks"] = chunks(end=b"hello\r\n")
    assert run(server.url("/")) == "one two"
    assert "cut off" in reason(run, server.url("/cut"))
    assert "cut off" in reason(run, server.url("/early"))
    assert "the rules of chunked transfer" in reason(run, server.url("/no-chunks"))


def test_a_cut_off_error_page_still_says_the_status(server: Server, run: Runner) -> None:
    server.answers("/", b"bad gateway", status=502, headers={"Content-Length": "99"})
    text = reason(run, server.url("/"))
    assert text.startswith("it answered 502 Bad Gateway, expected 2xx: bad gateway (the answer is cut off")


def test_a_server_that_falls_silent(server: Server, run: Runner) -> None:
    def before_headers(_: BaseHTTPRequestHandler) -> None:
        time.sleep(0.6)

    def in_the_body(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "10")
        handler.end_headers()
        handler.wfile.write(b"12345")
        handler.wfile.flush()
        time.sleep(0.6)

    server.routes |= {"/head": before_headers, "/body": in_the_body}
    assert reason(run, server.url("/head"), seconds=0.2) == "nothing came for 0.2 s"
    assert reason(run, server.url("/body"), seconds=0.2) == "nothing came for 0.2 s"


@pytest.mark.parametrize("status", [200, 500])
@pytest.mark.parametrize("header", ["Content-Length: 100000", "Transfer-Encoding: chunked", "X-Until: close"])
def test_a_body_that_drips_for_ever(
    server: Server, run: Runner, status: int, header: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A fifth in place of ten: a piece may then take long, as on a busy machine, and the test ends soon all the same.
    for module in (body, poll):
        monkeypatch.setattr(module, "BODY_TIMEOUTS", 0.2)

    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.send_header(*header.split(": "))
        handler.end_headers()
        if "chunked" in header:
            handler.wfile.write(b"ffff\r\n")
        with contextlib.suppress(OSError):
            for _ in range(400):
                handler.wfile.write(b"x")
                handler.wfile.flush()
                time.sleep(0.01)

    server.routes["/"] = drip
    text = reason(run, server.url("/"), seconds=2)
    assert "the answer did not end within 0.4 s (0.2 times `timeout`)" in text
    assert text.startswith("it answered 500") == (status == 500)


def test_what_is_not_http(server: Server, run: Runner) -> None:
    server.routes["/"] = lambda handler: handler.wfile.write(b"SSH-2.0-OpenSSH\r\n") and None
    server.routes["/nothing"] = lambda _: None
    assert "what it sent is not HTTP" in reason(run, server.url("/"))
    assert "broke the connection off" in reason(run, server.url("/nothing"))


@pytest.mark.parametrize(
    "field",
    [
        '</b>; rel="next"',
        '</b>; Rel="NEXT"',
        "</b>;rel=next;x",
        "</b> ; rel = next ;",
        "</b>; rel='prev next'",
        '</b>; title="a=b"; rel="next"',
        '</b>; title="x, <y>; rel=last"; rel="next"',
        r'</b>; title="say \"hi\", he said"; rel="next"',
        "</b>; title*=UTF-8''a%20b; rel=next; rel=last",
        '</a>; rel="first", , </b>; rel="last next"',
        "< /b >; rel=next,",
    ],
)
def test_the_next_page(field: str) -> None:
    links, unread = links_of(field)
    assert (unread, [target for target, relations in links if "next" in relations]) == ("", ["/b"])


def test_commas_and_semicolons_of_an_address_are_its_own() -> None:
    assert links_of('</r;jsessionid=1?c=1,2;d>; rel="next"') == ([("/r;jsessionid=1?c=1,2;d", ["next"])], "")


def test_what_cannot_be_read_is_given_back() -> None:
    assert links_of("</a>; rel=prev, /b; rel=next") == ([("/a", ["prev"])], "/b; rel=next")
    assert links_of("") == ([], "")
