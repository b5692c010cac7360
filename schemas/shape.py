"""Effective data → model, or what is wrong with its shape, in a user's words and at a document's path."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from schemas.bounded import MOST
from schemas.built_ins import BUILT_INS, built_in
from schemas.codes import Code
from schemas.data_path import DataPath
from schemas.environment import EnvText
from schemas.mend import word as mend_of
from schemas.model_types import is_tag, keys_of, model_at
from schemas.pipeline import Pipeline
from schemas.problem import Problem
from schemas.references import run_reference
from schemas.settings import SETTING_KEYS, TaskSettings
from schemas.suggestions import did_you_mean, nearest
from schemas.task import TaskBase, is_group, task_model
from schemas.task_places import task_path
from schemas.wording import bound, described, expectation, literals, problem_text

_EXCLUSIVE_IN_SCHEDULE = (
    *(("cron", "every"), ("timezone", "every"), ("assets", "every")),
    *(("timetable", key) for key in ("cron", "every", "assets", "timezone", "data_interval")),
    *(("cron", key) for key in ("default_partition_mapper", "partition_mapper_config")),
)
"""Keys of one mapping, of which a union's members have one each."""
_EXCLUSIVE_IN_ASSETS = (("any", "all"),)
_EXCLUSIVE_IN_TASK = (("uses", "tasks"),)
"""A task has `uses`, a group has `tasks`."""


def validate(data: Mapping[str, Any]) -> tuple[Pipeline | None, list[Problem]]:
    """The pipeline of effective data, or every problem of its shape; never both.

    Text from the environment is tried as text first; where a field refuses it, as the YAML scalar it looks like.
    """
    try:
        pipeline = Pipeline.model_validate(data)
    except ValidationError as error:
        as_scalars = _environment_as_scalars(error.errors(include_url=False), data)
        try:
            pipeline = Pipeline.model_validate(as_scalars)
        except ValidationError as again:
            return None, _problems(again.errors(include_url=False), data)
    if pipeline.poll is None and pipeline.tasks is None:
        return None, [_nothing_to_do()]
    return pipeline, []


def _problems(errors: list[ErrorDetails], data: Mapping[str, Any]) -> list[Problem]:
    by_path: dict[DataPath, list[ErrorDetails]] = {}
    for error in errors:
        path = document_path(error["loc"], data, missing=error["type"] == "missing")
        by_path.setdefault(path, []).append(error)
    above = {path[:length] for path in by_path for length in range(len(path))}
    for path in above & by_path.keys():
        if not _is_about_key(by_path[path]):
            del by_path[path]  # a member of a union that did not fit; the one that nearly did says more
    unknown: dict[DataPath, dict[str, None]] = {}
    for path, group in by_path.items():
        if group[0]["type"] == "extra_forbidden":
            unknown.setdefault(path[:-1], {})[str(path[-1])] = None
    found = (_problem(path, group, data, unknown) for path, group in by_path.items())
    problems = list(islice((problem for problem in found if problem is not None), MOST))
    # A misspelt key, or one that wrong indentation put into the mapping above, explains that it is missing.
    if not data.keys() & {"poll", "tasks"} and not any(
        nearest(k, ("poll", "tasks")) for ks in unknown.values() for k in islice(ks, MOST)
    ):
        problems.append(_nothing_to_do())
    return problems


def _environment_as_scalars(errors: list[ErrorDetails], data: Mapping[str, Any]) -> Mapping[str, Any]:
    for error in errors:
        path = document_path(error["loc"], data)
        value = _at(data, path)
        if isinstance(value, EnvText) and value.whole:
            data = _with_value(data, path, value.as_scalar())
    return data


def _at(data: Any, path: DataPath) -> Any:
    for element in path:
        is_there = isinstance(data, list) or (isinstance(data, dict) and element in data)
        if not is_there:
            return None
        data = data[element]
    return data


def _with_value(data: Any, path: DataPath, value: Any) -> Any:
    """A copy of `data` with another value at `path`."""
    if not path:
        return value
    copy: Any = list(data) if isinstance(data, list) else dict(data)
    copy[path[0]] = _with_value(data[path[0]], path[1:], value)
    return copy


def _is_about_key(group: list[ErrorDetails]) -> bool:
    return group[0]["type"] in ("extra_forbidden", "missing")


def _nothing_to_do() -> Problem:
    return Problem(
        Code.MISSING_KEY,
        (),
        "the pipeline does nothing: `poll` or `tasks` is missing",
        allowed=("poll", "tasks"),
    )


def document_path(location: tuple[int | str, ...], data: Any, *, missing: bool = False) -> DataPath:
    """An error's location without what the document does not hold: discriminator tags, names of union members.

    `missing`: its last element is a key that is not there.
    """
    path: list[str | int] = []
    current: Any = data
    for position, element in enumerate(location):
        if is_tag(element):
            continue
        is_there = (isinstance(current, dict) and element in current) or (
            isinstance(current, list) and isinstance(element, int) and element < len(current)
        )
        if is_there:
            current = current[element]
            path.append(element)
        elif missing and isinstance(current, dict) and position == len(location) - 1:
            path.append(element)
    return tuple(path)


def _problem(
    path: DataPath, group: list[ErrorDetails], data: Mapping[str, Any], unknown: Mapping[DataPath, Iterable[str]]
) -> Problem | None:
    error = group[0]
    if error["type"] == "extra_forbidden":
        return _unknown_key(path, error, data)
    if error["type"] == "missing":
        key = str(path[-1])
        if any(nearest(written, [key]) for written in islice(unknown.get(path[:-1], ()), MOST)):
            return None
        if key == "with" and any(_is_argument(data, path[:-1], written) for written in unknown.get(path[:-1], ())):
            return None  # the arguments stand one level too high, and each says so
        return Problem(Code.MISSING_KEY, path[:-1], f"`{key}` is missing {place(path[:-1], data)}", at_key=True)
    value = _at(data, path)
    if isinstance(value, EnvText):
        return _does_not_fit(path, value, group)
    if run_reference(value) is not None:
        return None  # a rule says why a task's output cannot stand here
    if len(group) > 1:
        return _no_member_fits(path, group)
    text = problem_text(error, name(path))
    return Problem(
        text.code,
        path,
        text.message,
        caret=text.caret,
        help=text.help,
        allowed=text.allowed,
        mend=text.mend,
    )


def _does_not_fit(path: DataPath, value: EnvText, group: list[ErrorDetails]) -> Problem:
    allowed = literals(group[0]) if len(group) == 1 else ()
    wanted = "one of those allowed" if allowed else ", or ".join(dict.fromkeys(expectation(error) for error in group))
    message = f"what `{value.expression}` gives does not fit {name(path)}, which must be {wanted}"
    return Problem(Code.VARIABLE_DOES_NOT_FIT, path, message, allowed=allowed)


def _no_member_fits(path: DataPath, group: list[ErrorDetails]) -> Problem:
    limit = next((text for error in group if (text := bound(error)) is not None), None)
    if limit is not None:  # of the right type for one member, so the others are beside the point
        return Problem(Code.WRONG_VALUE, path, f"{name(path)} must be {limit}")
    wanted = list(dict.fromkeys(expectation(error) for error in group))
    if "a number" in wanted and "a whole number" in wanted:
        wanted.remove("a whole number")
    message = f"{name(path)} must be {', or '.join(wanted)}, not {described(group[0]['input'])}"
    return Problem(Code.WRONG_TYPE, path, message)


def _unknown_key(path: DataPath, error: ErrorDetails, data: Mapping[str, Any]) -> Problem:
    key = str(path[-1])
    if key.startswith("$"):
        return Problem(Code.RESERVED_KEY, path, f"`{key}`: keys that start with `$` are reserved", at_key=True)
    task = task_path(path)
    pairs = _exclusive(path[:-1], task)
    beside = _mapping_at(data, path[:-1])
    other = next((word for pair in pairs if key in pair for word in pair if word != key and word in beside), None)
    if other is not None:
        message = f"`{key}` and `{other}` exclude each other {place(path[:-1], data)}"
        return Problem(Code.CONFLICTING_KEYS, path, message, at_key=True, caret="take one of them away")
    if task and path[len(task) : -1] == ("with",) and key in TaskBase.model_fields:
        message = f"`{key}` is a setting of the task, not an argument"
        return Problem(Code.TASK_SETTING_IN_WITH, path, message, at_key=True, caret=f"write `{key}` beside `uses`")
    # Above the task the location is the path: no union stands there.
    model = model_at(task_model(_at(data, task)) if task else Pipeline, tuple(error["loc"][len(task) : -1]))
    allowed = keys_of(model) if model is not None else ()
    own = _own_keys(model, allowed)
    word = nearest(key, allowed)
    elsewhere = _where_else(data, path, key)
    mend = mend_of(key, allowed) if not elsewhere else None
    return Problem(
        Code.UNKNOWN_KEY,
        path,
        f"unknown key `{key}` {place(path[:-1], data)}",
        at_key=True,
        caret=elsewhere or did_you_mean(word),
        help=_about_keys(own, allowed),
        allowed=own,
        mend=mend if mend is None or mend.text not in _mapping_at(data, path[:-1]) else None,
    )


def _exclusive(mapping: DataPath, task: DataPath) -> tuple[tuple[str, str], ...]:
    if mapping == ("schedule",):
        return _EXCLUSIVE_IN_SCHEDULE
    if mapping[:2] == ("schedule", "assets"):
        return _EXCLUSIVE_IN_ASSETS
    return _EXCLUSIVE_IN_TASK if mapping and mapping == task else ()


def _where_else(data: Any, path: DataPath, key: str) -> str:
    """The right place of a key that is right elsewhere."""
    if _is_argument(data, path[:-1], key):
        return "write it in `with`"
    holds_tasks = len(path) == 1 or is_group(_at(data, path[:-1]))
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


def _is_argument(data: Any, task: DataPath, key: str) -> bool:
    """Whether a key beside `uses` is an argument of the built-in that `uses` names."""
    if not task or task != task_path(task):
        return False
    uses = _mapping_at(data, task).get("uses")
    arguments = model_at(built_in(uses), ("with",)) if isinstance(uses, str) and uses in BUILT_INS else None
    return arguments is not None and key in keys_of(arguments)


def _mapping_at(data: Any, path: DataPath) -> Mapping[str, Any]:
    for element in path:
        data = data[element]
    return data if isinstance(data, dict) else {}


def name(path: DataPath) -> str:
    """The key a person knows a value by."""
    for position in range(len(path) - 1, -1, -1):
        element = path[position]
        if isinstance(element, str):
            behind = path[position + 1 :]
            return f"`{element}`" if not behind else f"item {int(behind[0]) + 1} of `{element}`"
    return "the file"


def place(path: DataPath, data: Any) -> str:
    """Where a key stands: "in `poll`", "in task `load`", "at the top level"."""
    if not path:
        return "at the top level"
    task_at = task_path(path)
    if task_at:
        entry = _at(data, task_at)
        task_id = entry.get("id") if isinstance(entry, dict) else None
        kind = "group" if is_group(entry) else "task"
        task = f"{kind} `{task_id}`" if isinstance(task_id, str) else f"{kind} {int(task_at[-1]) + 1}"
        return f"in {task}" if path == task_at else f"in {name(path)} of {task}"
    return f"in {name(path)}"
