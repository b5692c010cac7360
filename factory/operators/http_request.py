"""A request, and following its redirects: bounded, and without carrying credentials to another server."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit, urlunsplit

import requests
import urllib3

from factory.operators.http_errors import HttpError, reason_of

MAX_REDIRECTS = 10
SAFE_HEADERS = frozenset({"accept", "accept-encoding", "accept-language", "content-type", "user-agent"})
"""What goes along to another server. Any other header field may be a credential (`X-Api-Key`, `Cookie`, …)."""
KEEPS_METHOD = (307, 308)

Query = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class HttpCall:
    """What goes over the wire. `url` holds no credentials: they are in `headers`."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None

    @classmethod
    def of(
        cls, method: str, url: str, headers: Mapping[str, str] | None, query: Query | None, json_body: Any
    ) -> HttpCall:
        """A call from what a pipeline says.

        User and password in the URL become basic authentication. `query` is added to the URL's own; lists repeat
        their key, booleans are `true` and `false`. Raises HttpError for what cannot be sent.
        """
        try:
            address, credentials = _without_credentials(url)
        except ValueError as error:
            raise HttpError(method, url, f"it is {error}") from None
        fields = {name: str(value) for name, value in (headers or {}).items()}
        if credentials is not None and not _has(fields, "authorization"):
            fields["Authorization"] = credentials
        if not _has(fields, "accept-encoding"):
            # The one encoding that is decoded here, with a bound (`http_answer`).
            fields["Accept-Encoding"] = "gzip"
        body = None if json_body is None else _encoded(method, url, json_body)
        if body is not None and not _has(fields, "content-type"):
            fields["Content-Type"] = "application/json"
        return cls(method, _with_query(method, address, query), fields, body)

    def redirected(self, status: int, location: str) -> HttpCall:
        """The call that a redirect asks for (RFC 9110, section 15.4). Raises HttpError where it cannot be made."""
        try:
            target, _ = _without_credentials(location, self.url)
        except ValueError as error:
            raise HttpError(self.method, self.url, f"it was redirected to what is {error}") from None
        call = replace(self, url=target)
        if status not in KEEPS_METHOD and (status == 303 or self.method == "POST") and self.method != "HEAD":
            kept = {name: value for name, value in self.headers.items() if name.lower() != "content-type"}
            call = replace(call, method="GET", body=None, headers=kept)
        if _same_server(self.url, target):
            return call
        if call.body is not None:
            raise HttpError(
                self.method,
                self.url,
                f"it was redirected to another server ({urlsplit(target).hostname}), "
                "which does not get the body; request that server's URL itself if this is right",
            )
        safe = {name: value for name, value in call.headers.items() if name.lower() in SAFE_HEADERS}
        return replace(call, headers=safe)


@contextmanager
def answer_to(
    call: HttpCall, seconds: float, is_final: Callable[[int], bool] = lambda _: False
) -> Iterator[tuple[HttpCall, requests.Response]]:
    """Send a call and follow redirects; give the last call and its response, whose body is not read yet.

    `seconds` bounds the wait for each connection and each piece of data. Environment proxies and certificates hold
    as for all of requests; `.netrc` does not, it would replace the pipeline's own credentials. A redirect
    whose status `is_final` is not followed. Raises HttpError.
    """
    with _Session() as session:
        for _ in range(MAX_REDIRECTS + 1):
            response = _sent(session, call, seconds)
            try:
                location = session.location(call, response)
                if location is None or is_final(response.status_code):
                    yield call, response
                    return
            finally:
                # The body of a redirect is never read: it may be of any size.
                response.close()
            before, call = call, call.redirected(response.status_code, location)
            if not _same_server(before.url, call.url):
                # A cookie jar knows hosts and their parents, no ports: it would give cookies to other servers.
                session.cookies.clear()
        raise HttpError(call.method, call.url, f"it was redirected more than {MAX_REDIRECTS} times")


class _Session(requests.Session):
    """requests prepares for a redirect even where it is not to follow it, and reads its whole body for that."""

    def get_redirect_target(self, resp: requests.Response) -> str | None:  # noqa: ARG002 # the base class names it
        return None

    def location(self, call: HttpCall, response: requests.Response) -> str | None:
        """Where a response redirects to; None if it does not."""
        try:
            return super().get_redirect_target(response)
        except UnicodeError:
            raise HttpError(call.method, call.url, "it was redirected to what is no URL") from None


def _sent(session: requests.Session, call: HttpCall, seconds: float) -> requests.Response:
    try:
        request = requests.Request(call.method, call.url, headers=dict(call.headers), data=call.body, auth=_as_it_is)
        prepared = session.prepare_request(request)
        settings = session.merge_environment_settings(prepared.url, {}, True, None, None)
        return session.send(
            prepared, timeout=(seconds, seconds), allow_redirects=False, **(settings | {"stream": True})
        )
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, UnicodeError) as error:
        raise HttpError(call.method, call.url, reason_of(error, seconds)) from None


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Authentication that changes nothing; without one, requests looks into `.netrc`."""
    return request


def _without_credentials(url: str, base: str = "") -> tuple[str, str | None]:
    """The URL, absolute and without user, password and fragment, and the `Authorization` that they stand for.

    Raises ValueError, whose text goes on after "it is".
    """
    try:
        parts = urlsplit(urljoin(base, url.strip()))
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ValueError("no URL") from None
    if parts.scheme not in ("http", "https") or not host:
        raise ValueError("no http or https URL")
    credentials = None
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        credentials = "Basic " + base64.b64encode(pair.encode()).decode()
    name = f"[{host}]" if ":" in host else host
    netloc = name if port is None else f"{name}:{port}"
    return urlunsplit((parts.scheme, netloc, parts.path, parts.query, "")), credentials


def _with_query(method: str, url: str, query: Query | None) -> str:
    if not query:
        return url
    plain = {
        name: [_query_value(item) for item in value] if isinstance(value, list | tuple) else _query_value(value)
        for name, value in query.items()
    }
    try:
        return requests.Request("GET", url, params=plain).prepare().url or url
    except (requests.RequestException, UnicodeError):
        raise HttpError(method, url, "it is not a URL that can be requested") from None


def _query_value(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value


def _encoded(method: str, url: str, body: Any) -> bytes:
    try:
        return json.dumps(body, allow_nan=False).encode()
    except (TypeError, ValueError) as error:
        raise HttpError(method, url, f"the body cannot be written as JSON: {error}") from None


def _has(headers: Mapping[str, str], name: str) -> bool:
    return any(key.lower() == name for key in headers)


def _same_server(before: str, after: str) -> bool:
    """Same scheme, host and port; from `http` to `https` on the default ports is the same server too."""
    one, other = urlsplit(before), urlsplit(after)
    if one.hostname != other.hostname:
        return False
    defaults = {"http": 80, "https": 443}
    ports = (one.port or defaults[one.scheme], other.port or defaults[other.scheme])
    if one.scheme == other.scheme:
        return ports[0] == ports[1]
    return one.scheme == "http" and ports == (80, 443)
