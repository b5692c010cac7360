"""A key that the language does not have: what it was meant for, and what could stand in its place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from schemas.built_ins import BUILT_INS, built_in
from schemas.codes import Code
from schemas.data_path import DataPath
from schemas.mend import word as mend_of
from schemas.misplaced_words import other_words
from schemas.model_types import is_tag, keys_at, keys_of, model_at
from schemas.named_places import mapping_at, place, value_at
from schemas.pipeline import Pipeline
from schemas.poll import Poll
from schemas.problem import Problem
from schemas.python_object import OBJECT
from schemas.settings import SETTING_KEYS, TaskSettings
from schemas.suggestions import did_you_mean, meant, nearest
from schemas.task import TaskBase, is_group, task_model
from schemas.task_places import task_path

_EXCLUSIVE_IN_SCHEDULE = (
    *(("cron", "every"), ("timezone", "every"), ("assets", "every")),
    *(("timetable", key) for key in ("cron", "every", "assets", "timezone", "data_interval")),
    *(("cron", key) for key in ("default_partition_mapper", "partition_mapper_config")),
)
"""Keys of one mapping, of which a union's members have one each."""
_EXCLUSIVE_IN_ASSETS = (("any", "all"),)
_EXCLUSIVE_IN_TASK = (("uses", "tasks"),)
"""A task has `uses`, a group has `tasks`."""


def unknown_key(path: DataPath, error: ErrorDetails, data: Mapping[str, Any], stands_for: str | None) -> Problem:
    """The finding for the key that ends `path`. `stands_for`: the key in whose place it seems to be written."""
    key = str(path[-1])
    if key.startswith("$"):
        message = f"`{key}`: keys that start with `$` are reserved"
        return Problem(Code.RESERVED_KEY, path, message, at_key=True, caret=meant(key, (OBJECT,)))
    task = task_path(path)
    beside = mapping_at(data, path[:-1])
    other = next((word for word in _excluded_by(key, path[:-1], task) if word in beside), None)
    if other is not None:
        message = f"`{key}` and `{other}` exclude each other {place(path[:-1], data)}"
        return Problem(Code.CONFLICTING_KEYS, path, message, at_key=True, caret="take one of them away")
    if task and path[len(task) : -1] == ("with",) and key in TaskBase.model_fields:
        message = f"`{key}` is a setting of the task, not an argument"
        return Problem(Code.TASK_SETTING_IN_WITH, path, message, at_key=True, caret=f"write `{key}` beside `uses`")
    model, allowed = _allowed(path, error, data)
    own = _own_keys(model, allowed)
    elsewhere = _where_else(data, path, key)
    # A fix writes the key that the finding names, or none.
    mend = mend_of(key, allowed if stands_for is None else (stands_for,)) if not elsewhere else None
    return Problem(
        Code.UNKNOWN_KEY,
        path,
        f"unknown key `{key}` {place(path[:-1], data)}",
        at_key=True,
        caret=elsewhere or did_you_mean(stands_for or nearest(key, allowed)),
        help=_about_keys(own, allowed),
        allowed=own,
        mend=mend if mend is None or mend.text not in beside else None,
    )


def undecided(mapping: DataPath, error: ErrorDetails, data: Mapping[str, Any]) -> bool:
    """Whether an error is about one member of a union of mappings, and no key that is written decides for it."""
    root, below = _root(mapping, error["loc"][:-1], data)
    if not below or not is_tag(below[-1]):
        return False
    own = set(_keys(model_at(root, below)))
    return own < set(keys_at(root, below[:-1])) and not mapping_at(data, mapping).keys() & own


def keys_where(path: DataPath, error: ErrorDetails, data: Mapping[str, Any]) -> tuple[str, ...]:
    """The keys of the mapping that should stand at `path`."""
    root, below = _root(path, error["loc"], data)
    return _own_keys(model_at(root, below), keys_at(root, below))


def _allowed(
    path: DataPath, error: ErrorDetails, data: Mapping[str, Any]
) -> tuple[type[BaseModel] | None, tuple[str, ...]]:
    """The model of a key's mapping and the keys that can stand there: of all shapes, where none is decided for."""
    location = error["loc"][:-1]
    model = _model(path[:-1], location, data)
    if model is not None and not undecided(path[:-1], error, data):
        return model, keys_of(model)
    root, below = _root(path[:-1], location, data)
    return None, keys_at(root, below[:-1] if below and is_tag(below[-1]) else below)


def _model(mapping: DataPath, location: tuple[int | str, ...], data: Mapping[str, Any]) -> type[BaseModel] | None:
    return model_at(*_root(mapping, location, data))


def _root(
    mapping: DataPath, location: tuple[int | str, ...], data: Mapping[str, Any]
) -> tuple[type[BaseModel], tuple[int | str, ...]]:
    """The model that a location is looked up in, and the location below it: above tasks no union stands."""
    task = task_path(mapping)
    return (task_model(value_at(data, task)) if task else Pipeline), tuple(location[len(task) :])


def _keys(model: type[BaseModel] | None) -> tuple[str, ...]:
    return keys_of(model) if model is not None else ()


def _excluded_by(key: str, mapping: DataPath, task: DataPath) -> list[str]:
    if mapping == ("schedule",):
        pairs: tuple[tuple[str, str], ...] = _EXCLUSIVE_IN_SCHEDULE
    elif mapping[:2] == ("schedule", "assets"):
        pairs = _EXCLUSIVE_IN_ASSETS
    else:
        pairs = _EXCLUSIVE_IN_TASK if mapping and mapping == task else ()
    return [word for pair in pairs if key in pair for word in pair if word != key]


def _where_else(data: Any, path: DataPath, key: str) -> str:
    """The right place of a key that is right elsewhere."""
    if is_argument(data, path[:-1], key):
        return "write it in `with`"
    if len(path) == 1 and len(mapping_at(data, path).keys() & set(keys_of(Pipeline))) > 1:
        return "take this line away: a file is one pipeline, whose keys stand at the top level"
    if len(path) == 1 and "poll" in data and data["poll"] is None and key in keys_of(Poll):
        return "indent it, so that it stands in `poll`"
    said = other_words(key, path, mapping_at(data, path[:-1]))
    if said:
        return said
    holds_tasks = len(path) == 1 or is_group(value_at(data, path[:-1]))
    return "a setting of tasks: write it in `default_args`" if holds_tasks and key in SETTING_KEYS else ""


def _own_keys(model: type[BaseModel] | None, allowed: tuple[str, ...]) -> tuple[str, ...]:
    """Of a task or a poll the keys that not every task has."""
    if model is not None and issubclass(model, TaskSettings) and model is not TaskSettings:
        return tuple(sorted(key for key in allowed if key not in SETTING_KEYS))
    return tuple(sorted(allowed))


def _about_keys(own: tuple[str, ...], allowed: tuple[str, ...]) -> str:
    """What the list of allowed keys leaves out: the settings of every task would hide the few that matter."""
    if not allowed:
        return "no key can stand here"
    return (
        "Airflow's task settings (`retries`, `pool`, `trigger_rule`, …) can also stand here"
        if len(own) < len(allowed)
        else ""
    )


def is_argument(data: Any, task: DataPath, key: str) -> bool:
    """Whether a key beside `uses` is an argument of the built-in that this names; of any one, without `uses`."""
    if not task or task != task_path(task):
        return False
    entry = mapping_at(data, task)
    uses = entry.get("uses")
    if uses is None and "tasks" not in entry:
        return any(key in _arguments(name) for name in BUILT_INS)
    return isinstance(uses, str) and uses in BUILT_INS and key in _arguments(uses)


def _arguments(name: str) -> tuple[str, ...]:
    return _keys(model_at(built_in(name), ("with",)))
