"""Answers every request of a test on loopback, from its fixtures: a proxy that stands in for all servers, HTTPS too."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from factory.trial.expectations import Problem, differs, equal
from factory.trial.given import Authority
from schemas.findings.paths import DataPath
from schemas.model.pipeline_tests import HttpFixture, HttpRequestFixture, PipelineTest

NO_FIXTURE = 599
"""The status of an answer to a request that no fixture fits."""
_WITHOUT_BODY = (204, 304)


@dataclass(frozen=True)
class Request:
    """A request as it arrived."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes = b""

    @property
    def query(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.url).query, keep_blank_values=True)

    @property
    def address(self) -> str:
        """The URL without its query."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}{parts.path or '/'}"


@dataclass
class Exchange:
    """What was asked, and what no fixture answered. `used` counts how often each fixture was."""

    fixtures: Sequence[HttpFixture]
    folder: Path
    forward: Callable[[Request], tuple[int, dict[str, str], bytes]] | None = None
    requests: list[Request] = field(default_factory=list)
    unanswered: list[Request] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    """What could not be answered for another reason, and why."""
    used: dict[int, int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, request: Request) -> tuple[int, dict[str, str], bytes]:
        """The status, header fields and body for a request."""
        with self._lock:
            self.requests.append(request)
            for position, fixture in enumerate(self.fixtures):
                left = fixture.times is None or self.used.get(position, 0) < fixture.times
                if left and not differences(fixture.request, request):
                    self.used[position] = self.used.get(position, 0) + 1
                    return self._response(fixture)
            if self.forward is not None:
                try:
                    return self.forward(request)
                except OSError as error:  # as those of `requests` are
                    why = self.failed[f"{request.method} {request.url}"] = (
                        f"{request.url} cannot be asked: {_cause(error)}"
                    )
                    return NO_FIXTURE, {"Content-Type": "text/plain"}, why.encode()
            self.unanswered.append(request)
        text = f"no fixture answers {request.method} {request.url}"
        return NO_FIXTURE, {"Content-Type": "text/plain"}, text.encode()

    def _response(self, fixture: HttpFixture) -> tuple[int, dict[str, str], bytes]:
        response = fixture.response
        headers = dict(response.headers)
        if response.file is not None:
            body = (self.folder / response.file).read_bytes()
        elif response.text is not None:
            body = response.text.encode()
            headers.setdefault("Content-Type", "text/plain; charset=utf-8")
        elif "json_" in response.model_fields_set:
            body = json.dumps(response.json_).encode()
            headers.setdefault("Content-Type", "application/json")
        else:
            body = b""
        return response.status, headers, body

    @property
    def unused(self) -> list[tuple[HttpFixture, int]]:
        """Fixtures that were asked for less often than they are there for, and how often that was."""
        counted = [(fixture, self.used.get(position, 0)) for position, fixture in enumerate(self.fixtures)]
        return [(fixture, count) for fixture, count in counted if count < (fixture.times or 1)]

    def nearest(self, request: Request) -> str:
        """The fixture that differs least from a request, and in what."""
        if not self.fixtures:
            return "there are no fixtures in `given.http`"
        found = min(self.fixtures, key=lambda fixture: _distance(fixture.request, request))
        wrong = differences(found.request, request)
        if not wrong:
            asked = json.dumps({n: v[0] if len(v) == 1 else v for n, v in request.query.items()})
            more = f", or add one with `params: {asked}`" if request.query else ""
            return f"the fixture for {found.request.url} is used up: raise its `times`{more}"
        return f"the nearest fixture is for {found.request.method} {found.request.url}; {'; '.join(wrong)}"


def of_requests(test: PipelineTest, exchange: Exchange) -> Iterator[Problem]:
    """Requests without a fixture, fixtures without a request, and their number."""
    path: DataPath = ("given", "http")
    for request in exchange.unanswered:
        yield Problem(path, f"no fixture answers {request.method} {request.url}: {exchange.nearest(request)}")
    for why in exchange.failed.values():
        yield Problem((), why, is_crash=True)
    for fixture, count in exchange.unused:
        place = path if isinstance(test.given.http, str) else (*path, test.given.http.index(fixture))
        who = f"asked {count} of {fixture.times} times for" if count else "nobody asked for"
        yield Problem(place, f"{who} the fixture of {fixture.request.method} {fixture.request.url}")
    wanted = test.expect.requests
    if wanted is not None and wanted != len(exchange.requests):
        found = len(exchange.requests)
        yield differs(("expect", "requests"), f"expected {wanted} requests, found {found}", found)


def _distance(fixture: HttpRequestFixture, request: Request) -> tuple[float, int]:
    """How far a request is from what a fixture wants: first by its URL, then by the number of differences."""
    url = SequenceMatcher(None, fixture.url.partition("?")[0], request.address).ratio()
    return -url, len(differences(fixture, request))


def differences(fixture: HttpRequestFixture, request: Request) -> list[str]:
    """What of a request is not as a fixture wants it."""
    found = []
    parts = urlsplit(fixture.url)
    if _place(fixture.url) != _place(request.url):
        found.append(f"the URL is {request.address}")
    if fixture.method.upper() != request.method:
        found.append(f"the method is {request.method}")
    wanted: dict[str, list[str]] = parse_qs(parts.query, keep_blank_values=True)
    for name, value in (fixture.params or {}).items():
        wanted[name] = [_text(each) for each in value] if isinstance(value, list) else [_text(value)]
    query = request.query
    found += [
        f"`{name}` is {', '.join(query[name]) if name in query else 'missing'}"
        for name, value in wanted.items()
        if query.get(name) != value
    ]
    sent = {name.lower(): value for name, value in request.headers.items()}
    found += [f"the header `{n}` differs" for n, v in (fixture.headers or {}).items() if sent.get(n.lower()) != v]
    if "json_" in fixture.model_fields_set and not equal(fixture.json_, _json(request.body)):
        found.append("the JSON body differs")
    return found


def _place(url: str) -> tuple[str, str | None, int | None, str]:
    """What tells an address from another one: neither capitals of its host nor its usual port do."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme), parts.path or "/"


def _cause(error: BaseException) -> str:
    """What the first of a chain of errors says, without the text of its library."""
    while error.__context__ is not None:
        error = error.__context__
    return (error.strerror if isinstance(error, OSError) else None) or type(error).__name__


def _text(value: Any) -> str:
    return json.dumps(value) if isinstance(value, bool) else str(value)


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30
    server: _Server
    host = ""

    def handle_connect(self) -> None:
        self.host = self.path.rpartition(":")[0]
        self.send_response(200, "Connection established")
        self.end_headers()
        port = self.path.rpartition(":")[2]
        self.host = self.host if port == "443" else f"{self.host}:{port}"
        context = self.server.authority.context(self.host.partition(":")[0])
        self.connection = context.wrap_socket(self.connection, server_side=True)
        self.rfile = self.connection.makefile("rb", -1)
        self.wfile = self.connection.makefile("wb", 0)
        self.close_connection = False

    def handle_request(self) -> None:
        url = f"https://{self.host}{self.path}" if self.host else self.path
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        request = Request(self.command, url, dict(self.headers.items()), body)
        status, headers, content = self.server.exchange.answer(request)
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD" and status not in _WITHOUT_BODY:
            self.wfile.write(content)

    do_CONNECT = handle_connect  # noqa: N815 # http.server looks methods up by these names
    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = handle_request  # noqa: N815 # as above

    def log_message(self, *_: Any) -> None:
        """Requests are listed by the test that fails, not on standard error."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, authority: Authority) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.authority = authority
        self.exchange = Exchange((), Path())

    def handle_error(self, *_: Any) -> None:
        """A client that went away; what has no answer is said by the test."""


@contextmanager
def fixture_server(authority: Authority) -> Iterator[_Server]:
    """A server on a free port of loopback, whose `exchange` answers; ended with the block."""
    server = _Server(authority)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
