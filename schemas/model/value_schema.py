"""JSON Schemas that users write, of `params` and of answers: are they sound, and does a value fit?

`jsonschema` judges, as it does in Airflow. It is imported where a file has such a schema: lint starts for many that
have none. Two things are left to Airflow, because checking a file must end soon whatever the file says: references
inside a schema (`$ref` can multiply), and patterns that may take exponential time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
    return None if error is None else (tuple(error.absolute_path), error.message)


def misfits(value: Any, schema: Mapping[str, Any]) -> Iterator[Misfit]:
    """Where a value does not fit a sound schema; nothing where only Airflow finds out."""
    from jsonschema import FormatChecker  # noqa: PLC0415
    from jsonschema.validators import Draft202012Validator, validator_for  # noqa: PLC0415

    parts = [*_parts(schema)]
    if len(parts) + sum(1 for _ in _parts(value)) > _MOST_VALUES or any(has_reference(part) for part in parts):
        return
    if not all(_ends_soon(pattern, value) for part in parts for pattern in _patterns(part)):
        return
    kind = validator_for(schema, default=Draft202012Validator)
    for error in kind(schema, format_checker=FormatChecker()).iter_errors(value):
        yield Misfit(tuple(error.absolute_path), *_words(str(error.validator), error.validator_value, error.message))


def must_be(keyword: str, wanted: Any) -> str:
    """What a keyword asks for, in words that follow "must be"; empty for keywords without such words."""
    if keyword == "type":
        return f"of type {' or '.join(f'`{one}`' for one in ([wanted] if isinstance(wanted, str) else wanted))}"
    if keyword == "enum":
        return "one of its `enum`"
    return _MUST[keyword].format(wanted) if keyword in _MUST else ""


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


def _ends_soon(pattern: str, value: Any) -> bool:
    """Whether trying a pattern on a value takes little time: no repeated group, few repeats, short texts."""
    if sum(pattern.count(mark) for mark in "*+?{") > _MOST_REPEATS or any(f"){mark}" in pattern for mark in "*+?{"):
        return False
    texts = (text for part in _parts(value) for text in (part, *(part if isinstance(part, dict) else ())))
    return all(len(text) <= _LONGEST_TRIED for text in texts if isinstance(text, str))
