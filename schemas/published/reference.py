"""docs/reference.md, generated: `reference.md` beside this file, with a table of the keys of each model it names.

A table shows what a key takes, what it means, and an example that is run: the shortest in the files of
docs/examples/reference. A line `[keys of Poll without HttpRequest]` is the table of the keys that only Poll has.

    python -m schemas.published.reference --write    write the file
    python -m schemas.published.reference --check    exit status 1 when it is not what the models give
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import yaml
from pydantic.fields import FieldInfo

from schemas.check import CheckedPipeline, Checker, CheckOptions
from schemas.compose.effective import Effective
from schemas.folder.discovery import test_paths
from schemas.folder.project import template_paths
from schemas.model import times
from schemas.model.built_ins import BUILT_INS, built_in
from schemas.model.fields import Model
from schemas.model.http import HttpRequest
from schemas.model.pipeline import LATE_POLL
from schemas.model.pipeline_tests import PipelineTests
from schemas.model.task import TaskTemplate
from schemas.published import write_or_check
from schemas.published.texts import field_texts, models
from schemas.shape import validate
from schemas.text.document import document_from_text, read_document

_DOCS = Path(__file__).parents[2] / "docs"
FILE = _DOCS / "reference.md"
EXAMPLES = _DOCS / "examples" / "reference"
"""A folder of pipelines like any other."""
_TEMPLATE = Path(__file__).with_name("reference.md")
_KEYS = re.compile(r"^\[keys of (?P<model>\w+)(?: without (?P<without>[\w ]+))?\]$", re.MULTILINE)
_ARGUMENTS = "[arguments of the other built-ins]\n"
_WORDS = {str: "text", int: "whole number", float: "number", bool: "true or false", list: "list", dict: "mapping"}
_ROW = re.compile(r"\$\{matrix\.[^}]*\}")

Key = tuple[type[Model], str]
"""The model that defines a field, and the key."""


@dataclass(frozen=True, slots=True)
class Table:
    """The keys of `model` that no model of `without` has."""

    model: type[Model]
    without: tuple[type[Model], ...] = ()

    def fields(self) -> Iterator[tuple[str, FieldInfo]]:
        """The fields it shows, by name."""
        left_out = {name for model in self.without for name in model.model_fields}
        return ((name, field) for name, field in self.model.model_fields.items() if name not in left_out)

    def __str__(self) -> str:
        texts, rows = field_texts(self.model), []
        for name, field in self.fields():
            key = field.alias or name
            example = examples().get((definer(self.model, name), key))
            shown = _code(example) if example is not None else ""
            takes = ", or ".join(dict.fromkeys(_words(field.annotation)))
            rows.append(f"| `{key}` | {takes} | {_default(field)} | {_cell(texts.get(name, ''))} | {shown} |")
        head = ["| key | takes | default | what it says | example |", "|---|---|---|---|---|"]
        return "\n".join([*head, *rows]) if rows else _cell(self.model.__doc__ or "")


def template() -> str:
    """The page's text with its places for tables, one for each built-in included."""
    sections = []
    for name in BUILT_INS:
        arguments = built_in(name).model_fields["with_"].annotation
        if isinstance(arguments, type) and arguments is not HttpRequest:
            sections.append(f"## `uses: {name}`\n\n[keys of {arguments.__name__}]\n")
    return _TEMPLATE.read_text(encoding="utf-8").replace(_ARGUMENTS, "\n".join(sections))


def tables() -> list[Table]:
    """Every table of the page."""
    return [_table(match) for match in _KEYS.finditer(template())]


def reference() -> str:
    """The page's text."""
    return _KEYS.sub(lambda match: str(_table(match)), template())


def _table(match: re.Match[str]) -> Table:
    known = models()
    return Table(known[match["model"]], tuple(known[name] for name in (match["without"] or "").split()))


def _words(annotation: Any) -> Iterator[str]:
    """What a field takes, in words: those of each member of a union."""
    origin = get_origin(annotation)
    if origin is Annotated and any(mark == LATE_POLL for mark in get_args(annotation)[1:]):
        yield "mapping"
    elif origin is Annotated:
        yield from _words(get_args(annotation)[0])
    elif origin in (Union, UnionType):
        for member in get_args(annotation):
            yield from _words(member)
    elif origin is Literal:
        yield " \\| ".join(f"`{value}`" for value in get_args(annotation))
    elif annotation is timedelta:
        yield f"duration ({times.DURATION_FORMS.split(',', maxsplit=1)[0]}, …)"
    elif annotation is datetime:
        yield "date"
    elif isinstance(annotation, type) and issubclass(annotation, Model):
        yield "mapping"
    elif annotation is not NoneType:
        yield _WORDS.get(origin or annotation, "any value")


def _default(field: FieldInfo) -> str:
    value = field.default
    if field.is_required():
        return "required"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{value}`" if isinstance(value, str | int | float) else ""


def _code(text: str) -> str:
    """As code inside a table, where a bar needs its escape and a backtick a longer fence."""
    fence = "``" if "`" in text else "`"
    return f"{fence}{_cell(text)}{fence}"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


@cache
def examples() -> Mapping[Key, str]:
    """Key → how it is written in a pipeline of EXAMPLES, in one line.

    Nothing says which key an example is for: a pipeline is a tree of models, and what a model's key is written as is at
    the same path in the file.
    """
    found: dict[Key, str] = {}
    for pipeline in Checker(EXAMPLES, CheckOptions(environ={})).folder().pipelines:
        if isinstance(pipeline, CheckedPipeline):
            # A matrix has not yet made more entries of one: a word stands for each of its values.
            document = document_from_text(_ROW.sub("row", pipeline.text), pipeline.file)
            model, _ = validate(Effective(document.data, (document,)))
            _add(found, _written(model, document_from_text(pipeline.text, pipeline.file).data))
    for path in template_paths(EXAMPLES):
        data = read_document(EXAMPLES / path, path).data
        _add(found, _written(TaskTemplate.model_validate(data), data))
    for path in test_paths(EXAMPLES):
        data = read_document(EXAMPLES / path, path).data
        _add(found, _written(PipelineTests.model_validate(data), data))
    return found


def _add(found: dict[Key, str], written: Iterator[tuple[Key, Any]]) -> None:
    for key, value in written:
        text = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=10**6, allow_unicode=True)
        line = f"{key[1]}: " + text.removesuffix("...\n").strip()
        found[key] = min(found.get(key, line), line, key=len)


def definer(model: type[Model], field: str) -> type[Model]:
    """The class whose body holds a field: the tasks of all kinds have their `id` from one."""
    return next(
        cls for cls in model.__mro__ if issubclass(cls, Model) and field in vars(cls).get("__annotations__", {})
    )


def _written(value: Any, raw: Any) -> Iterator[tuple[Key, Any]]:
    """The keys that models have and the file writes, with their values."""
    if isinstance(value, Model) and isinstance(raw, dict):
        for name, field in type(value).model_fields.items():
            key = field.alias or name
            if key in raw:
                yield (definer(type(value), name), key), raw[key]
                yield from _written(getattr(value, name), raw[key])
    elif isinstance(value, dict) and isinstance(raw, dict):
        for key, inner in value.items():
            yield from _written(inner, raw.get(key))
    elif isinstance(value, list | tuple) and isinstance(raw, list):
        for one, written in zip(value, raw, strict=False):
            yield from _written(one, written)


if __name__ == "__main__":
    sys.exit(write_or_check("schemas.published.reference", {FILE: reference()}))
