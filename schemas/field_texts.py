"""What the models say of their fields: the text below each, which the JSON Schema and the reference show."""

from __future__ import annotations

import ast
import inspect
import sys
import textwrap
from itertools import pairwise

from schemas.model import Model


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
