"""Every code has three cases, each another way to make the mistake."""

from __future__ import annotations

import re
import typing
from collections.abc import Iterator
from typing import Any

import pytest

from schemas.findings.codes import Code
from schemas.model.built_ins import built_in
from schemas.model.fields import Model
from schemas.text.document import document_from_text

from .case_files import CASES, cases

KINDS = ("valid", "invalid", "dag_factory/valid", "dag_factory/invalid")

FOUND_ELSEWHERE = {
    Code.NOT_UTF8: "the file cannot hold a comment: tests/schemas/text/test_document.py",
    Code.UNREADABLE: "there is no file to write into: tests/schemas/text/test_document.py",
    Code.MORE_FINDINGS: "it takes hundreds of others: tests/schemas/findings/test_bounded.py",
    Code.CHECK_FAILED: "no text is known that does it: tests/schemas/check/test_checker.py",
    Code.MISNAMED_FILE: "it is no file in which cases say what they expect: tests/schemas/folder/test_discovery.py",
    Code.BAD_SETTING: "it is in another file: tests/schemas/rules/test_team_policy.py",
    Code.EXTRA_NOT_INSTALLED: "it depends on the machine: tests/schemas/rules/test_data_tasks.py",
    Code.BUILD_FAILED: "Airflow says it, when the DAG is built",
    Code.NOT_CONVERTED: "`factory convert` says it: tests/schemas/dagfactory/test_convert.py",
    Code.CONVERTED_OTHERWISE: "`factory convert` says it: tests/schemas/dagfactory/test_convert.py",
}
"""Codes without cases, and why."""


def test_every_code_has_three_cases() -> None:
    codes = {code.id: code for code in Code}
    names: dict[Code, set[str]] = {code: set() for code in Code}
    for case in [case for kind in KINDS for case in cases(kind)]:
        for line in case.expected():
            match = re.search(r": \d+:\d+ (\w+) ", line)
            code = codes.get(match[1]) if match is not None else None
            assert code is not None, f"{case.name} expects a code that does not exist: {line}"
            names[code].add(case.name)

    few = {code.id: sorted(found) for code, found in names.items() if len(found) < 3 and code not in FOUND_ELSEWHERE}
    assert few == {}
    assert [code for code in FOUND_ELSEWHERE if names[code]] == [], "it has a case now"


def keys_of(model: type[Model]) -> set[str]:
    """The keys of a model, and of the models inside it."""
    found = set()
    for name, field in model.model_fields.items():
        found |= {field.alias or name, *(key for inner in models_in(field.annotation) for key in keys_of(inner))}
    return found


def models_in(annotation: Any) -> Iterator[type[Model]]:
    if isinstance(annotation, type) and issubclass(annotation, Model):
        yield annotation
    for part in typing.get_args(annotation):
        yield from models_in(part)


def written(data: Any, uses: str | None = None) -> Iterator[str]:
    """The keys in the tasks of one built-in; with None, all of them."""
    if isinstance(data, dict) and data.get("uses") == uses is not None:
        yield from written(data.get("with"))
    elif isinstance(data, dict | list):
        for key, value in data.items() if isinstance(data, dict) else enumerate(data):
            if uses is None and isinstance(key, str):
                yield key
            yield from written(value, uses)


def refused(text: str, uses: str) -> Iterator[str]:
    """The keys of a built-in at which a case expects a finding: the last one before it in its line."""
    lines = text.splitlines()
    for match in re.finditer(r"^# expect (\d+):(\d+) ", text, re.MULTILINE):
        above = re.findall(r"uses: (\w+)", "\n".join(lines[: int(match[1])]))
        line = lines[int(match[1]) - 1]
        before = [key[1] for key in re.finditer(r"(\w+):(?=\s|$)", line) if key.start() < int(match[2])]
        if above[-1:] == [uses] and before:
            yield before[-1]


@pytest.mark.parametrize("uses", ["sql", "load", "duckdb", "check", "chart", "train", "predict"])
def test_every_key_of_a_data_task_has_a_valid_and_an_invalid_case(uses: str) -> None:
    (model,) = models_in(built_in(uses).model_fields["with_"].annotation)
    texts = {kind: [path.read_text() for path in (CASES / kind).glob("*.yaml")] for kind in ("valid", "invalid")}
    valid = {key for text in texts["valid"] for key in written(document_from_text(text, "a.yaml").data, uses)}
    invalid = {key for text in texts["invalid"] for key in refused(text, uses)}
    assert keys_of(model) - valid == set()
    assert keys_of(model) - invalid == set()
