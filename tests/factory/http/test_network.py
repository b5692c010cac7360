"""Addresses that are never requested, by name, behind a redirect or in another spelling; who goes through a proxy."""

from __future__ import annotations

import ipaddress
import json
import select
import socket
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException

from factory.http.errors import HttpError
from factory.http.network import ALLOWED_VARIABLE, HOSTS_VARIABLE, Network

from .certificates import Authority
from .http_server import Server

Runner = Callable[..., Any]
REASON = "link-local addresses and those of cloud metadata are not requested"


@pytest.mark.parametrize(
    ("address", "refused"),
    [
        ("169.254.169.254", True),
        ("::ffff:169.254.169.254", True),
        ("64:ff9b::a9fe:a9fe", True),
        ("fe80::1%eth0", True),
        ("fd00:ec2::254", True),
        ("100.100.100.200", True),
        ("2852039166", True),
        ("0xA9FEA9FE", True),
        ("0251.0376.0251.0376", True),
        ("169.254.43518", True),
        ("169.254.169.254.", True),
        ("\uff11\uff16\uff19.254\u3002169.254", True),
        ("::ffff:a9fe:a9fe", True),
        ("2002:a9fe:a9fe::1", True),
        ("127.1", False),
        ("1.example", False),
        ("127.0.0.1", False),
        ("10.0.0.1", False),
        ("::1", False),
        ("a.example", False),
    ],
)
def test_which_addresses_are_refused(address: str, refused: bool) -> None:
    assert Network().refuses(address) is refused


def test_an_installation_allows_some() -> None:
    network = Network.of({ALLOWED_VARIABLE: "169.254.169.254, fe80::/10"})
    assert not network.refuses("169.254.169.254")
    assert not network.refuses("fe80::1")
    assert network.refuses("169.254.0.1")


@pytest.mark.parametrize(
    ("variable", "value", "reason"),
    [
        (
            ALLOWED_VARIABLE,
            "10.0.0.7, metadata",
            "`metadata` is neither an address nor a network. It takes addresses or",
        ),
        (ALLOWED_VARIABLE, "169.254.10.1/24", "one of both, `169.254.10.0/24` for the network. It takes addresses or"),
        (ALLOWED_VARIABLE, "http://10.0.0.7", "`http://10.0.0.7` is neither"),
        (ALLOWED_VARIABLE, "10.0.0.7,", "in `10.0.0.7,` nothing is between or beside its commas. It takes"),
        (HOSTS_VARIABLE, ",", "in `,` nothing is between or beside its commas. It takes hosts with commas"),
        (HOSTS_VARIABLE, " ", "in ` ` nothing is between"),
        (HOSTS_VARIABLE, "a.example, https://b.example", "`https://b.example` is no host; it stands without scheme"),
        (HOSTS_VARIABLE, "b.example:443", "`b.example:443` is no host; it stands without scheme, port and path"),
        (HOSTS_VARIABLE, "[::1]", "`[::1]` is no host; it stands without scheme, port and path, and IPv6 without"),
        (HOSTS_VARIABLE, "a.example b.example", "`a.example b.example` is no host"),
    ],
)
def test_a_setting_that_is_wrong_allows_nothing(
    server: Server, run: Runner, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, reason: str
) -> None:
    server.answers("/", b"here")
    monkeypatch.setenv(variable, value)
    with pytest.raises(AirflowFailException) as caught:
        run(server.url("/"))
    assert f"nothing is requested, for the environment variable {variable} is wrong: " in str(caught.value)
    assert reason in str(caught.value)
    assert caught.value.__suppress_context__
    assert server.received == []


def test_hosts_in_every_form() -> None:
    hosts = "API.shop.example, *.shop.example, shop-[0-9].example, ::1, b\u00fccher.example, 10.0.0.?"
    assert Network.of({HOSTS_VARIABLE: hosts, ALLOWED_VARIABLE: ""}).hosts == (
        "api.shop.example",
        "*.shop.example",
        "shop-[0-9].example",
        "::1",
        "b\u00fccher.example",
        "10.0.0.?",
    )
    assert Network.of({HOSTS_VARIABLE: ""}).hosts is None


@pytest.mark.parametrize(
    "host",
    ["169.254.169.254", "[fe80::1]", "[::ffff:169.254.169.254]", "2852039166", "0xa9fea9fe", "0251.0376.0251.0376"],
)
def test_written_as_an_address(run: Runner, host: str) -> None:
    with pytest.raises(HttpError, match=REASON):
        run(f"http://{host}/latest/meta-data")


def test_behind_a_redirect(server: Server, run: Runner) -> None:
    server.answers("/", status=302, headers={"Location": "http://169.254.169.254/"})
    with pytest.raises(HttpError, match=REASON):
        run(server.url("/"), request_retries={"attempts": 3, "initial_delay": 0.01})
    assert len(server.received) == 1


def test_behind_a_name(server: Server, run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    # The loopback server stands for the metadata service: it must not get a single byte.
    server.answers("/", b"credentials")
    monkeypatch.setattr("factory.http.network._REFUSED", (ipaddress.ip_network("127.0.0.0/8"),))
    with pytest.raises(HttpError, match=f"its host is 127.0.0.1: {REASON}"):
        run(server.url("/", host="localhost"))
    assert server.received == []
    monkeypatch.setenv(ALLOWED_VARIABLE, "127.0.0.1")
    assert run(server.url("/", host="localhost")) == "credentials"


@pytest.mark.parametrize("host", ["169.254.169.254", "2852039166", "0xa9fea9fe", "169.254.169.254."])
def test_through_a_proxy_too(server: Server, run: Runner, monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    monkeypatch.setenv("http_proxy", server.url(""))
    monkeypatch.setenv("no_proxy", "")
    with pytest.raises(HttpError, match=REASON):
        run(f"http://{host}/")
    assert server.received == []


@pytest.fixture
def only_one_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOSTS_VARIABLE, "*.shop.example, 127.0.0.[1-3]")


@pytest.mark.usefixtures("only_one_host")
@pytest.mark.parametrize("host", ["localhost", "LOCALHOST.", "shop.example", "127.0.0.4", "a.shop.example.org"])
def test_a_host_that_is_not_allowed(server: Server, run: Runner, host: str) -> None:
    with pytest.raises(HttpError, match=f"its host `{host.lower()}` is not among those that {HOSTS_VARIABLE} allows"):
        run(server.url("/", host=host), request_retries={"attempts": 3, "initial_delay": 0.01})
    assert server.received == []


@pytest.mark.usefixtures("only_one_host")
def test_a_host_that_is_allowed(server: Server, run: Runner) -> None:
    server.answers("/", b"here")
    assert run(server.url("/")) == "here"


@pytest.mark.usefixtures("only_one_host")
def test_a_host_that_is_not_allowed_behind_a_redirect_and_a_link(server: Server, run: Runner) -> None:
    elsewhere = server.url("/there", host="localhost")
    server.answers("/redirect", status=302, headers={"Location": elsewhere})
    page = json.dumps({"data": [1], "next": elsewhere}).encode()
    server.answers("/page", page, headers={"Content-Type": "application/json"})
    with pytest.raises(HttpError, match=HOSTS_VARIABLE):
        run(server.url("/redirect"))
    with pytest.raises(HttpError, match=HOSTS_VARIABLE):
        run(server.url("/page"), data_selector="data", pagination={"type": "json_link"})
    assert [received.path for received in server.received] == ["/redirect", "/page"]


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
