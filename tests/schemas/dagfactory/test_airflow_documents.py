"""Airflow 3.4's YAML format: its published examples, restated in `airflow_documents`, to this project's language; and
every valid case, example, recipe and pair to it and back.

3.4 cannot be installed here: `DESCRIPTION` and `problems` say in our words what its published JSON Schema and models of
2026-10-30 accept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from schemas.check import Checker, CheckOptions
from schemas.dagfactory.convert import ConvertedDag
from schemas.dagfactory.convert.airflow import to_airflow
from schemas.dagfactory.convert.from_airflow import airflow_documents, from_airflow
from schemas.findings.codes import Severity
from schemas.findings.diagnostics import has_errors
from schemas.folder.discovery import defaults_paths, pipeline_paths
from schemas.folder.project import pipelines_folder
from schemas.source import SourceReader
from schemas.source.files import FactCache
from tests.case_files import cases

HERE = Path(__file__).parent / "airflow_documents"
ROOT = Path(__file__).resolve().parents[3]
NAMES = sorted(path.stem for path in HERE.glob("*.yaml") if not path.stem.endswith(".expected"))
REFUSED = {"marks": 1}
"""What Airflow refuses in them: an unknown mark."""

MARK = {"type": "object", "minProperties": 1, "maxProperties": 1, "additionalProperties": False}
OUTPUT = {
    "anyOf": [
        {"type": "string"},
        {
            "type": "object",
            "properties": {"task": {"type": "string"}, "key": {"type": ["string", "null"]}},
            "required": ["task"],
            "additionalProperties": False,
        },
    ]
}
DESCRIPTION: Mapping[str, Any] = {
    "$defs": {
        "value": {
            "oneOf": [
                {**MARK, "properties": {"$x": OUTPUT, "$xcom": OUTPUT}},
                {**MARK, "properties": {"$t": {"type": "string"}, "$template": {"type": "string"}}},
                {**MARK, "properties": {"$const": {}}},
                {
                    "if": {"type": "object"},
                    "then": {
                        "propertyNames": {"not": {"pattern": r"^\$"}},
                        "additionalProperties": {"$ref": "#/$defs/value"},
                    },
                    "else": {"items": {"$ref": "#/$defs/value"}},
                },
            ]
        },
        "values": {"type": "object", "additionalProperties": {"$ref": "#/$defs/value"}},
        "names": {"type": "array", "items": {"type": "string"}},
        "task": {
            "type": "object",
            "properties": {
                "id": {"type": "string"},
                "needs": {"$ref": "#/$defs/names"},
                "extends": {"$ref": "#/$defs/names"},
                "uses": {"type": "string", "minLength": 1},
                "with": {"$ref": "#/$defs/values"},
                "run": {"$ref": "#/$defs/values"},
            },
            "required": ["id"],
            "not": {"required": ["uses", "run"]},
            "anyOf": [{"required": ["uses"]}, {"required": ["run"]}, {"required": ["extends"]}],
        },
        "timetable": {
            "type": "object",
            "properties": {"uses": {"type": "string"}, "with": {"type": "object"}},
            "required": ["uses"],
            "additionalProperties": False,
        },
    },
    "type": "object",
    "properties": {
        "$schema": {"type": "string"},
        "dag_id": {"type": "string"},
        "schedule": {"anyOf": [{"type": ["string", "null"]}, {"$ref": "#/$defs/timetable"}]},
        "templates": {"type": "object", "additionalProperties": {"type": "object"}},
        "tasks": {"type": "array", "items": {"$ref": "#/$defs/task"}},
    },
    "required": ["$schema", "dag_id"],
}
CALLBACKS = {f"on_{event}_callback" for event in ("success", "failure", "retry", "execute", "skipped")}


def problems(data: Mapping[str, Any]) -> Iterator[str]:
    """What Airflow's models refuse and a JSON Schema does not say."""
    yield from (error.message for error in Draft202012Validator(DESCRIPTION).iter_errors(data))
    yield from sorted(data.keys() & {"default_args", *CALLBACKS})
    ids = [task["id"] for task in data["tasks"]]
    yield from sorted({name for name in ids if ids.count(name) > 1})
    for task in data["tasks"]:
        named = {*task.get("needs", ()), *outputs(task.get("with"))}
        yield from sorted(named - set(ids))
        yield from sorted(task.keys() & {"inlets", "outlets", *CALLBACKS})
        yield from (name for name in task.get("extends", ()) if name not in data.get("templates", {}))
        if task["id"] in named:
            yield f"{task['id']} waits for itself"


def outputs(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if "$x" in value:
            yield value["$x"] if isinstance(value["$x"], str) else value["$x"]["task"]
        for child in () if "$const" in value else value.values():
            yield from outputs(child)
    elif isinstance(value, list):
        for child in value:
            yield from outputs(child)


def shown(made: list[ConvertedDag]) -> str:
    lost = [d for one in made for d in one.findings]
    return "---\n".join(one.text for one in made) + "".join(f"# lost {d.span.line}: {d.message}\n" for d in lost)


@pytest.mark.parametrize("name", NAMES)
def test_a_published_example_becomes_a_pipeline(name: str) -> None:
    text = (HERE / f"{name}.yaml").read_text()
    documents = airflow_documents(text, f"{name}.yaml")

    assert documents is not None
    # A date as the whole of `$schema` is accepted.
    refused = [p for data in yaml.safe_load_all(text) for p in problems({**data, "$schema": str(data["$schema"])})]
    assert len(refused) == REFUSED.get(name, 0), refused
    made = list(from_airflow(documents, f"{name}.yaml", SourceReader(HERE)))
    assert shown(made) == (HERE / f"{name}.expected.yaml").read_text()


PLACES = [
    *((case.folder, file, case.environ) for case in cases("valid") for file in case.pipelines),
    *(
        (folder, file, {})
        for folder in sorted(
            {pipelines_folder(path) for path in (ROOT / "docs/examples").rglob("*.yaml") if path.name[0] != "_"}
            | {ROOT / "pipelines", ROOT / "tests/equivalence/pairs"}
        )
        for file in pipeline_paths(folder)
        if not folder.name.startswith("broken")
    ),
]


def test_everything_goes_to_airflow_and_comes_back() -> None:
    """What is written is what Airflow 3.4 accepts; where nothing was lost, it is sound here when it is back."""
    wrong: dict[str, object] = {}
    whole = 0
    cache = FactCache()
    for folder, file, environ in PLACES:
        checker = Checker(folder, CheckOptions(environ=environ, shown_folder=""))
        if checker.dialect(file):
            continue
        reader = SourceReader(folder, cache=cache)
        for one in to_airflow(checker.variants(file), environ, reader):
            (data,) = yaml.safe_load_all(one.text)
            found = list(problems(data))
            (back,) = from_airflow(airflow_documents(one.text, file) or [], file, reader)
            if not has_errors((*one.findings, *back.findings)):
                texts = {file: back.text.encode(), **dict.fromkeys(defaults_paths(file), b"{}")}
                options = CheckOptions(environ=environ, shown_folder="", texts=texts, read_sources=False)
                found += [
                    d.message for d in Checker(folder, options).file(file).diagnostics if d.severity is Severity.ERROR
                ]
                whole += 1
            wrong |= {f"{folder.name}/{file}": found} if found else {}

    assert wrong == {}
    assert whole > 150


COMMENTED = """\
# Asks for what is new.
poll:
  url: https://example.com/a  # the shop's
  incremental: {cursor_path: t, initial_value: 1, start_param: s}
tasks:
  # Says it.
  - id: say
    uses: bash  # loudly
    with: {bash_command: a}
    # At times.
    run_if: "{{ params.often }}"  # or not
  # A function.
  - {id: count, uses: steps.count}  # ours
  - id: empty
    # Of a group.
    default_args: {retries: 1}
    tasks: [{id: count, uses: steps.count}]
"""


def test_comments_of_tasks_that_are_left_out_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "d.yaml").write_text(COMMENTED)
    (made,) = to_airflow(Checker(tmp_path).variants("d.yaml"), {}, SourceReader(tmp_path))

    comments = [line.partition("#")[2].strip() for line in made.text.splitlines() if "#" in line]
    assert [one for one in comments if not one.startswith("Not converted")] == ["Says it.", "loudly"]
    assert "templates" not in yaml.safe_load(made.text)


def test_an_object_in_what_a_built_in_takes_and_in_params_is_data(tmp_path: Path) -> None:
    (tmp_path / "d.yaml").write_text("""\
params: {p: {type: object, default: {$object: any.text}}}
tasks:
  - {id: a, uses: trigger_dag, with: {trigger_dag_id: d, conf: {$object: any text}}}
  - {id: b, uses: airflow.providers.standard.operators.bash.BashOperator, with: {bash_command: b, env: {$object: d.e}}}
""")
    checker = Checker(tmp_path, CheckOptions(shown_folder=""))
    (made,) = to_airflow(checker.variants("d.yaml"), {}, SourceReader(tmp_path))
    document = yaml.safe_load(made.text)
    assert document["params"] == {"p": {"$object": "any.text"}}
    assert [task["with"].get("conf") for task in document["tasks"]] == [{"$const": {"$object": "any text"}}, None]
    assert [d.span.line for d in made.findings if "an object has no counterpart" in d.message] == [4]
