"""`sarif`: SARIF 2.1.0. What is written is held against the standard's rules for what this project uses of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from factory.reporters import programs
from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic, Fix, Span

from .findings import edges, real, snapshot


def an_object(required: dict[str, Any], optional: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {**required, **(optional or {})},
        "required": list(required),
        "additionalProperties": False,
    }


def a_list(items: dict[str, Any], **bounds: int) -> dict[str, Any]:
    return {"type": "array", "items": items, "uniqueItems": True, **bounds}


TEXT = {"type": "string", "minLength": 1}
LEVEL = {"enum": ["none", "note", "warning", "error"]}  # 3.27.10
MESSAGE = an_object({"text": TEXT}, {"markdown": TEXT})  # 3.11, 3.12
URI = {"type": "string", "format": "uri-reference", "pattern": r"^[\w.~!$&'()*+,;=:@%/-]+$"}
ARTIFACT = an_object({"uri": URI}, {"uriBaseId": {"const": "%SRCROOT%"}})  # 3.4
POSITION = {"type": "integer", "minimum": 1}
REGION = an_object(dict.fromkeys(("startLine", "startColumn", "endLine", "endColumn"), POSITION))  # 3.30
PHYSICAL = an_object({"artifactLocation": ARTIFACT, "region": REGION})  # 3.29
LOCATION = an_object(
    {"physicalLocation": PHYSICAL}, {"id": {"type": "integer", "minimum": 0}, "message": MESSAGE}
)  # 3.28
REPLACEMENT = an_object(  # 3.57
    {"deletedRegion": REGION, "insertedContent": an_object({"text": {"type": "string"}})}
)
CHANGE = an_object({"artifactLocation": ARTIFACT, "replacements": a_list(REPLACEMENT, minItems=1)})  # 3.56
RESULT = an_object(  # 3.27
    {
        "ruleId": TEXT,
        "ruleIndex": {"type": "integer", "minimum": 0},
        "level": LEVEL,
        "message": MESSAGE,
        "locations": a_list(LOCATION, minItems=1, maxItems=1),
    },
    {
        "relatedLocations": a_list(LOCATION, minItems=1),
        "fixes": a_list(an_object({"artifactChanges": a_list(CHANGE, minItems=1)}), minItems=1),
    },
)
RULE = an_object(  # 3.49
    {
        "id": TEXT,
        "name": TEXT,
        "shortDescription": MESSAGE,
        "help": MESSAGE,
        "defaultConfiguration": an_object({"level": LEVEL}),
    }
)
RUN = an_object(  # 3.14
    {
        "tool": an_object({"driver": an_object({"name": TEXT, "rules": a_list(RULE)})}),
        "columnKind": {"const": "unicodeCodePoints"},
        "results": {"type": "array", "items": RESULT},
    }
)
LOG = an_object({"$schema": URI, "version": {"const": "2.1.0"}, "runs": a_list(RUN, minItems=1)})  # 3.13


def document(findings: tuple[Diagnostic, ...]) -> dict[str, Any]:
    """The parsed log, found to be valid."""
    parsed: dict[str, Any] = json.loads(programs.sarif(findings))
    jsonschema.Draft202012Validator(LOG).validate(parsed)
    for result in parsed["runs"][0]["results"]:
        rule = parsed["runs"][0]["tool"]["driver"]["rules"][result["ruleIndex"]]
        assert rule["id"] == result["ruleId"]  # 3.27.6
    return parsed


def test_findings_of_a_file(tmp_path: Path) -> None:
    parsed = document(real(tmp_path))
    for rule in parsed["runs"][0]["tool"]["driver"]["rules"]:
        assert rule.pop("help")["markdown"].startswith(f"# {rule['id']} ")  # a page may be written anew
    rendered = json.dumps(parsed, indent=2)

    assert rendered + "\n" == snapshot("sarif.json", rendered)


def test_every_code_can_be_a_rule() -> None:
    findings = tuple(Diagnostic(code, "m", "a.yaml", Span(1, 1, 1, 2)) for code in Code)

    assert len(document(findings)["runs"][0]["tool"]["driver"]["rules"]) == len(Code)


def test_edges() -> None:
    levels = [result["level"] for result in document(edges())["runs"][0]["results"]]

    assert levels[-3:] == ["error", "warning", "note"]


def test_nothing_found_is_a_run_without_results() -> None:
    (run,) = document(())["runs"]

    assert run["results"] == []


def test_a_fix_is_a_replacement() -> None:
    span = Span(2, 3, 2, 8)
    finding = Diagnostic(Code.UNKNOWN_KEY, "m", "a.yaml", span, fix=Fix(span, "method"))
    (result,) = document((finding,))["runs"][0]["results"]
    (change,) = result["fixes"][0]["artifactChanges"]

    assert change["replacements"] == [
        {
            "deletedRegion": {"startLine": 2, "startColumn": 3, "endLine": 2, "endColumn": 8},
            "insertedContent": {"text": "method"},
        }
    ]


@pytest.mark.parametrize(
    ("file", "uri"),
    [
        ("pipelines/주문 1%.yaml", "pipelines/%EC%A3%BC%EB%AC%B8%201%25.yaml"),
        ("pipelines/\udcff#?.yaml", "pipelines/%FF%23%3F.yaml"),
        ("/data/a b.yaml", "file:///data/a%20b.yaml"),
    ],
)
def test_a_path_is_a_uri(file: str, uri: str) -> None:
    finding = Diagnostic(Code.WRONG_VALUE, "m", file, Span(1, 1, 1, 2))
    (result,) = document((finding,))["runs"][0]["results"]

    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == uri
