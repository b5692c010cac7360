"""A real HTTP server on loopback whose answers a test writes, and routes that give rows by pages."""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

Route = Callable[[BaseHTTPRequestHandler], None]


@dataclass
class Received:
    """One request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Server:
    """Answers by path (without query); what it received is in `received`."""

    routes: dict[str, Route] = field(default_factory=dict)
    received: list[Received] = field(default_factory=list, repr=False)
    host: str = "127.0.0.1"
    tls: ssl.SSLContext | None = None
    script: Callable[[BaseHTTPRequestHandler, bytes], None] | None = None
    """In place of `routes`: answers every request, whose body it is given."""

    def __post_init__(self) -> None:
        self._server = ThreadingHTTPServer((self.host, 0), self._handler())
        self._server.daemon_threads = True
        if self.tls is not None:
            self._server.socket = self.tls.wrap_socket(self._server.socket, server_side=True)
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    @property
    def port(self) -> int:
        return self._server.server_address[1]

    def url(self, path: str, host: str | None = None) -> str:
        scheme = "http" if self.tls is None else "https"
        return f"{scheme}://{host or self.host}:{self.port}{path}"

    def answers(
        self, path: str, body: bytes = b"", status: int = 200, headers: Mapping[str, str] | None = None
    ) -> None:
        """Answer `path` with these; Content-Length is added unless given."""
        fields = {"Content-Length": str(len(body)), **(headers or {})}

        def route(handler: BaseHTTPRequestHandler) -> None:
            handler.send_response(status)
            for name, value in fields.items():
                handler.send_header(name, value)
            handler.end_headers()
            if handler.command != "HEAD":
                handler.wfile.write(body)

        self.routes[path] = route

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                server.received.append(Received(self.command, self.path, dict(self.headers), body))
                self.close_connection = True
                if server.script is not None:
                    server.script(self, body)
                else:
                    server.routes[self.path.partition("?")[0]](self)

            def end_headers(self) -> None:
                if self.close_connection:
                    self.send_header("Connection", "close")
                super().end_headers()

            def log_message(self, *args: object) -> None:
                """Tests look at `received`."""

        for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "CONNECT"):
            setattr(Handler, f"do_{method}", Handler.handle_any)
        return Handler


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


def query_of(path: str) -> dict[str, str]:
    return {name: values[-1] for name, values in parse_qs(urlsplit(path).query).items()}
