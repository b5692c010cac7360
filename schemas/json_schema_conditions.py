"""Which keys of a mapping need or exclude each other, for the JSON Schema; `schemas.rules` say it in lint.

A condition holds for whatever is no mapping: what a value may be besides is said elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from schemas.http_pagination import NEEDED

Schema = dict[str, Any]


def _has(key: str) -> Schema:
    return {"required": [key], "properties": {key: {"not": {"type": "null"}}}}


def _not_both(one: str, other: str) -> Schema:
    return {"anyOf": [{"properties": {key: {"type": "null"}}} for key in (one, other)]}


_REQUEST: Schema = {
    "anyOf": [_has("url"), _has("conn_id")],
    "allOf": [_not_both("url", "conn_id"), _not_both("json", "data")],
}

CONDITIONS: Mapping[str, Schema] = MappingProxyType(
    {
        "Poll": _REQUEST,
        "HttpRequest": _REQUEST,
        "ResponseAction": {"anyOf": [_has("status_code"), _has("content")]},
        "Pagination": {
            "allOf": [
                {"if": {"required": ["type"], "properties": {"type": {"const": kind}}}, "then": _has(key)}
                for kind, key in NEEDED.items()
            ]
        },
    }
)
"""Name of a model → what its mapping must be besides."""
