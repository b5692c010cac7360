"""The JSON Schema of the language, generated from the models, for editors and CI.

Draft-07: yaml-language-server supports it fully, newer drafts in parts. A definition is a whole key, description
included: draft-07 ignores what stands beside a `$ref`. A value of several types is one schema with a list of types,
not a union, so that an editor shows one error and not one per member.

    python -m schemas.published.json_schema --write    write the files
    python -m schemas.published.json_schema --check    exit status 1 when a file is not what the models give
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from schemas.published.editor_hints import POLL_SNIPPETS, SCHEDULE, SCHEDULE_EXAMPLES
from schemas.published.structure import shared
from schemas.published.texts import Schema, description
from schemas.published.translation import Translation, plain

_DRAFT = "http://json-schema.org/draft-07/schema#"


def pipeline_json_schema() -> Schema:
    """Of a pipeline's file that stands alone, without `_defaults.yaml` above it."""
    schema = _document(Translation(partial=False), "pipeline.schema.json", "Pipeline")
    overlay = _document(Translation(partial=True, task="environment_task"), "", "What is other in an environment")
    schema["definitions"] |= {**overlay.pop("definitions"), "environment": _overlay(overlay)}
    schema["definitions"]["environment"]["properties"]["dag_id"] = schema["properties"]["dag_id"]
    schema["anyOf"] = [{"required": [key], "properties": {key: {"not": {"type": "null"}}}} for key in ("poll", "tasks")]
    return shared(schema)


def defaults_json_schema() -> Schema:
    """Of a `_defaults.yaml`: a part of a pipeline, in which nothing has to be there."""
    schema = _document(Translation(partial=True), "defaults.schema.json", "Defaults of the pipelines in a folder")
    schema["definitions"]["environment"] = _overlay(schema)
    return shared(schema)


def _overlay(schema: Schema) -> Schema:
    """What may stand in an environment: all but environments."""
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
    properties = schema["properties"]
    properties["schedule"] |= {"markdownDescription": SCHEDULE, "examples": list(SCHEDULE_EXAMPLES)}
    properties["poll"]["defaultSnippets"] = plain(POLL_SNIPPETS)
    environments = {"type": ["object", "null"], "additionalProperties": {"$ref": "#/definitions/environment"}}
    properties["environments"] = {**description(properties["environments"]["description"]), **environments}
    schema["definitions"] = translation.definitions()
    return schema


def _files() -> dict[Path, str]:
    folder = Path(__file__).parents[1]
    schemas = {"pipeline.schema.json": pipeline_json_schema(), "defaults.schema.json": defaults_json_schema()}
    return {folder / name: json.dumps(schema, indent=2, ensure_ascii=False) + "\n" for name, schema in schemas.items()}


def main(arguments: Sequence[str] | None = None) -> int:
    """Write or check the committed files; the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m schemas.published.json_schema", description="The JSON Schema files."
    )
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--write", action="store_true", help="write the files")
    action.add_argument("--check", action="store_true", help="exit with status 1 when a file is stale")
    wanted = parser.parse_args(arguments)
    files = _files()
    if wanted.write:
        for path, text in files.items():
            path.write_text(text, encoding="utf-8")
        return 0
    stale = [p.name for p, text in files.items() if not p.is_file() or p.read_text(encoding="utf-8") != text]
    for name in stale:
        print(f"schemas/{name} is stale: run python -m schemas.published.json_schema --write", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
