"""`${cursor.start}`, `${cursor.end}` and `${each.NAME}`: values that are known when a request is made."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from schemas.model.http import HttpRequest

_PLACEHOLDER = re.compile(r"\$\{(?P<root>cursor|each)\.(?P<name>[A-Za-z_][\w.-]*)\}")
_FIELDS = ("url", "headers", "params", "json_body", "data", "body")


class MissingValueError(Exception):
    """A request takes a value that there is none of; the text says which."""


def filled(request: HttpRequest, root: str, values: Mapping[str, Any]) -> HttpRequest:
    """The request with the values of one root, such as `cursor`. Alone in a text a value keeps its type; inside one,
    lists are joined by commas, and in the URL values are escaped. Raises MissingValueError."""
    changed = {}
    for field in _FIELDS:
        before = getattr(request, field)
        after = _filled(before, root, values, in_url=field == "url")
        if after is not before:
            changed[field] = after
    return request.model_copy(update=changed) if changed else request


def _filled(value: Any, root: str, values: Mapping[str, Any], *, in_url: bool = False) -> Any:
    if isinstance(value, str):
        return _text(value, root, values, in_url) if f"${{{root}." in value else value
    if isinstance(value, dict):
        return {key: _filled(child, root, values) for key, child in value.items()}
    return [_filled(child, root, values) for child in value] if isinstance(value, list) else value


def _text(text: str, root: str, values: Mapping[str, Any], in_url: bool) -> Any:
    whole = _PLACEHOLDER.fullmatch(text)
    if whole is not None and whole["root"] == root:
        return _value(values, root, whole["name"])

    def replaced(match: re.Match[str]) -> str:
        if match["root"] != root:
            return match.group()
        value = _value(values, root, match["name"])
        if isinstance(value, list):
            return ",".join(_plain(one, in_url) for one in value)
        return _plain(value, in_url)

    return _PLACEHOLDER.sub(replaced, text)


def _value(values: Mapping[str, Any], root: str, name: str) -> Any:
    found: Any = values
    for key in name.split("."):
        found = found.get(key) if isinstance(found, Mapping) else None
    if found is None:
        raise MissingValueError(f"there is no value for `${{{root}.{name}}}`")
    return found


def _plain(value: Any, in_url: bool) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return quote(text, safe="") if in_url else text
