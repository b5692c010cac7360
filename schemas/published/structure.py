"""Which keys of a mapping need or exclude each other, for the JSON Schema; `schemas.rules` say it in lint.

A condition holds for whatever is no mapping: what a value may be besides is said elsewhere.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from schemas.model.pagination import NEEDED

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


_SHORTEST = 600
"""Characters of JSON; what is shorter is read more easily in its place."""


def shared(schema: Schema) -> Schema:
    """The same schema, with the equal and long ones of its properties as definitions that carry the key's name."""
    seen = Counter(text for _, text in _properties(schema))
    names: dict[str, str] = {}
    for key, text in _properties(schema):
        if seen[text] > 1 and len(text) >= _SHORTEST and text not in names:
            alike = sum(1 for name in names.values() if name.rpartition("_")[0] == key or name == key)
            names[text] = f"{key}_{alike + 1}" if alike or key in schema["definitions"] else key
    found: Schema = {key: _replaced(value, names) for key, value in schema.items()}
    found["definitions"] |= {name: _replaced(json.loads(text), names) for text, name in names.items()}
    used = set(_references(found))
    found["definitions"] = {name: one for name, one in found["definitions"].items() if name in used}
    return found


def _properties(schema: Any) -> Iterator[tuple[str, str]]:
    """Every key of a `properties` with its schema's text."""
    if isinstance(schema, dict):
        properties = schema.get("properties")
        for key, value in properties.items() if isinstance(properties, dict) else ():
            if isinstance(value, dict):
                yield key, json.dumps(value, ensure_ascii=False)
        for value in schema.values():
            yield from _properties(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from _properties(value)


def _replaced(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        properties = value.get("properties")
        if isinstance(properties, dict):
            replaced = {key: _reference(one, names) or _replaced(one, names) for key, one in properties.items()}
            return {key: replaced if key == "properties" else _replaced(one, names) for key, one in value.items()}
        return {key: _replaced(one, names) for key, one in value.items()}
    return [_replaced(one, names) for one in value] if isinstance(value, list) else value


def _reference(value: Any, names: Mapping[str, str]) -> Schema | None:
    name = names.get(json.dumps(value, ensure_ascii=False))
    return {"$ref": f"#/definitions/{name}"} if name is not None else None


def _references(value: Any) -> Iterator[str]:
    """The names of definitions that are referred to."""
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"].rpartition("/")[2]
        for one in value.values():
            yield from _references(one)
    elif isinstance(value, list):
        for one in value:
            yield from _references(one)
