"""The JSON Schema of the language, generated from the models, for editors and CI.

Draft-07: yaml-language-server supports it fully, newer drafts in parts. Everything stands in place, without `$ref`:
draft-07 ignores what stands beside one, and a description belongs to the key, not to its type. Only an entry of `tasks`
has a definition, since groups hold tasks at any depth. A value of several
types is one schema with a list of types, not a union, so that an editor shows one error and not one per member.

    python -m schemas.json_schema --write    write the files
    python -m schemas.json_schema --check    exit status 1 when a file is not what the models give
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic.json_schema import models_json_schema

from schemas.built_ins import BUILT_INS, built_in
from schemas.data_path import DataPath
from schemas.editor_hints import (
    EXPECTED,
    POLL_SNIPPETS,
    SCHEDULE,
    SCHEDULE_EXAMPLES,
    TASK_SNIPPETS,
    USES_EXAMPLES,
    uses_text,
)
from schemas.environment import allows_environment
from schemas.expression_patterns import ENVIRONMENT_OR_VALUE, VALUE, WITHOUT_EXPRESSION
from schemas.field_texts import field_texts, models
from schemas.json_schema_conditions import CONDITIONS
from schemas.model import Model
from schemas.pipeline import Pipeline
from schemas.task import TASK_MARK, CodeTask, TaskBase, TaskGroup
from schemas.task_places import is_task_list

Schema = dict[str, Any]

_ENTRY: DataPath = ("tasks", 0)
_DRAFT = "http://json-schema.org/draft-07/schema#"
_USES_PATTERN = rf"^(?:{'|'.join(BUILT_INS)}|[^\s.$]+(?:\.[^\s.$]+)+)$"
_NAMES = {
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
    "null": "null",
}
_OF_ONE_FILE = frozenset({("dag_id",)})
_KNOWN_FROM_FILE = "no ${env.…} and no ${tasks.…} here: it must be known from the file"
_KEPT = ("minimum", "maximum", "exclusiveMinimum", "minItems", "minLength")


def pipeline_json_schema() -> Schema:
    """Of a pipeline's file that stands alone, without `_defaults.yaml` above it."""
    schema = _Translation(partial=False).document("pipeline.schema.json", "Pipeline")
    overlay = _Translation(partial=True, task="environment_task").document("", "What is other in an environment")
    schema["definitions"] |= {**overlay.pop("definitions"), "environment": _overlay(overlay)}
    schema["definitions"]["environment"]["properties"]["dag_id"] = schema["properties"]["dag_id"]
    schema["anyOf"] = [{"required": [key], "properties": {key: {"not": {"type": "null"}}}} for key in ("poll", "tasks")]
    return schema


def defaults_json_schema() -> Schema:
    """Of a `_defaults.yaml`: a part of a pipeline, in which nothing has to be there."""
    schema = _Translation(partial=True).document("defaults.schema.json", "Defaults of the pipelines in a folder")
    schema["definitions"]["environment"] = _overlay(schema)
    return schema


def _overlay(schema: Schema) -> Schema:
    """What may stand in an environment: all but environments."""
    properties = {key: value for key, value in schema["properties"].items() if key != "environments"}
    return {"type": ["object", "null"], "properties": properties, "additionalProperties": False}


def _with_texts(definitions: dict[str, Schema]) -> dict[str, Schema]:
    """Give every property the text that stands below its field."""
    known = models()
    for name, definition in definitions.items():
        texts = field_texts(known[name]) if name in known else {}
        for field, text in texts.items():
            key = known[name].model_fields[field].alias or field
            definition["properties"][key].setdefault("description", text)
    return definitions


class _Translation:
    """pydantic's JSON Schema → ours. `partial` leaves out what must be there; `task` names the definition of a task."""

    def __init__(self, *, partial: bool, task: str = "task") -> None:
        self._partial = partial
        self._task_name = task
        of_tasks: list[type[TaskBase]] = [*(built_in(name) for name in BUILT_INS), CodeTask]
        models_of_all: list[type[Model]] = [Pipeline, TaskGroup, *of_tasks]
        _, schemas = models_json_schema([(model, "validation") for model in models_of_all], by_alias=True)
        self._definitions = _with_texts(schemas["$defs"])
        self._tasks = [self._definitions[model.__name__] for model in of_tasks]

    def document(self, name: str, title: str) -> Schema:
        watched = {"properties": {"watch": {"type": "object"}}}
        without_rows = {"incremental": {"type": "null"}}
        schema = {
            "$schema": _DRAFT,
            "$id": name,
            "title": title,
            **self._object(self._definitions["Pipeline"], ()),
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
        properties["poll"]["defaultSnippets"] = _plain(POLL_SNIPPETS)
        entry = _with_text({"type": "object", **self._entry(_ENTRY)}, [], _ENTRY)
        environments = {"type": ["object", "null"], "additionalProperties": {"$ref": "#/definitions/environment"}}
        properties["environments"] = {**_description(properties["environments"]["description"]), **environments}
        assets = self._definitions["AssetSchedule"]["properties"]["assets"]
        schema["definitions"] = {
            self._task_name: {**entry, "defaultSnippets": _plain(TASK_SNIPPETS)},
            "assets": self._value(assets, ("schedule", "assets")),
        }
        return schema

    def _value(self, raw: Schema, path: DataPath) -> Schema:
        """The schema of the value at `path` (0 for any item, `*` for any key)."""
        if raw.get("$comment") == TASK_MARK:
            return {"$ref": f"#/definitions/{self._task_name}"}
        if path[-2:] in (("any", 0), ("all", 0)):
            return {"$ref": "#/definitions/assets"}
        members = list(self._members(raw))
        target = self._target(raw)
        schema = {**_description(raw.get("description", target.get("description"))), **self._union(members, path)}
        if raw.get("default") not in (None, {}, []):
            schema["default"] = raw["default"]
        examples = raw.get("examples") or [example for m in members for example in m.get("examples", ())]
        if examples:
            schema["examples"] = examples
        return schema

    def _target(self, raw: Schema) -> Schema:
        found: Schema = self._definitions[raw["$ref"].rpartition("/")[2]] if "$ref" in raw else raw
        return found

    def _members(self, raw: Schema) -> Iterator[Schema]:
        target = self._target(raw)
        inner = target.get("anyOf", target.get("oneOf"))
        if inner is None:
            yield target
            return
        for member in inner:
            yield from self._members(member)

    def _union(self, members: Sequence[Schema], path: DataPath) -> Schema:
        """One schema for all members: their keywords are about different types and so do not meet."""
        if any(not m.keys() & {"type", "enum", "const"} for m in members):
            return {}
        closed = [m for m in members if "properties" in m]
        enum = [value for m in members for value in m.get("enum", [m["const"]] if "const" in m else [])]
        if enum and closed:
            words = _choice(enum, path)
            null = [{"type": "null"}] if any(m.get("type") == "null" for m in members) else []
            return {"anyOf": [*words.get("anyOf", [words]), *null, self._object(closed[0], path)]}
        if enum:
            return _choice([*enum, *([None] if any(m.get("type") == "null" for m in members) else [])], path)
        schema: Schema = {"type": _types(members)}
        for member in members:
            schema |= {key: member[key] for key in _KEPT if key in member}
            if member["type"] == "array":
                schema["items"] = self._value(member["items"], (*path, 0))
            if member["type"] == "object" and not closed:
                schema |= self._mapping(member, path)
        if len(closed) == 1:
            schema |= {key: value for key, value in self._object(closed[0], path).items() if key != "type"}
        elif closed:
            schema |= self._variants(closed, path)
        if self._partial and is_task_list(path):
            del schema["minItems"]
        return _with_text(schema, [m for m in members if m.get("type") == "string"], path)

    def _mapping(self, member: Schema, path: DataPath) -> Schema:
        values = member.get("additionalProperties", True)
        free = values is True or values == {}
        return {} if free else {"additionalProperties": self._value(values, (*path, "*"))}

    def _object(self, raw: Schema, path: DataPath) -> Schema:
        more = raw.get("additionalProperties")
        schema: Schema = {
            "type": "object",
            "properties": {
                key: self._value(value, (*path, key))
                for key, value in raw["properties"].items()
                if not (self._partial and (*path, key) in _OF_ONE_FILE)
            },
            "additionalProperties": self._value(more, (*path, "*")) if isinstance(more, dict) else False,
        }
        required = raw.get("required", [])
        if required and not (self._partial and path[:1] != ("schedule",)):
            schema["required"] = required
        if not self._partial:
            schema |= CONDITIONS.get(raw.get("title", ""), {})
        return {**_description(raw.get("description")), **schema} if not path else schema

    def _variants(self, members: Sequence[Schema], path: DataPath) -> Schema:
        """A mapping of one of several shapes, told by the keys that one must have; the last takes the rest.

        The order is the discriminator's: `_shape` in schemas.schedule and in schemas.assets.
        """
        objects = [self._object(member, path) for member in members]
        known = {key: value for one in objects for key, value in one["properties"].items()}
        chain = _only(objects[-1], known)
        for member, one in reversed([*zip(members[:-1], objects[:-1], strict=True)]):
            chain = {"if": {"required": member["required"]}, "then": _only(one, known), "else": chain}
        return {"properties": known, "additionalProperties": False, **chain}

    def _entry(self, path: DataPath) -> Schema:
        """A group, which has `tasks`, or a task: `is_group` in schemas.task."""
        group, task = self._object(self._definitions["TaskGroup"], path), self._task(path)
        of_group, of_task = group["properties"], task["properties"]
        whole = {**task, "properties": {**of_group, **of_task}}
        if self._partial:
            return whole
        del whole["required"]
        return {
            **whole,
            "if": {"required": ["tasks"], "not": {"required": ["uses"]}},
            "then": {
                "required": group["required"],
                "properties": {key: False for key in of_task if key not in of_group},
            },
            "else": {
                "required": task["required"],
                "properties": {key: False for key in of_group if key not in of_task},
            },
        }

    def _task(self, path: DataPath) -> Schema:
        """`uses` says what `with` is: `task_model` in schemas.task."""
        *built_ins, code = (self._object(member, path) for member in self._tasks)
        cases: list[Schema] = []
        for name, task in zip(BUILT_INS, built_ins, strict=True):
            arguments = dict(task["properties"]["with"])
            then: Schema = {"properties": {"with": arguments}}
            if "with" in task.get("required", ()):
                # What is mapped may stand in `expand` in its place: then lint says what is missing.
                needed = {"required": ["with"], "properties": {"with": {"required": arguments.pop("required", [])}}}
                is_mapped = {"anyOf": [{"required": ["expand"]}, {"required": ["expand_kwargs"]}]}
                then |= {"if": is_mapped, "else": needed}
            cases.append({"if": {"required": ["uses"], "properties": {"uses": {"const": name}}}, "then": then})
        own = {
            "description": "Keys that start with `$` are reserved.",
            "propertyNames": {"pattern": r"^(?!\$)", "patternErrorMessage": "keys that start with `$` are reserved"},
        }
        a_built_in = {"required": ["uses"], "properties": {"uses": {"enum": list(BUILT_INS)}}}
        cases.append({"if": a_built_in, "else": {"properties": {"with": own}}})
        properties = code["properties"]
        properties["uses"] |= {
            "markdownDescription": uses_text(),
            "pattern": _portable(_USES_PATTERN),
            "patternErrorMessage": f"expected {', '.join(BUILT_INS)}, or the dotted path of a function or an operator",
            "examples": [*BUILT_INS, *USES_EXAMPLES],
        }
        required = {"required": code["required"]} if "required" in code else {}
        return {"properties": properties, "additionalProperties": False, **required, "allOf": cases}


def _only(one: Schema, known: Schema) -> Schema:
    """What holds where, of all known keys, only those of one shape may stand."""
    others = {key: False for key in known if key not in one["properties"]}
    return {key: one[key] for key in ("required",) if key in one} | ({"properties": others} if others else {})


def _types(members: Sequence[Schema]) -> str | list[str]:
    types = list(dict.fromkeys(m["type"] for m in members))
    if "number" in types and "integer" in types:
        types.remove("integer")
    return types[0] if len(types) == 1 else types


def _choice(values: list[Any], path: DataPath) -> Schema:
    return {"anyOf": [{"enum": values}, {"type": "string", "pattern": _expression(path)}]}


def _expression(path: DataPath) -> str:
    """The pattern of texts that are filled in at a path before its type counts."""
    return ENVIRONMENT_OR_VALUE if allows_environment(path) else VALUE


def _with_text(schema: Schema, texts: Sequence[Schema], path: DataPath) -> Schema:
    """Adds which texts fit: those of the members, and the expressions that can stand in their place."""
    patterns = [member["pattern"] for member in texts if "pattern" in member]
    environment = allows_environment(path)
    for member in texts:
        if "maxLength" in member and environment:
            patterns.append(rf"^[\s\S]{{{member.get('minLength', 0)},{member['maxLength']}}}$")
        elif "maxLength" in member:
            schema["maxLength"] = member["maxLength"]
    if texts and not patterns:
        without = {
            "pattern": WITHOUT_EXPRESSION,
            "patternErrorMessage": _KNOWN_FROM_FILE,
        }
        return schema if environment else {**schema, **without}
    types = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
    expected = [_NAMES[name] for name in types if name in _NAMES] + [EXPECTED.get(p, "text") for p in patterns]
    patterns.append(_expression(path))
    expected.append("${env.NAME}" if environment else "${vars.NAME}")
    return {
        **schema,
        "type": "string" if types == ["string"] else list(dict.fromkeys([*types, "string"])),
        "pattern": "|".join(_portable(pattern) for pattern in patterns),
        "patternErrorMessage": f"expected {', or '.join(expected)}",
    }


def _portable(pattern: str) -> str:
    """`$` is also before a last line break in Python, and only there."""
    return f"{pattern.removesuffix('$')}(?!\\n)$" if pattern.endswith("$") else pattern


def _description(text: str | None) -> Schema:
    """Editors show `description` with its marks, or `markdownDescription` rendered where they know it."""
    if text is None:
        return {}
    line = " ".join(text.split())
    return {"description": line, "markdownDescription": line} if "`" in line else {"description": line}


def _plain(snippets: Sequence[Mapping[str, Any]]) -> list[Schema]:
    return [dict(snippet) for snippet in snippets]


def _files() -> dict[Path, str]:
    folder = Path(__file__).parent
    schemas = {"pipeline.schema.json": pipeline_json_schema(), "defaults.schema.json": defaults_json_schema()}
    return {folder / name: json.dumps(schema, indent=2, ensure_ascii=False) + "\n" for name, schema in schemas.items()}


def main(arguments: Sequence[str] | None = None) -> int:
    """Write or check the committed files; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m schemas.json_schema", description="The JSON Schema files.")
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
        print(f"schemas/{name} is stale: run python -m schemas.json_schema --write", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
