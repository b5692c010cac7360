"""Which texts stand where in the JSON Schema: patterns of what is written there, and descriptions of keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from schemas.data_path import DataPath
from schemas.editor_hints import EXPECTED
from schemas.environment import allows_environment
from schemas.expression_patterns import ENVIRONMENT_OR_VALUE, VALUE, WITHOUT_EXPRESSION

Schema = dict[str, Any]

_NAMES = {
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
    "null": "null",
}
_KNOWN_FROM_FILE = "no ${env.…} and no ${tasks.…} here: it must be known from the file"


def choice(values: list[Any], path: DataPath) -> Schema:
    """One of these values, or an expression in its place."""
    return {"anyOf": [{"enum": values}, {"type": "string", "pattern": _expression(path)}]}


def _expression(path: DataPath) -> str:
    """The pattern of texts that are filled in at a path before its type counts."""
    return ENVIRONMENT_OR_VALUE if allows_environment(path) else VALUE


def with_text(schema: Schema, texts: Sequence[Schema], path: DataPath) -> Schema:
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
        "pattern": "|".join(portable(pattern) for pattern in patterns),
        "patternErrorMessage": f"expected {', or '.join(expected)}",
    }


def portable(pattern: str) -> str:
    """`$` is also before a last line break in Python, and only there."""
    return f"{pattern.removesuffix('$')}(?!\\n)$" if pattern.endswith("$") else pattern


def description(text: str | None) -> Schema:
    """Editors show `description` with its marks, or `markdownDescription` rendered where they know it."""
    if text is None:
        return {}
    line = " ".join(text.split())
    return {"description": line, "markdownDescription": line} if "`" in line else {"description": line}
