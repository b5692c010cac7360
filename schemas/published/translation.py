"""pydantic's JSON Schema of the models → the one that editors get."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from pydantic.json_schema import models_json_schema

from schemas.expressions.reading import VALUE
from schemas.findings.paths import DataPath, is_task_list
from schemas.model.built_ins import BUILT_INS, built_in
from schemas.model.fields import Model
from schemas.model.http import Poll
from schemas.model.pipeline import Pipeline
from schemas.model.polling import NEEDED
from schemas.model.task import TASK_MARK, CodeTask, TaskGroup, TaskTemplate, TemplateUse
from schemas.model.task_base import TaskBase
from schemas.published.texts import (
    TASK_SNIPPETS,
    USES_EXAMPLES,
    Schema,
    choice,
    description,
    field_texts,
    models,
    portable,
    uses_text,
    with_text,
)

_ENTRY: DataPath = ("tasks", 0)
_USES_PATTERN = rf"^(?:{'|'.join(BUILT_INS)}|[^\s.$]+(?:\.[^\s.$]+)+)$"
_OF_ONE_FILE = frozenset({("dag_id",)})
_KEPT = ("minimum", "maximum", "exclusiveMinimum", "minItems", "minLength")


def _has(key: str) -> Schema:
    return {"required": [key], "properties": {key: {"not": {"type": "null"}}}}


def _not_both(one: str, other: str) -> Schema:
    return {"anyOf": [{"properties": {key: {"type": "null"}}} for key in (one, other)]}


_REQUEST: Schema = {
    "anyOf": [_has("url"), _has("conn_id")],
    "allOf": [_not_both("url", "conn_id"), _not_both("json", "data")],
}

_CONDITIONS: Mapping[str, Schema] = MappingProxyType(
    {
        "Poll": _REQUEST,
        "HttpRequest": _REQUEST,
        "ResponseAction": {"anyOf": [_has(key) for key in ("status_code", "content", "condition", "headers")]},
        "RateLimit": {"anyOf": [_has(key) for key in ("requests", "remaining_header", "reset_header")]},
        "Pagination": {
            "allOf": [
                {
                    "if": {"required": ["type"], "properties": {"type": {"const": kind}}},
                    "then": {"anyOf": [_has(key) for key in keys]},
                }
                for kind, keys in NEEDED.items()
            ]
        },
    }
)
"""Name of a model → which of its keys need or exclude each other; rules say so in lint. Whatever is not a
mapping fits."""


class Translation:
    """pydantic's JSON Schema → ours. `partial` leaves out what must be there; `task` names the definition of a task."""

    def __init__(self, *, partial: bool, task: str = "task") -> None:
        self._partial = partial
        self._task_name = task
        of_tasks: list[type[TaskBase]] = [*(built_in(name) for name in BUILT_INS), CodeTask]
        models_of_all: list[type[Model]] = [Pipeline, Poll, TaskGroup, TaskTemplate, TemplateUse, *of_tasks]
        _, schemas = models_json_schema([(model, "validation") for model in models_of_all], by_alias=True)
        self._definitions = _with_texts(schemas["$defs"])
        self._tasks = [self._definitions[model.__name__] for model in of_tasks]

    def pipeline(self) -> Schema:
        """Of a file's mapping."""
        return self._object(self._definitions["Pipeline"], ())

    def template(self) -> Schema:
        """Of a template's mapping."""
        return self._object(self._definitions["TaskTemplate"], ())

    def definitions(self) -> dict[str, Schema]:
        """What contains others of its kind: tasks in groups, assets in conditions."""
        entry = with_text({"type": "object", **self._entry(_ENTRY)}, [], _ENTRY)
        assets = self._definitions["AssetSchedule"]["properties"]["assets"]
        return {
            self._task_name: {**entry, "defaultSnippets": list(TASK_SNIPPETS)},
            "assets": self._value(assets, ("schedule", "assets")),
        }

    def _value(self, raw: Schema, path: DataPath) -> Schema:
        """The schema of the value at `path` (0 for any item, `*` for any key)."""
        if raw.get("$comment") == TASK_MARK:
            return {"$ref": f"#/definitions/{self._task_name}"}
        if path[-2:] in (("any", 0), ("all", 0)):
            return {"$ref": "#/definitions/assets"}
        members = list(self._members(raw))
        target = self._target(raw)
        schema = {**description(raw.get("description", target.get("description"))), **self._union(members, path)}
        if raw.get("default") not in (None, {}, []):
            schema["default"] = raw["default"]
        examples = raw.get("examples") or [example for m in members for example in m.get("examples", ())]
        if examples:
            schema["examples"] = examples
        return schema

    def _target(self, raw: Schema) -> Schema:
        name = raw.get("$ref", "").rpartition("/")[2] or raw.get("$comment")
        found: Schema = self._definitions[name] if name else raw
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
            words = choice(enum, path)
            null = [{"type": "null"}] if any(m.get("type") == "null" for m in members) else []
            return {"anyOf": [*words.get("anyOf", [words]), *null, self._object(closed[0], path)]}
        if enum:
            return choice([*enum, *([None] if any(m.get("type") == "null" for m in members) else [])], path)
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
        return with_text(schema, [m for m in members if m.get("type") == "string"], path)

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
            schema |= _CONDITIONS.get(raw.get("title", ""), {})
        return {**description(raw.get("description")), **schema} if not path else schema

    def _variants(self, members: Sequence[Schema], path: DataPath) -> Schema:
        """A mapping with one of several shapes; the required keys decide which, and the last shape is the default.

        The order is the discriminator's: `_shape` in schemas.model.schedule and in schemas.model.schedule.
        """
        objects = [self._object(member, path) for member in members]
        known = {key: value for one in objects for key, value in one["properties"].items()}
        chain = _only(objects[-1], known)
        for member, one in reversed([*zip(members[:-1], objects[:-1], strict=True)]):
            chain = {"if": {"required": member["required"]}, "then": _only(one, known), "else": chain}
        return {"properties": known, "additionalProperties": False, **chain}

    def _entry(self, path: DataPath) -> Schema:
        """A group, which has `tasks`, or `template` in their place, or a task: `task_model` in schemas.model.task."""
        group, taken = (self._object(self._definitions[name], path) for name in ("TaskGroup", "TemplateUse"))
        task = self._task(path)
        known = {**group["properties"], **taken["properties"], **task["properties"]}
        whole = {**task, "properties": known}
        if self._partial:
            return whole
        del whole["required"]
        without_uses = {"not": {"required": ["uses"]}}
        is_taken = {"required": ["template"], **without_uses}
        of_others = {"if": is_taken, "then": _only(taken, known), "else": _only(task, known)}
        return {
            **whole,
            "if": {"required": ["tasks"], **without_uses},
            "then": _only(group, known),
            "else": of_others,
        }

    def _task(self, path: DataPath) -> Schema:
        """`uses` says what `with` is: `task_model` in schemas.model.task."""
        *built_ins, code = (self._object(member, path) for member in self._tasks)
        cases: list[Schema] = []
        for name, task in zip(BUILT_INS, built_ins, strict=True):
            arguments = dict(task["properties"]["with"])
            then: Schema = {"properties": {"with": arguments}}
            if "with" in task.get("required", ()):
                # A mapped argument may be in `expand` instead: then lint reports what is missing.
                there = {key: arguments.pop(key) for key in ("required", "anyOf") if key in arguments}
                needed = {"required": ["with"], "properties": {"with": there}}
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
            "pattern": f"{portable(_USES_PATTERN)}|{VALUE}",
            "patternErrorMessage": f"expected {', '.join(BUILT_INS)}, or the dotted path of a function or an operator",
            "examples": [*BUILT_INS, *USES_EXAMPLES],
        }
        required = {"required": code["required"]} if "required" in code else {}
        return {"properties": properties, "additionalProperties": False, **required, "allOf": cases}


def _only(one: Schema, known: Schema) -> Schema:
    """The conditions of one shape: of all known keys, only its own are allowed."""
    others = {key: False for key in known if key not in one["properties"]}
    return {key: one[key] for key in ("required",) if key in one} | ({"properties": others} if others else {})


def _types(members: Sequence[Schema]) -> str | list[str]:
    types = list(dict.fromkeys(m["type"] for m in members))
    if "number" in types and "integer" in types:
        types.remove("integer")
    return types[0] if len(types) == 1 else types


def _with_texts(definitions: dict[str, Schema]) -> dict[str, Schema]:
    """Give every property the text below its field."""
    known = models()
    for name, definition in definitions.items():
        texts = field_texts(known[name]) if name in known else {}
        for field, text in texts.items():
            key = known[name].model_fields[field].alias or field
            definition["properties"][key].setdefault("description", text)
    return definitions
