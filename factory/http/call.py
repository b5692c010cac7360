"""A request, and following its redirects: bounded, and without carrying credentials to another server."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, unquote, unquote_plus, urlencode, urljoin, urlsplit, urlunsplit

from factory.http.errors import HttpError, shown_url
from schemas.compose.servers import SAFE_HEADERS

_PARAMETER = r"""[^\s=;,<>"]+\s*(?:=\s*(?:"(?:[^"\\]|\\.)*"|'[^']*'|[^\s;,"]*))?"""
_LINK = re.compile(rf"\s*<(?P<target>[^>]*)>(?P<parameters>(?:\s*;\s*(?:{_PARAMETER})?)*)\s*(?:,|$)")
_RELATION = re.compile(rf"\s*;\s*(?:rel\s*=\s*(?P<rel>\"[^\"]*\"|'[^']*'|[^\s;,\"]*)|(?:{_PARAMETER})?)", re.IGNORECASE)
_LEADS_NOWHERE = re.compile(r";\s*results\s*=\s*[\"']?false\b", re.IGNORECASE)  # as Sentry says it
_BETWEEN = re.compile(r"[\s,]*")
_PAGE = re.compile(r"(?:\$\{|%24%7B)page\.(?:number|offset)(?:\}|%7D)")
KEEPS_METHOD = (307, 308)

Query = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class HttpCall:
    """What goes over the wire. `url` holds no credentials: they are in `headers`."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None
    is_elsewhere: bool = False
    """It goes to another server than the one that was first requested, without credentials."""

    @classmethod
    def of(
        cls,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        query: Query | None,
        json_body: Any,
        form: Query | None = None,
        raw: str | None = None,
    ) -> HttpCall:
        """A call from what a pipeline says.

        User and password in the URL become basic authentication. `query` is added to the URL's own, `form` is a body
        of form fields; in both lists repeat their key, booleans are `true` and `false`. Raises HttpError for what
        cannot be sent.
        """
        try:
            address, credentials = _without_credentials(url)
        except ValueError as error:
            raise HttpError(method, url, f"it is {error}") from None
        fields = {name: str(value) for name, value in (headers or {}).items()}
        if credentials is not None and not _has(fields, "authorization"):
            fields["Authorization"] = credentials
        if not _has(fields, "accept-encoding"):
            # The one encoding that is decoded here, with a bound (`body`).
            fields["Accept-Encoding"] = "gzip"
        body, media_type = None, ""
        if json_body is not None:
            body, media_type = _encoded(method, url, json_body), "application/json"
        elif form is not None:
            body, media_type = urlencode(_plain(form), doseq=True).encode(), "application/x-www-form-urlencoded"
        elif raw is not None:
            body = raw.encode(errors="surrogatepass")
        if media_type and not _has(fields, "content-type"):
            fields["Content-Type"] = media_type
        return cls(method, _with_query(address, query), fields, body)

    def with_headers(self, headers: Mapping[str, str]) -> HttpCall:
        """The call with these header fields in place of its own of the same names."""
        if not headers:
            return self
        names = {name.lower() for name in headers}
        kept = {name: value for name, value in self.headers.items() if name.lower() not in names}
        return replace(self, headers={**kept, **headers})

    def with_json(self, body: Any) -> HttpCall:
        """The call with another JSON body, or with none. Raises HttpError."""
        if body is None:
            return replace(self, body=None)
        call = self if _has(self.headers, "content-type") else self.with_headers({"Content-Type": "application/json"})
        return replace(call, body=_encoded(self.method, self.url, body))

    def with_query(self, query: Query) -> HttpCall:
        """The call with these query parameters in place of its own of the same names."""
        if not query:
            return self
        parts = urlsplit(self.url)
        kept = [one for one in parts.query.split("&") if one and unquote_plus(one.partition("=")[0]) not in query]
        added = urlencode(_plain(query), doseq=True)
        return replace(self, url=urlunsplit(parts._replace(query="&".join(one for one in (*kept, added) if one))))

    def with_json_value(self, keys: Sequence[str], value: Any, *, alike: bool = False) -> HttpCall:
        """The call with a value put into its JSON body, below these keys, which are made where they are missing.
        `alike`: digits become a number where there is one in its place.

        Raises HttpError where the body has something else than a mapping on the way.
        """
        body = json.loads(self.body) if self.body else None
        inside = body
        for key in keys[:-1]:
            inside = inside.setdefault(key, {}) if isinstance(inside, dict) else None
        if not isinstance(inside, dict):
            raise HttpError(self.method, self.url, f"its JSON body has no mapping to put `{'.'.join(keys)}` into")
        is_number = alike and isinstance(inside.get(keys[-1]), int) and str(value).isdecimal()
        inside[keys[-1]] = int(value) if is_number else value
        return replace(self, body=_encoded(self.method, self.url, body))

    @property
    def has_page(self) -> bool:
        """Whether a page's number or offset has a place of its own in it (`${page.number}`)."""
        return any(_PAGE.search(text) is not None for text in (self.url, repr(self.body), *self.headers.values()))

    def with_page(self, position: int) -> HttpCall:
        """The call with a page's number or offset in its places. Alone in a text of JSON it is a number."""
        headers = {name: _PAGE.sub(str(position), value) for name, value in self.headers.items()}
        body = self.body.decode(errors="surrogateescape") if self.body is not None else None
        if body is not None:
            alone = re.compile(f'"{_PAGE.pattern}"') if _is_json(self.headers) else _PAGE
            body = _PAGE.sub(str(position), alone.sub(str(position), body))
        sent = None if body is None else body.encode(errors="surrogateescape")
        return replace(self, url=_PAGE.sub(str(position), self.url), headers=headers, body=sent)

    def linked(self, target: str, base: str, method: str | None = None) -> HttpCall:
        """The call for an address that a page at `base` links to, by its own method or another one. Another server
        gets no credentials.

        Raises HttpError where it cannot be made.
        """
        try:
            url, _ = _without_credentials(target, base)
        except ValueError as error:
            raise HttpError(self.method, base, f"it links to what is {error}") from None
        call = self if method is None else replace(self, method=method)
        if self.url.startswith("https:") and same_server(self.url, secure := _secured(url)):
            url = secure  # behind a proxy that does TLS, APIs link to themselves by `http`
        if same_server(self.url, url):
            return replace(call, url=url)
        return call._elsewhere(url, "its next page is on")

    def redirected(self, status: int, location: str) -> HttpCall:
        """The call that a redirect asks for (RFC 9110, section 15.4). Raises HttpError where it cannot be made."""
        try:
            target, _ = _without_credentials(location, self.url)
        except ValueError as error:
            raise HttpError(self.method, self.url, f"it was redirected to what is {error}") from None
        if status in (301, 302) and self.method == "POST" and self.body is not None:
            reason = (
                f"it was redirected ({status}) to {shown_url(target)}, where a POST becomes a GET without its body; "
                "request that address itself"
            )
            raise HttpError(self.method, self.url, reason)
        call = self
        if status not in KEEPS_METHOD and (status == 303 or self.method == "POST") and self.method != "HEAD":
            kept = {name: value for name, value in self.headers.items() if name.lower() != "content-type"}
            call = replace(call, method="GET", body=None, headers=kept)
        if same_server(self.url, target):
            return replace(call, url=target)
        return call._elsewhere(target, "it was redirected to")

    def _elsewhere(self, url: str, why: str) -> HttpCall:
        if self.body is not None:
            reason = (
                f"{why} another server ({urlsplit(url).hostname}), which does not get the body; "
                "request that server's URL itself if this is right"
            )
            raise HttpError(self.method, self.url, reason)
        safe = {name: value for name, value in self.headers.items() if name.lower() in SAFE_HEADERS}
        return replace(self, url=url, headers=safe, is_elsewhere=True)


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


def _with_query(url: str, query: Query | None) -> str:
    if not query:
        return url
    added = urlencode(_plain(query), doseq=True)
    parts = urlsplit(url)
    return urlunsplit(parts._replace(query=f"{parts.query}&{added}" if parts.query and added else parts.query or added))


def _plain(fields: Query) -> dict[str, Any]:
    """Without those that are None, as requests does it."""
    return {
        name: [_query_value(item) for item in value if item is not None]
        if isinstance(value, list | tuple)
        else _query_value(value)
        for name, value in fields.items()
        if value is not None
    }


def _query_value(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value


def _encoded(method: str, url: str, body: Any) -> bytes:
    try:
        return json.dumps(body, allow_nan=False).encode()
    except (TypeError, ValueError) as error:
        raise HttpError(method, url, f"the body cannot be written as JSON: {error}") from None


def _is_json(headers: Mapping[str, str]) -> bool:
    return any(key.lower() == "content-type" and "json" in value for key, value in headers.items())


def _has(headers: Mapping[str, str], name: str) -> bool:
    return any(key.lower() == name for key in headers)


def same_server(before: str, after: str) -> bool:
    """Same scheme, host and port; from `http` to `https` on the default ports is the same server too."""
    if before.split("/", 3)[:3] == after.split("/", 3)[:3]:
        return True  # as good as always, and parsing costs
    one, other = urlsplit(before), urlsplit(after)
    if one.hostname != other.hostname:
        return False
    defaults = {"http": 80, "https": 443}
    ports = (one.port or defaults[one.scheme], other.port or defaults[other.scheme])
    if one.scheme == other.scheme:
        return ports[0] == ports[1]
    return one.scheme == "http" and ports == (80, 443)


def _secured(url: str) -> str:
    """The address by `https`, on the same port where it names one that is not the default."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(scheme="https", netloc=parts.netloc.removesuffix(":80")))


def is_server_of(named: str, url: str) -> bool:
    """Whether a text is a URL of the server that `url` leads to, or its host."""
    try:
        server, _ = _without_credentials(named if "://" in named else f"{urlsplit(url).scheme}://{named}")
    except ValueError:
        return False
    return same_server(server, url)


def fields_of(body: bytes) -> Iterator[tuple[str, str]]:
    """The texts of a form or of JSON, each with its name."""
    try:
        pending = [("", json.loads(body))]
    except ValueError:
        yield from parse_qsl(body.decode(errors="replace"))
        return
    while pending:
        name, value = pending.pop()
        if isinstance(value, dict):
            pending += value.items()
        elif isinstance(value, list):
            pending += [(name, one) for one in value]
        elif isinstance(value, str | int):
            yield name, str(value)


def links_of(field: str) -> tuple[list[tuple[str, list[str]]], str]:
    """The links of a field, each its target and its relations in small letters; and what of it cannot be read."""
    links: list[tuple[str, list[str]]] = []
    at = 0
    while (found := _LINK.match(field, (at := _end(_BETWEEN.match(field, at))))) is not None:
        parameters = found["parameters"]
        read = _RELATION.finditer(parameters) if _LEADS_NOWHERE.search(parameters) is None else ()
        relations = [one["rel"] for one in read if one["rel"] is not None]
        # A link may stand for several relations; of several `rel`, the first counts.
        links.append((found["target"].strip(), relations[0].strip("\"'").lower().split() if relations else []))
        at = found.end()
    return links, field[at:].strip()


def _end(match: re.Match[str] | None) -> int:
    assert match is not None  # noqa: S101 # it matches nothing, too
    return match.end()
