"""JSON Schemas that users write, of `params`, of templates and of answers: are they sound, and does a value fit?

`jsonschema` judges, as it does in Airflow. It is imported where a file has such a schema: lint starts for many that
have none. Two things are left to Airflow, because checking a file must end soon whatever the file says: references
inside a schema (`$ref` can multiply), and patterns that may take exponential time.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from schemas.findings.paths import DataPath

_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")
_MOST_VALUES = 500
"""Values of a schema and a default together; combinations of larger ones may take seconds."""
_LONGEST_TRIED = 200
"""Characters of the texts that a pattern is tried on."""
_MOST_REPEATS = 4
"""`*`, `+`, `?` and `{}` in a pattern that is tried."""

_LOOSER = frozenset({"items", "prefixItems", "additionalProperties", "propertyNames", "allOf", "anyOf"})
"""Keywords that accept more where the schemas in them do; `not` accepts less."""

_OF_NAMES = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas", "dependencies"})
"""Keywords whose value has names of the user's, with schemas below them."""
_DATA = frozenset({"default", "const", "enum", "examples"})
"""Keywords whose value is no schema."""

_MUST: Mapping[str, str] = MappingProxyType(
    {
        "minimum": "at least {}",
        "maximum": "at most {}",
        "exclusiveMinimum": "more than {}",
        "exclusiveMaximum": "less than {}",
        "multipleOf": "a multiple of {}",
        "const": "`{}`",
        "minLength": "at least {} characters long",
        "maxLength": "at most {} characters long",
        "pattern": "a text that fits the pattern `{}`",
        "format": "a text of the format `{}`",
        "minItems": "a list of at least {} items",
        "maxItems": "a list of at most {} items",
        "uniqueItems": "a list without an item twice",
        "minProperties": "a mapping of at least {} keys",
        "maxProperties": "a mapping of at most {} keys",
    }
)


class Misfit(NamedTuple):
    """The error in a value: where it is, and why, in words that follow "must be" or a sentence of its own."""

    path: DataPath
    must: str = ""
    why: str = ""


def schema_problem(schema: Mapping[str, Any]) -> tuple[DataPath, str] | None:
    """Where in a schema and why it is none."""
    from jsonschema.exceptions import best_match  # noqa: PLC0415
    from jsonschema.validators import Draft202012Validator, validator_for  # noqa: PLC0415

    kind = validator_for(schema, default=Draft202012Validator)
    error = best_match(kind(kind.META_SCHEMA).iter_errors(schema))
    return next(_wrong_patterns(schema), None) if error is None else (tuple(error.absolute_path), error.message)


def is_sound(schema: Mapping[str, Any]) -> bool:
    """Whether a value can be held against a schema."""
    if not is_simple(schema):
        return schema_problem(schema) is None
    types = schema.get("type", [])
    return set([types] if isinstance(types, str) else types) <= TYPES.keys()


def unfit(value: Any, schema: Mapping[str, Any]) -> Iterator[Misfit]:
    """Where a value does not fit the sound schema of a param, be it simple or not."""
    if not is_simple(schema):
        yield from misfits(value, of_value(schema))
        return
    keyword = simple_misfit(value, schema)
    if keyword is not None:
        yield Misfit((), must_be(keyword, schema[keyword]))


def misfits(value: Any, schema: Mapping[str, Any]) -> Iterator[Misfit]:
    """Where a value does not fit a sound schema; nothing where only Airflow finds out."""
    from jsonschema import FormatChecker  # noqa: PLC0415
    from jsonschema.validators import Draft202012Validator, validator_for  # noqa: PLC0415

    parts = [*_parts(schema)]
    if len(parts) + sum(1 for _ in _parts(value)) > _MOST_VALUES or any(has_reference(part) for part in parts):
        return
    if _takes_long(schema, value):
        schema = _without_long(schema, value)
    kind = validator_for(schema, default=Draft202012Validator)
    for error in kind(schema, format_checker=FormatChecker()).iter_errors(value):
        yield Misfit(tuple(error.absolute_path), *_words(str(error.validator), error.validator_value, error.message))


def must_be(keyword: str, wanted: Any) -> str:
    """What a keyword asks for, in words that follow "must be"; empty for keywords without such words."""
    if keyword == "type":
        return f"of type {' or '.join(f'`{one}`' for one in ([wanted] if isinstance(wanted, str) else wanted))}"
    if keyword == "enum":
        return "one of its `enum`"
    must = _MUST[keyword].format(wanted) if keyword in _MUST else ""
    return re.sub(r"\b1 (item|key|character)s\b", r"1 \1", must)


def has_reference(part: Any) -> bool:
    """Whether a mapping of a schema refers to another part of it, or to another document."""
    return isinstance(part, dict) and any(isinstance(part.get(key), str) for key in _REFERENCES)


def remote_reference(schema: Any, path: DataPath = ()) -> DataPath | None:
    """Where a schema refers to another document, which Airflow fetches whenever it checks a value."""
    if isinstance(schema, dict):
        for key in _REFERENCES:
            if isinstance(schema.get(key), str) and not schema[key].startswith("#"):
                return (*path, key)
    inner = schema.items() if isinstance(schema, dict) else enumerate(schema) if isinstance(schema, list) else ()
    return next((found for key, one in inner if (found := remote_reference(one, (*path, key))) is not None), None)


def _words(keyword: str, wanted: Any, message: str) -> tuple[str, str]:
    must = must_be(keyword, wanted)
    return (must, "") if must else ("", message if len(message) <= 200 else f"it does not fit `{keyword}`")


def _parts(value: Any) -> Iterator[Any]:
    """A value and everything inside it."""
    yield value
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for one in inner:
        yield from _parts(one)


def _patterns(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        more = part.get("patternProperties")
        for pattern in (part.get("pattern"), *(more if isinstance(more, dict) else ())):
            if isinstance(pattern, str):
                yield pattern


def _wrong_patterns(schema: Any, path: DataPath = ()) -> Iterator[tuple[DataPath, str]]:
    """Where a pattern is that Python, so Airflow, cannot read, and why."""
    for pattern in _patterns(schema):
        try:
            re.compile(pattern)
        except (re.error, OverflowError, RecursionError) as error:
            at = ("pattern",) if pattern == schema.get("pattern") else ("patternProperties", pattern)
            yield (*path, *at), f"`{pattern}` is not a regular expression: {error}"
    for key, one in (
        enumerate(schema) if isinstance(schema, list) else schema.items() if isinstance(schema, dict) else ()
    ):
        if key in _OF_NAMES and isinstance(one, dict):
            for name, inner in one.items():
                yield from _wrong_patterns(inner, (*path, key, name))
        elif key not in _DATA:
            yield from _wrong_patterns(one, (*path, key))


def _takes_long(part: Any, value: Any) -> bool:
    """Whether a pattern in a part of a schema may take long to try on a value."""
    return any(not _ends_soon(pattern, value) for one in _parts(part) for pattern in _patterns(one))


def _without_long(schema: Any, value: Any) -> Any:
    """A schema without the patterns that may take long on a value, which accepts all that this one does."""
    if isinstance(schema, list):
        return [_without_long(one, value) for one in schema]
    if not isinstance(schema, dict):
        return schema
    made: dict[str, Any] = {}
    for key, one in schema.items():
        if key == "properties" and isinstance(one, dict):
            made[key] = {name: _without_long(inner, value) for name, inner in one.items()}
        elif key in _LOOSER:
            made[key] = _without_long(one, value)
        elif not key.startswith("unevaluated") and not _takes_long({key: one}, value):
            made[key] = one
    if "patternProperties" in schema.keys() - made.keys():
        made.pop("additionalProperties", None)
    return made


def _ends_soon(pattern: str, value: Any) -> bool:
    """Whether trying a pattern on a value takes little time: no repeated group, few repeats, short texts."""
    if sum(pattern.count(mark) for mark in "*+?{") > _MOST_REPEATS or any(f"){mark}" in pattern for mark in "*+?{"):
        return False
    texts = (text for part in _parts(value) for text in (part, *(part if isinstance(part, dict) else ())))
    return all(len(text) <= _LONGEST_TRIED for text in texts if isinstance(text, str))


_TEXTS = frozenset({"default", "title", "description", "description_md", "section"})
"""Keywords that say nothing of the value."""


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


TYPES: Mapping[str, Callable[[Any], bool]] = MappingProxyType(
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


def of_value(schema: Mapping[str, Any]) -> dict[str, Any]:
    """What the build gives to Airflow as the schema: a param's default and description are beside it."""
    return {key: one for key, one in schema.items() if key not in ("default", "description")}


def is_simple(schema: Mapping[str, Any]) -> bool:
    """Whether a schema has only keywords that are checked here, so that most files need no `jsonschema`."""
    types = schema.get("type", [])
    return (
        schema.keys() - _TEXTS <= {"type", "enum", "minimum", "maximum"}
        and all(isinstance(schema.get(key, ""), str) for key in _TEXTS - {"default"})
        and (isinstance(types, str) or (isinstance(types, list) and all(isinstance(one, str) for one in types)))
        and isinstance(schema.get("enum", []), list)
        and all(_is_number(schema.get(key, 0)) for key in ("minimum", "maximum"))
    )


def simple_misfit(value: Any, schema: Mapping[str, Any]) -> str | None:
    """The first keyword of a simple schema that a value does not fit."""
    types = schema.get("type", [])
    types = [types] if isinstance(types, str) else types
    if types and not any(TYPES[one](value) for one in types):
        return "type"
    if "enum" in schema and not any(_equal(value, one) for one in schema["enum"]):
        return "enum"
    if _is_number(value):
        if value < schema.get("minimum", value):
            return "minimum"
        if value > schema.get("maximum", value):
            return "maximum"
    return None


def _equal(one: Any, other: Any) -> bool:
    """JSON's equality: `true` is not 1."""
    return isinstance(one, bool) == isinstance(other, bool) and one == other
