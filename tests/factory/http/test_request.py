"""Redirects, and requests that cannot be made."""

from __future__ import annotations

import contextlib
import re
import socket
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from factory.http.call import HttpCall
from factory.http.errors import HttpError, shown_url

from .http_server import Server

Runner = Callable[..., Any]


def redirect(server: Server, path: str, to: str, status: int = 302, body: bytes = b"") -> None:
    server.answers(path, body, status=status, headers={"Location": to})


def test_redirects_are_followed_with_all_headers_on_one_server(server: Server, run: Runner) -> None:
    redirect(server, "/a", "/b?x=1")
    redirect(server, "/b", server.url("/c"), status=307)
    server.answers("/c", b"here")
    assert run(server.url("/a"), headers={"X-Api-Key": "k"}) == "here"
    assert [r.path for r in server.received] == ["/a", "/b?x=1", "/c"]
    assert all(r.headers["X-Api-Key"] == "k" for r in server.received)


def test_another_server_gets_no_credentials(server: Server, other_server: Server, run: Runner) -> None:
    redirect(server, "/a", other_server.url("/b"))
    other_server.answers("/b", b"here")
    url = f"http://me:secret@127.0.0.1:{server.port}/a"
    run(url, headers={"X-Api-Key": "k", "Cookie": "s=1", "Accept": "text/plain", "Authorization": "Bearer t"})
    assert server.received[0].headers["Authorization"] == "Bearer t"
    headers = other_server.received[0].headers
    assert headers["Accept"] == "text/plain"
    assert headers.keys().isdisjoint({"X-Api-Key", "Cookie", "Authorization"})


def test_cookies_stay_with_their_server(server: Server, run: Runner) -> None:
    server.answers("/a", status=302, headers={"Location": "/b", "Set-Cookie": "session=1"})
    server.answers("/b", b"here")
    run(server.url("/a"))
    assert server.received[1].headers["Cookie"] == "session=1"


def test_cookies_go_to_no_other_port_of_a_host(server: Server, other_server: Server, run: Runner) -> None:
    server.answers("/a", status=302, headers={"Location": other_server.url("/b"), "Set-Cookie": "session=1"})
    other_server.answers("/b", b"here")
    run(server.url("/a"))
    assert "Cookie" not in other_server.received[0].headers


@pytest.mark.parametrize(
    ("status", "method", "then"),
    [(303, "POST", "GET"), (303, "PUT", "GET"), (302, "PUT", "PUT"), (307, "POST", "POST")],
)
def test_method_and_body_after_a_redirect(server: Server, run: Runner, status: int, method: str, then: str) -> None:
    redirect(server, "/a", "/b", status=status)
    server.answers("/b", b"here")
    run(server.url("/a"), method=method, json_body={"n": 1})
    assert server.received[1].method == then
    assert server.received[1].body == (b"" if then == "GET" else b'{"n": 1}')
    assert ("Content-Type" in server.received[1].headers) == (then != "GET")


def test_a_post_that_would_lose_its_body_fails(server: Server, run: Runner) -> None:
    redirect(server, "/a", "/b")
    server.answers("/b", b"here")
    assert run(server.url("/a"), method="POST") == "here"
    with pytest.raises(HttpError, match=r"was redirected \(302\) to http://.*/b, where a POST becomes a GET without"):
        run(server.url("/a"), method="POST", json_body={"n": 1})
    assert [one.path for one in server.received] == ["/a", "/b", "/a"]


def test_a_body_is_not_taken_to_another_server(server: Server, other_server: Server, run: Runner) -> None:
    redirect(server, "/a", other_server.url("/b"), status=308)
    with pytest.raises(HttpError, match=r"redirected to another server \(127.0.0.1\), which does not get the body"):
        run(server.url("/a"), method="POST", json_body={"n": 1})
    assert other_server.received == []


def test_the_first_url_of_a_redirect_is_said(
    server: Server, other_server: Server, run: Runner, capsys: pytest.CaptureFixture[str]
) -> None:
    redirect(server, "/a", other_server.url("/b"))
    other_server.answers("/b", b"here")
    run(server.url("/a?secret=1"))
    led = rf"GET {re.escape(other_server.url('/b'))} \(redirected from {re.escape(server.url('/a'))}\?…\)"
    assert re.search(rf"{led} → 200, 4 bytes", capsys.readouterr().out)
    fails: dict[str, Callable[[BaseHTTPRequestHandler], None]] = {
        "it answered 500": lambda handler: handler.send_error(500),
        "the server broke": lambda _: None,
        "it was redirected to what is no": lambda handler: redirect_in(handler, "ftp://x/"),
        "more than `max_bytes`": lambda handler: body_in(handler, b"x" * 99),
    }
    for why, route in fails.items():
        other_server.routes["/b"] = route
        with pytest.raises(HttpError, match=rf"^{led}: .*{why}"):
            run(server.url("/a?secret=1"), max_bytes=50)


def redirect_in(handler: BaseHTTPRequestHandler, target: str) -> None:
    handler.send_response(302)
    handler.send_header("Location", target)
    handler.end_headers()


def body_in(handler: BaseHTTPRequestHandler, body: bytes) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def test_a_loop_of_redirects_ends(server: Server, run: Runner) -> None:
    redirect(server, "/a", "/a")
    with pytest.raises(HttpError, match="it was redirected more than 10 times"):
        run(server.url("/a"))
    assert len(server.received) == 11


def test_the_body_of_a_redirect_is_not_read(server: Server, run: Runner) -> None:
    written = 0

    def endless(handler: BaseHTTPRequestHandler) -> None:
        nonlocal written
        handler.send_response(302)
        handler.send_header("Location", "/b")
        handler.send_header("Content-Length", str(10**15))
        handler.end_headers()
        with contextlib.suppress(ConnectionError):
            while written < 200_000_000:
                written += handler.wfile.write(b"x" * 1_000_000)

    server.routes["/a"] = endless
    server.answers("/b", b"here")
    assert run(server.url("/a")) == "here"
    assert written < 50_000_000


@pytest.mark.parametrize("target", ["ftp://127.0.0.1/x", "file:///etc/passwd", "http://[", "mailto:me", "http://a:b/"])
def test_a_redirect_to_anything_but_http_fails(server: Server, run: Runner, target: str) -> None:
    redirect(server, "/a", target)
    with pytest.raises(HttpError, match=r"^GET .*/a: it was redirected to what is no .*URL$"):
        run(server.url("/a"))


def test_an_expected_redirect_is_the_answer(server: Server, run: Runner, pushed: dict[str, Any]) -> None:
    redirect(server, "/a", "/b", body=b"moved")
    assert run(server.url("/a"), expected_status=(302,)) == "moved"
    assert pushed["http"]["status"] == 302


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://no-such-host.invalid/x", "the host's name is not known"),
        (
            "http://no-such-host.docker.internal:8000/",
            "the host's name is not known: only containers have it; outside of them this machine is `localhost`",
        ),
        ("ftp://host/x", "it is no http or https URL"),
        ("host/x", "it is no http or https URL"),
        ("http://host:port/x", "it is no URL"),
        ("http://*.example/x", "it is not a URL that can be requested"),
    ],
)
def test_requests_that_cannot_be_made(run: Runner, url: str, reason: str) -> None:
    with pytest.raises(HttpError) as caught:
        run(url)
    assert str(caught.value).endswith(f": {reason}")
    assert str(caught.value).startswith("GET ")


def test_a_refused_connection(run: Runner) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://u:p@127.0.0.1:{free.getsockname()[1]}/x"
    with pytest.raises(HttpError) as caught:
        run(url)
    assert str(caught.value) == f"GET {shown_url(url)}: the connection was refused"
    assert caught.value.__suppress_context__


def test_a_host_that_does_not_take_the_connection(run: Runner) -> None:
    with contextlib.ExitStack() as sockets:
        busy = sockets.enter_context(socket.socket())
        busy.bind(("127.0.0.1", 0))
        # Its queue takes one connection, which is there already; Linux then answers nothing.
        busy.listen(0)
        waiting = sockets.enter_context(socket.socket())
        waiting.connect(busy.getsockname())
        with pytest.raises(HttpError, match=r": no connection within 0.3 s$"):
            run(f"http://127.0.0.1:{busy.getsockname()[1]}/", seconds=0.3)


def test_tls_to_a_server_without(server: Server, run: Runner) -> None:
    with pytest.raises(HttpError, match="no secure connection: the server does not speak TLS here"):
        run(server.url("/").replace("http:", "https:"))


def test_a_proxy_of_the_environment_is_used(server: Server, run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", server.url(""))
    monkeypatch.setenv("no_proxy", "")
    server.answers("http://somewhere.invalid/x", b"by proxy")
    assert run("http://somewhere.invalid/x") == "by proxy"


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"headers": {"X": "a\r\nY: b"}}, "line break"),
        ({"headers": {"X": "日本"}}, "characters that cannot be sent"),
        ({"json_body": {"x": float("nan")}}, "the body cannot be written as JSON"),
        ({"json_body": {"x": object()}}, "the body cannot be written as JSON"),
    ],
)
def test_what_cannot_be_sent(server: Server, run: Runner, arguments: dict[str, Any], reason: str) -> None:
    with pytest.raises(HttpError, match=reason):
        run(server.url("/"), **arguments)
    assert server.received == []


@pytest.mark.parametrize(
    ("before", "after", "kept"),
    [
        ("http://a/x", "https://a/x", True),
        ("https://a/x", "http://a/x", False),
        ("http://a/x", "http://a:80/x", True),
        ("http://a/x", "http://a:81/x", False),
        ("http://a/x", "http://b.a/x", False),
        ("http://a:81/x", "https://a/x", False),
    ],
)
def test_what_counts_as_the_same_server(before: str, after: str, kept: bool) -> None:
    call = HttpCall.of("GET", before, {"X-Api-Key": "k"}, None, None).redirected(302, after)
    assert ("X-Api-Key" in call.headers) == kept


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://u:p@h.example:8443/a/b?x=1#f", "https://h.example:8443/a/b?…"),
        ("http://[::1]:80/", "http://[::1]:80/"),
        ("http://[", "(a URL that cannot be read)"),
    ],
)
def test_shown_url(url: str, shown: str) -> None:
    assert shown_url(url) == shown
