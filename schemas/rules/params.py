"""`params`: the simple part of JSON Schema against the defaults; the build holds them against all of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from schemas.codes import Code
from schemas.data_path import DataPath
from schemas.diagnostics import Diagnostic
from schemas.environment import EnvText
from schemas.mend import word as mend_of
from schemas.subject import Subject
from schemas.suggestions import meant

SCHEMA_KEYWORDS = frozenset(
    {
        *("type", "default", "enum", "const", "format", "title", "description"),
        *("anyOf", "oneOf", "allOf", "examples"),
    }
)
"""At least one of these stands in a JSON Schema mapping that means something in a trigger form."""


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_TYPES: Mapping[str, Callable[[Any], bool]] = MappingProxyType(
    {
        "string": lambda value: isinstance(value, str),
        "integer": lambda value: _is_number(value) and value == value // 1,
        "number": _is_number,
        "boolean": lambda value: isinstance(value, bool),
        "array": lambda value: isinstance(value, list),
        "object": lambda value: isinstance(value, dict),
        "null": lambda value: value is None,
    }
)


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Mappings that are no JSON Schema, defaults that do not fit theirs, and those that a schedule has to have."""
    params = subject.data.get("params")
    for name, schema in params.items() if isinstance(params, dict) else ():
        if isinstance(schema, dict):
            yield from _param(subject, ("params", name), schema)


def _param(subject: Subject, path: DataPath, schema: Mapping[str, Any]) -> Iterator[Diagnostic]:
    if not SCHEMA_KEYWORDS & schema.keys():
        yield subject.finding(
            Code.BAD_PARAM,
            path,
            "a mapping here is a JSON Schema, and this one has no keyword of it",
            help="write a default that is a mapping as `{type: object, default: {…}}`",
        )
        return
    types = schema.get("type")
    unknown = [t for t in (types if isinstance(types, list) else [types]) if isinstance(t, str) and t not in _TYPES]
    for word in unknown:
        yield subject.finding(
            Code.BAD_PARAM,
            (*path, "type"),
            f"JSON Schema has no type `{word}`",
            caret=meant(word, _TYPES),
            allowed=tuple(_TYPES),
            mend=mend_of(word, _TYPES) if types == word else None,
        )
    if "default" not in schema:
        if subject.data.get("schedule") is not None:
            message = f"`{path[-1]}` needs a `default`: scheduled runs ask nobody"
            yield subject.finding(Code.BAD_PARAM, path, message, at_key=True, help="or set `schedule: null`")
    elif not unknown and not isinstance(schema["default"], EnvText):
        why = _misfit(schema["default"], schema)
        if why is not None:
            yield subject.finding(Code.BAD_PARAM, (*path, "default"), f"the `default` of `{path[-1]}` must be {why}")


def _misfit(value: Any, schema: Mapping[str, Any]) -> str | None:
    """What a default must be and is not."""
    written = schema.get("type")
    types = [written] if isinstance(written, str) else written if isinstance(written, list) else []
    if types and all(isinstance(t, str) for t in types) and not any(_TYPES[t](value) for t in types):
        return f"of type {' or '.join(f'`{t}`' for t in types)}"
    choice = schema.get("enum")
    if isinstance(choice, list) and not any(_equal(value, one) for one in choice):
        return "one of its `enum`"
    if _is_number(value):
        least, most = schema.get("minimum"), schema.get("maximum")
        if _is_number(least) and value < least:
            return f"at least {least}"
        if _is_number(most) and value > most:
            return f"at most {most}"
    return None


def _equal(one: Any, other: Any) -> bool:
    """JSON's equality: `true` is not 1."""
    return isinstance(one, bool) == isinstance(other, bool) and one == other
