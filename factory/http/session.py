"""The session that requests go through: how connections are made, and to whom."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import requests
import urllib3
from requests.cookies import extract_cookies_to_jar
from requests.structures import CaseInsensitiveDict

from factory.http.call import HttpCall, same_server
from factory.http.errors import HttpError, Timeouts, is_passing, is_unanswered, reason_of
from factory.http.network import GuardedAdapter, Network, refuse_host
from factory.http.retries import Pace
from schemas.model.http import IDEMPOTENT

MAX_REDIRECTS = 10


class Transport(NamedTuple):
    """What an Airflow connection says about TLS and proxies; the defaults are those of requests."""

    verify: bool | str | None = None
    cert: str | tuple[str, str] | None = None
    proxies: Mapping[str, str] | None = None
    trust_env: bool = True


class HttpSession(requests.Session):
    """Keeps connections open between requests. Environment proxies and certificates hold as for all of requests;
    `.netrc` does not, it would replace the pipeline's own credentials.

    A client certificate is shown to the first host that is requested only, besides what `knows` says. `pace` holds
    every request back, those for tokens and behind redirects too.
    """

    def __init__(
        self, network: Network | None = None, transport: Transport | None = None, pace: Pace | None = None
    ) -> None:
        super().__init__()
        self._pace = pace or Pace()
        self._network = network or Network()
        self._transport = transport or Transport()
        self._first_server: str | None = None
        self._page_at: str | None = None
        self._known: dict[str, Transport] = {}
        self._settings: dict[str, Mapping[str, Any]] = {}
        self._answered: set[str] = set()
        self.trust_env = self._transport.trust_env
        adapter = GuardedAdapter(self._network)
        self.mount("http://", adapter)
        self.mount("https://", adapter)

    def knows(self, url: str, transport: Transport) -> None:
        """A server that has settings of its own, and is not the one that the request is about."""
        self._known[server_of(url)] = transport

    @property
    def shows_certificate(self) -> bool:
        """Whether the first server is shown a client certificate."""
        return self._transport.cert is not None

    def moves_to(self, url: str) -> None:
        """A page is requested. A cookie jar knows hosts and their parents, no ports: it would give the cookies of one
        server to others."""
        if self._page_at is not None and not same_server(self._page_at, url):
            self.cookies.clear()
        self._page_at = url

    def sent(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
        timeouts: Timeouts,
        *,
        repeatable: bool = False,
    ) -> requests.Response:
        """The response to a request, its body not read yet. `repeatable`: it may be sent twice whatever its method.

        Raises HttpError.
        """
        server = server_of(url)
        try:
            settings = self._settings_for(server)
            prepared = self._prepared(method, url, headers, body)

            def send() -> requests.Response:
                self._pace.wait(url)
                # Not the session's own `send`, which also prepares for a redirect and reads its body for that.
                response = self.get_adapter(url).send(prepared, timeout=timeouts, **settings)
                if "Set-Cookie" in response.headers:
                    extract_cookies_to_jar(self.cookies, prepared, response.raw)  # type: ignore[no-untyped-call]
                return response

            try:
                response = send()
            except requests.ConnectionError as error:
                may_repeat = repeatable or method in IDEMPOTENT
                if not (server in self._answered and may_repeat and is_unanswered(error)):
                    raise
                # The server closed a connection that was kept open, in the moment it was used again.
                response = send()
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, UnicodeError) as error:
            raise HttpError(method, url, reason_of(error, timeouts), passing=is_passing(error)) from None
        self._answered.add(server)
        self._pace.respect(url, response.headers)
        return response

    def _prepared(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None
    ) -> requests.PreparedRequest:
        """As `prepare_request` does it, without `.netrc` and without merging what a session has none of."""
        prepared = requests.PreparedRequest()
        prepared.prepare_method(method)
        prepared.prepare_url(url, None)
        merged: CaseInsensitiveDict[Any] = CaseInsensitiveDict(self.headers)
        merged.update(headers)
        prepared.prepare_headers(merged)
        if len(self.cookies):
            prepared.prepare_cookies(self.cookies)
        prepared.prepare_body(body, None)
        return prepared

    def _settings_for(self, server: str) -> Mapping[str, Any]:
        """Proxies and certificates, which requests looks up in the environment again and again. Raises RefusedError."""
        if server not in self._settings:
            refuse_host(server, self._network)
            if server not in self._known:
                self._first_server = self._first_server or server
            transport = self._known.get(server, self._transport)
            cert = transport.cert if server == self._first_server or server in self._known else None
            proxies = dict(transport.proxies or {})
            found = self.merge_environment_settings(server, proxies, True, transport.verify, cert)
            self._settings[server] = found | {"stream": True, "cert": cert}
        return self._settings[server]


def server_of(url: str) -> str:
    """Scheme, host and port of a URL, as it writes them."""
    parts = urlsplit(url.partition("?")[0])  # Python keeps what it has split, and pages differ in their query
    return f"{parts.scheme}://{parts.netloc}"


@contextmanager
def answer_to(
    session: HttpSession, call: HttpCall, timeouts: Timeouts, is_final: Callable[[int], bool] = lambda _: False
) -> Iterator[tuple[HttpCall, requests.Response]]:
    """Send a call and follow redirects; give the last call and its response, whose body is not read yet.

    A redirect whose status `is_final` is not followed. Raises HttpError, which says where it was redirected from.
    """
    try:
        yield from _redirected(session, call, timeouts, is_final)
    except HttpError as error:
        error.redirected_from = call.url
        raise


def _redirected(
    session: HttpSession, call: HttpCall, timeouts: Timeouts, is_final: Callable[[int], bool]
) -> Iterator[tuple[HttpCall, requests.Response]]:
    for _ in range(MAX_REDIRECTS + 1):
        session.moves_to(call.url)
        response = session.sent(call.method, call.url, call.headers, call.body, timeouts)
        try:
            location = _location(session, call, response)
            if location is None or is_final(response.status_code):
                yield call, response
                return
        finally:
            # The body of a redirect is never read: it may be of any size.
            response.close()
        call = call.redirected(response.status_code, location)
    raise HttpError(call.method, call.url, f"it was redirected more than {MAX_REDIRECTS} times")


def _location(session: HttpSession, call: HttpCall, response: requests.Response) -> str | None:
    try:
        return session.get_redirect_target(response)
    except UnicodeError:
        raise HttpError(call.method, call.url, "it was redirected to what is no URL") from None
