"""TLS on loopback with a test's own authority: which servers are believed, and who sees a client's certificate."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from factory.http.errors import HttpError

from .certificates import Authority
from .http_server import Server

Runner = Callable[..., Any]


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def secure(authority: Authority) -> Iterator[Server]:
    server = Server(tls=authority.server_side("localhost"))
    server.routes["/"] = _who_asks
    yield server
    server.close()


@pytest.fixture
def elsewhere(authority: Authority) -> Iterator[Server]:
    server = Server(tls=authority.server_side("elsewhere", "127.0.0.1"))
    server.routes["/"] = _who_asks
    yield server
    server.close()


def _who_asks(handler: BaseHTTPRequestHandler) -> None:
    """The name in the client's certificate, if it shows one."""
    certificate = handler.connection.getpeercert() or {}  # type: ignore[attr-defined] # it is a TLS connection
    names = [value for part in certificate.get("subject", ()) for _, value in part]
    body = json.dumps({"data": names}).encode()
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def test_an_authority_that_nobody_knows(secure: Server, run: Runner) -> None:
    with pytest.raises(HttpError) as caught:
        run(secure.url("/", host="localhost"), request_retries={"attempts": 3, "initial_delay": 30.0})
    assert str(caught.value) == (
        f"GET {secure.url('/', host='localhost')}: no secure connection: "
        "the server's certificate is not accepted (self-signed certificate in certificate chain)"
    )
    assert secure.received == []


def test_the_environment_names_an_authority(
    secure: Server, run: Runner, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority.file))
    assert run(secure.url("/", host="localhost")) == {"data": []}
    with pytest.raises(HttpError, match=r"certificate is not accepted \(.*127\.0\.0\.1"):
        run(secure.url("/"))


def test_a_server_without_tls(server: Server, run: Runner) -> None:
    with pytest.raises(HttpError, match="no secure connection: the server does not speak TLS here"):
        run(server.url("/").replace("http:", "https:"))
    assert server.received == []


def test_the_server_of_a_token_has_settings_of_its_own(
    secure: Server, elsewhere: Server, run: Runner, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    def token(handler: BaseHTTPRequestHandler) -> None:
        seen.append(handler.connection.getpeercert())  # type: ignore[attr-defined] # it is a TLS connection
        body = b'{"access_token": "sesame"}'
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    seen: list[Any] = []
    elsewhere.routes["/token"] = token
    cert = str(authority.certificate("client"))
    api = {"host": "localhost", "port": secure.port, "schema": "https", "extra": {"verify": False, "cert": cert}}
    monkeypatch.setenv("AIRFLOW_CONN_API", json.dumps({"conn_type": "http", **api}))
    auth = {"type": "oauth2_client_credentials", "conn_id": "login", "access_token_url": elsewhere.url("/token")}
    for extra, works in (({}, False), ({"verify": str(authority.file)}, True)):
        login = {"conn_type": "http", "login": "id", "password": "secret", "extra": extra}
        monkeypatch.setenv("AIRFLOW_CONN_LOGIN", json.dumps(login))
        if works:
            assert run(None, conn_id="api", endpoint="/", auth=auth) == {"data": ["client"]}
        else:
            with pytest.raises(HttpError, match="certificate is not accepted"):
                run(None, conn_id="api", endpoint="/", auth=auth)
    assert seen == [None]


def test_a_link_by_http_to_the_same_server_is_requested_by_https(
    secure: Server, run: Runner, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority.file))
    body = json.dumps(
        {"data": ["first"], "next": secure.url("/", host="localhost").replace("https:", "http:")}
    ).encode()
    secure.answers("/there", body, headers={"Content-Type": "application/json"})
    secure.answers("/", b'{"data": ["second"]}', headers={"Content-Type": "application/json"})
    pages = {"data_selector": "data", "pagination": {"type": "json_link"}, "headers": {"X-Api-Key": "sesame"}}
    assert run(secure.url("/there", host="localhost"), **pages) == ["first", "second"]
    assert [one.headers["X-Api-Key"] for one in secure.received] == ["sesame", "sesame"]


@pytest.mark.parametrize("how", ["redirect", "link"])
def test_a_clients_certificate_and_login_are_for_the_connections_own_host(
    secure: Server, elsewhere: Server, run: Runner, authority: Authority, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    extra = {"verify": str(authority.file), "cert": str(authority.certificate("client"))}
    connection = {"host": "localhost", "port": secure.port, "schema": "https", "extra": extra}
    parts = {"conn_type": "http", "login": "me", "password": "sesame", **connection}
    monkeypatch.setenv("AIRFLOW_CONN_API", json.dumps(parts))
    assert run(None, conn_id="api", endpoint="/") == {"data": ["client"]}
    if how == "redirect":
        secure.answers("/there", status=302, headers={"Location": elsewhere.url("/")})
        assert run(None, conn_id="api", endpoint="/there") == {"data": []}
    else:
        body = json.dumps({"data": ["first"], "next": elsewhere.url("/")}).encode()
        secure.answers("/there", body, headers={"Content-Type": "application/json"})
        pages = {"data_selector": "data", "pagination": {"type": "json_link"}}
        with pytest.raises(HttpError, match="got no credentials and may give only what is public"):
            run(None, conn_id="api", endpoint="/there", **pages)
    (asked,) = elsewhere.received
    assert secure.received[-1].headers["Authorization"].startswith("Basic ")
    assert "Authorization" not in asked.headers
