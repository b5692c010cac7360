"""The sample local API: a small real HTTP server for the demo, the examples and the tests.

    python examples/local_api.py --host 127.0.0.1 --port 8000

Standard library only. Any unknown path answers with the list of what there is.
"""

from __future__ import annotations

import argparse
import base64
import errno
import hashlib
import math
import signal
import socket
import socketserver
import sys
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final, NoReturn

from local_api_answers import ENDPOINTS, READABLE, Answer, Query, RequestError, State, answer_get, as_json

MAX_ECHO_BYTES: Final = 1024 * 1024


class LocalApi(ThreadingHTTPServer):
    """The server and all of its state."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, host: str, port: int, state: State, *, quiet: bool) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.state = state
        self.quiet = quiet
        super().__init__((host, port), Handler)

    def server_bind(self) -> None:
        # HTTPServer looks its own name up in the DNS here, which can take seconds.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def handle_error(self, request: object, client_address: object) -> None:
        if isinstance(sys.exception(), ConnectionError | TimeoutError):
            return  # the client went away; the request's log line is already written
        super().handle_error(request, client_address)  # type: ignore[arg-type]  # typeshed wants the socket type


class Handler(BaseHTTPRequestHandler):
    """One connection. Says every answer, errors too, in the same way: one head, one body, one log line."""

    server: LocalApi
    server_version = "local_api"
    protocol_version = "HTTP/1.1"
    timeout = 60  # seconds that an idle keep-alive connection is kept
    wbufsize = -1  # head and body leave together

    def do_GET(self) -> None:
        self._answer()

    do_HEAD = do_GET  # noqa: N815 - the base class names it so, as all of these
    do_POST = do_GET  # noqa: N815
    do_PUT = do_GET  # noqa: N815
    do_PATCH = do_GET  # noqa: N815
    do_DELETE = do_GET  # noqa: N815
    do_OPTIONS = do_GET  # noqa: N815

    def _answer(self) -> None:
        self.server.state.count_request()
        try:
            answer = self._route(self._read_body())
        except RequestError as error:
            told: dict[str, object] = {"error": str(error)}
            if error.status == HTTPStatus.NOT_FOUND:
                told["paths"] = ENDPOINTS
            answer = Answer(as_json(told), error.status, headers=error.headers)
        self._send(answer)

    def _route(self, body: bytes) -> Answer:
        path, _, query = self.path.partition("?")
        if self.command in {"GET", "HEAD"}:
            return answer_get(self.server.state, path, Query(query))
        if path == "/echo" and self.command == "POST":
            return self._echo(Query(query), body)
        if path in READABLE or path == "/echo":
            allowed = "POST" if path == "/echo" else "GET, HEAD"
            message = f"{path} takes {allowed}, not {self.command}"
            raise RequestError(HTTPStatus.METHOD_NOT_ALLOWED, message, {"Allow": allowed})
        raise RequestError(HTTPStatus.NOT_FOUND, f"no path {path[:200]!r} here")

    def _read_body(self) -> bytes:
        """The body, read whole even where nobody wants it: the next request follows it."""
        if "Transfer-Encoding" in self.headers:
            self.close_connection = True
            raise RequestError(HTTPStatus.LENGTH_REQUIRED, "send the body with a Content-Length, not in chunks")
        text = self.headers.get("Content-Length", "0")
        if not (text.isascii() and text.isdigit() and len(text) < 20):
            self.close_connection = True
            raise RequestError(HTTPStatus.BAD_REQUEST, f"Content-Length is {text[:40]!r}; allowed: a whole number")
        length = int(text)
        if length <= MAX_ECHO_BYTES:
            return self.rfile.read(length)
        # A client that is still sending when the connection closes never sees the answer.
        remaining = min(length, 16 * MAX_ECHO_BYTES)
        while remaining > 0 and (chunk := self.rfile.read(min(remaining, 64 * 1024))):
            remaining -= len(chunk)
        self.close_connection = True
        message = f"the body has {length} bytes; allowed: up to {MAX_ECHO_BYTES}"
        raise RequestError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, message)

    def _echo(self, query: Query, body: bytes) -> Answer:
        try:
            text, encoding = body.decode(), "utf-8"
        except UnicodeDecodeError:
            text, encoding = base64.b64encode(body).decode(), "base64"
        told = {
            "method": self.command,
            "headers": dict(self.headers.items()),
            "query": query.values,
            "body": text,
            "body_encoding": encoding,
        }
        return Answer(as_json(told))

    def _send(self, answer: Answer) -> None:
        headers = {
            "Content-Type": answer.content_type,
            "Content-Length": str(answer.length),
            **answer.headers,
        }
        status = answer.status
        if answer.cacheable and isinstance(answer.body, bytes):
            headers["ETag"] = etag = f'"{hashlib.sha256(answer.body).hexdigest()[:32]}"'
            if matches(self.headers.get("If-None-Match", ""), etag):
                status, headers = HTTPStatus.NOT_MODIFIED, {"ETag": etag}
        if self.close_connection:
            headers["Connection"] = "close"
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD" and status != HTTPStatus.NOT_MODIFIED:
            for chunk in answer.chunks():
                self.wfile.write(chunk)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What the standard library finds wrong with a request itself, as JSON like every other error."""
        self.close_connection = True
        told = message or explain or HTTPStatus(code).phrase
        self.send_response(code)
        body = as_json({"error": told})
        for name, value in (("Content-Type", "application/json"), ("Content-Length", str(len(body)))):
            self.send_header(name, value)
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        if not self.server.quiet:
            super().log_message(format, *args)


def matches(if_none_match: str, etag: str) -> bool:
    """RFC 9110 §13.1.2: `*` or a list of tags, compared weakly."""
    tags = (tag.strip().removeprefix("W/") for tag in if_none_match.split(","))
    return any(tag in {"*", etag} for tag in tags)


class Parser(argparse.ArgumentParser):
    """A wrong argument is one line, without the usage above it."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"local_api: {message} (see --help)\n")


def _port(text: str) -> int:
    if text.isascii() and text.isdigit() and len(text) < 6 and int(text) <= 65535:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a port; allowed: 0 to 65535, 0 picks a free one")


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if 0.01 <= value <= 86400:
        return value
    raise argparse.ArgumentTypeError(f"{text!r} is not a time; allowed: seconds, 0.01 to 86400")


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = Parser(description="A small HTTP server to try pipelines on.", allow_abbrev=False)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    parser.add_argument("--port", type=_port, default=8000, help="port; 0 picks a free one (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="which orders there are (%(default)s)")
    parser.add_argument("--tick", type=_seconds, default=10, help="seconds that / stays the same (%(default)s)")
    parser.add_argument("--order-interval", type=_seconds, default=30, help="seconds to the next order (%(default)s)")
    parser.add_argument("--quiet", action="store_true", help="no line for each request")
    return parser.parse_args(arguments)


def main() -> int:
    options = parse_arguments()
    # Blocked before anything starts and waited for at the end: no signal is lost, and none comes in between.
    # A shell starts background jobs with SIGINT ignored, and what is ignored is never delivered.
    endings = {signal.SIGTERM, signal.SIGINT}
    for number in endings:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_BLOCK, endings)
    state = State(options.seed, options.tick, options.order_interval)
    place = f"[{options.host}]" if ":" in options.host else options.host
    try:
        api = LocalApi(options.host, options.port, state, quiet=options.quiet)
    except OSError as error:
        taken = error.errno == errno.EADDRINUSE
        why = "the port is taken, choose another with --port" if taken else error.strerror or str(error)
        print(f"local_api: cannot listen on {place}:{options.port}: {why}", file=sys.stderr)
        return 2
    with api:
        server = threading.Thread(target=api.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        server.start()
        print(f"listening on http://{place}:{api.server_port}/", flush=True)
        signal.sigwait(endings)
        state.stopping.set()
        api.shutdown()
    return 0


if __name__ == "__main__":
    sys.exit(main())
