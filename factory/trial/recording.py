"""`factory test --record`: real answers become fixtures, without what identifies a person or proves who asks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import requests

from factory.trial.fixture_server import Request
from schemas.compose.env_values import looks_like_secret

KEPT_HEADERS = ("content-type", "link", "etag", "last-modified", "retry-after", "location")
"""Header fields of an answer that a poll looks at. No other is kept: cookies and request ids identify people."""
NOT_SENT = ("host", "proxy-connection", "connection", "content-length", "accept-encoding")
HIDDEN = "hidden"


def forwarded(request: Request) -> tuple[Mapping[str, Any], tuple[int, dict[str, str], bytes]]:
    """The fixture of a real answer, and the answer."""
    headers = {name: value for name, value in request.headers.items() if name.lower() not in NOT_SENT}
    with requests.Session() as session:
        session.trust_env = False
        answer = session.request(
            request.method, request.url, headers=headers, data=request.body or None, timeout=60, allow_redirects=False
        )
    kept = {name: value for name, value in answer.headers.items() if _is_kept(name.lower())}
    response: dict[str, Any] = {"status": answer.status_code} if answer.status_code != requests.codes.ok else {}
    try:
        response["json"] = answer.json()
        kept.pop("Content-Type", None)
    except ValueError:
        response["text"] = answer.text
    if kept:
        response["headers"] = kept
    params = {name: _shown(name, values) for name, values in request.query.items()}
    asked: dict[str, Any] = {"url": request.address, "method": request.method}
    if request.method == "GET":
        del asked["method"]
    if params:
        asked["params"] = {name: value for name, value in params.items() if value != HIDDEN}
    body = _json(request.body)
    if body is not None:
        asked["json"] = body
    return {"request": asked, "response": response}, (answer.status_code, dict(kept), answer.content)


def _is_kept(name: str) -> bool:
    return name in KEPT_HEADERS or name.startswith("x-total")


def _shown(name: str, values: list[str]) -> Any:
    if looks_like_secret(name):
        return HIDDEN
    return values[0] if len(values) == 1 else values


def _json(body: bytes) -> Any:
    try:
        return json.loads(body) if body else None
    except ValueError:
        return None
