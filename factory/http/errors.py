"""What goes wrong with a request, in one line that names it and holds no credentials; and by which words an answer of
status 200 says that it went wrong."""

from __future__ import annotations

import errno
import http.client
import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

import requests
import urllib3

from factory.http.network import RefusedError
from schemas.model.http import Timeout

_TOKEN = re.compile(r"(?=\w*\d)(?=\w*[A-Za-z])\w{16,}")
"""A part of a path that may be a key: long, of letters and digits, not a UUID and not a date."""

# How answers say that they failed: keys without what is no letter (`error_message`, `errorMessage`), and their values.
_WHOLE = ("ok", "success", "succeeded", "successful", "issuccess", "isok", "jobcomplete", "iscomplete", "complete")
_IN_PART = re.compile(r"(?:is)?(?:partial|incomplete)(?:results?|failure|data)?|terminatedearly|timedout")
_FAILURE = re.compile(
    r"(?:soap|soapenv|env|s)?fault(?:string|code)?|exceptions?|failures?|(?:is)?failed|(?:is|has|last|api)?err(?:or)?s?"
    r"(?:messages?|msg|text|desc|description|details?|info|list|response|reason|type|name|data|summary|string)?"
)
_CODE = re.compile(
    r"(?:http|response|result|return|ret|err|error|api)?(?:status)?code|(?:http|response)?status|err(?:or)?(?:no|num|number)"
    r"|ret|rc"
)
_STATE = re.compile(r"(?:response|result|job|query|api)?(?:status|stat|state|result|outcome|ack)(?:text|type|message)?")
_MESSAGE = re.compile(
    r"(?:status|response|result|api|info|user)?(?:messages?|msg)|details?|descriptions?|reason|note|information|info|title"
)
_BAD_STATE = re.compile(
    r"\b(?:err(?:or)?s?|fail(?:ed|ure|s)?|fault|exception|denied|limit(?:ed)?|throttled|too many|quota|invalid"
    r"|bad request|unauthori[sz]ed|unauthenticated|forbidden"
    r"|not (?:ok|authori[sz]ed|authenticated|allowed|permitted|ready)"
    r"|n(?:ot)?ok|ko|unavailable|timed? ?out|expired|rejected|aborted|unsuccessful|suspended|exhausted|exceeded"
    r"|pending|running|queued|in progress|processing|preparing|accepted)\b"
)
_SENTENCE = re.compile(
    r"too many requests|try (?:again|later)|rate.?limit|call frequency|\bexceed|(?:access|permission)s? (?:is )?denied"
    r"|\bnot (?:authori[sz]ed|authenticated|allowed|permitted)\b|internal (?:server )?error|service (?:is )?unavailable"
    r"|(?:un|not )able to|could ?n.t|\bcan ?not\b|has (?:failed|expired|timed out)|under maintenance"
    r"|invalid (?:api|token|key)|^\W*(?:error|fatal|exception|failed|failure)\b\s*[:;-]",
    re.IGNORECASE,
)
_NONE_FAILED = re.compile(r"\b(?:no|without|0) (?:errors?|failures?)\b|rate.?limit.{0,20}remaining", re.IGNORECASE)
_WELL = ("", "ok", "success", "successful", "none", "null", "na", "no", "noerror", "noerrors", "false", "nofailure")
_NO_ROWS = re.compile(
    r"(?:sorry|thereare|thereis|therewere)?no(?:more|new|matching|such)?(?:records?|results?|rows?|data|entries|items?"
    r"|matches|content|transactions?|documents?|objects?|events?)(?:(?:were|was|is|are)?(?:found|match|available|exist|return).*)?"
)
_ENVELOPE = re.compile(
    r"(?:soap|soapenv|env|s)?(?:envelope|body|header)|head|(?:api)?status|result|data|(?:api)?response(?:header|status|info)?"
)
"""Mappings that say how a request went, or hold the rows."""
_FRAME = re.compile(r"_?(?:response|search|result|page|list)?(?:meta|metadata|info|pagination|paging|page)")
"""Mappings beside the rows that are about all of them."""
_FEW, _SHORT = 6, 200


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


def reason_of(error: Exception, timeouts: Timeouts) -> str:
    """Why no answer came, or only a part of one. The texts of these exceptions hold whole URLs, so few are quoted."""
    chain = list(_chain(error))

    def has(*types: type[BaseException]) -> bool:
        return any(isinstance(link, types) for link in chain)

    refused = next((link for link in chain if isinstance(link, RefusedError)), None)
    if refused is not None:
        return str(refused)
    if has(urllib3.exceptions.NameResolutionError):
        return "the host's name is not known"
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


def sign_of_failure(value: Any, number: int, url: str) -> str | None:
    """A key by which the answer to a request, which has this number of rows, says that it failed, that it is not done,
    or that they are not all there. None where there is none, and where it says that there are no rows."""
    found = None
    for key, child in _said(value, all_frames=not number):
        name = letters(key.rpartition(".")[2])
        if (child is False and name in _WHOLE) or (child is True and _IN_PART.fullmatch(name)):
            return key
        if isinstance(child, list | dict) and child and name in ("errors", "unreachable"):
            return key
        if number:
            continue
        if _says_no_rows(child):
            return None
        if found is None and _fails(name, child, url):
            found = key
    return found


def _fails(name: str, child: Any, url: str) -> bool:
    if child in (False, "false", "False", "no", "N", "0") and (name in _WHOLE or (child is False and name == "status")):
        return True
    if not child:
        return False
    if _FAILURE.fullmatch(name) is not None:
        return not _is_well(child)
    is_code = _CODE.fullmatch(name) is not None
    if isinstance(child, str) and (is_code or _STATE.fullmatch(name)) and _BAD_STATE.search(_words(child)) is not None:
        # `status` may be what was asked for.
        return child not in (one for _, one in parse_qsl(urlsplit(url).query))
    if is_code:
        code = int(child) if isinstance(child, str) and re.fullmatch(r"-?[0-9]{1,6}", child) else child
        is_bad = isinstance(code, int) and (code < 0 or 400 <= code < 600 or 40_000 <= code < 60_000)
        return is_bad or (name.startswith("err") and not _is_well(child))
    texts = child if isinstance(child, list) else [child]
    return _MESSAGE.fullmatch(name) is not None and any(isinstance(one, str) and tells_failure(one) for one in texts)


def tells_failure(text: str, *, is_sentence: bool = False) -> bool:
    """Whether a text says that something failed; a single word does so only where it need be no sentence."""
    if _NONE_FAILED.search(text) is not None:
        return False
    return _SENTENCE.search(text) is not None or (not is_sentence and _BAD_STATE.search(_words(text)) is not None)


def _is_well(child: Any) -> bool:
    """Whether the value of a key that is about errors says that there are none."""
    if isinstance(child, Mapping | list):
        return all(map(_is_well, child.values() if isinstance(child, Mapping) else child))
    return not child or (child is not True and letters(child) in _WELL and not re.search("[1-9]", str(child)))


def _says_no_rows(child: Any) -> bool:
    """Whether a text, or one of the values of what is about an error, says that there are no rows."""
    if isinstance(child, Mapping) and len(child) <= _FEW:
        return any(isinstance(one, str) and _says_no_rows(one) for one in child.values())
    return isinstance(child, str) and len(child) < _SHORT and _NO_ROWS.fullmatch(letters(child)) is not None


def _said(value: Any, inside: str = "", *, all_frames: bool) -> Iterator[tuple[str, Any]]:
    """Keys and values of an answer, and of its mappings that are no rows by their names; with `all_frames` also of
    those that hold rows, and of a lone one, as the root of XML is."""
    for key, child in value.items() if isinstance(value, Mapping) else ():
        yield f"{inside}{key}", child
        if isinstance(child, Mapping) and (
            is_of_all(key) or (all_frames and (len(value) == 1 or _ENVELOPE.fullmatch(letters(key)) is not None))
        ):
            yield from _said(child, f"{inside}{key}.", all_frames=all_frames)


def _words(text: str) -> str:
    """`over query limit` of `OVER_QUERY_LIMIT` and `OverQueryLimit`."""
    return re.sub(r"[\W_]+", " ", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)).lower()


@lru_cache(maxsize=1024)  # pages have the same keys
def letters(key: Any) -> str:
    """A key in small letters, without what is no letter."""
    return re.sub(r"[^a-z]", "", str(key).lower())


def is_of_all(key: Any) -> bool:
    """Whether a mapping of this name is beside the rows and about all of them."""
    return _FRAME.fullmatch(letters(key)) is not None
