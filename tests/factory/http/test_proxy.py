"""A proxy on loopback: who goes through it, and what it gets to see."""

from __future__ import annotations

import select
import socket
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from factory.http.errors import HttpError

from .certificates import Authority
from .http_server import Server

Runner = Callable[..., Any]


def tunnel(handler: BaseHTTPRequestHandler) -> None:
    """Answer CONNECT: carry bytes to the host that is asked for, and back, until one side ends."""
    host, _, port = handler.path.rpartition(":")
    with socket.create_connection((host, int(port))) as there:
        handler.send_response(200)
        handler.end_headers()
        here = handler.connection
        while True:
            ready, _, _ = select.select([here, there], [], [])
            for source in ready:
                received = source.recv(65536)
                if not received:
                    return
                (there if source is here else here).sendall(received)


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    server = Server()
    address = server.url("").replace("://", "://user:sesame@")
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, address)
    monkeypatch.setenv("no_proxy", "")
    yield server
    server.close()


def test_requests_go_through_it(proxy: Server, run: Runner) -> None:
    proxy.answers("http://shop.invalid/orders", b"by proxy")
    assert run("http://shop.invalid/orders") == "by proxy"
    assert proxy.received[0].headers["Proxy-Authorization"] == "Basic dXNlcjpzZXNhbWU="


def test_except_those_to_hosts_without_one(
    proxy: Server, server: Server, run: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", "localhost,127.0.0.1")
    server.answers("/", b"direct")
    assert run(server.url("/")) == "direct"
    assert proxy.received == []
    assert "Proxy-Authorization" not in server.received[0].headers


def test_it_sees_nothing_of_a_secure_request(
    proxy: Server, run: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = Authority(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority.file))
    secure = Server(tls=authority.server_side("localhost"))
    try:
        secure.answers("/orders", b"in secret")
        proxy.routes[f"localhost:{secure.port}"] = tunnel
        assert run(secure.url("/orders", host="localhost"), headers={"X-Api-Key": "key"}) == "in secret"
    finally:
        secure.close()
    (asked,) = proxy.received
    assert (asked.method, asked.path) == ("CONNECT", f"localhost:{secure.port}")
    assert "X-Api-Key" not in asked.headers
    assert secure.received[0].headers["X-Api-Key"] == "key"
    assert "Proxy-Authorization" not in secure.received[0].headers


@pytest.mark.parametrize("url", ["https://shop.invalid/orders", "http://shop.invalid/orders"])
def test_one_that_is_not_there(run: Runner, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://user:sesame@127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "")
    with pytest.raises(HttpError) as caught:
        run(url)
    assert str(caught.value) == f"GET {url}: the proxy gave no connection"
