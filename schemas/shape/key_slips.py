"""Which of the keys that a mapping lacks its unknown keys were meant for."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Any

from pydantic import TypeAdapter, ValidationError

from schemas.findings.paths import DataPath, task_path
from schemas.findings.suggestions import nearest
from schemas.model.pipeline import Pipeline
from schemas.model.task import task_model
from schemas.shape.model_types import annotation_of, field_by_key, model_at
from schemas.shape.places import value_at

_MOST = 20
"""Unknown keys of one mapping that are looked at: among more a guess is none."""


def slips(
    unknown: Mapping[DataPath, Mapping[str, object]],
    missing: Mapping[DataPath, Mapping[str, tuple[int | str, ...]]],
    data: Mapping[str, Any],
) -> dict[DataPath, str]:
    """The path of an unknown key → the missing key that it looks like, or else the only one that its value fits.

    Both are keys by the path of their mapping; a missing one with its location in the models.
    """
    return {
        (*mapping, written): key
        for mapping, keys in missing.items()
        for written, key in _of_one(mapping, list(islice(unknown.get(mapping, ()), _MOST)), keys, data).items()
    }


def _of_one(
    mapping: DataPath, unknown: list[str], missing: Mapping[str, tuple[int | str, ...]], data: Mapping[str, Any]
) -> dict[str, str]:
    found: dict[str, str] = {}
    for key in missing:
        found |= {written: key for written in unknown if written not in found and nearest(written, [key])}
    for key, location in missing.items():
        if key in found.values():
            continue
        fitting = [
            written
            for written in unknown
            if written not in found and _fits(mapping, location, value_at(data, (*mapping, written)), data)
        ]
        if len(fitting) == 1:
            found[fitting[0]] = key
    return found


def _fits(mapping: DataPath, location: tuple[int | str, ...], value: Any, data: Mapping[str, Any]) -> bool:
    """Whether a value is of the kind that the key at `location` takes, be it right inside or not."""
    task = task_path(mapping)
    model = model_at(task_model(value_at(data, task)) if task else Pipeline, tuple(location[len(task) : -1]))
    field = field_by_key(model, str(location[-1])) if model is not None else None
    if model is None or field is None:
        return False
    try:
        TypeAdapter(annotation_of(model, field)).validate_python(value)
    except ValidationError as error:
        return isinstance(value, dict | list) and all(e["loc"] for e in error.errors(include_url=False))
    return True
