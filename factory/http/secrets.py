"""What a call carries that its server may send back, and that must not reach a log."""

from __future__ import annotations

import base64
import binascii
import html
import json
import re
from collections.abc import Collection, Iterator
from urllib.parse import parse_qsl, quote, quote_plus, unquote, urlsplit

from factory.http.call import SAFE_HEADERS, HttpCall
from factory.http.errors import is_like_key

BLANK = "***"
_SECRET_NAME = re.compile(
    r"key|token|secret|passw|pwd|auth|sig(?:nature)?$|sign$|credential|session|cookie|jwt|^pass$|^code$|^sas$|user|login",
    re.IGNORECASE,
)
_SHORTEST = 4
"""Characters. What is shorter keeps no secret and would be found in any text."""


class Secrets:
    """Values of header fields but harmless ones, of query parameters that are named like secrets, and user and
    password, of the calls of one request. `parts` are more of them."""

    def __init__(self, *calls: HttpCall, parts: Collection[str] = ()) -> None:
        values = {value for call in calls for value in _values(call)} | set(parts)
        self._forms = {form for value in values for form in _forms(value) if len(form) >= _SHORTEST}

    def blanked_in(self, text: str) -> str:
        """The text with each value blanked, also as it is written in URLs, HTML and JSON."""
        if not self._forms:
            return text
        return re.sub("|".join(map(re.escape, sorted(self._forms, key=len, reverse=True))), BLANK, text)


def _values(call: HttpCall) -> Iterator[str]:
    for name, value in call.headers.items():
        if name.lower() not in SAFE_HEADERS:
            yield value
            # A server may echo a field without its scheme, or one cookie of several.
            yield value.partition(" ")[2]
            yield from (part.partition("=")[2] for part in re.split(r"[\s;,]+", value))
            yield from _user_and_password(value)
    parts = urlsplit(call.url)
    for name, value in parse_qsl(parts.query):
        if _SECRET_NAME.search(name):
            yield value
    for part in parts.path.split("/"):
        if is_like_key(part):
            yield unquote(part)


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


def _forms(value: str) -> Iterator[str]:
    yield from (value, quote(value, safe=""), quote(value), quote_plus(value), html.escape(value))
    yield json.dumps(value)[1:-1]
    yield json.dumps(value, ensure_ascii=False)[1:-1]
