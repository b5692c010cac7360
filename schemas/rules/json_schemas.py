"""JSON Schemas of answers that are none."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

from schemas.codes import Code
from schemas.diagnostics import Diagnostic
from schemas.subject import Subject


def check(subject: Subject) -> Iterator[Diagnostic]:
    """`expect.json_schema` of requests, where `jsonschema` is installed: Airflow brings it."""
    if not subject.may_hold("json_schema") or find_spec("jsonschema") is None:
        return
    for task in subject.tasks:
        expect = task.arguments.get("expect")
        schema = expect.get("json_schema") if task.uses == "http" and isinstance(expect, dict) else None
        if isinstance(schema, dict):
            problem = _problem(schema)
            if problem is not None:
                place, reason = problem
                path = (*task.with_path, "expect", "json_schema", *place)
                yield subject.finding(Code.BAD_JSON_SCHEMA, path, f"`json_schema` is not a JSON Schema: {reason}")


def _problem(schema: dict[str, Any]) -> tuple[tuple[str | int, ...], str] | None:
    # Imported where a file has one: lint starts for many that have none.
    import jsonschema  # noqa: PLC0415

    known = jsonschema.validators.validator_for(schema, default=jsonschema.Draft202012Validator)
    error = jsonschema.exceptions.best_match(known(known.META_SCHEMA).iter_errors(schema))
    return None if error is None else (tuple(error.absolute_path), error.message)
