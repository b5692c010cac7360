"""Arguments of a built-in that do not go together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic
from schemas.model.built_ins import BUILT_INS, built_in
from schemas.model.fields import RunState, TaskState
from schemas.rules.subject import Subject
from schemas.rules.task_view import TaskView

_OF_ITS_OWN = ("http", "bash", "empty", "latest_only")
"""Built-ins whose arguments all go together."""
_STATES = ("allowed_states", "failed_states", "skipped_states")
_PARTS_OF_A_DAG = ("external_task_id", "external_task_ids", "external_task_group_id")
_OF_TASKS_ONLY = frozenset(get_args(TaskState)) - frozenset(get_args(RunState))
_FILLED_IN_LATER = ("{{", "{%", "${")


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Findings in the arguments of every built-in."""
    for task in subject.tasks:
        if task.uses not in BUILT_INS or task.uses in _OF_ITS_OWN:
            continue
        yield from _exclusive(subject, task)
        yield from _deferrable(subject, task)
        if task.uses == "wait_file":
            yield from _relative_file(subject, task)
        if task.uses == "wait_dag":
            yield from _states(subject, task)


def _exclusive(subject: Subject, task: TaskView) -> Iterator[Diagnostic]:
    for one, other in built_in(str(task.uses)).exclusive:
        if task.arguments.get(one) is not None and task.arguments.get(other) is not None:
            yield _conflict(subject, task, other, f"`{one}` and `{other}` exclude each other", "remove one of them")
    if task.arguments.get("soft_fail") is True and task.arguments.get("never_fail") is True:
        message = "`soft_fail` and `never_fail` exclude each other"
        yield _conflict(subject, task, "never_fail", message, "remove one of them")


def _deferrable(subject: Subject, task: TaskView) -> Iterator[Diagnostic]:
    """The triggerer looks in its own way; Airflow says nothing of what it leaves out."""
    if task.arguments.get("deferrable") is not True:
        return
    for key in built_in(str(task.uses)).looking:
        if task.arguments.get(key) not in (None, False):
            message = f"`{key}` has no effect with `deferrable: true`"
            yield _conflict(subject, task, key, message, "write `deferrable: false`, or remove it")


def _conflict(subject: Subject, task: TaskView, key: str, message: str, caret: str) -> Diagnostic:
    return subject.finding(Code.CONTRADICTION, (*task.with_path, key), message, at_key=True, caret=caret)


def _relative_file(subject: Subject, task: TaskView) -> Iterator[Diagnostic]:
    path = task.arguments.get("filepath")
    if not isinstance(path, str) or not path or path.startswith(("/", *_FILLED_IN_LATER)):
        return
    if task.arguments.get("fs_conn_id") is None:
        yield subject.finding(
            Code.RELATIVE_FILE,
            (*task.with_path, "filepath"),
            "`filepath` is relative, and there is no folder that it is relative to",
            help="write an absolute path, or name a connection of type File (path) in `fs_conn_id`",
        )


def _states(subject: Subject, task: TaskView) -> Iterator[Diagnostic]:
    whole = all(task.arguments.get(key) is None for key in _PARTS_OF_A_DAG)
    seen: dict[Any, str] = {}
    for key in _STATES:
        states = task.arguments.get(key)
        for index, state in enumerate(states if isinstance(states, list) else []):
            if not isinstance(state, str):
                continue
            path = (*task.with_path, key, index)
            if state in seen:
                message = f"`{state}` is already in `{seen[state]}`"
                yield subject.finding(Code.CONTRADICTION, path, message, caret="a state has one meaning")
            elif whole and state in _OF_TASKS_ONLY:
                message = f"a run of a DAG is never `{state}`"
                yield subject.finding(Code.CONTRADICTION, path, message, allowed=get_args(RunState))
            seen.setdefault(state, key)
