"""Whether an answer is another one than the last that was made use of."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

from factory.http.poll import PollAnswer
from factory.http.selection import search
from schemas.model.cursor import ChangeDetection, ValueDetection

_LONGEST_VALUE = 200
"""Characters. A longer value is kept as its hash: Airflow's stores are made for small values."""

Known = Mapping[str, Any]
"""What is known of an answer: the way it is looked at, and what was seen so."""


def condition(detection: ChangeDetection | None, known: Known | None) -> dict[str, str]:
    """Header fields that ask the server for an answer only if it is another one (RFC 9110, section 13)."""
    if detection == "etag" and known is not None and "etag" in known:
        return {"If-None-Match": known["etag"]}
    if detection == "last_modified" and known is not None and "last_modified" in known:
        return {"If-Modified-Since": known["last_modified"]}
    return {}


def known_of(detection: ChangeDetection, answer: PollAnswer) -> dict[str, Any]:
    """What to keep of an answer; empty where the server does not say what is looked for."""
    if isinstance(detection, ValueDetection):
        return {"path": detection.path, "value": _short(search(detection.path)(answer.body))}
    if detection == "hash":
        return {"hash": answer.digest}
    field = {"etag": "ETag", "last_modified": "Last-Modified"}[detection]
    value = answer.headers.get(field)
    return {detection: value} if value and _is_sendable(detection, value) else {}


def is_unchanged(known: Known | None, seen: Known) -> bool:
    """Whether an answer is the same as the one that is known. Nothing known or nothing seen counts as another."""
    return bool(seen) and known is not None and dict(seen) == dict(known)


def _is_sendable(detection: str, value: str) -> bool:
    """A date that is none would make the server ignore the condition, or refuse the request."""
    if detection == "etag":
        return True
    try:
        parsedate_to_datetime(value)
    except ValueError:
        return False
    return True


def _short(value: Any) -> Any:
    text = json.dumps(value, sort_keys=True)
    return value if len(text) <= _LONGEST_VALUE else hashlib.sha256(text.encode()).hexdigest()
