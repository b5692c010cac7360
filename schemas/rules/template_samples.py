"""Values like those that templates have in a run, as far as all runs have such, and the functions they are given to."""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from types import BuiltinFunctionType, FunctionType, MappingProxyType, MethodDescriptorType, MethodType
from typing import Any, NamedTuple, Self
from zoneinfo import ZoneInfo

from schemas.compose.env_values import EnvText
from schemas.rules.subject import Subject
from schemas.rules.template_context import MOMENTS_OF_RUN

PLAIN = (str, int, float, bool, date, timedelta, tuple, range)
_LONGEST, _MOST_BITS, _HIGHEST_POWER = 1_000, 64, 99
OPERATIONS: Mapping[str, Callable[[Any, Any], Any]] = MappingProxyType(
    {
        **{"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "//": operator.floordiv},
        **{"%": operator.mod, "**": operator.pow, "eq": operator.eq, "ne": operator.ne, "lt": operator.lt},
        **{"lteq": operator.le, "gt": operator.gt, "gteq": operator.ge},
        **dict.fromkeys(("in", "notin"), lambda one, many: one in many),
    }
)
_READS = frozenset({"copy", "count", "get", "index", "items", "keys", "values"})
"""Methods of lists and mappings that change nothing."""


class Space(NamedTuple):
    """A value of which only some parts are known, by their names."""

    values: Mapping[str, Any]


class Sample(NamedTuple):
    """A value that has this type in each run, and other contents."""

    value: Any


UNKNOWN, PULL = Space({}), Space({"return_value": None})
_CONNECTION = Space(
    {**dict.fromkeys(("conn_id", "conn_type", "host", "login", "password"), Sample("text")), "port": Sample(1)}
)


class _ByAnyName(dict[str, Any]):
    """Variables or connections, of which only the run knows which there are."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def get(self, key: str, default: Any = None) -> Any:
        """One of them; `get` is a method of all."""
        return default if key == "get" else self._value


_UNITS = ("second", "minute", "hour", "day", "week", "month", "year", "decade", "century")


class DateTime(datetime):
    """Of pendulum's DateTime what changes a date and gives another one; lint has no pendulum."""

    def add(  # noqa: PLR0917 # pendulum's own
        self,
        years: float = 0,
        months: float = 0,
        weeks: float = 0,
        days: float = 0,
        hours: float = 0,
        minutes: float = 0,
        seconds: float = 0,
        microseconds: float = 0,
    ) -> Self:
        """About so much later."""
        return self + timedelta(365 * years + 30 * months + days, seconds, microseconds, 0, minutes, hours, weeks)

    subtract = add

    def start_of(self, unit: str) -> Self:
        """The beginning of a day, month, …"""
        if unit not in _UNITS:
            raise ValueError(f'Invalid unit "{unit}"; there are {", ".join(_UNITS)}')
        return self

    end_of = start_of

    def in_timezone(self, tz: Any) -> Self:
        """The same moment elsewhere."""
        if isinstance(tz, str) and tz.lower() not in ("utc", "local"):
            ZoneInfo(tz)
        return self

    in_tz = in_timezone

    def format(self, fmt: str, locale: str | None = None) -> str:
        """In pendulum's notation."""
        return f"{fmt}{locale or ''}"

    day_of_week = day_of_year = week_of_year = quarter = days_in_month = int_timestamp = 1


NOT_AT_FIRST = ("prev_data_interval_start_success", "prev_data_interval_end_success", "prev_start_date_success")
"""What there is only after the first success."""


def _ds_add(ds: str, days: int) -> str:
    return (datetime.strptime(str(ds), "%Y-%m-%d") + timedelta(days)).strftime("%Y-%m-%d")  # as Airflow


def _ds_format(ds: str, input_format: str, output_format: str) -> str:
    return datetime.strptime(str(ds), input_format).strftime(output_format)  # as Airflow


def _for_humans(dt: datetime, since: datetime | None = None) -> str:
    return str(dt.tzinfo if since is None else dt - since)


def _xcom_push(key: str, value: Any) -> None:
    del key, value


def _random() -> float:
    return 0.5


CALLED: Collection[Any] = (
    _ds_add,
    _ds_format,
    _for_humans,
    _random,
    _xcom_push,
    json.dumps,
    json.loads,
    datetime,
    timedelta,
    dict,
    range,
)
"""Functions that change nothing and need little."""
DATE_FILTERS: Mapping[str, Callable[[Any], str]] = MappingProxyType(
    {
        "ds": lambda value: value.strftime("%Y-%m-%d"),
        "ds_nodash": lambda value: value.strftime("%Y%m%d"),
        "ts": lambda value: value.isoformat(),
        "ts_nodash": lambda value: value.strftime("%Y%m%dT%H%M%S"),
        "ts_nodash_with_tz": lambda value: value.isoformat().replace("-", "").replace(":", ""),
    }
)
"""Airflow's filters, which take a date."""


def samples() -> Iterator[dict[str, Any]]:
    """What templates have in two runs, as far as it is alike in all."""
    for moment in (DateTime(2026, 1, 15, 6, 30, tzinfo=UTC), DateTime(2027, 11, 28, 0, 0, 0, 123456, tzinfo=UTC)):
        of_run = datetime(2026, 1, 15, tzinfo=UTC)
        names = {name: write(moment) for name, write in DATE_FILTERS.items()}
        ids = {name: Sample("text") for name in ("dag_id", "task_id", "run_id", "run_type")}
        macros = {
            **{"ds_add": _ds_add, "ds_format": _ds_format, "datetime_diff_for_humans": _for_humans},
            **{
                "datetime": datetime,
                "timedelta": timedelta,
                "random": _random,
                "dateutil": Space({"relativedelta": Space({"relativedelta": UNKNOWN})}),
            },
            "json": Space({"dumps": json.dumps, "loads": json.loads}),
        }
        yield {
            **names,
            **dict.fromkeys(("logical_date", "data_interval_start", "data_interval_end"), moment),
            **{"run_id": ids["run_id"], "task_instance_key_str": ids["run_id"], "macros": Space(macros)},
            **{"dag": Space(ids), "task": Space({**ids, "retries": Sample(1)}), "range": range, "dict": dict},
            "dag_run": Space({**ids, **dict.fromkeys(MOMENTS_OF_RUN, Sample(of_run)), "conf": {}}),
            **dict.fromkeys(
                ("ti", "task_instance"),
                Space(
                    {
                        **ids,
                        "try_number": Sample(1),
                        "map_index": Sample(-1),
                        "xcom_pull": PULL,
                        "xcom_push": _xcom_push,
                    }
                ),
            ),
            "var": Space({"value": Space(_ByAnyName(Sample("text")))}),
            "conn": Space(_ByAnyName(_CONNECTION)),
            **dict.fromkeys(NOT_AT_FIRST),
        }


def is_safe(called: Any) -> bool:
    """Whether it changes nothing and is done at once."""
    if isinstance(called, (MethodDescriptorType, FunctionType, type)):
        return called in CALLED or getattr(called, "__objclass__", None) in (date, datetime)
    if not isinstance(called, (BuiltinFunctionType, MethodType)):
        return False
    owner = called.__self__
    if isinstance(owner, (list, dict)):
        return called.__name__ in _READS
    return isinstance(owner, PLAIN) or owner in (datetime, timedelta) or called in CALLED


def known(*values: Any) -> bool:
    return not any(value is UNKNOWN or isinstance(value, Space) for value in values)


def is_plain(items: Collection[Any]) -> bool:
    return known(*items) and not any(isinstance(one, (list, tuple, dict)) for one in items)


def _size(value: Any) -> float:
    return abs(value) if isinstance(value, (int, float)) else len(value) if hasattr(value, "__len__") else 1


def unpacked(row: Any, number: int) -> None:
    if (found := len(tuple(row))) != number:
        raise ValueError(f"{'not enough' if found < number else 'too many'} values to unpack (expected {number})")


def is_too_large(value: Any) -> bool:
    """Whether more must not be made of it, which could take long."""
    if isinstance(value, (str, list, tuple, dict)):
        return len(value) > _LONGEST
    return isinstance(value, int) and value.bit_length() > _MOST_BITS


def applied(sign: str, left: Any, right: Any) -> Any:
    """The outcome of an operator."""
    if sign == "*" and _size(left) * _size(right) > _LONGEST and not isinstance(left, int):
        return UNKNOWN
    if sign == "**" and max(_size(left), _size(right)) > _HIGHEST_POWER:
        return UNKNOWN
    outcome = OPERATIONS[sign](left, right)
    # The time between two dates has methods of its own in Airflow.
    return UNKNOWN if isinstance(left, datetime) and isinstance(right, datetime) else outcome


MADE_LATER = ("map", "reject", "rejectattr", "select", "selectattr", "slice")
"""Filters that take the first item when somebody asks for one, such as `list`."""


def asked_later(name: str, value: Any) -> Any:
    """What such a filter makes: of what has no items, what fails when it is asked."""
    if isinstance(value, (*PLAIN, list, dict)) and hasattr(value, "__iter__"):
        return UNKNOWN
    return (item for many in ([value] if value or name == "slice" else []) for item in many)


def help_for(sign: str, error: str, values: Collection[Any], inside: str) -> str:
    """What to write in place of a step that fails."""
    kinds, has_date = {type(value) for value in values}, any(isinstance(value, datetime) for value in values)
    if "naive" in error:
        return "`macros.datetime.now()` has no time zone: take `dag_run.run_after`"
    if sign == "()" and (of := re.search(r"\b(var\.value|var\.json|conn)\(", inside)) is not None:
        return f"write `{of[1]}.NAME`, or `{of[1]}.get('NAME')`"
    if "does not match format" in error and "%" not in error:
        return "a format of Python has `%Y` for the year, `%m`, `%d`, `%H`, `%M`, `%S`"
    if sign == "()" and "not callable" in error:
        return "it is a value, not a function: leave out the `()`"
    if sign == "+" and not has_date:
        return "`~` joins values of any type as text"
    if sign in ("+", "-") and has_date:
        return "a date moves by `.add(days=1)` and `.subtract(days=1)`"
    if sign in ("lt", "gt", "lteq", "gteq") and (has_date or str in kinds):
        return "compare texts of one form, `ds >= '2026-01-31'`" if has_date else "`| int` makes a number of a text"
    if "JSON serializable" in error and has_date:
        return "make it text first, `logical_date | ts`"
    return ""


RETURN_TEXT = ("bash", "airflow.providers.standard.operators.bash.BashOperator")  # the last line of what it prints


def pulled_by(subject: Subject) -> dict[str, Any]:
    """The outputs whose type is known, by task."""
    return {
        view.full_id: Sample("text")
        for view in subject.tasks
        if view.full_id is not None
        and view.uses in RETURN_TEXT
        and not view.is_mapped
        and not any(group.is_mapped for group in subject.around(view.path))
        and "output_processor" not in view.arguments
        and view.entry.get("do_xcom_push") is not False
    }


def samples_of_params(params: Mapping[str, Any]) -> Space:
    """What params are where nobody says another value. One that is empty may be of another type."""
    found: dict[str, Any] = {}
    for name, param in params.items():
        value = param.get("default") if isinstance(param, dict) else param
        if not isinstance(value, EnvText) and value not in (None, "", [], {}) and "${" not in str(value):
            found[name] = Sample(value)
    return Space(found)
