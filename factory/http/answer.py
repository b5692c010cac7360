"""An answer: its body read with a bound, then decoded by its Content-Type."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from email.message import Message
from functools import lru_cache
from math import isinf
from typing import Any

import requests
import urllib3

from factory.http.deadline import BODY_TIMEOUTS, BodyDeadline, OverdueError
from factory.http.errors import Timeouts, is_passing, reason_of

CHUNK_BYTES = 64 * 1024
_EXCERPT_BYTES = 8 * 1024
_GZIP = 16 + zlib.MAX_WBITS
_UNKEEPABLE = re.compile("[\\0\ud800-\udfff]")
_UNKEEPABLE_BYTES = re.compile(rb"\x00|\\u(?:0000|[dD][89a-fA-F])")


class AnswerError(Exception):
    """An answer cannot be used; its text is the reason, without the request.

    `passing`: the same request may well be answered better a little later.
    """

    def __init__(self, reason: str, *, passing: bool = False) -> None:
        super().__init__(reason)
        self.passing = passing


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer. `body` is decompressed; `blanked` takes out of a text what must not be shown."""

    status: int
    content_type: str | None
    body: bytes
    blanked: Callable[[str], str] = str

    def decoded(self) -> Any:
        """JSON if the Content-Type says so, else text; None for an empty body.

        Text is in the charset that the Content-Type names, else in UTF-8. Raises AnswerError for a body that is not
        what its Content-Type says.
        """
        if not self.body:
            return None
        media_type, charset = _parsed(self.content_type or "text/plain")
        if media_type in ("application/json", "text/json") or media_type.endswith("+json"):
            return self._json()
        return _text(self.body, charset, media_type)

    def excerpt(self, characters: int = 300) -> str:
        """The start of the body on one line, without what must not be shown."""
        start = self.blanked(self.body[:_EXCERPT_BYTES].decode(errors="replace"))
        return self.shortened(start, characters)

    @staticmethod
    def shortened(text: str, characters: int = 300) -> str:
        """A text on one line, its end left out where it is long."""
        line = " ".join("".join(c if c.isprintable() else " " for c in text[:_EXCERPT_BYTES]).split())
        return line if len(line) <= characters else line[:characters] + "…"

    def _json(self) -> Any:
        try:
            return json.loads(self.body, parse_constant=_no_constant, parse_float=_finite)
        except RecursionError:
            raise AnswerError("the answer is JSON that is nested too deeply") from None
        except json.JSONDecodeError as error:
            place = f"line {error.lineno}, column {error.colno}"
            raise AnswerError(f"the answer is not JSON ({error.msg}, {place}): {self.excerpt()}") from None
        except UnicodeDecodeError as error:
            raise AnswerError(f"the answer is not JSON (no UTF-8 at byte {error.start}): {self.excerpt()}") from None
        except _NotANumberError as error:
            raise AnswerError(f"the answer is not JSON ({error}): {self.excerpt()}") from None
        except ValueError:
            # Python takes no whole number of more digits: reading one would take time that grows with their square.
            raise AnswerError(f"a whole number of the answer has too many digits: {self.excerpt()}") from None


def has_unkeepable_text(body: bytes, value: Any) -> bool:
    """Whether a decoded body holds text that PostgreSQL refuses in JSON: U+0000, or half of a surrogate pair."""
    if _UNKEEPABLE_BYTES.search(body) is None:
        # As good as always; looking at each value costs.
        return False
    pending = [value]
    while pending:
        one = pending.pop()
        if isinstance(one, str) and _UNKEEPABLE.search(one) is not None:
            return True
        if isinstance(one, dict):
            pending += [*one, *one.values()]
        elif isinstance(one, list):
            pending += one
    return False


def media_type_of(content_type: str | None) -> str:
    """`application/json` of `application/json; charset=utf-8`, in small letters; empty where there is none."""
    return _parsed(content_type)[0] if content_type else ""


@lru_cache(maxsize=64)
def _parsed(content_type: str) -> tuple[str, str | None]:
    header = Message()
    header["Content-Type"] = content_type
    charset = header.get_param("charset")
    return header.get_content_type(), charset if isinstance(charset, str) else None


def read_body(response: requests.Response, max_bytes: int, timeouts: Timeouts, deadline: BodyDeadline) -> bytes:
    """The whole body, decompressed; memory stays near `max_bytes`, however well the body is compressed.

    Raises AnswerError for a body that is larger, cut off, compressed in a way that was not asked for, or not there
    within ten times the timeout of each of its pieces.
    """
    announced = response.headers.get("Content-Length", "")
    if announced.isdigit() and int(announced) > max_bytes and response.request.method != "HEAD":
        raise AnswerError(f"the answer has {int(announced):,} bytes, more than `max_bytes` ({max_bytes:,})")
    decoder = _decoder(response.headers.get("Content-Encoding", "identity"))
    body = bytearray()
    try:
        with deadline.over(response):
            for piece in response.raw.stream(CHUNK_BYTES, decode_content=False):
                body += decoder.decode(piece, max_bytes + 1 - len(body))
                if len(body) > max_bytes:
                    raise AnswerError(f"the answer has more than {max_bytes:,} bytes (`max_bytes`)")
    except OverdueError:
        raise _overdue(timeouts) from None
    except (urllib3.exceptions.HTTPError, requests.RequestException, OSError) as error:
        raise AnswerError(reason_of(error, timeouts), passing=is_passing(error)) from None
    decoder.finish()
    return bytes(body)


def read_start(response: requests.Response, max_bytes: int, timeouts: Timeouts, deadline: BodyDeadline) -> bytes:
    """What can be had of the body's start, for an answer that is refused anyway."""
    body = bytearray()
    try:
        decoder = _decoder(response.headers.get("Content-Encoding", "identity"))
        with deadline.over(response):
            for piece in response.raw.stream(max_bytes, decode_content=False):
                body += decoder.decode(piece, max_bytes - len(body))
                if len(body) >= max_bytes:
                    break
    except OverdueError:
        body += f" ({_overdue(timeouts)})".encode()
    except (AnswerError, urllib3.exceptions.HTTPError, requests.RequestException, OSError) as error:
        # The status is what is wrong with the answer; a body that ends early only shortens the excerpt.
        note = str(error) if isinstance(error, AnswerError) else reason_of(error, timeouts)
        body += f" ({note})".encode()
    return bytes(body)


def _overdue(timeouts: Timeouts) -> AnswerError:
    seconds = BODY_TIMEOUTS * timeouts.read
    return AnswerError(f"the answer did not end within {seconds:g} s ({BODY_TIMEOUTS} times `timeout`)", passing=True)


class _Identity:
    def decode(self, data: bytes, limit: int) -> bytes:
        return data[:limit]

    def finish(self) -> None:
        """Nothing is held back."""


class _Gzip:
    """Gzip of one or several members (RFC 1952); never gives more than asked for at once."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(_GZIP)
        self._started = False

    def decode(self, data: bytes, limit: int) -> bytes:
        decoded = bytearray()
        try:
            while data and len(decoded) < limit:
                if self._member.eof:
                    self._member = zlib.decompressobj(_GZIP)
                self._started = True
                # At the limit the caller stops, so what is then left unconsumed is not needed.
                decoded += self._member.decompress(data, limit - len(decoded))
                data = self._member.unused_data
        except zlib.error:
            raise AnswerError("the answer says that it is gzip, but it is not") from None
        return bytes(decoded)

    def finish(self) -> None:
        if self._started and not self._member.eof:
            raise AnswerError("the answer is cut off: its gzip data ends in the middle", passing=True)


def _decoder(encoding: str) -> _Identity | _Gzip:
    name = encoding.strip().lower()
    if name in ("", "identity"):
        return _Identity()
    if name in ("gzip", "x-gzip"):
        return _Gzip()
    raise AnswerError(f"the answer is compressed as `{name}`, which was not asked for (gzip was)")


class _NotANumberError(ValueError):
    """What stands where a number does is none that can be handed on."""


def _no_constant(name: str) -> Any:
    # Python's parser takes NaN and Infinity, which are not JSON; PostgreSQL refuses them in an XCom.
    raise _NotANumberError(f"{name} is not a JSON number")


def _finite(text: str) -> float:
    value = float(text)
    if isinf(value):
        raise _NotANumberError(f"the number {text[:40]} is too large")
    return value


def _text(body: bytes, charset: str | None, media_type: str) -> str:
    try:
        return body.decode(charset or "utf-8")
    except LookupError:
        raise AnswerError(f"the answer's charset `{charset}` is not known") from None
    except UnicodeDecodeError:
        named = f"charset `{charset}`" if charset else "UTF-8 (its Content-Type names no charset)"
        raise AnswerError(f"the answer ({media_type}) is not text in {named}") from None
