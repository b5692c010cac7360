"""A key that the language does not have: what it was meant for, and what could be written in its place."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from schemas.compose.effective import Effective
from schemas.compose.merging import IGNORED
from schemas.findings.codes import Code
from schemas.findings.diagnostics import Edit, Entry, Problem, typo_fix
from schemas.findings.paths import DataPath, task_path
from schemas.findings.suggestions import ELSEWHERE, did_you_mean, meant, nearest, of_another_script
from schemas.model.built_ins import BUILT_INS, built_in
from schemas.model.fields import OBJECT
from schemas.model.http import Poll
from schemas.model.notifications import RunNotifications, TaskNotifications
from schemas.model.pipeline import Pipeline
from schemas.model.settings import SETTING_KEYS, TaskSettings
from schemas.model.task import is_group, task_model
from schemas.model.task_base import TaskBase
from schemas.shape.places import (
    annotation_of,
    field_by_key,
    is_tag,
    keys_at,
    keys_of,
    mapping_at,
    model_at,
    place,
    value_at,
)

_EXCLUSIVE_IN_SCHEDULE = (
    *(("cron", "every"), ("timezone", "every"), ("assets", "every")),
    *(("timetable", key) for key in ("cron", "every", "assets", "timezone", "data_interval")),
    *(("cron", key) for key in ("default_partition_mapper", "partition_mapper_config")),
)
"""Keys of one mapping, of which a union's members have one each."""
_EXCLUSIVE_IN_ASSETS = (("any", "all"),)
_EXCLUSIVE_IN_TASK = (("uses", "tasks"), ("uses", "template"))
"""A task has `uses`, a group has `tasks` or `template`."""


_MOST_GUESSED = 20
"""Unknown keys of one mapping that are looked at: among more a guess is none."""


def unknown_key(path: DataPath, error: ErrorDetails, document: Effective, stands_for: str | None) -> Problem:
    """The finding for the key that ends `path`. `stands_for`: the key that it seems to mean."""
    key = str(path[-1])
    if key.startswith("$"):
        message = f"`{key}`: keys that start with `$` are reserved"
        return Problem(Code.RESERVED_KEY, path, message, at_key=True, caret=meant(key, (OBJECT,)))
    task = task_path(path)
    beside = mapping_at(document.data, path[:-1])
    other = next((word for word in _excluded_by(key, path[:-1], task) if word in beside), None)
    if other is not None:
        message = f"`{key}` and `{other}` exclude each other {place(path[:-1], document)}"
        return Problem(Code.CONFLICTING_KEYS, path, message, at_key=True, caret="remove one of them")
    if task and path[len(task) : -1] == ("with",) and key in TaskBase.model_fields:
        message = f"`{key}` is a setting of the task, not an argument"
        return Problem(Code.TASK_SETTING_IN_WITH, path, message, at_key=True, caret=f"write `{key}` beside `uses`")
    model, allowed = _allowed(path, error, document)
    own = _own_keys(model, allowed)
    seconds = _in_seconds(key, value_at(document.data, path), allowed)
    elsewhere = _where_else(document, path, key) or (f"write `{seconds}`" if seconds else "")
    # A fix writes the key that the finding names, or none.
    fix: Edit | None = None
    if key == "provide_context" or (seconds and seconds.partition(":")[0] not in beside):
        fix = Entry(seconds)
    elif not elsewhere:
        typo = typo_fix(key, allowed if stands_for is None else (stands_for,))
        fix = typo if typo is not None and typo.text not in beside else None
    return Problem(
        Code.UNKNOWN_KEY,
        path,
        f"unknown key `{key}` {place(path[:-1], document)}",
        at_key=True,
        caret=elsewhere
        or did_you_mean(stands_for or nearest(key, allowed)) + of_another_script(key, nearest(key, allowed)),
        help=_about_keys(own, allowed),
        allowed=own,
        fix=fix,
    )


def _in_seconds(key: str, value: Any, allowed: tuple[str, ...]) -> str:
    """What a key of dag-factory with a number of seconds is here: `retry_delay_sec: 300`."""
    name, _, unit = key.rpartition("_")
    is_number = unit in ("sec", "secs", "seconds") and name in allowed and type(value) is int
    return f"{name}: {value}s" if is_number else ""


def slips(
    unknown: Mapping[DataPath, Mapping[str, object]],
    missing: Mapping[DataPath, Mapping[str, tuple[int | str, ...]]],
    document: Effective,
) -> dict[DataPath, str]:
    """The path of an unknown key → the missing key that it looks like, or else the only one that its value fits.

    Both are keys by the path of their mapping; a missing one with its location in the models.
    """
    found: dict[DataPath, str] = {}
    for mapping, keys in missing.items():
        written = list(islice(unknown.get(mapping, ()), _MOST_GUESSED))
        found |= {(*mapping, word): key for word, key in _slips_in(mapping, written, keys, document).items()}
    return found


def _slips_in(
    mapping: DataPath, unknown: list[str], missing: Mapping[str, tuple[int | str, ...]], document: Effective
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
            if written not in found and _fits(mapping, location, value_at(document.data, (*mapping, written)), document)
        ]
        if len(fitting) == 1:
            found[fitting[0]] = key
    return found


def _fits(mapping: DataPath, location: tuple[int | str, ...], value: Any, document: Effective) -> bool:
    """Whether a value is of the kind that the key at `location` takes, be it right inside or not."""
    model = model_at(*_root(mapping, location[:-1], document))
    field = field_by_key(model, str(location[-1])) if model is not None else None
    if model is None or field is None:
        return False
    try:
        TypeAdapter(annotation_of(model, field)).validate_python(value)
    except ValidationError as error:
        return isinstance(value, dict | list) and all(e["loc"] for e in error.errors(include_url=False))
    return True


def undecided(mapping: DataPath, error: ErrorDetails, document: Effective) -> bool:
    """Whether an error is about one member of a union of mappings, and no key that is written decides for it."""
    root, below = _root(mapping, error["loc"][:-1], document)
    if not below or not is_tag(below[-1]):
        return False
    own = set(_keys(model_at(root, below)))
    return own < set(keys_at(root, below[:-1])) and not mapping_at(document.data, mapping).keys() & own


def keys_where(path: DataPath, error: ErrorDetails, document: Effective) -> tuple[str, ...]:
    """The keys of the mapping that should be at `path`."""
    root, below = _root(path, error["loc"], document)
    return _own_keys(model_at(root, below), keys_at(root, below))


def _allowed(
    path: DataPath, error: ErrorDetails, document: Effective
) -> tuple[type[BaseModel] | None, tuple[str, ...]]:
    """The model of a key's mapping and the keys that it may have: of all shapes, where none is decided for."""
    location = error["loc"][:-1]
    model = _model(path[:-1], location, document)
    if model is not None and not undecided(path[:-1], error, document):
        return model, keys_of(model)
    root, below = _root(path[:-1], location, document)
    return None, keys_at(root, below[:-1] if below and is_tag(below[-1]) else below)


def _model(mapping: DataPath, location: tuple[int | str, ...], document: Effective) -> type[BaseModel] | None:
    return model_at(*_root(mapping, location, document))


def _root(
    mapping: DataPath, location: tuple[int | str, ...], document: Effective
) -> tuple[type[BaseModel], tuple[int | str, ...]]:
    """The model that a location is looked up in, and the location below it: there is no union above tasks."""
    if mapping[:1] == ("poll",):
        return Poll, tuple(location[1:])
    task = task_path(mapping)
    return (task_model(value_at(document.data, task)) if task else Pipeline), tuple(location[len(task) :])


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


def _where_else(document: Effective, path: DataPath, key: str) -> str:
    """The right place of a key that is right elsewhere."""
    if is_argument(document, path[:-1], key):
        return "write it in `with`"
    if len(path) == 1 and len(mapping_at(document.data, path).keys() & set(keys_of(Pipeline))) > 1:
        return "remove this line: a file is one pipeline, whose keys are at the top level"
    if len(path) == 1 and document.data.get("poll", 0) is None and key in keys_of(Poll):
        return "indent it, so that it is in `poll`"
    said = other_words(key, path, mapping_at(document.data, path[:-1]))
    if said:
        return said
    holds_tasks = len(path) == 1 or is_group(value_at(document.data, path[:-1]))
    return "a setting of tasks: write it in `default_args`" if holds_tasks and key in SETTING_KEYS else ""


def _own_keys(model: type[BaseModel] | None, allowed: tuple[str, ...]) -> tuple[str, ...]:
    """Of a task or a poll the keys that not every task has."""
    if model is not None and issubclass(model, TaskSettings) and model is not TaskSettings:
        return tuple(sorted(key for key in allowed if key not in SETTING_KEYS))
    return tuple(sorted(allowed))


def _about_keys(own: tuple[str, ...], allowed: tuple[str, ...]) -> str:
    """What the list of allowed keys leaves out: the settings of every task would hide the few that matter."""
    if not allowed:
        return "no key is allowed here"
    return (
        "Airflow's task settings (`retries`, `pool`, `trigger_rule`, …) are also allowed here"
        if len(own) < len(allowed)
        else ""
    )


def is_argument(document: Effective, task: DataPath, key: str) -> bool:
    """Whether a key beside `uses` is an argument of the built-in that this names; of any one, without `uses`."""
    if not task or task != task_path(task):
        return False
    entry = mapping_at(document.data, task)
    uses = entry.get("uses")
    if uses is None and "tasks" not in entry:
        return any(key in _arguments(name) for name in BUILT_INS)
    return isinstance(uses, str) and uses in BUILT_INS and key in _arguments(uses)


def _arguments(name: str) -> tuple[str, ...]:
    return _keys(model_at(built_in(name), ("with",)))


_DOWNSTREAM = ("downstream", "downstream_task_ids", "downstream_tasks", "set_downstream")
_EMAIL = ("email", "email_on_failure", "email_on_retry", "emails")


def other_words(key: str, path: DataPath, beside: Mapping[str, Any]) -> str:
    """What is to be written in place of an unknown key of a request, of a task, of defaults, or of the pipeline; empty
    for others."""
    if key.lower().startswith(IGNORED):
        in_request = bool(beside.keys() & {"url", "conn_id", "endpoint"})
        return (
            "write it in `headers`"
            if in_request
            else f"keys that start with `{IGNORED}` are allowed at the top of a file"
        )
    if key == "verify" and beside.keys() & {"url", "conn_id"}:
        return "TLS settings are in an Airflow connection, which `conn_id` names"
    of_task = path[:-1] == task_path(path) != ()
    of_defaults = path[-2:-1] == ("default_args",)
    if not (of_task or of_defaults or len(path) == 1):
        return ""
    if key in ELSEWHERE or (key, len(path)) == ("name", 1):
        return ELSEWHERE.get(key, "write `dag_id`")
    if key == "provide_context":
        return "remove it: Airflow gives every function the context"
    if of_task and key in _DOWNSTREAM:
        own = beside.get("id")
        return f"write `needs: [{own if isinstance(own, str) else 'ID'}]` in the task that waits"
    if built_in_as_key(key, path, beside):
        return f"write `uses: {key}`{_with(key)}"
    if key in _EMAIL:
        return _notification("on_retry" if key == "email_on_retry" else "on_failure", "email")
    event = {"on_skip": "on_skipped"}.get(key.removesuffix("_callback"), key.removesuffix("_callback"))
    if event in keys_of(RunNotifications if len(path) == 1 else TaskNotifications):
        return _notification(event, "module.function")
    is_pipelines = key in keys_of(Pipeline) and key not in ("poll", "tasks")
    return "a setting of the pipeline: write it at the top level" if of_defaults and is_pipelines else ""


def built_in_as_key(key: str, path: DataPath, beside: Mapping[str, Any]) -> bool:
    """Whether a task says what it does by a key, not in `uses`."""
    return path[:-1] == task_path(path) != () and key in BUILT_INS and not beside.keys() & {"uses", "tasks"}


def _with(name: str) -> str:
    model = model_at(built_in(name), ("with",))
    needed = [f.alias or key for key, f in model.model_fields.items() if f.is_required()] if model is not None else []
    return f" and `with: {{{needed[0]}: …}}`" if needed else ""


def _notification(event: str, uses: str) -> str:
    return f"write `notifications: {{{event}: [{{uses: {uses}}}]}}`"
