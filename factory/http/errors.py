"""What goes wrong with a request, in one line that names it and holds no credentials."""

from __future__ import annotations

import errno
import http.client
import re
from collections.abc import Iterator
from datetime import timedelta
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

import requests
import urllib3

from factory.http.network import RefusedError
from schemas.model.http import Timeout

_TOKEN = re.compile(r"(?=\w*\d)(?=\w*[A-Za-z])\w{16,}")
"""A part of a path that may be a key: long, of letters and digits, not a UUID and not a date."""
_PROOF = re.compile(
    r"sig(?:nature)?$|jwt|hmac|hash|policy|credential|expire|auth(?!ors?$)|ticket|secret|(?:^|api|access|pair)key(?:id)?$"
    r"|(?<!next)(?<!page)(?<!skip)(?<!sync)(?<!delta)(?<!change)(?<!continuation)(?<!resumption)token$"
)
"""Names of a query's parameters that prove who asks; those of a place in a list are not among them."""


class HttpError(Exception):
    """A request failed or its answer is not what was wanted: `GET http://host/path?…: reason`.

    `passing`: the same request may well succeed a little later. `redirected_from`: the URL that led to this one;
    `page`: its number, where there may be several. Both are said in brackets.
    """

    def __init__(self, method: str, url: str, reason: str, *, passing: bool = False) -> None:
        super().__init__(method, url, reason)
        self.passing = passing
        self.redirected_from: str | None = None
        self.page: int | None = None
        self._named, self._url, self._reason = f"{method} {shown_url(url)}", url, reason

    def __str__(self) -> str:
        return f"{self._named}{where(self._url, self.redirected_from, self.page)}: {self._reason}"


class Timeouts(NamedTuple):
    """Longest waits, in seconds: for a connection, and for each piece of an answer."""

    connect: float
    read: float

    @classmethod
    def of(cls, timeout: timedelta | Timeout) -> Timeouts:
        """What a pipeline says: one wait for both, or each."""
        if isinstance(timeout, timedelta):
            return cls(timeout.total_seconds(), timeout.total_seconds())
        return cls(timeout.connect.total_seconds(), timeout.read.total_seconds())


def where(url: str, redirected_from: str | None, page: int | None = None) -> str:
    """What follows a URL about how it came to be requested; empty where there is nothing to say."""
    said = [] if page is None else [f"page {page}"]
    # A key in the query comes to it when the request is signed.
    if redirected_from is not None and redirected_from.partition("?")[0] != url.partition("?")[0]:
        said.append(f"redirected from {shown_url(redirected_from)}")
    return f" ({', '.join(said)})" if said else ""


def shown_url(url: str) -> str:
    """A URL without user, password and fragment; of a query only that there is one, and of the path no part that
    looks like a key, since these may be secret."""
    base, _, query = url.partition("?")
    return _shown(base) + ("?…" if query[:1] not in ("", "#") and "#" not in base else "")


@lru_cache(maxsize=64)  # each request is named several times, and pages differ in their query
def _shown(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return "(a URL that cannot be read)"
    host = parts.netloc.rpartition("@")[2]
    path = "/".join("***" if is_like_key(part) else part for part in parts.path.split("/"))
    return f"{parts.scheme}://{host}{path}"


def is_like_key(part: str) -> bool:
    """Whether a part of a path may be a key."""
    return _TOKEN.search(part) is not None


def is_capability(url: str, first: str) -> bool:
    """Whether an address proves by itself who may ask, as signed links to files do: by what `first` does not have."""
    parts, known = urlsplit(url), urlsplit(first).path.split("/")
    names = [re.sub(r"[^a-z]", "", name.lower()) for name, value in parse_qsl(parts.query) if value]
    own = (part for part in parts.path.split("/") if part not in known)
    return any(map(is_like_key, own)) or any(map(_PROOF.search, names))


def is_passing(error: Exception) -> bool:
    """Whether the same request may well succeed a little later: what is about the network, not about the request."""
    chain = list(_chain(error))
    lasting = (
        RefusedError,
        UnicodeError,
        requests.exceptions.InvalidHeader,
        requests.exceptions.InvalidURL,
        requests.exceptions.MissingSchema,
        requests.exceptions.InvalidSchema,
        requests.exceptions.SSLError,
        urllib3.exceptions.SSLError,
    )
    return not any(isinstance(link, lasting) for link in chain)


def is_unanswered(error: Exception) -> bool:
    """Whether the connection ended before a single byte of an answer."""
    return any(isinstance(link, http.client.RemoteDisconnected | ConnectionError) for link in _chain(error))


_OF_DOCKER = ": only containers have it; outside of them this machine is `localhost`"


def reason_of(error: Exception, timeouts: Timeouts) -> str:
    """Why no answer came, or only a part of one. The texts of these exceptions hold whole URLs, so few are quoted."""
    chain = list(_chain(error))

    def has(*types: type[BaseException]) -> bool:
        return any(isinstance(link, types) for link in chain)

    refused = next((link for link in chain if isinstance(link, RefusedError)), None)
    if refused is not None:
        return str(refused)
    if has(urllib3.exceptions.NameResolutionError):
        is_docker = any(".docker.internal" in str(link) for link in chain)
        return f"the host's name is not known{_OF_DOCKER if is_docker else ''}"
    if has(requests.exceptions.ProxyError, urllib3.exceptions.ProxyError):
        return "the proxy gave no connection"
    if has(requests.exceptions.ConnectTimeout, urllib3.exceptions.ConnectTimeoutError) and not has(
        urllib3.exceptions.NewConnectionError
    ):
        return f"no connection within {timeouts.connect:g} s"
    if has(requests.exceptions.ReadTimeout, urllib3.exceptions.ReadTimeoutError, TimeoutError):
        return f"nothing came for {timeouts.read:g} s"
    if has(requests.exceptions.SSLError, urllib3.exceptions.SSLError):
        return f"no secure connection: {_tls_reason(chain)}"
    number = next((link.errno for link in chain if isinstance(link, OSError) and link.errno), None)
    if has(urllib3.exceptions.NewConnectionError):
        return "the connection was refused" if number == errno.ECONNREFUSED else "no connection to the host"
    if has(urllib3.exceptions.InvalidChunkLength):
        return "the answer is damaged: it breaks the rules of chunked transfer"
    # urllib3 has no exception of its own for a chunked body that ends early.
    if has(http.client.IncompleteRead) or any("prematurely" in str(link) for link in chain):
        return "the answer is cut off: the connection ended before all of it came"
    if has(requests.exceptions.InvalidHeader, UnicodeEncodeError):
        return "a header field has characters that cannot be sent, such as a line break"
    if has(requests.exceptions.InvalidURL, requests.exceptions.MissingSchema, requests.exceptions.InvalidSchema):
        return "it is not a URL that can be requested"
    if has(urllib3.exceptions.ProtocolError, requests.exceptions.ConnectionError):
        return "the server broke the connection off, or what it sent is not HTTP"
    return f"the request failed ({type(error).__name__})"


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An exception and those it was made of: its cause, and what requests and urllib3 keep in arguments."""
    seen: set[int] = set()
    pending: list[object] = [error]
    while pending:
        link = pending.pop(0)
        if not isinstance(link, BaseException) or id(link) in seen:
            continue
        seen.add(id(link))
        yield link
        pending += [*link.args, getattr(link, "reason", None), link.__cause__, link.__context__]


def _tls_reason(chain: list[BaseException]) -> str:
    verify = next((text for link in chain if (text := getattr(link, "verify_message", None))), None)
    if verify:
        return f"the server's certificate is not accepted ({verify})"
    return "the server does not speak TLS here, or refused it"
