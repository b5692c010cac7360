"""`schedule`, dates, time zones and durations of a DAG."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any

from schemas.dagfactory.dag_view import DagView, is_unset, shown, unset
from schemas.dagfactory.keys import seconds
from schemas.dagfactory.merging import OBJECT_KEYS
from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic
from schemas.findings.paths import DataPath
from schemas.rules.schedule import cron_findings, timezone_findings
from schemas.shape.wording import described

_RELATIVE = re.compile(r"\d+\s+(?:hour|minute|second|day)", re.IGNORECASE)
"""What dag-factory reads at the start of a text that is not a date (`utils.get_time_delta`); it drops the rest."""
_RELATIVE_REST = frozenset({"", "s", "ago", "s ago"})
_DATED = re.compile(r"\d{4}")
_ASSETS = "write `__or__` or `__and__` below `schedule`, with `{__type__: airflow.sdk.Asset, uri: …}` for each asset"


def check(dag: DagView) -> Iterator[Diagnostic]:
    """Findings in `schedule`, `timezone`, `start_date`, `end_date`, `dagrun_timeout` and the same in `default_args`."""
    yield from _schedule(dag, dag.data.get("schedule"))
    default_args = dag.data.get("default_args")
    shared = [(("default_args",), default_args)] if isinstance(default_args, dict) else []
    holders: list[tuple[DataPath, Mapping[str, Any]]] = [((), dag.data), *shared]
    for path, mapping in holders:
        zone = mapping.get("timezone")
        if is_unset(zone):
            yield unset(dag, (*path, "timezone"), str(zone))
        else:
            yield from timezone_findings(dag.subject, (*path, "timezone"), zone)
        for key in ("start_date", "end_date"):
            yield from _date(dag, (*path, key), mapping.get(key))
    tasks = [(task.path, task.data) for task in dag.tasks.values()]
    for path, mapping in tasks:
        for key in ("start_date", "end_date"):
            yield from _date_of_task(dag, (*path, key), mapping.get(key))
    key = "execution_timeout"
    durations = [((*path, key), mapping.get(key)) for path, mapping in (*shared, *tasks)]
    for path, value in ((("dagrun_timeout",), dag.data.get("dagrun_timeout")), *durations):
        if isinstance(value, str | int | float | list):
            message = f"`{path[-1]}` must be a duration object, not {described(value)}"
            yield dag.subject.finding(Code.WRONG_TYPE, path, message, help=f"write `{seconds(value)}`")


def _schedule(dag: DagView, schedule: Any) -> Iterator[Diagnostic]:
    path = ("schedule",)
    if is_unset(schedule):
        yield unset(dag, path, schedule)
    elif isinstance(schedule, str):
        if schedule.strip().lower() != "none":
            yield from cron_findings(dag.subject, path, schedule, special=True)
    elif isinstance(schedule, dict):
        if "datasets" in schedule or "file" in schedule:
            message = "dag-factory passes `datasets` and `file` to Airflow 3 as they are, and Airflow refuses them"
            yield dag.subject.finding(Code.REFUSED_BY_AIRFLOW_3, path, message, at_key=True, help=_ASSETS)
        elif OBJECT_KEYS.isdisjoint(schedule):
            message = "this mapping is not a schedule: `__type__`, `__and__` or `__or__` is missing"
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
                    "dag-factory joins these to one text, which Airflow 3 reads as a cron expression",
                    help="write `{__type__: airflow.sdk.Asset, uri: …}`",
                )
            elif isinstance(item, dict):
                yield from _texts_of_assets(dag, (*path, key, index), item)


def _date(dag: DagView, path: DataPath, value: Any) -> Iterator[Diagnostic]:
    if value is None or isinstance(value, date | datetime | dict):
        return
    if is_unset(value):
        yield unset(dag, path, value)
        return
    if not isinstance(value, str):
        yield dag.subject.finding(Code.WRONG_TYPE, path, f"`{path[-1]}` must be a date")
        return
    match = _RELATIVE.match(value)
    if match is None:
        if not _DATED.match(value):
            message = f"`{shown(value)}` is not a date"
            yield dag.subject.finding(Code.WRONG_VALUE, path, message, help="write `2026-01-31`")
        return
    if value[match.end() :].strip().lower() not in _RELATIVE_REST:
        message = f"dag-factory reads `{value[: match.end()]}` and drops the rest of `{shown(value)}`"
        yield dag.subject.finding(Code.WRONG_VALUE, path, message, help="write a date, such as `2026-01-31`")
        return
    yield dag.subject.finding(
        Code.MOVING_DATE,
        path,
        f"`{shown(value)}` counts from today: the date moves every day, and the DAG changes with it",
        help="write a date, such as `2026-01-31`",
    )


def _date_of_task(dag: DagView, path: DataPath, value: Any) -> Iterator[Diagnostic]:
    if value is not None and not isinstance(value, datetime | dict):
        yield dag.subject.finding(
            Code.WRONG_TYPE,
            path,
            f"dag-factory passes a task's `{path[-1]}` on as it is, and Airflow accepts only a date with a time",
            help="write `2026-01-31 00:00:00`, or the date in `default_args`",
        )
