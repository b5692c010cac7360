"""A team's policy over one pipeline."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from fnmatch import fnmatchcase
from itertools import islice, pairwise
from typing import Any

from schemas.compose.env_values import EnvText
from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic
from schemas.findings.paths import DataPath
from schemas.folder.discovery import default_dag_id
from schemas.model.cron import EVERY, Field, expanded
from schemas.model.schedule import CRON_PRESETS
from schemas.rules.run_times import duration_of, in_words
from schemas.rules.schedule import crons
from schemas.rules.subject import Subject
from schemas.rules.task_view import TaskView
from schemas.rules.team_policy import Policy

_URL = re.compile(r"https?://(?:[^/\s@\"']{0,200}@)?(?P<host>[^/:?#\s\"'@]{1,253})", re.IGNORECASE)
_DAY = 24 * 60
_MOST_HOSTS = 20
"""Of one value: more are data, not addresses."""


def check(subject: Subject, policy: Policy) -> Iterator[Diagnostic]:
    """What the policy asks for and the pipeline is not."""
    yield from _required(subject, policy)
    yield from _retries(subject, policy)
    yield from _dag_id(subject, policy)
    yield from _interval(subject, policy)
    for task in subject.tasks:
        yield from _uses(subject, policy, task)
    if policy.allowed_hosts is not None:
        yield from _hosts(subject, policy.allowed_hosts)


def _required(subject: Subject, policy: Policy) -> Iterator[Diagnostic]:
    defaults = subject.data.get("default_args")
    for key in policy.require:
        value = subject.data.get(key)
        if key == "owner" and value is None and isinstance(defaults, dict):
            value = defaults.get(key)
        if value in (None, "", [], {}):
            path = (key,) if key in subject.data else ()
            yield subject.finding(
                Code.REQUIRED_KEY, path, f"the policy requires `{key}` in every pipeline", at_key=bool(path)
            )


def _retries(subject: Subject, policy: Policy) -> Iterator[Diagnostic]:
    if not policy.min_retries:
        return
    for task in subject.tasks:
        path, retries = _effective_retries(subject, task)
        if task.uses != "empty" and isinstance(retries, int) and retries < policy.min_retries:
            message = f"task `{task.full_id}` has {_counted(retries)}, and the policy requires {policy.min_retries}"
            where = "in `poll`" if task.path == ("poll",) else "beside `uses`"
            help = f"write `retries` {where}, in `default_args`, or in `_defaults.yaml`"
            yield subject.finding(Code.TOO_FEW_RETRIES, path, message, at_key=path == ("poll",), help=help)


def _counted(retries: int) -> str:
    return "1 retry" if retries == 1 else f"{retries} retries"


def _effective_retries(subject: Subject, task: TaskView) -> tuple[DataPath, Any]:
    """The path and value of the number: the task's own, its groups', the file's, else none."""
    if "retries" in task.entry:
        return (*task.path, "retries"), task.entry["retries"]
    for end in range(max(len(task.path) - 2, 0), -1, -2):
        group: Any = subject.data
        for element in task.path[:end]:
            group = group[element]
        defaults = group.get("default_args")
        if isinstance(defaults, dict) and "retries" in defaults:
            return (*task.path[:end], "default_args", "retries"), defaults["retries"]
    return task.id_path, 0


def _dag_id(subject: Subject, policy: Policy) -> Iterator[Diagnostic]:
    written = subject.data.get("dag_id")
    dag_id = written if isinstance(written, str) else default_dag_id(subject.path)
    if "${" in dag_id:
        return  # what cannot be filled in is said where it stands
    if policy.dag_id_pattern is not None and policy.dag_id_pattern.fullmatch(dag_id) is None:
        yield subject.finding(
            Code.DAG_ID_PATTERN,
            ("dag_id",) if written is not None else (),
            f"the DAG id `{dag_id}` is not of the form that the policy requires",
            help=f"it must match {policy.dag_id_pattern.pattern}"
            + ("" if written is not None else "; without `dag_id` it is the file's path"),
        )


def _interval(subject: Subject, policy: Policy) -> Iterator[Diagnostic]:
    if not policy.shortest_interval:
        return
    for path, value in _intervals(subject.data.get("schedule")):
        interval = _shortest(value, is_duration=path[-1] == "every") if isinstance(value, str) else None
        if interval is not None and interval < policy.shortest_interval:
            wanted = in_words(policy.shortest_interval)
            yield subject.finding(
                Code.INTERVAL_TOO_SHORT,
                path,
                f"runs start {in_words(interval)} apart, and the policy requires {wanted} at least",
            )


def _intervals(schedule: Any) -> Iterator[tuple[DataPath, Any]]:
    """What may say how often, with its path."""
    if not isinstance(schedule, dict):
        yield ("schedule",), schedule
        return
    yield ("schedule", "every"), schedule.get("every")
    yield from crons(schedule)


def _shortest(text: str, *, is_duration: bool) -> timedelta | None:
    """The shortest time between two runs; None where it is longer than a day, or the text says none."""
    if is_duration:
        return duration_of(text)
    if text == "@continuous":
        return timedelta(0)
    fields = expanded(CRON_PRESETS.get(text, text)) if text != "@once" else None
    if fields is None:
        return None
    minutes = range(60) if fields[0] == EVERY else [int(minute) for minute in fields[0]]
    starts = [60 * int(hour) for hour in (range(24) if fields[1] == EVERY else fields[1])]
    times = sorted(start + minute for minute in minutes for start in starts)
    gaps = [later - earlier for earlier, later in pairwise(times)]
    if _on_following_days(fields):
        gaps.append(times[0] + _DAY - times[-1])
    return timedelta(minutes=min(gaps)) if gaps else None


def _on_following_days(fields: tuple[Field, ...]) -> bool:
    """Whether two days in a row can be days of the expression."""
    days, weekdays = fields[2], fields[4]
    if days == EVERY and weekdays == EVERY:
        return True
    of_month = {int(day) for day in days if isinstance(day, int)}
    of_week = {int(day) % 7 for day in weekdays if isinstance(day, int)}
    last = bool(of_month & {28, 29, 30, 31}) or "l" in days
    return (
        any(day + 1 in of_month for day in of_month)
        or (last and 1 in of_month)
        or any((day + 1) % 7 in of_week for day in of_week)
        or bool(of_month and of_week)
    )


def _shown(host: str, text: str) -> str:
    """What a person is shown of a host: never a part of what the environment gives."""
    if isinstance(text, EnvText) and host not in text.expression.lower():
        return f"in what `{text.expression}` gives"
    return f"`{host}`"


def _uses(subject: Subject, policy: Policy, task: TaskView) -> Iterator[Diagnostic]:
    if task.uses is None:
        return
    path = (*task.path, "uses") if task.path != ("poll",) else task.path
    allowed = policy.allowed_uses
    if any(fnmatchcase(task.uses, pattern) for pattern in policy.forbidden_uses):
        message = f"the policy forbids `{task.uses}`"
        yield subject.finding(Code.USES_NOT_ALLOWED, path, message, at_key=task.path == ("poll",))
    elif allowed is not None and not any(fnmatchcase(task.uses, pattern) for pattern in allowed):
        message = f"the policy does not allow `{task.uses}`"
        yield subject.finding(Code.USES_NOT_ALLOWED, path, message, at_key=task.path == ("poll",), allowed=allowed)


def _hosts(subject: Subject, allowed: tuple[str, ...]) -> Iterator[Diagnostic]:
    """URLs in what a task is given; of documentation and links nobody asks anything."""
    if not subject.may_hold("://"):
        return
    for path, text in subject.texts:
        task = subject.entry_at(path)
        if task is None or path[: len(task.with_path)] != task.with_path:
            continue
        hosts: dict[str, tuple[int, int]] = {}
        for url in _URL.finditer(text):
            hosts.setdefault(url["host"].lower(), url.span("host"))
        for host, place in islice(hosts.items(), _MOST_HOSTS):
            if "{" not in host and not any(fnmatchcase(host, pattern.lower()) for pattern in allowed):
                yield subject.finding(
                    Code.HOST_NOT_ALLOWED,
                    path,
                    f"the policy does not allow the host {_shown(host, text)}",
                    allowed=allowed,
                    part=None if isinstance(text, EnvText) else place,
                )
