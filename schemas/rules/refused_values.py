"""Values that constructors of Airflow's operators refuse, where their annotations do not say so."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple, get_args

from schemas.findings.codes import Severity
from schemas.findings.suggestions import meant
from schemas.model.fields import OBJECT, RunState, TaskState

_SENSOR_MODES = ("poke", "reschedule")
_WEEK_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_SERIALIZERS = ("pickle", "cloudpickle", "dill")
_ONE_TASK = ("external_task_id", "external_task_ids", "external_task_group_id")
_OF_SENSORS = ("poke_interval", "timeout", "max_wait", "poll_interval", "mode")
_STATES = ("allowed_states", "failed_states", "skipped_states")

_OF_BASH = ("bash_command", "env", "skip_on_exit_code")
_OTHERS = ("week_day", "run_after", "serializer", "python_version", "requirements", "options", "target_time")

CHECKED = frozenset((*_OF_SENSORS, *_STATES, *_OF_BASH, *_OTHERS))
"""The arguments that `refused` may have something to say about."""


class Misfit(NamedTuple):
    """What is wrong with the value of an argument; `item`: with this item of it."""

    message: str
    caret: str = ""
    help: str = ""
    allowed: tuple[str, ...] = ()
    severity: Severity = Severity.WARNING
    item: int | str | None = None


def refused(name: str, arguments: Mapping[str, Any], names: Collection[str]) -> Misfit | None:
    """What the constructor with the parameters `names` says to an argument that is written; None where it is silent."""
    value = arguments[name]
    if (isinstance(value, str) and "${" in value) or _is_object(value):
        return None
    if "soft_fail" in names and name in _OF_SENSORS:
        return _sensor_mode(value) if name == "mode" else _seconds(name, value)
    if name == "week_day":
        return _week_day(value)
    if name in _OF_BASH and "bash_command" in names:
        return _of_bash(name, value)
    if name == "target_time" and isinstance(value, str) and "{" not in value and not any(map(str.isdigit, value)):
        return Misfit(f"is a date or a time, not `{value}`")
    if name == "options" and "subject" in names and value == []:
        return _error("cannot be empty")
    if name in _STATES and ("external_dag_id" in names or "trigger_dag_id" in names):
        return _state(name, arguments, is_sensor="external_dag_id" in names)
    if name == "run_after" and "trigger_dag_id" in names and not isinstance(value, str | None):
        return _error(f"is a date or a text, not {_shown(value)}")
    if "python_callable" not in names:
        return None
    if name == "serializer" and value and not (isinstance(value, str) and value in _SERIALIZERS):
        near = meant(value, _SERIALIZERS) if isinstance(value, str) else ""
        return _error(f"cannot be {_shown(value)}", near, _SERIALIZERS)
    if name == "python_version" and value is not None and not isinstance(value, str):
        is_number = type(value) in (int, float)  # 3.10 is 3.1 by now
        what = "a number" if is_number else _shown(value)
        return _error(f"is text, not {what}", "put it in quotes" if is_number else "")
    if name == "requirements" and value and isinstance(value, int | float):
        return _error(f"is text or a list, not {_shown(value)}")
    return None


def _sensor_mode(value: Any) -> Misfit | None:
    if isinstance(value, str) and value in _SENSOR_MODES:
        return None
    caret = meant(value, _SENSOR_MODES) if isinstance(value, str) else ""
    return _error(f"is `poke` or `reschedule`, not {_shown(value)}", caret, _SENSOR_MODES)


def _of_bash(name: str, value: Any) -> Misfit | None:
    """What fails when the command starts: each value of `env` and the command itself must be text."""
    if name == "bash_command":
        return Misfit(f"is text, not {_shown(value)}") if not isinstance(value, str) else None
    if name == "skip_on_exit_code" and isinstance(value, str):
        return Misfit(f"is a number or a list of numbers, not the text `{value}`")
    for key, one in value.items() if isinstance(value, dict) else ():
        if not isinstance(one, str | dict):
            written = str(one).lower() if isinstance(one, bool) else one
            caret = f'write "{written}"' if isinstance(one, int | float) else ""
            return Misfit(f"is text for each name, not {_shown(one)}", caret, item=str(key))
    return None


def _seconds(name: str, value: Any) -> Misfit | None:
    """A text that is no duration has a finding of its own, where a duration may be meant."""
    is_number = isinstance(value, int | float) and value >= 0
    is_duration = isinstance(value, str) and "{" not in value and name != "poll_interval"
    if is_number or is_duration or (value is None and name != "poke_interval"):
        return None
    wanted = "a number of seconds" if name == "poll_interval" else "a duration or a number of seconds"
    return _error(f"is {wanted}, not {_shown(value)}")


def _week_day(value: Any) -> Misfit | None:
    """`airflow.providers.standard.utils.weekday.WeekDay` reads whole names in any case."""
    for index, day in _items(value):
        if not isinstance(day, str) or day.capitalize() not in _WEEK_DAYS:
            whole = next((one for one in _WEEK_DAYS if one.startswith(str(day).capitalize()[:3] or "-")), None)
            caret = f"did you mean `{whole}`?" if whole is not None else ""
            return _error(f"is a day by its whole name, not {_shown(day)}", caret, _WEEK_DAYS, index)
    return None


def _state(name: str, arguments: Mapping[str, Any], *, is_sensor: bool) -> Misfit | None:
    value = arguments[name]
    if value is None or (not value and (is_sensor or name == "allowed_states" or not isinstance(value, int | float))):
        return None
    if not isinstance(value, list | dict):
        return _error(
            f"is a list of states, not {_shown(value)}", f"write `[{value}]`" if isinstance(value, str) else ""
        )
    of_tasks = is_sensor and any(arguments.get(key) for key in _ONE_TASK)
    allowed = (*get_args(TaskState), "awaiting_input") if of_tasks else get_args(RunState)
    for index, state in _items(value):
        if state not in allowed and not (of_tasks and state is None):
            near = meant(state, allowed) if isinstance(state, str) else ""
            return _error(f"cannot be {_shown(state)}", near, allowed, index if isinstance(value, list) else None)
    return _twice(name, arguments) if is_sensor else None


def _twice(name: str, arguments: Mapping[str, Any]) -> Misfit | None:
    """A state has one meaning for a sensor, which waits for `success` where nothing is said."""
    seen = dict.fromkeys(["success"] if not arguments.get("allowed_states") else [], "allowed_states")
    for key in _STATES[: _STATES.index(name) + 1]:
        for index, state in _items(arguments.get(key) or []):
            if not isinstance(state, str):
                continue
            if state in seen and key == name:
                return _error(f"has `{state}`, which is already in `{seen[state]}`", item=index)
            seen.setdefault(state, key)
    return None


def _items(value: Any) -> Iterator[tuple[int | None, Any]]:
    """The values of a list, with their places, and the keys of a mapping; anything else is its own only item."""
    if isinstance(value, list):
        yield from ((index, item) for index, item in enumerate(value) if not _is_object(item))
    elif isinstance(value, dict):
        yield from ((None, key) for key in value)
    else:
        yield None, value


def _is_object(value: Any) -> bool:
    return isinstance(value, dict) and OBJECT in value


def _shown(value: Any) -> str:
    if isinstance(value, list | dict):
        return "a list" if isinstance(value, list) else "a mapping"
    return "null" if value is None else f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _error(message: str, caret: str = "", allowed: tuple[str, ...] = (), item: int | None = None) -> Misfit:
    return Misfit(message, caret, "", allowed, Severity.ERROR, item)
