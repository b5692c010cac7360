"""Places of a document: in a person's words, the values there, and which model a place of a pydantic error lies in."""

from __future__ import annotations

from collections.abc import Mapping
from types import NoneType, UnionType
from typing import Annotated, Any, ForwardRef, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel, Tag
from pydantic.fields import FieldInfo

from schemas.compose.effective import Effective
from schemas.findings.paths import DataPath, task_path
from schemas.model.task import is_group


def value_at(data: Any, path: DataPath) -> Any:
    """The value at a path; None where there is none."""
    for element in path:
        is_there = isinstance(element, int) if isinstance(data, list) else isinstance(data, dict) and element in data
        if not is_there:
            return None
        data = data[element]
    return data


def built_at(model: Any, path: DataPath) -> Any:
    """The value at a path of a document as its model has it; None where there is none."""
    for part in path:
        if isinstance(model, BaseModel):
            fields = type(model).model_fields.items()
            model = next((getattr(model, name) for name, field in fields if (field.alias or name) == part), None)
        elif isinstance(model, dict):
            model = model.get(part)
        else:
            model = model[part] if isinstance(model, list | tuple) and isinstance(part, int) else None
    return model


def mapping_at(data: Any, path: DataPath) -> Mapping[str, Any]:
    """The mapping at a path; an empty one where there is none."""
    found = value_at(data, path)
    return found if isinstance(found, dict) else {}


def name(path: DataPath, document: Effective) -> str:
    """The key a person knows a value by."""
    for end in range(len(path), 0, -1):
        if isinstance(path[end - 1], str):
            key = f"`{path[end - 1]}`"
            return key if end == len(path) else f"item {document.number(path[: end + 1])} of {key}"
    return "the file"


def place(path: DataPath, document: Effective) -> str:
    """Where a key is: "in `poll`", "in task `load`", "at the top level"."""
    if not path:
        return "at the top level"
    task_at = task_path(path)
    if task_at:
        entry = value_at(document.data, task_at)
        task_id = entry.get("id") if isinstance(entry, dict) else None
        kind = "group" if is_group(entry) else "task"
        task = f"{kind} `{task_id}`" if isinstance(task_id, str) else f"{kind} {document.number(task_at)}"
        return f"in {task}" if path == task_at else f"in {name(path, document)} of {task}"
    return f"in {name(path, document)}"


def is_tag(element: object) -> bool:
    """Whether a location's element is a discriminator's tag of ours, which the document does not hold."""
    return isinstance(element, str) and element.startswith("<") and element.endswith(">")


def model_at(root: type[BaseModel], location: tuple[str | int, ...]) -> type[BaseModel] | None:
    """The model of the mapping at `location` (tags included); None where it is no model's."""
    models = _models_at(root, location)
    return models[0] if len(models) == 1 else None


def keys_at(root: type[BaseModel], location: tuple[str | int, ...]) -> tuple[str, ...]:
    """The keys that a mapping at `location` may have, those of all members of a union."""
    return tuple(dict.fromkeys(key for model in _models_at(root, location) for key in keys_of(model)))


def _models_at(root: type[BaseModel], location: tuple[str | int, ...]) -> list[type[BaseModel]]:
    current: Any = root
    for element in location:
        current = _step(_plain(current), element)
        if current is None:
            return []
    candidates = _members(_plain(current))
    return [c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel)]


def field_by_key(model: type[BaseModel], key: str) -> FieldInfo | None:
    """The field that a document writes as `key`."""
    for name, field in model.model_fields.items():
        if (field.alias or name) == key:
            return field
    return None


def keys_of(model: type[BaseModel]) -> tuple[str, ...]:
    """The keys a document may write, in the model's order; `$schema` is for tools and left out."""
    keys = (field.alias or name for name, field in model.model_fields.items())
    return tuple(key for key in keys if key != "$schema")


def _step(current: Any, element: str | int) -> Any:
    if is_tag(element):
        return _tagged(current, element)
    for member in _members(current):
        if isinstance(member, type) and issubclass(member, BaseModel) and isinstance(element, str):
            field = field_by_key(member, element)
            if field is not None:
                return annotation_of(member, field)
        if get_origin(member) is list and isinstance(element, int):
            return get_args(member)[0]
        if get_origin(member) is dict and isinstance(element, str):
            return get_args(member)[1]
    return None


def _tagged(union: Any, tag: object) -> Any:
    """The member of a union that has a tag; the union may be a member of another one, beside None."""
    for member in get_args(union):
        if _tag(member) == tag:
            return member
        found = _tagged(_plain(member), tag) if get_origin(_plain(member)) in (Union, UnionType) else None
        if found is not None:
            return found
    return None


def annotation_of(model: type[BaseModel], field: FieldInfo) -> Any:
    """The field's type; that of a model which holds itself is only a name until the model is built."""
    if not isinstance(field.annotation, ForwardRef):
        return field.annotation
    name = next(name for name, known in model.model_fields.items() if known is field)
    return get_type_hints(model, include_extras=True)[name]


def _tag(member: Any) -> str | None:
    return next((m.tag for m in getattr(member, "__metadata__", ()) if isinstance(m, Tag)), None)


def _plain(annotation: Any) -> Any:
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    return annotation


def _members(annotation: Any) -> list[Any]:
    """The members of a union, nested ones and `Annotated` unfolded, None left out."""
    plain = _plain(annotation)
    if get_origin(plain) in (Union, UnionType):
        return [m for part in get_args(plain) for m in _members(part)]
    return [] if plain is NoneType else [plain]
