"""A server whose answers change: rows after a cursor, and a document with ETag and Last-Modified."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

from .http_server import Server

PAGE_ROWS = 2
DATES = ("Thu, 01 Jan 2026 00:00:00 GMT", "Fri, 02 Jan 2026 00:00:00 GMT")


class ShopServer(Server):
    """`/rows?since=N`: rows with a larger id, three from the start; `/more/N` adds some; `/pages`: the same
    by pages of two.
    `/times`, `/orders`: rows with a time each; `/returns`: such rows by pages, newest first, whatever is asked for.
    `/document`, `/prices`, `/stock`, `/catalogue`: one that `/change` changes."""

    def __init__(self) -> None:
        super().__init__()
        self.rows = 3
        self.version = 0
        self.routes |= {
            "/rows": self._rows,
            "/pages": self._pages,
            "/times": self._times,
            "/orders": self._orders,
            "/returns": self._returns,
            "/catalogue": self.document,
            "/document": self.document,
            "/prices": self.document,
            "/stock": self.document,
            "/change": self._change,
            "/more/1": lambda handler: self._more(handler, 1),
            "/more/3": lambda handler: self._more(handler, 3),
        }

    def _rows(self, handler: BaseHTTPRequestHandler) -> None:
        since = int(parse_qs(urlsplit(handler.path).query).get("since", ["0"])[0])
        send(handler, [{"id": number} for number in range(since + 1, self.rows + 1)])

    def _pages(self, handler: BaseHTTPRequestHandler) -> None:
        query = parse_qs(urlsplit(handler.path).query)
        first = int(query.get("since", ["0"])[0]) + PAGE_ROWS * (int(query["page"][0]) - 1)
        send(handler, [{"id": number} for number in range(first + 1, min(first + PAGE_ROWS, self.rows) + 1)])

    def _times(self, handler: BaseHTTPRequestHandler) -> None:
        send(handler, [{"at": f"2026-01-0{day}T12:30:00Z"} for day in (2, 3, 1)])

    def _orders(self, handler: BaseHTTPRequestHandler) -> None:
        send(handler, [{"id": day, "updated_at": f"2026-01-0{day}T12:30:00Z"} for day in (2, 3, 1)])

    def _returns(self, handler: BaseHTTPRequestHandler) -> None:
        newest = 6 - PAGE_ROWS * (int(parse_qs(urlsplit(handler.path).query)["page"][0]) - 1)
        days = range(newest, max(newest - PAGE_ROWS, 0), -1)
        send(handler, [{"id": day, "updated_at": f"2026-01-0{day}T12:30:00Z"} for day in days])

    def document(self, handler: BaseHTTPRequestHandler) -> None:
        fields = {"ETag": f'"v{self.version}"', "Last-Modified": DATES[self.version]}
        same = {"If-None-Match": fields["ETag"], "If-Modified-Since": fields["Last-Modified"]}
        if any(handler.headers.get(name) == value for name, value in same.items()):
            handler.send_response(304)
            handler.end_headers()
        else:
            send(handler, {"version": self.version}, fields)

    def _change(self, handler: BaseHTTPRequestHandler) -> None:
        self.version = 1 - self.version
        send(handler, None)

    def _more(self, handler: BaseHTTPRequestHandler, count: int) -> None:
        self.rows += count
        send(handler, None)


def send(handler: BaseHTTPRequestHandler, value: Any, fields: dict[str, str] | None = None) -> None:
    """Answer with JSON."""
    body = json.dumps(value).encode()
    handler.send_response(200)
    for name, text in ({"Content-Type": "application/json", "Content-Length": str(len(body))} | (fields or {})).items():
        handler.send_header(name, text)
    handler.end_headers()
    handler.wfile.write(body)
