"""The example that docs/reference.md shows for a key: the shortest that stands in the examples of the docs.

Nothing says which key an example is for: a sound pipeline is a tree of models, and what a model's key is written as
stands at the same path in the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from schemas.check import CheckedPipeline, Checker, CheckOptions
from schemas.compose.effective import Effective
from schemas.model.base import Model
from schemas.shape.validation import validate
from schemas.text.document import document_from_text

FOLDER = Path(__file__).parents[2] / "docs" / "examples" / "reference"
"""A folder of pipelines like any other."""

_ROW = re.compile(r"\$\{matrix\.[^}]*\}")

Key = tuple[type[Model], str]
"""The model that defines a field, and the key."""


@cache
def examples(folder: Path = FOLDER) -> Mapping[Key, str]:
    """Key → how it is written in a pipeline of the folder, in one line."""
    found: dict[Key, str] = {}
    for pipeline in Checker(folder, CheckOptions(environ={})).folder().pipelines:
        if isinstance(pipeline, CheckedPipeline):
            written = document_from_text(pipeline.text, pipeline.file).data
            for key, value in _written(_as_written(pipeline.text, pipeline.file), written):
                line = f"{key[1]}: {_line(value)}"
                found[key] = min(found.get(key, line), line, key=len)
    return found


def _as_written(text: str, file: str) -> Model:
    """The model of a file's own entries: a matrix has not yet made more of them."""
    document = document_from_text(_ROW.sub("row", text), file)
    model, _ = validate(Effective(document.data, (document,)))
    if model is None:
        raise ValueError(f"{file} is no model with a word in place of each ${{matrix.…}}")
    return model


def definer(model: type[Model], field: str) -> type[Model]:
    """The class whose body holds a field: the tasks of all kinds have their `id` from one."""
    return next(
        cls for cls in model.__mro__ if issubclass(cls, Model) and field in vars(cls).get("__annotations__", {})
    )


def _written(value: Any, raw: Any) -> Iterator[tuple[Key, Any]]:
    """The keys that models have and the file writes, with what stands there."""
    if isinstance(value, Model) and isinstance(raw, dict):
        for name in type(value).model_fields:
            key = type(value).model_fields[name].alias or name
            if key in raw:
                yield (definer(type(value), name), key), raw[key]
                yield from _written(getattr(value, name), raw[key])
    elif isinstance(value, dict) and isinstance(raw, dict):
        for key, inner in value.items():
            yield from _written(inner, raw.get(key))
    elif isinstance(value, list | tuple) and isinstance(raw, list):
        for one, written in zip(value, raw, strict=False):
            yield from _written(one, written)


def _line(value: Any) -> str:
    text = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=10**6, allow_unicode=True)
    return text.removesuffix("...\n").strip()
