"""Connections that are kept open, against a server that closes them whenever it likes."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from threading import Thread
from typing import Any

import pytest

from factory.http.errors import HttpError

from .http_server import ROWS, Server, by_page, query_of

Runner = Callable[..., Any]
Script = Sequence[Sequence[bytes | None]]


def answer(value: Any, status: str = "200 OK") -> bytes:
    body = json.dumps(value).encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


@dataclass
class Scripted:
    """Answers connection after connection, request after request, as `script` says; None closes without an answer."""

    script: Script
    requests: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = Thread(target=self._serve, daemon=True)
        self._thread.start()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}{path}"

    def close(self) -> None:
        self._listener.close()

    def _serve(self) -> None:
        for answers in self.script:
            connection, _ = self._listener.accept()
            with connection, connection.makefile("rb") as stream:
                for text in answers:
                    self.requests.append(stream.readline().strip())
                    length = 0
                    while line := stream.readline().strip().lower():
                        if line.startswith(b"content-length:"):
                            length = int(line.partition(b":")[2])
                    stream.read(length)
                    if text is None:
                        break
                    connection.sendall(text)


@pytest.fixture
def scripted() -> Iterator[Callable[[Script], Scripted]]:
    servers: list[Scripted] = []

    def start(script: Script) -> Scripted:
        servers.append(Scripted(script))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


PAGES = {"type": "page_number"}


def test_a_connection_that_was_closed_in_the_moment_of_its_use_is_made_anew(
    run: Runner, scripted: Callable[[Script], Scripted]
) -> None:
    server = scripted([[answer([1]), None], [answer([])]])
    assert run(server.url("/"), pagination=PAGES) == [1]
    assert len(server.requests) == 3


def test_what_may_do_something_twice_is_not_sent_again(run: Runner, scripted: Callable[[Script], Scripted]) -> None:
    server = scripted([[answer([1]), None], [answer([])]])
    with pytest.raises(HttpError, match="the server broke the connection off"):
        run(server.url("/"), method="POST", json_body={}, pagination=PAGES)
    assert len(server.requests) == 2


def test_a_new_connection_that_is_closed_is_a_failure(run: Runner, scripted: Callable[[Script], Scripted]) -> None:
    server = scripted([[None], [answer([])]])
    with pytest.raises(HttpError, match="the server broke the connection off"):
        run(server.url("/"))
    assert len(server.requests) == 1


def test_a_token_is_asked_for_again_though_by_post(
    run: Runner, scripted: Callable[[Script], Scripted], monkeypatch: pytest.MonkeyPatch
) -> None:
    token = answer({"access_token": "first-token"})
    server = scripted([[token, answer([], "401 Unauthorized"), None], [token, answer([1]), answer([])]])
    login = {"conn_type": "http", "login": "c", "password": "s"}
    monkeypatch.setenv("AIRFLOW_CONN_LOGIN", json.dumps(login))
    auth = {"type": "oauth2_client_credentials", "conn_id": "login", "access_token_url": server.url("/token")}
    assert run(server.url("/rows"), auth=auth, pagination=PAGES) == [1]
    assert [request.partition(b"?")[0] for request in server.requests] == [
        b"POST /token HTTP/1.1",
        b"GET /rows",
        b"POST /token HTTP/1.1",
        b"POST /token HTTP/1.1",
        b"GET /rows",
        b"GET /rows",
    ]


def test_a_connection_that_the_server_closed_meanwhile_is_opened_again(server: Server, run: Runner) -> None:
    def route(handler: BaseHTTPRequestHandler) -> None:
        # The first page's connection stays open; the second page is asked for on it, and gets nothing.
        handler.close_connection = len(server.received) != 1
        if len(server.received) != 2:
            by_page(3)(handler)

    server.routes["/"] = route
    assert run(server.url("/"), data_selector="data", pagination={"type": "page_number"}) == ROWS
    assert [query_of(r.path)["page"] for r in server.received] == ["1", "2", "2", "3", "4"]
