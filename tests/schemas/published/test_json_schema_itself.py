"""The committed JSON Schemas: they are what the models give, valid themselves, and described."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from schemas.findings.codes import Code
from schemas.published.json_schema import main
from schemas.text.document import read_document
from tests.schemas.published.committed import SCHEMAS, committed
from tests.schemas.published.reach import EXCEPTIONS, IN_REACH, OUT_OF_REACH

ROOT = Path(__file__).parents[3]


def test_committed_files_are_what_the_models_give_and_a_stale_one_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = Path(shutil.copytree(SCHEMAS, tmp_path / "schemas", ignore=shutil.ignore_patterns("*.py", "__pycache__")))
    stale = folder / "pipeline.schema.json"
    stale.write_text(stale.read_text().replace("Pipeline", "Pipelines", 1))

    assert main(["--check"], folder) == 1
    assert capsys.readouterr().err.count(" is stale") == 1
    assert main(["--write"], folder) == 0
    assert stale.read_text() == (SCHEMAS / stale.name).read_text()


@pytest.mark.parametrize("name", ["pipeline", "defaults", "template"])
def test_schema_is_valid_itself_and_stands_alone(name: str) -> None:
    schema = committed(name)
    Draft7Validator.check_schema(schema)
    assert "://" not in schema["$id"]
    assert set(re.findall(r'"\$ref": "([^"]*)"', json.dumps(schema))) == {
        f"#/definitions/{name}" for name in schema["definitions"]
    }


def test_every_key_is_described() -> None:
    def properties(schema: Any, path: str) -> Iterator[tuple[str, Any]]:
        for key, value in schema.items() if isinstance(schema, dict) else ():
            if key == "properties" and not {"if", "then", "else", "anyOf"} & {*path.split("/")}:
                yield from ((f"{path}/{name}", child) for name, child in value.items())
            yield from properties(value, f"{path}/{key}")
        for child in schema if isinstance(schema, list) else ():
            yield from properties(child, path)

    whole = committed("pipeline")
    found = dict(properties(whole, ""))
    shown = {path: whole["definitions"].get(s.get("$ref", "").rpartition("/")[2], s) for path, s in found.items()}
    assert len(found) > 100
    assert [path for path, schema in shown.items() if not schema.get("description")] == []


def test_every_code_is_in_reach_or_on_the_list_with_a_reason() -> None:
    assert set(Code) == IN_REACH | OUT_OF_REACH.keys()
    assert not IN_REACH & OUT_OF_REACH.keys()
    assert EXCEPTIONS.keys() <= IN_REACH
    assert all(OUT_OF_REACH.values())


def test_sound_templates_fit_and_wrong_ones_do_not() -> None:
    judge = Draft7Validator(committed("template"))
    files = [*ROOT.glob("docs/examples/**/_templates/*.yaml"), *ROOT.glob("tests/cases/valid/**/_templates/*.yaml")]

    assert files
    assert [error.message for file in files for error in judge.iter_errors(read_document(file, "").data)] == []
    task = {"id": "a", "uses": "empty"}
    wrong = ({"schedule": None}, {"outputs": {"a": "b"}}, {"tasks": []}, {"tasks": [{"id": "a", "template": 1}]})
    assert all(list(judge.iter_errors({"tasks": [task], **one})) for one in wrong)
    assert list(judge.iter_errors({"tasks": [{**task, "template": "b"}]}))
    assert list(judge.iter_errors({"tasks": [{"id": "a", "template": "b", "tasks": [task]}]}))


def test_sound_test_files_fit_and_wrong_ones_do_not() -> None:
    judge = Draft7Validator(committed("tests"))
    Draft7Validator.check_schema(committed("tests"))
    files = [*ROOT.glob("pipelines/**/*.test.yaml"), *ROOT.glob("docs/examples/**/*.test.yaml")]

    assert files
    assert [error.message for file in files for error in judge.iter_errors(read_document(file, "").data)] == []
    assert list(judge.iter_errors({"tests": [{"nam": "x"}]}))
    assert list(judge.iter_errors({"tests": []}))
