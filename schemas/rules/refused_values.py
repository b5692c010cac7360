"""Values that constructors of Airflow's operators refuse, where their annotations do not say so."""

from __future__ import annotations

import re
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

_DAG_IDS = ("external_dag_id", "trigger_dag_id")
_OF_BASH = ("bash_command", "env", "skip_on_exit_code")
_OTHERS = ("week_day", "run_after", "serializer", "python_version", "requirements", "options", "target_time")
_EXCLUDED = {
    "external_task_ids": ("external_task_id",),
    "external_task_group_id": ("external_task_id", "external_task_ids"),
    "execution_date_fn": ("execution_delta",),
    **{"never_fail": ("soft_fail",), "groupby_kwargs": ("max_rows_per_file",), "job_flow_name": ("job_flow_id",)},
    "prefix": ("keys",),
}
"""Argument of a constructor → those that it refuses beside it."""
_OF_CHECKS = ("column_mapping", "checks", "ratio_formula", "days_back", "partition_clause")
_OF_PEOPLE = ("defaults", "options_mapping")
_NUMBERS = {"recursion_depth": 1, "inactivity_period": 0}
"""Argument → the least whole number that it may be."""

CHECKED = frozenset(
    (
        *_OF_SENSORS,
        *_STATES,
        *_DAG_IDS,
        *_OF_BASH,
        *_OTHERS,
        *_EXCLUDED,
        *_OF_CHECKS,
        *_OF_PEOPLE,
        *_NUMBERS,
        *("target_upper", "logical_date"),
    )
)
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
    for other in _EXCLUDED.get(name, ()):
        both = (value, arguments.get(other))
        if other in names and (both == (True, True) if name == "never_fail" else all(both)):
            return _error(f"excludes `{other}`", "remove one of them")
    if (isinstance(value, str) and "${" in value) or _is_object(value):
        return None
    return _of_some(name, arguments, names) or _of_a_kind(name, arguments, names)


def _of_a_kind(name: str, arguments: Mapping[str, Any], names: Collection[str]) -> Misfit | None:
    """Of sensors, commands and operators with a Python function."""
    value = arguments[name]
    if "soft_fail" in names and name in _OF_SENSORS:
        is_unused = name == "poll_interval" and "poke_interval" in arguments  # its old name
        return _sensor_mode(value) if name == "mode" else None if is_unused else _seconds(name, value)
    if name == "week_day":
        return _week_day(value)
    if name in _OF_BASH and "bash_command" in names:
        return _of_bash(name, value)
    if name == "target_time" and isinstance(value, str) and "{" not in value and not any(map(str.isdigit, value)):
        return Misfit(f"is a date or a time, not `{value}`")
    if name == "options" and "subject" in names and not value:
        return _error("cannot be empty")
    if name in _STATES and ("external_dag_id" in names or "trigger_dag_id" in names):
        return _state(name, arguments, is_sensor="external_dag_id" in names)
    if name in _DAG_IDS and name in names and not isinstance(value, str):
        return _error(f"is the id of one DAG, not {_shown(value)}")
    if name in ("run_after", "logical_date") and "trigger_dag_id" in names:
        return _of_started_run(name, value)
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


def _of_started_run(name: str, value: Any) -> Misfit | None:
    if name == "run_after" and not isinstance(value, str | None):
        return _error(f"is a date or a text, not {_shown(value)}")
    if not isinstance(value, str) or value == "now" or "{" in value or any(map(str.isdigit, value)):
        return None
    return _error(f"is a date, not `{value}`") if name == "logical_date" else None


def _of_some(name: str, arguments: Mapping[str, Any], names: Collection[str]) -> Misfit | None:
    """Of constructors of one kind: checks of SQL, questions to people, limits of numbers, tasks of other DAGs."""
    value = arguments[name]
    least = _NUMBERS.get(name)
    if least is not None and not (isinstance(value, int | float) and value >= least):
        return _error(f"is a whole number of at least {least}, not {_shown(value)}")
    if name in _OF_CHECKS and "table" in names:
        return _of_check(name, value)
    if name in _OF_PEOPLE and "subject" in names:
        return _of_question(name, arguments)
    if name == "external_task_ids" and "external_dag_id" in names and isinstance(value, str) and "{" not in value:
        is_refused = len({*value}) < len(value)  # it says that ids stand twice
        severity = Severity.ERROR if is_refused else Severity.WARNING
        return Misfit(
            "is a list of tasks, and a text is one task for each letter", f"write `[{value}]`", "", (), severity
        )
    return _bounds(value, arguments.get("target_lower", "")) if name == "target_upper" else None


def _bounds(upper: Any, lower: Any) -> Misfit | None:
    """Of a branch by the time: a time of day has no time zone, a date has one, and Python compares no such two."""
    if upper is None and lower is None:
        return _error("and `target_lower` cannot both be null")
    starts = [re.match(r"\d{4}-|\d\d?:", one) for one in (upper, lower) if isinstance(one, str)]
    kinds = {start[0][-1] for start in starts if start is not None}
    if kinds != {"-", ":"}:
        return None
    return _error("and `target_lower` cannot be one time and one date", "write two times, or two dates")


_COLUMN_CHECKS = ("null_check", "distinct_check", "unique_check", "min", "max")
_COMPARISONS = ("equal_to", "greater_than", "less_than", "geq_to", "leq_to")
_RATIOS = ("max_over_min", "relative_diff")


def _of_check(name: str, value: Any) -> Misfit | None:
    """What `airflow.providers.common.sql.operators.sql` compares and how."""
    if name == "ratio_formula":
        return None if value in _RATIOS else _error(f"cannot be {_shown(value)}", meant(str(value), _RATIOS), _RATIOS)
    if name == "days_back":
        return None if isinstance(value, int) else _error(f"is a whole number, not {_shown(value)}")
    if name == "partition_clause":  # the constructor looks for a word in it
        return _error(f"is text, not {_shown(value)}") if isinstance(value, int | float) else None
    if not isinstance(value, dict):
        return _error(f"is a mapping, not {_shown(value)}")
    for key, one in value.items():
        if name == "checks":
            if not isinstance(one, dict) or "check_statement" not in one:
                return _error("needs `{check_statement: …}` for each check", item=key)
            continue
        if not isinstance(one, dict):
            return _error("needs `{min: {geq_to: …}}` or another check for each column", "", _COLUMN_CHECKS, key)
        for check, limits in one.items():
            if check not in _COLUMN_CHECKS:
                return _error(f"has no check `{check}`", meant(str(check), _COLUMN_CHECKS), _COLUMN_CHECKS, key)
            if not isinstance(limits, dict) or limits.keys().isdisjoint(_COMPARISONS):
                return _error(f"needs what `{check}` is compared with", f"{check}: {{equal_to: 0}}", _COMPARISONS, key)
    return None


def _of_question(name: str, arguments: Mapping[str, Any]) -> Misfit | None:
    """What `airflow.providers.standard.operators.hitl` lets people choose; an approval has options of its own."""
    value, options = arguments[name], arguments.get("options", ["Approve", "Reject"])
    if not isinstance(options, list) or (name == "options_mapping" and not isinstance(value, dict)):
        return None
    known = tuple(str(one) for one in options)
    if name == "options_mapping":
        wrong = next((key for key in value if key not in known), None)
        if wrong is not None:
            return _error(f"has no option `{wrong}`", meant(str(wrong), known), known, wrong)
        odd = next((key for key, one in value.items() if not isinstance(one, str)), None)
        return _error("names a task for each option", item=odd) if odd is not None else None
    chosen = list(value) if isinstance(value, list | dict) else [value] if value is not None else []
    other = next((one for one in chosen if one not in options), None)
    if other is not None:
        return _error(f"has {_shown(other)}, which is not an option", meant(str(other), known), known)
    is_one = len(chosen) > 1 and not arguments.get("multiple")
    caret = "write `multiple: true` for several" if "options" in arguments else ""
    return _error("is one option", caret) if is_one else None


def _sensor_mode(value: Any) -> Misfit | None:
    if isinstance(value, str) and value in _SENSOR_MODES:
        return None
    caret = meant(value, _SENSOR_MODES) if isinstance(value, str) else ""
    return _error(f"is `poke` or `reschedule`, not {_shown(value)}", caret, _SENSOR_MODES)


def _of_bash(name: str, value: Any) -> Misfit | None:
    """What fails when the command starts: each value of `env` and the command itself must be text."""
    if name == "bash_command":
        return Misfit(f"is text, not {_shown(value)}") if not isinstance(value, str) else None
    if name == "skip_on_exit_code":
        is_odd, what = isinstance(value, str | dict), "a mapping" if isinstance(value, dict) else f"the text `{value}`"
        return Misfit(f"is a number or a list of numbers, not {what}") if is_odd else None
    for key, one in value.items() if isinstance(value, dict) else ():
        if not isinstance(one, str | dict):
            written = str(one).lower() if isinstance(one, bool) else one
            caret = f'write "{written}"' if isinstance(one, int | float) else ""
            return Misfit(f"is text for each name, not {_shown(one)}", caret, severity=Severity.ERROR, item=str(key))
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


def _error(message: str, caret: str = "", allowed: tuple[str, ...] = (), item: int | str | None = None) -> Misfit:
    return Misfit(message, caret, "", allowed, Severity.ERROR, item)
