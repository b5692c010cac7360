"""What proves to a server who asks, added to every page that this server is asked for; and what a call carries that its
server may send back, and that must not reach a log."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import html
import json
import re
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import parse_qsl, quote, unquote, unquote_plus, urlsplit

import requests
from requests.auth import AuthBase, HTTPDigestAuth
from requests.utils import parse_dict_header

from factory.http.call import HttpCall, fields_of, is_server_of
from factory.http.errors import HttpError, Timeouts, is_like_key
from factory.http.session import HttpSession
from schemas.compose.servers import SAFE_HEADERS, credentials_in
from schemas.model.http import HttpRequest


class Credentials(Protocol):
    """Signs calls to the server that they are for."""

    def signed(self, call: HttpCall, session: HttpSession, timeouts: Timeouts) -> HttpCall:
        """The call with what proves who asks. Raises HttpError."""
        ...

    def renew(self, headers: Mapping[str, str]) -> bool:
        """Give up what was refused with these header fields; whether there can be something newer."""
        ...


@dataclass(frozen=True)
class FixedCredentials:
    """Header fields and query parameters that stay the same; none of either for a request without credentials."""

    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    query: Mapping[str, str] = field(default_factory=dict, repr=False)

    def signed(self, call: HttpCall, session: HttpSession, timeouts: Timeouts) -> HttpCall:  # noqa: ARG002
        """The call with them; what the call has itself of header fields is replaced."""
        if not self.headers and not self.query:
            return call
        return call.with_headers(self.headers).with_query(self.query)

    def renew(self, headers: Mapping[str, str]) -> bool:  # noqa: ARG002 # they are all there is
        """There is nothing newer."""
        return False


def basic(user: str, password: str) -> dict[str, str]:
    """The header field of basic authentication (RFC 7617)."""
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


class DigestCredentials:
    """Digest authentication (RFC 7616), as requests does it: the server's first answer holds what to sign."""

    def __init__(self, user: str, password: str) -> None:
        self._digest = HTTPDigestAuth(user, password)
        self._digest.init_per_thread_state()
        self._is_asked = False

    def signed(self, call: HttpCall, session: HttpSession, timeouts: Timeouts) -> HttpCall:  # noqa: ARG002
        """The call with an answer to what the server asked last; as it is before the server has asked."""
        if not self._is_asked:
            return call
        header = self._digest.build_digest_header(call.method, call.url)  # type: ignore[no-untyped-call] # requests'
        if header is None:
            raise HttpError(call.method, call.url, "the server asks for a kind of digest that is not known")
        return call.with_headers({"Authorization": header})

    def renew(self, headers: Mapping[str, str]) -> bool:
        """Take in what the server asks."""
        asked = headers.get("WWW-Authenticate", "")
        scheme, _, challenge = asked.partition(" ")
        if scheme.lower() != "digest":
            return False
        # As its own hook does, which would send the request past everything that bounds one here.
        self._digest._thread_local.chal = parse_dict_header(challenge)  # type: ignore[attr-defined, no-untyped-call]
        self._is_asked = True
        return True


@dataclass(frozen=True)
class HmacCredentials:
    """A signature of each request with a shared secret."""

    secret: bytes = field(repr=False)
    name: str
    algorithm: str
    encoding: str
    message: str
    prefix: str
    timestamp_header: str

    def signed(self, call: HttpCall, session: HttpSession, timeouts: Timeouts) -> HttpCall:  # noqa: ARG002
        """The call with its signature and the moment of signing."""
        parts = urlsplit(call.url)
        timestamp = str(int(time.time()))
        values = {
            b"{method}": call.method.encode(),
            b"{path}": (parts.path + (f"?{parts.query}" if parts.query else "")).encode(),
            b"{url}": call.url.encode(),
            b"{body}": call.body or b"",
            b"{timestamp}": timestamp.encode(),
        }
        message = self.message.encode()
        for name, value in values.items():
            message = message.replace(name, value)
        digest = hmac.new(self.secret, message, getattr(hashlib, self.algorithm)).digest()
        text = digest.hex() if self.encoding == "hex" else base64.b64encode(digest).decode()
        return call.with_headers({self.timestamp_header: timestamp, self.name: self.prefix + text})

    def renew(self, headers: Mapping[str, str]) -> bool:  # noqa: ARG002 # the secret is all there is
        """There is nothing newer."""
        return False


@dataclass(frozen=True)
class ClassCredentials:
    """A class for requests (`requests.auth.AuthBase`) that signs each request."""

    auth: AuthBase = field(repr=False)

    def signed(self, call: HttpCall, session: HttpSession, timeouts: Timeouts) -> HttpCall:  # noqa: ARG002
        """The call as the class leaves it."""
        prepared = requests.Request(call.method, call.url, dict(call.headers), data=call.body).prepare()
        made = self.auth(prepared)
        body = made.body.encode() if isinstance(made.body, str) else made.body
        headers = {name: str(value) for name, value in made.headers.items() if name.lower() != "content-length"}
        return HttpCall(str(made.method), str(made.url), headers, body)

    def renew(self, headers: Mapping[str, str]) -> bool:  # noqa: ARG002 # what is newer, the class knows
        """Ask it again where it says that it can do better."""
        renew = getattr(self.auth, "renew", None)
        return bool(renew()) if callable(renew) else False


@dataclass(frozen=True)
class AwsCredentials:
    """AWS Signature Version 4, by botocore."""

    signer: Callable[[HttpCall], Mapping[str, str]] = field(repr=False)

    @classmethod
    def of(cls, access_key: str, secret_key: str, token: str | None, service: str, region: str) -> AwsCredentials:
        """Raises ImportError where botocore is not installed."""
        from botocore.auth import SigV4Auth  # noqa: PLC0415 # an extra
        from botocore.awsrequest import AWSRequest  # noqa: PLC0415
        from botocore.credentials import Credentials as Keys  # noqa: PLC0415

        signature = SigV4Auth(Keys(access_key, secret_key, token), service, region)

        def signer(call: HttpCall) -> Mapping[str, str]:
            request: Any = AWSRequest(method=call.method, url=call.url, data=call.body, headers=dict(call.headers))
            signature.add_auth(request)
            return dict(request.headers.items())

        return cls(signer)

    def signed(self, call: HttpCall, session: HttpSession, timeouts: Timeouts) -> HttpCall:  # noqa: ARG002
        """The call with its signature."""
        return call.with_headers(self.signer(call))

    def renew(self, headers: Mapping[str, str]) -> bool:  # noqa: ARG002 # the keys are all there is
        """There is nothing newer."""
        return False


def check_server(call: HttpCall, request: HttpRequest, session: HttpSession, servers: Sequence[str] | None) -> None:
    """Raises HttpError for a request with credentials whose server nobody but a value of the run names."""
    if servers is None or any(is_server_of(one, call.url) for one in servers):
        return
    carried = ", ".join(_carried(request, session))
    if carried:
        auth = request.auth
        host = f", or make it the host of the connection `{auth.conn_id}`" if auth is not None else ""
        reason = (
            "a value of this run names this server, and the pipeline does not, so it is not sent the credentials of "
            f"the request ({carried}); write the server in `url`, before the value{host}"
        )
        raise HttpError(call.method, call.url, reason)


def _carried(request: HttpRequest, session: HttpSession) -> Iterator[str]:
    if session.shows_certificate:
        yield "a client certificate"
    # Its templates are filled in.
    fields = {"params": request.params, "json": request.json_body, "data": request.data}
    yield from credentials_in({"auth": request.auth, "headers": request.headers, **fields})


BLANK = "***"
_SECRET_NAME = re.compile(
    r"key|token|secret|passw|pwd|auth|sig(?:nature)?$|sign$|credential|session|cookie|jwt|user|login"
    r"|^(?:pass|code|sas|sid|ticket|pin|access|app_?id)$",
    re.IGNORECASE,
)
_XML = re.compile(r"([\w-]+)(?:=[\"']([^\"'<>]+)|(?=(?:\s[^<>]*)?>([^<>]+)))")
_SHORTEST = 4
"""Characters. What is shorter keeps no secret and would be found in any text."""


class Secrets:
    """Values of header fields but harmless ones, of query parameters and parts of a body that are named like secrets,
    and user and password, of the calls of one request. `parts` are more of them."""

    def __init__(self, *calls: HttpCall, parts: Collection[str] = ()) -> None:
        values = {value for call in calls for value in _values(call)} | set(parts)
        values |= {base64.b64encode(value.encode(errors="replace")).decode().rstrip("=") for value in values}
        self._values = {value for value in values if len(value) >= _SHORTEST}

    def blanked_in(self, text: str) -> str:
        """The text with each value blanked, also as it is written in URLs, HTML and JSON."""
        if not self._values:
            return text
        longest_first = sorted(self._values, key=len, reverse=True)
        return re.sub("|".join("".join(map(_any_form, value)) for value in longest_first), BLANK, text)


def _values(call: HttpCall) -> Iterator[str]:
    for name, value in call.headers.items():
        if name.lower() not in SAFE_HEADERS:
            yield from _in_header(value)
    parts = urlsplit(call.url)
    body = call.body or b""
    named = fields_of(body)
    if body.lstrip().startswith(b"<"):
        found = _XML.findall(body.decode(errors="replace"))
        named = ((name, html.unescape((value or inner).strip())) for name, value, inner in found)
    for name, value in (*parse_qsl(parts.query), *named):
        if _SECRET_NAME.search(name):
            yield value
    for part in parts.path.split("/"):
        if is_like_key(part):
            yield unquote(part)


def _in_header(value: str) -> Iterator[str]:
    yield value
    # A server may echo a field without its scheme, or one cookie of several.
    yield value.partition(" ")[2]
    yield from (part.partition("=")[2] for part in re.split(r"[\s;,]+", value))
    yield from _user_and_password(value)


def proofs(unsigned: HttpCall, signed: HttpCall) -> set[str]:
    """What a call carries to prove who asks: what signing it has added, and header fields named like secrets."""
    headers, query = set(unsigned.headers.items()), set(parse_qsl(urlsplit(unsigned.url).query))
    values = {value for pair in set(parse_qsl(urlsplit(signed.url).query)) - query for value in pair[1:]}
    for name, value in signed.headers.items():
        if _SECRET_NAME.search(name) or (name, value) not in headers:
            values |= set(_in_header(value))
    return {value for value in values if len(value) >= _SHORTEST}


def without_proofs(link: str, found: Collection[str], name: str | None) -> str:
    """A link without what a server repeats in it of `proofs`, and of a parameter `name`."""
    address, mark, query = link.partition("?")
    kept = []
    for one in query.split("&"):
        key, _, value = one.partition("=")
        is_proof = unquote_plus(value) in found or (name is not None and unquote_plus(key).lower() == name.lower())
        kept += [] if is_proof else [one]
    address = re.sub(r"^([a-z]+://)[^/?#]*@", r"\1", address, flags=re.IGNORECASE)
    return address + (mark if kept else "") + "&".join(kept)


def _user_and_password(authorization: str) -> Iterator[str]:
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return
    try:
        pair = base64.b64decode(encoded, validate=True).decode(errors="replace")
    except binascii.Error:
        return  # not what the scheme says, so it holds no pair
    yield pair
    yield from pair.split(":", 1)


def _any_form(character: str) -> str:
    """A pattern of a character, as URLs, HTML and JSON write it, each in all of their ways."""
    if character.isascii() and character.isalnum():
        return character
    number = ord(character)
    forms = {character, "+" if character == " " else character, quote(character, safe="", errors="replace")}
    forms |= {html.escape(character), f"&#{number};", f"&#x{number:x};", json.dumps(character)[1:-1]}
    forms |= {f"\\u{number:04x}", f"\\{character}"}
    return f"(?i:{'|'.join(map(re.escape, sorted(forms, key=len, reverse=True)))})"
