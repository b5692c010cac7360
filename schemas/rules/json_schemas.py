"""JSON Schemas of answers that are none."""

from __future__ import annotations

from collections.abc import Iterator

from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic
from schemas.model.value_schema import schema_problem
from schemas.rules.subject import Subject


def check(subject: Subject) -> Iterator[Diagnostic]:
    """`expect.json_schema` of requests."""
    if not subject.may_hold("json_schema"):
        return
    for task in subject.tasks:
        expect = task.arguments.get("expect")
        schema = expect.get("json_schema") if task.uses == "http" and isinstance(expect, dict) else None
        if isinstance(schema, dict):
            problem = schema_problem(schema)
            if problem is not None:
                place, reason = problem
                path = (*task.with_path, "expect", "json_schema", *place)
                yield subject.finding(Code.BAD_JSON_SCHEMA, path, f"`json_schema` is not a JSON Schema: {reason}")
