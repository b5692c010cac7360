"""The JSON Schema of the language, generated from the models, for editors and CI.

Draft-07: yaml-language-server supports it fully, newer drafts in parts. A definition is a whole key, description
included: draft-07 ignores everything beside a `$ref`. A value of several types is one schema with a list of types,
not a union, so that an editor shows one error and not one per member.

    python -m schemas.published.json_schema --write    write the files
    python -m schemas.published.json_schema --check    exit status 1 when a file is not what the models give
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from schemas.model.pipeline_tests import PipelineTests
from schemas.published import write_or_check
from schemas.published.texts import POLL_SNIPPETS, SCHEDULE, SCHEDULE_EXAMPLES, Schema, description, field_texts, models
from schemas.published.translation import Translation

_DRAFT = "http://json-schema.org/draft-07/schema#"
_SHORTEST_SHARED = 600
"""Characters of JSON; what is shorter is easier to read in its place."""


def pipeline_json_schema() -> Schema:
    """Of a pipeline's file without `_defaults.yaml` above it."""
    schema = _document(Translation(partial=False), "pipeline.schema.json", "Pipeline")
    overlay = _document(Translation(partial=True, task="environment_task"), "", "What is other in an environment")
    schema["definitions"] |= {**overlay.pop("definitions"), "environment": _overlay(overlay)}
    schema["definitions"]["environment"]["properties"]["dag_id"] = schema["properties"]["dag_id"]
    schema["anyOf"] = [{"required": [key], "properties": {key: {"not": {"type": "null"}}}} for key in ("poll", "tasks")]
    return _shared(schema)


def defaults_json_schema() -> Schema:
    """Of a `_defaults.yaml`: a part of a pipeline, in which no key is required."""
    schema = _document(Translation(partial=True), "defaults.schema.json", "Defaults of the pipelines in a folder")
    schema["definitions"]["environment"] = _overlay(schema)
    return _shared(schema)


def template_json_schema() -> Schema:
    """Of a template of tasks, `_templates/NAME.yaml`."""
    translation = Translation(partial=False)
    named: Schema = {"$schema": _DRAFT, "$id": "template.schema.json", "title": "A template of tasks"}
    named |= {"patternProperties": {"^x-": {}}}
    return _shared({**named, **translation.template(), "definitions": translation.definitions()})


def json_schema_of_tests() -> Schema:
    """Of a test file, `NAME.test.yaml`."""
    schema = PipelineTests.model_json_schema(by_alias=True, ref_template="#/definitions/{model}")
    definitions = schema.pop("$defs")
    known = models()
    for name, one in {**definitions, PipelineTests.__name__: schema}.items():
        for field, text in field_texts(known[name]).items():
            one["properties"][known[name].model_fields[field].alias or field] |= description(text)
    named = {"$schema": _DRAFT, "$id": "tests.schema.json", "title": "Tests of a pipeline"}
    found: Schema = _in_draft_7({**schema, **named, "definitions": definitions})
    return found


def _in_draft_7(value: Any, *, are_properties: bool = False) -> Any:
    """Without the titles that pydantic makes of names, and with what is beside a `$ref` put around it."""
    if isinstance(value, list):
        return [_in_draft_7(one) for one in value]
    if not isinstance(value, dict):
        return value
    drop = set() if are_properties or "$schema" in value else {"title"}
    kept = {
        k: _in_draft_7(one, are_properties=k in ("properties", "definitions"))
        for k, one in value.items()
        if k not in drop
    }
    if "$ref" in kept and len(kept) > 1:
        kept["allOf"] = [{"$ref": kept.pop("$ref")}]
    return kept


def _overlay(schema: Schema) -> Schema:
    """What an environment may contain: all but environments."""
    properties = {key: value for key, value in schema["properties"].items() if key != "environments"}
    return {"type": ["object", "null"], "properties": properties, "additionalProperties": False}


def _document(translation: Translation, name: str, title: str) -> Schema:
    watched = {"properties": {"watch": {"type": "object"}}}
    without_rows = {"incremental": {"type": "null"}}
    schema = {
        "$schema": _DRAFT,
        "$id": name,
        "title": title,
        **translation.pipeline(),
        "allOf": [
            {
                "if": {"required": ["schedule"], "properties": {"schedule": {"const": "@continuous"}}},
                "then": {"properties": {"max_active_runs": {"maximum": 1}}},
            },
            {
                "if": {
                    "required": ["poll"],
                    "properties": {"poll": {"type": "object", "required": ["watch"], **watched}},
                },
                "then": {"properties": {"schedule": {"type": "null"}, "poll": {"properties": without_rows}}},
            },
        ],
    }
    schema["patternProperties"] = {"^x-": {}}
    properties = schema["properties"]
    properties["schedule"] |= {"markdownDescription": SCHEDULE, "examples": list(SCHEDULE_EXAMPLES)}
    properties["poll"]["defaultSnippets"] = list(POLL_SNIPPETS)
    environments = {"type": ["object", "null"], "additionalProperties": {"$ref": "#/definitions/environment"}}
    properties["environments"] = {**description(properties["environments"]["description"]), **environments}
    schema["definitions"] = translation.definitions()
    return schema


def _shared(schema: Schema) -> Schema:
    """The same schema, with the equal and long ones of its properties as definitions that have the key's name."""
    seen = Counter(text for _, text in _properties(schema))
    names: dict[str, str] = {}
    for key, text in _properties(schema):
        if seen[text] > 1 and len(text) >= _SHORTEST_SHARED and text not in names:
            alike = sum(1 for name in names.values() if name.rpartition("_")[0] == key or name == key)
            names[text] = f"{key}_{alike + 1}" if alike or key in schema["definitions"] else key
    found: Schema = {key: _replaced(value, names) for key, value in schema.items()}
    found["definitions"] |= {name: _replaced(json.loads(text), names) for text, name in names.items()}
    used = {one["$ref"].rpartition("/")[2] for one in _mappings(found) if isinstance(one.get("$ref"), str)}
    found["definitions"] = {name: one for name, one in found["definitions"].items() if name in used}
    return found


def _properties(schema: Schema) -> Iterator[tuple[str, str]]:
    """Every key of a `properties` with its schema's text."""
    for mapping in _mappings(schema):
        properties = mapping.get("properties")
        for key, value in properties.items() if isinstance(properties, dict) else ():
            if isinstance(value, dict):
                yield key, json.dumps(value, ensure_ascii=False)


def _mappings(value: Any) -> Iterator[Schema]:
    """Every mapping in a value, itself included."""
    if isinstance(value, dict):
        yield value
    for child in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _mappings(child)


def _replaced(value: Any, names: Mapping[str, str], *, are_properties: bool = False) -> Any:
    """A value with references in place of the properties that have become definitions."""
    if isinstance(value, list):
        return [_replaced(one, names) for one in value]
    if not isinstance(value, dict):
        return value
    replaced = {}
    for key, one in value.items():
        name = names.get(json.dumps(one, ensure_ascii=False)) if are_properties else None
        reference = {"$ref": f"#/definitions/{name}"}
        replaced[key] = reference if name else _replaced(one, names, are_properties=key == "properties")
    return replaced


def main(arguments: Sequence[str] | None = None, folder: Path = Path(__file__).parents[1]) -> int:
    """Write or check the committed files in `folder`; the exit status."""
    schemas = {
        "pipeline.schema.json": pipeline_json_schema(),
        "defaults.schema.json": defaults_json_schema(),
        "template.schema.json": template_json_schema(),
        "tests.schema.json": json_schema_of_tests(),
    }
    files = {folder / name: json.dumps(one, indent=2, ensure_ascii=False) + "\n" for name, one in schemas.items()}
    return write_or_check("schemas.published.json_schema", files, arguments)


if __name__ == "__main__":
    sys.exit(main())
