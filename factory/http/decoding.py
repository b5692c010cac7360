"""What an answer says: its body decoded, by what the pipeline says, its Content-Type, or the ending of its URL."""

from __future__ import annotations

import base64
import io
import json
import lzma
import re
import zipfile
import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from email.message import Message
from functools import lru_cache
from math import isinf
from typing import Any
from urllib.parse import urlsplit

from pydantic_core import from_json

from factory.http.body import AnswerError, Gzip
from factory.http.formats import CsvPages, check_last, csv_rows, in_place_of_csv, xml_value
from schemas.model.http import Csv, HttpRequest

_EXCERPT_BYTES = 8 * 1024
_HTML = re.compile(r"\s*(?:<!doctype html|<html)\b", re.IGNORECASE)
_BY_TYPE = {
    "application/json": "json",
    "text/json": "json",
    "application/x-ndjson": "jsonl",
    "application/ndjson": "jsonl",
    "application/jsonl": "jsonl",
    "application/x-jsonlines": "jsonl",
    "text/csv": "csv",
    "application/csv": "csv",
    "application/xml": "xml",
    "text/xml": "xml",
}
_BY_ENDING = {".jsonl": "jsonl", ".ndjson": "jsonl", ".csv": "csv", ".xml": "xml", ".json": "json"}
_VAGUE_TYPES = ("", "text/plain", "text/html", "application/octet-stream", "binary/octet-stream")
"""Types under which servers also send JSON and files."""
_COMPRESSED = {
    "application/gzip": "gzip",
    "application/x-gzip": "gzip",
    "application/zip": "zip",
    "application/x-zip-compressed": "zip",
}

_BAD_ZIP = (zipfile.BadZipFile, zlib.error, lzma.LZMAError)
_UNREADABLE_ZIP = (*_BAD_ZIP, NotImplementedError, RuntimeError, EOFError, OSError, ValueError)


@dataclass(frozen=True, slots=True)
class Decoding:
    """How the bodies of a poll are decoded. `selects`: the request takes a part of them, which text has none of."""

    format: str | None = None
    compression: str | None = None
    encoding: str | None = None
    csv: Csv | None = None
    exact: bool = False
    selects: bool = False
    takes_html: bool = False
    max_bytes: int = 1_048_576
    pages: CsvPages | None = None
    looks_at_last: bool = False

    @classmethod
    def of(cls, request: HttpRequest) -> Decoding:
        """What a request says of it."""
        selects = (
            request.data_selector is not None
            or request.pagination is not None
            or request.incremental is not None
            or request.until is not None
            or request.each is not None
            or request.to is not None
            or request.expect.condition is not None
            or request.expect.json_schema is not None
            or any(action.condition is not None for action in request.response_actions)
            or (request.change_detection is not None and not isinstance(request.change_detection, str))
        )
        exact = request.decimals == "text"
        written = (request.format, request.compression, request.encoding, request.csv)
        takes_html = "html" in (request.data_selector or "").lower()
        pages = CsvPages() if request.pagination is not None else None
        looks_at_last = "[-1]" in (request.expect.condition or "")
        return cls(*written, exact, selects, takes_html, request.max_bytes, pages, looks_at_last)


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer from `url`. `body` is decompressed; `blanked` removes from a text what must not be shown."""

    status: int
    content_type: str | None
    body: bytes
    url: str = ""
    decoding: Decoding = Decoding()
    blanked: Callable[[str], str] = str

    def decoded(self) -> Any:
        """The value of the body; of an empty one no rows where bodies of its format are rows, else None. Raises
        AnswerError for a body that is not what it is said to be."""
        media_type, charset = _parsed(self.content_type or "")
        path = urlsplit(self.url).path.lower()
        if not self.body:
            return [] if self._format(path, media_type)[0] in ("jsonl", "csv") else None
        body, path, media_type = self._unpacked(path, media_type)
        kind, is_certain = self._format(path, media_type)
        charset = self.decoding.encoding or charset
        if kind == "bytes":
            return base64.b64encode(body).decode()
        if kind == "json":
            return self._json(body, charset)
        if kind == "xml":
            value = xml_value(body, charset)
            if self.decoding.selects and not self.decoding.takes_html and "html" in map(str.lower, value):
                raise AnswerError(f"the answer is a page of HTML, not XML of data: {self.excerpt()}")
            return value
        if kind == "text" and not is_certain and self.decoding.selects:
            return self._told(body, charset, media_type)
        text = _text(body, charset, media_type)
        if kind in ("jsonl", "csv") and _HTML.match(text) is not None:
            # A login page would be rows of one column.
            raise AnswerError(f"the answer is a page of HTML, not {kind}: {self.excerpt()}")
        if kind == "jsonl":
            lines = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
            rows = None
            if not self.decoding.exact and not _may_be_infinite(body):
                with suppress(ValueError):
                    rows = [from_json(line, allow_inf_nan=False) for _, line in lines]
            rows = [self._loaded(line, number) for number, line in lines] if rows is None else rows
            if not self.decoding.looks_at_last:
                check_last(rows)
            return rows
        if kind != "csv":
            return text
        has_header = "header=absent" not in (self.content_type or "").lower().replace(" ", "")
        form = self.decoding.csv or Csv.model_construct(header=has_header)
        if (what := in_place_of_csv(text, form)) is not None:
            raise AnswerError(f"the answer is {what}, not csv: {self.excerpt()}")
        shown = None if self.decoding.looks_at_last else lambda tail: self.shortened(self.blanked(tail))
        return csv_rows(text, form, self.decoding.pages, shown)

    def excerpt(self, characters: int = 300) -> str:
        """The start of the body on one line, without what must not be shown."""
        start = self.blanked(self.body[:_EXCERPT_BYTES].decode(errors="replace"))
        return self.shortened(start, characters)

    @staticmethod
    def shortened(text: str, characters: int = 300) -> str:
        """A text on one line, its end left out where it is long."""
        line = " ".join("".join(c if c.isprintable() else " " for c in text[:_EXCERPT_BYTES]).split())
        return line if len(line) <= characters else line[:characters] + "…"

    def _format(self, path: str, media_type: str) -> tuple[str, bool]:
        """The format, and whether the pipeline or the answer says so."""
        if self.decoding.format is not None:
            return self.decoding.format, True
        found = _BY_TYPE.get(media_type, "")
        if media_type.endswith(("+json", "+xml")):
            found = media_type.rpartition("+")[2]
        if found == "json" or (found and (self.decoding.selects or self.decoding.csv is not None)):
            return found, True
        ending = path[path.rfind(".") :] if "." in path else ""
        if media_type in _VAGUE_TYPES and ending in _BY_ENDING and self.decoding.selects:
            return _BY_ENDING[ending], True
        return "text", False

    def _told(self, body: bytes, charset: str | None, media_type: str) -> Any:
        """JSON under a type that does not say so; text has no parts that could be selected."""
        if body.lstrip()[:1] in (b"{", b"[", b"\xef"):
            return self._json(body, charset)
        named = media_type or "of no content type"
        hint = "it may be a page to log in, or " if media_type == "text/html" else ""
        raise AnswerError(f"the answer is {named}, not JSON; {hint}`format` says how to decode it: {self.excerpt()}")

    def _unpacked(self, path: str, media_type: str) -> tuple[bytes, str, str]:
        """The body without the compression of a file, and the path and type of what was inside."""
        how = self.decoding.compression or _COMPRESSED.get(media_type)
        if how is None and self.decoding.selects:
            how = "gzip" if path.endswith(".gz") else "zip" if path.endswith(".zip") else None
        if how == "gzip" and (self.decoding.compression is not None or self.body[:2] == b"\x1f\x8b"):
            if self.body[:2] != b"\x1f\x8b":
                raise AnswerError(f"the answer is not a gzip file: {self.excerpt()}")
            unzip = Gzip()
            body = unzip.decode(self.body, self.decoding.max_bytes + 1)
            if len(body) <= self.decoding.max_bytes:
                unzip.finish()
            self._check_size(len(body))
            return body, path.removesuffix(".gz"), "" if media_type in _COMPRESSED else media_type
        if how == "zip":
            return self._unzipped()
        return self.body, path, media_type

    def _unzipped(self) -> tuple[bytes, str, str]:
        try:
            with zipfile.ZipFile(io.BytesIO(self.body)) as archive:
                files = [one for one in archive.infolist() if not one.is_dir()]
                if len(files) != 1:
                    raise AnswerError(f"the archive holds {len(files)} files, and `compression: zip` takes one")
                with archive.open(files[0]) as file:
                    body = file.read(self.decoding.max_bytes + 1)
        except _UNREADABLE_ZIP as error:
            raise AnswerError(f"the answer is not a zip archive that can be read: {error}") from None
        self._check_size(len(body))
        return body, files[0].filename.lower(), ""

    def _check_size(self, size: int) -> None:
        if size > self.decoding.max_bytes:
            raise AnswerError(f"the answer has more than {self.decoding.max_bytes:,} bytes (`max_bytes`)")

    def _json(self, body: bytes, charset: str | None) -> Any:
        if not self.decoding.exact and self.decoding.encoding is None and not _may_be_infinite(body):
            # The same value in less than half the time; what it does not take, Python's parser does, or names.
            with suppress(ValueError):
                return from_json(body, allow_inf_nan=False)
        try:
            # Python's own reading of bytes lets half of a surrogate pair in UTF-8 pass.
            text = body.decode(self.decoding.encoding or json.detect_encoding(body))
        except (LookupError, UnicodeDecodeError) as error:
            at = error.start if isinstance(error, UnicodeDecodeError) else 0
            raise AnswerError(f"the answer is not JSON (no UTF-8 at byte {at}): {self.excerpt()}") from None
        except UnicodeError:
            raise AnswerError(f"the encoding `{charset}` is not known") from None
        return self._loaded(text.removeprefix("\ufeff"))

    def _loaded(self, text: str, line: int | None = None) -> Any:
        """The value of a JSON text; `line` is its place in an answer that has one on each line."""
        try:
            return json.loads(text, parse_constant=_no_constant, parse_float=str if self.decoding.exact else _finite)
        except RecursionError:
            message = "is JSON that is nested too deeply"
        except json.JSONDecodeError as error:
            place = f"column {error.colno}" if line else f"line {error.lineno}, column {error.colno}"
            message = f"is not JSON ({error.msg}, {place})"
        except _NotANumberError as error:
            message = f"is not JSON ({error})"
        except ValueError:
            # Python takes no whole number of more digits: reading one would take time that grows with their square.
            message = "has a whole number of too many digits"
        shown = self.shortened(self.blanked(text)) if line else self.excerpt()
        raise AnswerError(f"line {line} of the answer {message}: {shown}" if line else f"the answer {message}: {shown}")


def media_type_of(content_type: str | None) -> str:
    """`application/json` of `application/json; charset=utf-8`, in small letters; empty where there is none."""
    return _parsed(content_type)[0] if content_type else ""


@lru_cache(maxsize=64)
def _parsed(content_type: str) -> tuple[str, str | None]:
    if not content_type:
        return "", None
    header = Message()
    header["Content-Type"] = content_type
    charset = header.get_param("charset")
    return header.get_content_type(), charset if isinstance(charset, str) else None


_SIGNS = bytes.maketrans(b"123456789.E \t\r\n:[", b"0000000000e,,,,,,")
_LARGE = re.compile(rb"(?:^|,)-?0+e\+?000")
_LONG = b"0" * 200


def _may_be_infinite(body: bytes) -> bool:
    """Whether a number may be too large for a float, by a quick look: many digits, or three in an exponent."""
    signs = body.translate(_SIGNS)
    return _LONG in signs or ((b"0e000" in signs or b"0e+000" in signs) and _LARGE.search(signs) is not None)


class _NotANumberError(ValueError):
    """A number cannot be handed on."""


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
        return body.decode(charset or "utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError:
        named = f"charset `{charset}`" if charset else "UTF-8 (its Content-Type names no charset)"
        raise AnswerError(f"the answer ({media_type or 'of no content type'}) is not text in {named}") from None
    except (LookupError, UnicodeError):
        raise AnswerError(f"the answer's charset `{charset}` is not known") from None
