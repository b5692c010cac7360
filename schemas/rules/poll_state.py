"""What a poll keeps between runs: `incremental`, `change_detection`, `watch`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from schemas.compose.env_values import EnvText
from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic
from schemas.findings.paths import DataPath
from schemas.model.cursor import CursorError, cursor_kind
from schemas.model.poll import POLL_TASK_ID, commit_task_id
from schemas.rules.state_names import REMEMBERS, remembers
from schemas.rules.subject import Subject
from schemas.rules.task_view import TaskView

_OF_CONDITIONS = ("on_unchanged",)
_CONDITIONS = ("etag", "last_modified")
_OF_STATE = ("commit", "state_key")
_REQUEST = ("url", "headers", "params", "json", "data", "conn_id", "endpoint")


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Keys that need others or cannot do what they say, cursors of two kinds, and what `watch` excludes."""
    if not subject.may_hold("incremental", "change_detection", "watch", *_OF_CONDITIONS, *_OF_STATE):
        return
    ids = {task.full_id for task in subject.tasks}
    for task in subject.tasks:
        if task.uses != "http":
            continue
        watched = task.path == (POLL_TASK_ID,) and task.arguments.get("watch") is not None
        yield from _alone(subject, task, watched=watched)
        yield from _cursor(subject, task)
        yield from _pages(subject, task)
        yield from _mapped(subject, task)
        if remembers(task):
            yield from _commit_id(subject, task, ids)
        if watched:
            yield from _watch(subject, task)


def _alone(subject: Subject, task: TaskView, *, watched: bool) -> Iterator[Diagnostic]:
    request = task.arguments
    for key in _OF_CONDITIONS:
        if key in request and request.get("change_detection") is None and not watched:
            yield subject.finding(
                Code.KEY_ALONE,
                (*task.with_path, key),
                f"`{key}` is about what `change_detection` finds, and there is none",
                at_key=True,
                help="write how a change is seen: `change_detection: hash`, `etag`, `last_modified` or `{path: …}`",
            )
    for key in _OF_STATE:
        if request.get(key) is not None and not remembers(task):
            yield subject.finding(
                Code.KEY_ALONE,
                (*task.with_path, key),
                f"`{key}` is about what a request remembers, and this one remembers nothing",
                at_key=True,
                help="a request remembers with `incremental` or `change_detection`",
            )


def _cursor(subject: Subject, task: TaskView) -> Iterator[Diagnostic]:
    incremental = task.arguments.get("incremental")
    if not isinstance(incremental, dict):
        return
    path = (*task.with_path, "incremental")
    initial = _read(incremental.get("initial_value"))
    kind = _kind(initial)
    if incremental.get("end_param") is not None and kind != "time" and not _unknown(initial):
        what = f"`initial_value` is {_named(kind)}" if initial is not None else "there is no `initial_value`"
        yield subject.finding(
            Code.CURSOR_KIND,
            (*path, "end_param"),
            f"`end_param` takes a moment, written like `initial_value`, and {what}",
            at_key=True,
            help="give an `initial_value` such as `2026-01-01T00:00:00Z`, or take `end_param` away",
        )
    lag = _read(incremental.get("lag"))
    of_lag = "number" if isinstance(lag, int | float) else "time" if isinstance(lag, str) else None
    if of_lag is not None and initial is not None and kind is not None and not isinstance(lag, bool) and kind != of_lag:
        yield subject.finding(
            Code.CURSOR_KIND,
            (*path, "lag"),
            f"`lag` is {'a number' if of_lag == 'number' else 'a duration'}, and `initial_value` is {_named(kind)}",
            help={
                "time": "where cursors are times, write a duration such as `5m`",
                "number": "where cursors are numbers, write a whole number",
                "text": "only times and numbers can have a lag",
            }[kind],
        )


def _read(value: Any) -> Any:
    return value.as_scalar() if isinstance(value, EnvText) and value.whole else value


def _unknown(value: Any) -> bool:
    return isinstance(value, str) and "${" in value


def _kind(value: Any) -> str | None:
    """None for what is no cursor (the model says so), or not known yet."""
    if value is None or _unknown(value):
        return None
    try:
        return cursor_kind(value)
    except CursorError:
        return None


def _named(kind: str | None) -> str:
    return {"time": "a time", "number": "a number", "text": "text that is no time"}.get(kind or "", "no cursor")


def _pages(subject: Subject, task: TaskView) -> Iterator[Diagnostic]:
    detection, pagination = task.arguments.get("change_detection"), task.arguments.get("pagination")
    if detection not in _CONDITIONS or not isinstance(pagination, dict) or pagination.get("type") == "single_page":
        return
    yield subject.finding(
        Code.CONDITION_OF_ONE_PAGE,
        (*task.with_path, "change_detection"),
        f"`{detection}` is about one page, and with `pagination` there are several",
        help="`hash` compares all pages together, `{path: …}` a value of the first",
    )


def _mapped(subject: Subject, task: TaskView) -> Iterator[Diagnostic]:
    if not task.is_mapped and not any(group.is_mapped for group in subject.around(task.path)):
        return
    for key in REMEMBERS:
        if task.arguments.get(key) is not None:
            yield subject.finding(
                Code.CANNOT_EXPAND,
                (*task.with_path, key),
                f"with `{key}` a task remembers one state, and a mapped one would ask for many things by it",
                at_key=True,
                help="write one task for each, or one pipeline for each by `matrix`",
            )


def _commit_id(subject: Subject, task: TaskView, ids: set[str | None]) -> Iterator[Diagnostic]:
    if task.full_id is None or commit_task_id(task.full_id) not in ids:
        return
    other = next(view for view in subject.tasks if view.full_id == commit_task_id(task.full_id))
    yield subject.finding(
        Code.DUPLICATE_TASK_ID,
        other.id_path,
        f"`{other.full_id}` is the task that keeps what `{task.full_id}` remembers",
        help="give this task another id",
    )


def _watch(subject: Subject, task: TaskView) -> Iterator[Diagnostic]:
    if subject.data.get("schedule") is not None:
        yield subject.finding(
            Code.CONFLICTING_KEYS,
            ("schedule",),
            "`watch` stands in place of a `schedule`: it starts the runs itself",
            at_key=True,
            help="take one of the two away",
        )
    if task.arguments.get("incremental") is not None:
        yield subject.finding(
            Code.CONFLICTING_KEYS,
            (*task.path, "incremental"),
            "`watch` looks for another answer, `incremental` for more rows: they do not go together",
            at_key=True,
            help="`schedule: {every: 30s}` with `incremental` asks for new rows again and again",
        )
    for key in _REQUEST:
        for path, text in _texts(task.arguments.get(key), (*task.path, key)):
            if "{{" in text or "{%" in text:
                yield subject.finding(
                    Code.TEMPLATE_IN_WATCH,
                    path,
                    "a watched request is sent before there is a run, so nothing can fill in its template",
                    help="use a `schedule`, or a value that is always the same",
                )


def _texts(value: Any, path: DataPath) -> Iterator[tuple[DataPath, str]]:
    if isinstance(value, str):
        yield path, value
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield from _texts(child, (*path, key))
