"""`schedule`, dates, time zones and durations of a DAG."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime, time
from typing import Any

from schemas.compose.env_values import EnvText
from schemas.dagfactory.dag_view import DagView, is_unset, shown, unset
from schemas.dagfactory.keys import C_PARAMETERS, OBJECT_KEYS, TEXT, seconds
from schemas.dagfactory.rules.objects import is_object, mappings
from schemas.dagfactory.rules.shape import wrong_kind
from schemas.findings.codes import Code, Severity
from schemas.findings.diagnostics import Diagnostic, Yaml
from schemas.findings.paths import DataPath
from schemas.model.cron import cron_problems
from schemas.rules.assets import URI_MARKS, said_of_uri
from schemas.rules.schedule import cron_findings, timezone_findings
from schemas.rules.settings import NO_FIRST_SLOT
from schemas.shape.wording import described
from schemas.source import SourceReader

_RELATIVE = re.compile(r"\d+\s+(?:hour|minute|second|day)", re.IGNORECASE)
"""What dag-factory reads at the start of a text that is not a date (`utils.get_time_delta`); it drops the rest."""
_RELATIVE_REST = frozenset({"", "s", "ago", "s ago"})
_DATE = re.compile(
    r"(?P<year>\d{4})(?:-?W(?P<week>\d\d)(?:-?(?P<weekday>[1-7]))?|-?(?P<ordinal>\d{3})"
    r"|(?P<separator>[-/]?)(?P<month>\d\d)(?:(?P=separator)(?P<day>\d\d))?)?"
    r"(?:[T ](?P<hour>\d\d)(?::?(?P<minute>\d\d)(?::?(?P<second>\d\d)(?:[.,]\d{1,9})?)?)?(?:Z|[+-]\d\d(?::?\d\d)?)?)?"
)
TIME_OF_DAY = re.compile(r"(\d\d):(\d\d)(?::\d\d)?")
"""It means today."""
_NO_DATES = ("datetime.time", "datetime.timedelta", "pendulum.time", "pendulum.duration")
_WITHOUT_TIME = ("datetime.date", "pendulum.date")
_A_DATE = "write a date, such as `2026-01-31`"
_FIELDS_WITH_SECONDS = 6
_IN_ANY_CASE = ("@hourly", "@daily", "@midnight", "@weekly", "@monthly", "@yearly", "@annually")
"""Presets that Airflow leaves to croniter, where they are not in small letters."""
_ASSET = "`{__type__: airflow.sdk.Asset, uri: …}`"
_NO_ASSETS = ("datetime.", "dateutil.", "airflow.timetables.", "airflow.sdk.Cron")
_UNITS = frozenset(C_PARAMETERS["datetime.timedelta"].names)
_ASSETS = "write `__or__` or `__and__` below `schedule`, with `{__type__: airflow.sdk.Asset, uri: …}` for each asset"


def check(dag: DagView) -> Iterator[Diagnostic]:
    """Findings in `schedule`, `timezone`, `start_date`, `end_date`, `dagrun_timeout` and the same in `default_args`."""
    schedule = dag.data.get("schedule")
    yield from _schedule(dag, schedule)
    default_args = dag.data.get("default_args")
    shared = [(("default_args",), default_args)] if isinstance(default_args, dict) else []
    holders: list[tuple[DataPath, Mapping[str, Any]]] = [((), dag.data), *shared]
    has_start = any(mapping.get("start_date") is not None for _, mapping in holders)
    if is_scheduled(schedule) and not is_object(schedule) and dag.data.get("catchup") is True and not has_start:
        yield dag.subject.finding(Code.KEY_ALONE, ("catchup",), NO_FIRST_SLOT, at_key=True)
    for path, mapping in holders:
        zone = mapping.get("timezone")
        if is_unset(zone):
            yield unset(dag, (*path, "timezone"), str(zone))
        else:
            yield from timezone_findings(dag.subject, (*path, "timezone"), zone)
        for key in ("start_date", "end_date"):
            yield from _date(dag, (*path, key), mapping.get(key))
    tasks = [(task.path, task.data) for task in dag.tasks.values()]
    yield from _order(dag, (*holders, *tasks))
    of_groups = ((path, mapping) for path, mapping in dag.default_args if path[:-1])
    for path, mapping in (*tasks, *of_groups):
        for key in ("start_date", "end_date"):
            yield from _date_of_task(dag, (*path, key), mapping.get(key))
    for path, mapping in tasks:
        if mapping.get("execution_date_fn") is None:
            yield from _delta(dag, (*path, "execution_delta"), mapping.get("execution_delta"))
    key = "execution_timeout"
    durations = [((*path, key), mapping.get(key)) for path, mapping in (*shared, *tasks)]
    for path, value in ((("dagrun_timeout",), dag.data.get("dagrun_timeout")), *durations):
        yield from _duration(dag, path, value)


def _duration(dag: DagView, path: DataPath, value: Any) -> Iterator[Diagnostic]:
    kind = str(value["__type__"]) if is_object(value) else ""
    if kind in C_PARAMETERS and kind != "datetime.timedelta":
        message = f"`{path[-1]}` must be a duration, not a `{kind}`"
        yield dag.subject.finding(Code.WRONG_TYPE, path, message)
    elif value is not None and not is_object(value) and not isinstance(value, date):
        message = f"`{path[-1]}` must be a duration object, not {described(value)}"
        help_text = f"write `{seconds(value)}`"
        if isinstance(value, dict) and value and value.keys() <= _UNITS:
            help_text = "write `__type__: datetime.timedelta` beside the keys of this mapping"
        yield dag.subject.finding(Code.WRONG_TYPE, path, message, help=help_text)


def is_scheduled(schedule: Any) -> bool:
    """Whether a DAG's `schedule` starts runs; dag-factory reads the text `None`, too."""
    return schedule is not None and str(schedule).strip().lower() != "none"


def _order(dag: DagView, holders: Iterable[tuple[DataPath, Mapping[str, Any]]]) -> Iterator[Diagnostic]:
    """Nothing runs between an `end_date` and a later `start_date`; Airflow does not say so."""
    for path, mapping in holders:
        start, end = _moment(mapping.get("start_date", dag.data.get("start_date"))), _moment(mapping.get("end_date"))
        if start is not None and end is not None and end < start:
            message, place = "`end_date` is before `start_date`", (*path, "end_date")
            yield dag.subject.finding(Code.END_BEFORE_START, place, message, severity=Severity.WARNING)


def _delta(dag: DagView, path: DataPath, value: Any) -> Iterator[Diagnostic]:
    """dag-factory reads `execution_delta` of a task as words."""
    if value is None:
        return
    match = _RELATIVE.match(value) if isinstance(value, str) else None
    if is_unset(value):
        yield unset(dag, path, value)
    elif match is None or str(value)[match.end() :].strip().lower() not in ("", "s"):
        message = "`execution_delta` must be a number and one unit: `1 hour`, `30 minutes`, `20 seconds`, `2 days`"
        is_seconds = isinstance(value, int) and not isinstance(value, bool)
        caret, fix = (f"write `{value} seconds`", Yaml(f"{value} seconds")) if is_seconds else ("", None)
        yield dag.subject.finding(Code.WRONG_VALUE, path, message, caret=caret, fix=fix)


def _schedule(dag: DagView, schedule: Any) -> Iterator[Diagnostic]:
    path = ("schedule",)
    if is_unset(schedule):
        yield unset(dag, path, schedule)
    elif isinstance(schedule, str):
        if schedule.strip().lower() != "none":
            yield from _cron(dag, path, schedule)
    elif isinstance(schedule, dict):
        if "datasets" in schedule or "file" in schedule:
            message = "dag-factory passes `datasets` and `file` to Airflow 3 as they are, and Airflow refuses them"
            yield dag.subject.finding(Code.REFUSED_BY_AIRFLOW_3, path, message, at_key=True, help=_ASSETS)
        elif OBJECT_KEYS.isdisjoint(schedule):
            message = "this mapping is not a schedule: `__type__`, `__and__` or `__or__` is missing"
            yield dag.subject.finding(Code.WRONG_TYPE, path, message, at_key=True, help=_meant_by(schedule))
        else:
            zone = schedule.get("timezone") if "timetable" in str(schedule.get("__type__")).lower() else None
            if isinstance(zone, str) and not is_unset(zone):
                yield from timezone_findings(dag.subject, (*path, "timezone"), zone)
            yield from _conditions(dag, path, schedule)
    elif isinstance(schedule, list):
        for index, item in enumerate(schedule):
            if not isinstance(item, str | None):
                yield from _asset(dag, (*path, index), item)
    elif isinstance(schedule, bool | int | float | date):
        yield dag.subject.finding(Code.WRONG_TYPE, path, "`schedule` must be a cron expression, a preset or null")


def _meant_by(schedule: Mapping[str, Any]) -> str:
    """What to write for a schedule in the words of this project's language or of older ones."""
    forms = {
        **dict.fromkeys(("uri", "name", "asset", "assets", "dataset"), f"write a list, with {_ASSET} for each asset"),
        **{key: f"write `__{key}__` for `{key}`" for key in ("and", "or")},
        "cron": "write the expression itself: `schedule: '0 6 * * *'`",
        "every": "write `{__type__: datetime.timedelta, hours: 1}`",
    }
    return next((forms[key] for key in schedule if key in forms), "")


def _cron(dag: DagView, path: DataPath, schedule: str) -> Iterator[Diagnostic]:
    fields = schedule.split()
    if schedule == "@continuous" and dag.data.get("max_active_runs") != 1:
        place = ("max_active_runs",) if "max_active_runs" in dag.data else path
        message = "`@continuous` has one run at a time: `max_active_runs` must be 1"
        yield dag.subject.finding(Code.WRONG_VALUE, place, message, help="write `max_active_runs: 1`")
    if len(fields) == _FIELDS_WITH_SECONDS:
        wrong = [*cron_problems(" ".join(fields[:-1])), *cron_problems(f"{fields[-1]} * * * *")]
        if not wrong:
            message = "Airflow reads the sixth field as seconds"
            help_text = "remove a field, if you do not mean seconds"
            yield dag.subject.finding(Code.BAD_CRON, path, message, help=help_text, severity=Severity.WARNING)
            return
    preset = schedule.lower()
    for one in cron_findings(dag.subject, path, preset if preset in _IN_ANY_CASE else schedule, special=True):
        yield replace(one, help=re.sub(r"\{every: (\d+)([smhdw])\}", _as_timedelta, one.help))


def _as_timedelta(every: re.Match[str]) -> str:
    unit = next(unit for unit in ("seconds", "minutes", "hours", "days", "weeks") if unit.startswith(every[2]))
    return f"`{{__type__: datetime.timedelta, {unit}: {every[1]}}}`"


def _conditions(dag: DagView, path: DataPath, value: Mapping[str, Any]) -> Iterator[Diagnostic]:
    for key in ("__and__", "__or__"):
        items = value.get(key)
        for index, item in enumerate(items if isinstance(items, list) else ()):
            if isinstance(item, str):
                yield dag.subject.finding(
                    Code.REFUSED_BY_AIRFLOW_3,
                    (*path, key, index),
                    "dag-factory joins these to one text, which Airflow 3 reads as a cron expression",
                    help=f"write {_ASSET}",
                )
            else:
                yield from _asset(dag, (*path, key, index), item)


def _asset(dag: DagView, path: DataPath, item: Any) -> Iterator[Diagnostic]:
    """An item of a list of assets, or of a condition on them."""
    kind = item.get("__type__") if isinstance(item, dict) else None
    if not isinstance(item, dict) or OBJECT_KEYS.isdisjoint(item) or str(kind).startswith(_NO_ASSETS):
        found = f"`{kind}`" if isinstance(kind, str) else described(item)
        message = f"each item must be an asset, not {found}"
        yield dag.subject.finding(Code.WRONG_TYPE, path, message, help=f"write {_ASSET}")
    else:
        yield from _conditions(dag, path, item)


def check_uris(dag: DagView, reader: SourceReader) -> Iterator[Diagnostic]:
    """URIs of assets that a provider refuses, and names that are no text."""
    if not dag.subject.may_hold(*URI_MARKS, ".Asset", ".Dataset"):
        return
    lists: list[tuple[DataPath, Any]] = [(("schedule",), dag.data.get("schedule"))]
    lists += [((*task.path, key), task.data.get(key)) for task in dag.tasks.values() for key in ("inlets", "outlets")]
    for path, value in lists:
        for index, item in enumerate(value if isinstance(value, list) else ()):
            if isinstance(item, str) and not isinstance(item, EnvText):
                yield from said_of_uri(dag.subject, (*path, index), item.strip(), reader)
    for path, value in mappings(dag.data):
        if not str(value.get("__type__")).endswith((".Asset", ".Dataset")):
            continue
        for key in ("name", "uri", "group"):
            yield from wrong_kind(dag, (*path, key), value.get(key), TEXT)
        uri = value.get("uri")
        if isinstance(uri, str) and not isinstance(uri, EnvText) and not is_unset(uri):
            yield from said_of_uri(dag.subject, (*path, "uri"), uri, reader)


def _date(dag: DagView, path: DataPath, value: Any) -> Iterator[Diagnostic]:
    if value is None or isinstance(value, date) or (is_object(value) and value["__type__"] not in _NO_DATES):
        return
    if is_unset(value):
        yield unset(dag, path, value)
        return
    if not isinstance(value, str):
        yield dag.subject.finding(Code.WRONG_TYPE, path, f"`{path[-1]}` must be a date")
        return
    match = _RELATIVE.match(value)
    if match is not None and value[match.end() :].strip().lower() not in _RELATIVE_REST:
        message = f"dag-factory reads `{value[: match.end()]}` and drops the rest of `{shown(value)}`"
        yield dag.subject.finding(Code.WRONG_VALUE, path, message, help=_A_DATE)
    elif match is not None or value == "now" or TIME_OF_DAY.fullmatch(value):
        message = f"`{shown(value)}` counts from today: the date moves every day, and the DAG changes with it"
        yield dag.subject.finding(Code.MOVING_DATE, path, message, help=_A_DATE)
    elif read_date(value) is None:
        yield dag.subject.finding(Code.WRONG_VALUE, path, f"`{shown(value)}` is not a date", help="write `2026-01-31`")


def _moment(value: Any) -> datetime | None:
    """A date of a document, without its offset; None for an object, and for what is no date."""
    if isinstance(value, datetime):
        return value.replace(tzinfo=None)
    if isinstance(value, date):
        return datetime.combine(value, time())
    return read_date(value) if isinstance(value, str) else None


def read_date(text: str) -> datetime | None:
    """What `pendulum.parse`, which dag-factory uses, reads, without its offset; None for what it does not read."""
    match = _DATE.fullmatch(text)
    if match is None:
        return None
    year, month, day = (int(match[part] or 1) for part in ("year", "month", "day"))
    hour, minute, second = (int(match[part] or 0) for part in ("hour", "minute", "second"))
    try:
        found = date(year, month, day)
        if match["week"]:
            found = date.fromisocalendar(year, int(match["week"]), int(match["weekday"] or 1))
        if match["ordinal"]:
            found = datetime.strptime(f"{year}-{match['ordinal']}", "%Y-%j").date()  # a date
        return datetime.combine(found, time(hour, minute, second))
    except ValueError:
        return None


def _date_of_task(dag: DagView, path: DataPath, value: Any) -> Iterator[Diagnostic]:
    """Those of a task, and of a group's `default_args`."""
    is_right = (
        value["__type__"] not in (*_NO_DATES, *_WITHOUT_TIME) if is_object(value) else isinstance(value, datetime)
    )
    if value is not None and not is_right:
        holder = "a task's" if path[-2] != "default_args" else "a group's"
        yield dag.subject.finding(
            Code.WRONG_TYPE,
            path,
            f"dag-factory passes {holder} `{path[-1]}` on as it is, and Airflow accepts only a date with a time",
            help="write `2026-01-31 00:00:00`, or the date in `default_args` of the DAG",
        )
