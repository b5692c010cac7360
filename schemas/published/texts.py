"""Which texts stand where in the JSON Schema: patterns of what is written there, and descriptions of keys."""

from __future__ import annotations

import ast
import inspect
import sys
import textwrap
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from schemas.compose.env_values import allows_environment
from schemas.expressions.patterns import ENVIRONMENT_OR_VALUE, VALUE, WITHOUT_EXPRESSION
from schemas.findings.paths import DataPath
from schemas.model.base import Model
from schemas.published.editor_hints import EXPECTED

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


def field_texts(model: type[Model]) -> dict[str, str]:
    """Field name → its text, those of the bases included; read from the source."""
    texts: dict[str, str] = {}
    for cls in reversed(model.__mro__):
        if issubclass(cls, Model) and cls is not Model:
            texts |= _own(cls)
    return {name: text for name, text in texts.items() if name in model.model_fields}


def models() -> dict[str, type[Model]]:
    """All models that stand in an imported module, by class name; not those that are made of others at run time."""
    found: dict[str, type[Model]] = {}
    waiting: list[type[Model]] = [Model]
    while waiting:
        for cls in waiting.pop().__subclasses__():
            waiting.append(cls)
            if getattr(sys.modules[cls.__module__], cls.__name__, None) is cls:
                found[cls.__name__] = cls
    return found


def _own(cls: type) -> dict[str, str]:
    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(cls))).body
    if not isinstance(definition, ast.ClassDef):
        raise TypeError(cls)
    return {
        field.target.id: inspect.cleandoc(text.value.value)
        for field, text in pairwise(definition.body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
        and isinstance(text.value.value, str)
    }
