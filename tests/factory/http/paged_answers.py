"""Routes of a server that gives its rows by pages."""

from __future__ import annotations

import json
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

ROWS = list(range(7))


def answer(handler: BaseHTTPRequestHandler, value: Any, **headers: str) -> None:
    body = json.dumps(value).encode()
    handler.send_response(200)
    for name, text in {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}.items():
        handler.send_header(name, text)
    handler.end_headers()
    handler.wfile.write(body)


def query(handler: BaseHTTPRequestHandler) -> dict[str, str]:
    return {name: values[-1] for name, values in parse_qs(urlsplit(handler.path).query).items()}


def by_page(size: int, first: int = 1, **more: Any) -> Callable[[BaseHTTPRequestHandler], None]:
    def route(handler: BaseHTTPRequestHandler) -> None:
        start = (int(query(handler)["page"]) - first) * size
        answer(handler, {"data": ROWS[start : start + size], **more})

    return route


def by_offset(largest: int) -> Callable[[BaseHTTPRequestHandler], None]:
    def route(handler: BaseHTTPRequestHandler) -> None:
        start = int(query(handler)["offset"])
        answer(handler, ROWS[start : start + min(largest, int(query(handler)["limit"]))])

    return route


def by_cursor(handler: BaseHTTPRequestHandler) -> None:
    start = int(query(handler).get("cursor", 0))
    answer(handler, {"rows": ROWS[start : start + 3], "meta": {"next": start + 3 if start + 3 < len(ROWS) else None}})


def query_of(path: str) -> dict[str, str]:
    return {name: values[-1] for name, values in parse_qs(urlsplit(path).query).items()}
