"""What the published JSON Schema says of a place in a document: its keys, values and texts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import schemas
from factory.cli.editor.outline import Outline
from schemas.findings.paths import DataPath

Schema = Mapping[str, Any]
_MOST_STEPS = 60
"""Nested `$ref`, `allOf` and `then` that are followed: the schema of tasks contains itself."""


@cache
def published(name: str) -> Schema:
    """One of the package's schemas, by its file name."""
    text = Path(schemas.__file__).with_name(name).read_text(encoding="utf-8")
    loaded: Schema = json.loads(text)
    return loaded


class SchemaHelp:
    """Looks places up in one schema; `if` is decided by what `outline` holds."""

    def __init__(self, schema: Schema, outline: Outline) -> None:
        self._root = schema
        self._outline = outline

    def at(self, path: DataPath) -> list[Schema]:
        """The schemas that hold for a path; none where nothing is known of it."""
        found = list(self._expanded(self._root, ()))
        for position, key in enumerate(path):
            here = path[: position + 1]
            found = [
                part for schema in found for child in _children(schema, key) for part in self._expanded(child, here)
            ]
        return found

    def keys(self, path: DataPath) -> dict[str, Schema]:
        """The keys of the mapping at a path that are allowed there, each with its own schema."""
        allowed: dict[str, Schema] = {}
        refused = set()
        for schema in self.at(path):
            for key, child in schema.get("properties", {}).items():
                if child is False:
                    refused.add(key)
                elif isinstance(child, dict) and (key not in allowed or "description" not in allowed[key]):
                    allowed[key] = next(iter(self._resolved(child)), child)
        return {key: schema for key, schema in allowed.items() if key not in refused}

    def values(self, path: DataPath) -> list[Any]:
        """The values that a place can have, or examples of them."""
        found: list[Any] = []
        for schema in self.at(path):
            found += [*schema.get("enum", ()), *([schema["const"]] if "const" in schema else ())]
            if "boolean" in _types(schema):
                found += [True, False]
            found += [one for one in schema.get("examples", ()) if not isinstance(one, dict | list)]
        return list(dict.fromkeys(found))

    def description(self, path: DataPath) -> str:
        """The help of a key, as Markdown; empty where there is none."""
        for schema in self.at(path):
            text = schema.get("markdownDescription") or schema.get("description")
            if text:
                return str(text)
        return ""

    def _resolved(self, schema: Schema) -> Iterator[Schema]:
        if "$ref" in schema:
            target: Any = self._root
            for part in str(schema["$ref"]).removeprefix("#/").split("/"):
                target = target[part]
            yield {**target, **{key: value for key, value in schema.items() if key != "$ref"}}
        else:
            yield schema

    def _expanded(self, schema: Any, path: DataPath, steps: int = 0) -> Iterator[Schema]:
        """A schema and those that it includes for a value at a path."""
        if not isinstance(schema, dict) or steps > _MOST_STEPS:
            return
        for one in self._resolved(schema):
            yield one
            for kind in ("allOf", "anyOf", "oneOf"):
                for part in one.get(kind, ()):
                    yield from self._expanded(part, path, steps + 1)
            if "if" in one:
                branch = "then" if self._holds(one["if"], path) else "else"
                yield from self._expanded(one.get(branch), path, steps + 1)

    def _holds(self, condition: Schema, path: DataPath) -> bool:
        """Whether a condition of the published schemas holds: they ask for keys, and for the text of one."""
        keys = self._outline.keys(path)
        if not set(condition.get("required", ())) <= keys:
            return False
        if "not" in condition and self._holds(condition["not"], path):
            return False
        if "anyOf" in condition and not any(self._holds(one, path) for one in condition["anyOf"]):
            return False
        return all(self._is(path, key, asked) for key, asked in condition.get("properties", {}).items())

    def _is(self, path: DataPath, key: str, asked: Any) -> bool:
        if not isinstance(asked, dict):
            return bool(asked)
        value = self._outline.value((*path, key))
        if "const" in asked:
            return bool(value == asked["const"])
        if "enum" in asked:
            return value in asked["enum"]
        return True


def _children(schema: Schema, key: str | int) -> Sequence[Any]:
    if isinstance(key, int):
        return [schema["items"]] if isinstance(schema.get("items"), dict) else []
    properties = schema.get("properties", {})
    if key in properties:
        return [properties[key]]
    more = schema.get("additionalProperties")
    return [more] if isinstance(more, dict) else []


def _types(schema: Schema) -> Sequence[str]:
    types = schema.get("type", ())
    return [types] if isinstance(types, str) else list(types)
