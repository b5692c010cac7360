"""What a poll keeps between runs: `incremental`, `change_detection`, `watch`, and the names it is kept under."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, NamedTuple

from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic, Related
from schemas.findings.paths import DataPath
from schemas.folder.discovery import default_dag_id
from schemas.model.task_base import POLL_TASK_ID, commit_task_id
from schemas.rules.subject import Subject, scalar
from schemas.rules.task_view import FILLED, TaskView, texts

_END = "${cursor.end}"
REMEMBERS = ("incremental", "change_detection")
MARKS = (*REMEMBERS, "watch")
"""A text without these remembers nothing."""
_HELP = "each needs its own name: what one moves forward, the other would never request"


def remembers(task: TaskView) -> bool:
    """Whether a task keeps something from run to run."""
    keys = (*REMEMBERS, "watch") if task.path == (POLL_TASK_ID,) else REMEMBERS
    return task.uses == "http" and any(task.arguments.get(key) is not None for key in keys)


def check_names(subject: Subject) -> Iterator[Diagnostic]:
    """Names that several tasks of one pipeline share."""
    if not subject.may_hold("state_key"):
        return
    for name, (first, *others) in _by_name([subject]).items():
        for other in others:
            # A name that is made of ids is right; the one that is written is to be another.
            at, beside = (other, first) if other.is_written else (first, other)
            yield at.finding(f"`{name}` is where task `{beside.task.full_id}` keeps its state", _HELP)


def between_rows(subjects: Iterable[Subject]) -> Iterator[Diagnostic]:
    """Names that several rows of a file's matrix share; `subjects` are those rows, in one environment."""
    for name, holders in _by_name(subjects).items():
        dag_ids = {holder.dag_id for holder in holders}
        for holder in holders if len(dag_ids) > 1 else ():
            yield holder.finding(
                f"`{name}` is where several pipelines of the `matrix` keep their state",
                "make it different for each, with `${matrix.…}`, or remove `state_key`",
            )


def shared_words(subjects: Iterable[Subject]) -> set[str]:
    """The names of some files, and the DAG ids that they may be made of: another file that shares one holds it."""
    return {word for name in _by_name(subjects) for word in (name, name.partition("/")[0])}


def across(subjects: Iterable[Subject]) -> Iterator[Diagnostic]:
    """Names that several files share: a finding at each place, which names another file's."""
    for name, holders in _by_name(subjects).items():
        for holder in holders:
            other = next((one for one in holders if one.is_other_file_than(holder)), None)
            if other is None:
                continue
            what = f"`{name}` is where task `{other.task.full_id}` of pipeline `{other.dag_id}` keeps its state"
            found = holder.finding(what if holder.is_written else f"{what}, and so does this one, by its ids", _HELP)
            yield replace(found, related=(*found.related, other.related))


class _Holder(NamedTuple):
    """A task that keeps something under a name, which is its `state_key` or made of its ids."""

    subject: Subject
    task: TaskView
    dag_id: str

    @property
    def is_written(self) -> bool:
        return self.task.arguments.get("state_key") is not None

    @property
    def path(self) -> DataPath:
        return (*self.task.with_path, "state_key") if self.is_written else self.task.id_path

    @property
    def related(self) -> Related:
        file, _, span = (self.subject.key_span if self._at_key else self.subject.value_span)(self.path)
        return Related(file, span, "the other one")

    def is_other_file_than(self, holder: _Holder) -> bool:
        """Where both names are made of ids, the DAG ids are the same: that has a finding of its own."""
        return self.subject.path != holder.subject.path and (self.is_written or holder.is_written)

    @property
    def _at_key(self) -> bool:
        """A poll has no id that is written."""
        return self.path == (POLL_TASK_ID,)

    def finding(self, message: str, help_text: str) -> Diagnostic:
        return self.subject.finding(Code.STATE_SHARED, self.path, message, at_key=self._at_key, help=help_text)


def _by_name(subjects: Iterable[Subject]) -> dict[str, list[_Holder]]:
    found: dict[str, list[_Holder]] = {}
    for subject in subjects:
        written = subject.data.get("dag_id")
        dag_id = written if isinstance(written, str) else default_dag_id(subject.path)
        for task in subject.tasks:
            key = task.arguments.get("state_key")
            if remembers(task) and task.full_id is not None and isinstance(key, str | None):
                found.setdefault(key or f"{dag_id}/{task.full_id}", []).append(_Holder(subject, task, dag_id))
    return found


_OF_CONDITIONS = ("on_unchanged",)
_CONDITIONS = ("etag", "last_modified")
_OF_STATE = ("commit", "state_key")
_REQUEST = ("url", "headers", "params", "json", "data", "body", "conn_id", "endpoint")


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
        yield from _both(subject, task)
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
                f"`{key}` needs `change_detection`, which is missing",
                at_key=True,
                help="write how to detect a change: `change_detection: hash`, `etag`, `last_modified` or `{path: …}`",
            )
    for key in _OF_STATE:
        if request.get(key) is not None and not remembers(task):
            yield subject.finding(
                Code.KEY_ALONE,
                (*task.with_path, key),
                f"`{key}` needs a request that keeps state, and this one keeps none",
                at_key=True,
                help="`incremental` and `change_detection` keep state",
            )


def _both(subject: Subject, task: TaskView) -> Iterator[Diagnostic]:
    if isinstance(task.arguments.get("incremental"), dict) and task.arguments.get("change_detection") is not None:
        yield subject.finding(
            Code.CONFLICTING_KEYS,
            (*task.with_path, "change_detection"),
            "`change_detection` and `incremental` exclude each other: after an unchanged answer the watermark stays "
            "where it is, and each later run asks for the same rows",
            at_key=True,
            help="`incremental` alone asks for what is new",
        )


def _cursor(subject: Subject, task: TaskView) -> Iterator[Diagnostic]:
    incremental = task.arguments.get("incremental")
    if not isinstance(incremental, dict):
        return
    path = (*task.with_path, "incremental")
    initial = scalar(incremental.get("initial_value"))
    kind = _kind(initial, incremental.get("cursor_format"))
    form = incremental.get("cursor_format")
    moment = incremental.get("param_format") or form
    if moment in ("number", "text"):
        kind, moment, what = moment, None, f"cursors are {_named(moment)} by their format"
    else:
        what = f"`initial_value` is {_named(kind)}" if initial is not None else "there is no `initial_value`"
    filled = ((at, text) for at, text in texts(dict(task.arguments), ()) if at[0] in FILLED)
    ends: list[tuple[DataPath, str]] = [((*task.with_path, *at), _END) for at, text in filled if _END in text]
    ends += [((*path, "end_param"), "end_param")] if incremental.get("end_param") is not None else []
    for place, name in ends if kind != "time" and moment is None and not _unknown(initial) else ():
        message = f"`{name}` takes a moment, written like `initial_value`, and {what}"
        help_text = f"give an `initial_value` such as `2026-01-01T00:00:00Z`, or remove `{name}`"
        yield subject.finding(Code.CURSOR_KIND, place, message, at_key=name != _END, help=help_text)
    lag = scalar(incremental.get("lag"))
    of_lag = "number" if isinstance(lag, int | float) else "time" if isinstance(lag, str) else None
    if initial is None and isinstance(form, str) and "${" not in form:
        kind, named = form if form in ("number", "text") else "time", "a cursor by `cursor_format`"
    else:
        kind, named = _kind(initial, form), "`initial_value`"
    if of_lag is not None and kind is not None and not isinstance(lag, bool) and kind != of_lag:
        yield subject.finding(
            Code.CURSOR_KIND,
            (*path, "lag"),
            f"`lag` is {'a number' if of_lag == 'number' else 'a duration'}, and {named} is {_named(kind)}",
            help={
                "time": "where cursors are times, write a duration such as `5m`",
                "number": "where cursors are numbers, write a whole number",
                "text": "only times and numbers can have a lag",
            }[kind],
        )


def _unknown(value: Any) -> bool:
    return isinstance(value, str) and "${" in value


def _kind(value: Any, form: Any) -> str | None:
    """None for what is no cursor (the model says so), or not known yet."""
    if value is None or _unknown(value):
        return None
    from schemas.model.cursor import CursorError, CursorForm  # noqa: PLC0415 # few files have a cursor

    try:
        return CursorForm(form if isinstance(form, str) and "${" not in form else None).kind(value)
    except CursorError:
        return None


def _named(kind: str | None) -> str:
    return {"time": "a time", "number": "a number", "text": "text that is no time"}.get(kind or "", "no cursor")


def _pages(subject: Subject, task: TaskView) -> Iterator[Diagnostic]:
    detection, pagination = task.arguments.get("change_detection"), task.arguments.get("pagination")
    if detection == "hash" and isinstance(pagination, dict) and pagination.get("on_max_pages") == "stop":
        message = "`hash` sees no change behind `max_pages`, where `on_max_pages: stop` ends the list"
        yield subject.finding(Code.ROWS_AT_RISK, (*task.with_path, "change_detection"), message)
    if detection not in _CONDITIONS or not isinstance(pagination, dict) or pagination.get("type") == "single_page":
        return
    yield subject.finding(
        Code.CONDITION_OF_ONE_PAGE,
        (*task.with_path, "change_detection"),
        f"`{detection}` compares one page, and `pagination` reads several",
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
                f"with `{key}` a task keeps one state, which mapped tasks cannot share",
                at_key=True,
                help="write one task for each, or one pipeline for each with `matrix`",
            )


def _commit_id(subject: Subject, task: TaskView, ids: set[str | None]) -> Iterator[Diagnostic]:
    if task.full_id is None or commit_task_id(task.full_id) not in ids:
        return
    other = next(view for view in subject.tasks if view.full_id == commit_task_id(task.full_id))
    yield subject.finding(
        Code.DUPLICATE_TASK_ID,
        other.id_path,
        f"`{other.full_id}` is the id of the task that keeps the state of `{task.full_id}`",
        help="give this task another id",
    )


def _watch(subject: Subject, task: TaskView) -> Iterator[Diagnostic]:
    if subject.data.get("schedule") is not None:
        yield subject.finding(
            Code.CONFLICTING_KEYS,
            ("schedule",),
            "`watch` starts the runs itself and excludes a `schedule`",
            at_key=True,
            help="remove one of the two",
        )
    if task.arguments.get("incremental") is not None:
        yield subject.finding(
            Code.CONFLICTING_KEYS,
            (*task.path, "incremental"),
            "`watch` and `incremental` exclude each other: one looks for a changed response, the other for more rows",
            at_key=True,
            help="`schedule: {every: 30s}` with `incremental` requests new rows again and again",
        )
    for key in _REQUEST:
        for path, text in texts(task.arguments.get(key), (*task.path, key)):
            if "{{" in text or "{%" in text:
                yield subject.finding(
                    Code.TEMPLATE_IN_WATCH,
                    path,
                    "a watched request is sent before there is a run, so its templates cannot be rendered",
                    help="use a `schedule`, or a value that is always the same",
                )
