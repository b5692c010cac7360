"""`schedule`, dates, time zones and durations of a DAG."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from schemas.dagfactory.dag_view import DagView, shown
from schemas.dagfactory.keys import seconds
from schemas.dagfactory.merging import OBJECT_KEYS
from schemas.dagfactory.unset import is_unset, unset
from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic
from schemas.findings.paths import DataPath
from schemas.rules.schedule import cron_findings, timezone_findings
from schemas.shape.wording import described

_RELATIVE = re.compile(r"\d+\s+(?:hour|minute|second|day)", re.IGNORECASE)
"""What dag-factory takes from the start of a date that is none (`utils.get_time_delta`); the rest it drops."""
_RELATIVE_REST = frozenset({"", "s", "ago", "s ago"})
_DATED = re.compile(r"\d{4}")
_ASSETS = "write `__or__` or `__and__` below `schedule`, with `{__type__: airflow.sdk.Asset, uri: …}` for each asset"


def check(dag: DagView) -> Iterator[Diagnostic]:
    """Findings in `schedule`, `timezone`, `start_date`, `end_date`, `dagrun_timeout` and the same in `default_args`."""
    yield from _schedule(dag, dag.data.get("schedule"))
    places: list[tuple[DataPath, Any]] = [((), dag.data), (("default_args",), dag.data.get("default_args"))]
    for path, mapping in places:
        if isinstance(mapping, dict):
            zone = mapping.get("timezone")
            if is_unset(zone):
                yield from unset(dag, (*path, "timezone"), zone)
            else:
                yield from timezone_findings(dag.subject, (*path, "timezone"), zone)
            for key in ("start_date", "end_date"):
                yield from _date(dag, (*path, key), mapping.get(key))
    for task in dag.tasks.values():
        for key in ("start_date", "end_date"):
            yield from _date_of_task(dag, (*task.path, key), task.data.get(key))
    key = "execution_timeout"
    durations: list[tuple[DataPath, Any]] = [(("dagrun_timeout",), dag.data.get("dagrun_timeout"))]
    durations += [((*task.path, key), task.data.get(key)) for task in dag.tasks.values()]
    default_args = dag.data.get("default_args")
    if isinstance(default_args, dict):
        durations.append((("default_args", "execution_timeout"), default_args.get("execution_timeout")))
    for path, value in durations:
        if isinstance(value, str | int | float | list):
            message = f"`{path[-1]}` must be a duration object, not {described(value)}"
            yield dag.subject.finding(Code.WRONG_TYPE, path, message, help=f"write `{seconds(value)}`")


def _schedule(dag: DagView, schedule: Any) -> Iterator[Diagnostic]:
    path = ("schedule",)
    if is_unset(schedule):
        yield from unset(dag, path, schedule)
    elif isinstance(schedule, str):
        if schedule.strip().lower() != "none":
            yield from cron_findings(dag.subject, path, schedule, special=True)
    elif isinstance(schedule, dict):
        if "datasets" in schedule or "file" in schedule:
            yield dag.subject.finding(
                Code.REFUSED_BY_AIRFLOW_3,
                path,
                "dag-factory hands `datasets` and `file` to Airflow 3 as they are, which refuses them",
                at_key=True,
                help=_ASSETS,
            )
        elif OBJECT_KEYS.isdisjoint(schedule):
            message = "a mapping is no schedule: `__type__`, `__and__` or `__or__` is missing"
            yield dag.subject.finding(Code.WRONG_TYPE, path, message, at_key=True)
        else:
            yield from _texts_of_assets(dag, path, schedule)
    elif isinstance(schedule, bool | int | float | date):
        yield dag.subject.finding(Code.WRONG_TYPE, path, "`schedule` must be a cron expression, a preset or null")


def _texts_of_assets(dag: DagView, path: DataPath, value: Any) -> Iterator[Diagnostic]:
    for key in ("__and__", "__or__"):
        for index, item in enumerate(value.get(key) or () if isinstance(value, dict) else ()):
            if isinstance(item, str):
                yield dag.subject.finding(
                    Code.REFUSED_BY_AIRFLOW_3,
                    (*path, key, index),
                    "dag-factory joins texts to one text, which Airflow 3 takes for a cron expression",
                    help="write `{__type__: airflow.sdk.Asset, uri: …}`",
                )
            elif isinstance(item, dict):
                yield from _texts_of_assets(dag, (*path, key, index), item)


def _date(dag: DagView, path: DataPath, value: Any) -> Iterator[Diagnostic]:
    if value is None or isinstance(value, date | datetime | dict):
        return
    if is_unset(value):
        yield from unset(dag, path, value)
        return
    if not isinstance(value, str):
        yield dag.subject.finding(Code.WRONG_TYPE, path, f"`{path[-1]}` must be a date")
        return
    match = _RELATIVE.match(value)
    if match is None:
        if not _DATED.match(value):
            message = f"`{shown(value)}` is no date"
            yield dag.subject.finding(Code.WRONG_VALUE, path, message, help="write `2026-01-31`")
        return
    if value[match.end() :].strip().lower() not in _RELATIVE_REST:
        message = f"dag-factory reads `{value[: match.end()]}` and drops the rest of `{shown(value)}`"
        yield dag.subject.finding(Code.WRONG_VALUE, path, message, help="write a date, such as `2026-01-31`")
        return
    yield dag.subject.finding(
        Code.MOVING_DATE,
        path,
        f"`{shown(value)}` counts from today: the date moves on every day, and the DAG changes with it",
        help="write a date, such as `2026-01-31`",
    )


def _date_of_task(dag: DagView, path: DataPath, value: Any) -> Iterator[Diagnostic]:
    if value is not None and not isinstance(value, datetime | dict):
        yield dag.subject.finding(
            Code.WRONG_TYPE,
            path,
            f"dag-factory hands a task's `{path[-1]}` to Airflow as it is, which takes a date with a time only",
            help="write `2026-01-31 00:00:00`, or the date in `default_args`",
        )
