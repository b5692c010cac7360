"""Keywords in the JSON Schemas of `params` that are a slip away from a known one.

JSON Schema passes over what it does not know, and so does Airflow's trigger form: `defaullt` would mean nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic
from schemas.findings.paths import DataPath
from schemas.findings.problem import typo_fix
from schemas.findings.suggestions import did_you_mean, unmistakable
from schemas.rules.subject import Subject

_FORM = ("section", "values_display", "description_md")
"""Airflow's own: how the trigger form shows a param (airflow-core docs, "Params", of 3.3)."""
_ONE = (
    *("items", "additionalItems", "unevaluatedItems", "contains", "propertyNames", "not", "if", "then", "else"),
    *("additionalProperties", "unevaluatedProperties"),
)
"""Keywords whose value is a schema."""
_SEVERAL = ("items", "prefixItems", "allOf", "anyOf", "oneOf")
"""Keywords whose value is a list of schemas."""
_BY_NAME = ("properties", "patternProperties", "dependentSchemas", "definitions", "$defs")
"""Keywords whose value holds schemas by names of the user's."""

KEYWORDS = frozenset(
    {
        *(*_FORM, *_ONE, *_SEVERAL, *_BY_NAME),
        *("type", "default", "enum", "const", "format", "title", "description", "examples"),
        *("multipleOf", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
        *("minLength", "maxLength", "pattern", "minItems", "maxItems", "uniqueItems", "minContains", "maxContains"),
        *("minProperties", "maxProperties", "required", "dependencies", "dependentRequired"),
        *("readOnly", "writeOnly", "deprecated", "contentEncoding", "contentMediaType", "contentSchema"),
        *("$id", "$schema", "$ref", "$anchor", "$comment", "$dynamicRef", "$dynamicAnchor", "$vocabulary"),
    }
)
"""Of JSON Schema, drafts 07 to 2020-12, and of Airflow's trigger form."""


def misspelt(subject: Subject, path: DataPath, schema: Mapping[str, Any]) -> Iterator[Diagnostic]:
    """A finding for each such keyword of the schema at `path` and of the schemas inside it."""
    for key, value in schema.items():
        if key in KEYWORDS:
            for place, inner in _inside(key, value):
                yield from misspelt(subject, (*path, *place), inner)
        elif (known := unmistakable(key, KEYWORDS)) is not None and known not in schema:
            yield subject.finding(
                Code.MISSPELT_KEYWORD,
                (*path, key),
                f"JSON Schema has no keyword `{key}`, and Airflow would pass over it",
                at_key=True,
                caret=did_you_mean(known),
                fix=typo_fix(key, KEYWORDS),
            )


def _inside(key: str, value: Any) -> Iterator[tuple[DataPath, Mapping[str, Any]]]:
    if key in _ONE and isinstance(value, dict):
        yield (key,), value
    elif (key in _SEVERAL and isinstance(value, list)) or (key in _BY_NAME and isinstance(value, dict)):
        for step, inner in value.items() if isinstance(value, dict) else enumerate(value):
            if isinstance(inner, dict):
                yield (key, step), inner
