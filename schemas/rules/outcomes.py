"""What a run comes to: failures that nobody sees, tasks that never run, pipelines that start themselves; and what
Airflow wants of `setup` and `teardown` (airflow.sdk AbstractOperator.as_teardown, DAG validation)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic, Related
from schemas.rules.assets import entries
from schemas.rules.subject import Subject
from schemas.rules.task_view import TaskView
from schemas.shape.places import mapping_at

_SUCCEEDS_AFTER_FAILURE = (
    "all_done",
    "always",
    "one_success",
    "all_done_min_one_success",
    "one_done",
    "all_skipped",
    "none_skipped",
)
"""Trigger rules that let a task run although one before it failed."""


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Findings in how tasks follow each other, and in the assets of the pipeline."""
    if not subject.groups:
        yield from _hidden_failure(subject)
    branches = [task for task in subject.tasks if task.uses == "branch"]
    if branches:
        yield from _behind_branch(subject, branches)
    schedule = subject.data.get("schedule")
    if isinstance(schedule, dict) and "assets" in schedule:
        yield from _asset_loop(subject)


def _hidden_failure(subject: Subject) -> Iterator[Diagnostic]:
    """Airflow takes the state of a run from its last tasks."""
    odd = [task for task in subject.tasks if task.entry.get("trigger_rule") in _SUCCEEDS_AFTER_FAILURE]
    if not odd:
        return
    needed = {name for task in subject.tasks for _, name in (*task.needs, *task.teardown)}
    needed |= {reference.task_id for _, _, reference in subject.task_references}
    last = [task for task in subject.tasks if task.id not in needed and "teardown" not in task.entry]
    if len(last) == 1 and last[0] in odd and subject.waits[last[0].path]:
        rule = last[0].entry["trigger_rule"]
        yield subject.finding(
            Code.HIDDEN_FAILURE,
            (*last[0].path, "trigger_rule"),
            f"with `{rule}` the only last task also runs after a failure, and the run succeeds when it does",
            help="write `teardown: [ID]`, or add a last task that needs the others, too",
        )


def _behind_branch(subject: Subject, branches: list[TaskView]) -> Iterator[Diagnostic]:
    """A branch skips what it does not choose, and `all_success` skips what is behind something that was skipped."""
    waits = subject.waits
    for task in subject.tasks:
        rule = task.entry.get("trigger_rule", mapping_at(subject.data, ("default_args",)).get("trigger_rule"))
        if rule not in (None, "all_success"):
            continue
        for branch in branches:
            ways = [other for other in waits[task.path] if branch in waits[other.path]]
            if len(ways) > 1 and branch not in waits[task.path]:
                yield subject.finding(
                    Code.ALWAYS_SKIPPED,
                    (*task.path, "needs") if "needs" in task.entry else task.id_path,
                    f"the branch `{branch.full_id}` skips one of these, and then this task is skipped, too",
                    at_key="needs" in task.entry,
                    help="write `trigger_rule: none_failed_min_one_success`",
                )
                break


def _asset_loop(subject: Subject) -> Iterator[Diagnostic]:
    named = {(path[0], _name(entry)): path for path, entry in entries(subject) if path[0] == "schedule"}
    starts = {name for _, name in named if name is not None}
    for path, entry in entries(subject):
        if "outlets" in path and _name(entry) in starts:
            message = f"this pipeline starts when `{_name(entry)}` is updated, and updates it itself"
            yield subject.finding(Code.ASSET_LOOP, path, message, help="remove it from `outlets` or from `schedule`")


def _name(entry: object) -> str | None:
    if isinstance(entry, dict):
        name = entry.get("name") or entry.get("uri")
        return name if isinstance(name, str) else None
    return entry if isinstance(entry, str) else None


_OF_TEARDOWN, _OF_OTHERS = "all_done_setup_success", "all_success"
_Tasks = Mapping[str, TaskView]


def check_setups(subject: Subject) -> Iterator[Diagnostic]:
    """Teardowns of what is no setup, tasks that are both, and trigger rules that do not fit."""
    if not subject.may_hold("setup", "teardown", "on_failure_fail_dagrun"):
        return
    known: dict[str, TaskView] = {}
    for view in subject.entries:
        if view.full_id is not None:
            known.setdefault(view.full_id, view)
    for task in subject.tasks:
        if task.path != ("poll",):
            yield from _keys(subject, task)
            yield from _setups(subject, task, known)
            yield from _behind_setup(subject, task, known)


def _keys(subject: Subject, task: TaskView) -> Iterator[Diagnostic]:
    if _is_teardown(task):
        if _is_setup(task):
            message = "`setup` and `teardown` exclude each other: a task creates something or removes it"
            yield _cannot(subject, task, "setup", message)
        rule = task.entry.get("trigger_rule")
        if isinstance(rule, str) and "${" not in rule and rule != _OF_TEARDOWN:
            message = f"a teardown runs when its setups have succeeded and all before it is done: `{_OF_TEARDOWN}`"
            yield _cannot(subject, task, "trigger_rule", message, help="remove `trigger_rule`")
    elif "on_failure_fail_dagrun" in task.entry and task.entry.get("teardown") is None:
        message = "`on_failure_fail_dagrun` needs a teardown, and this task is not one"
        path = (*task.path, "on_failure_fail_dagrun")
        help_text = "`teardown: [ID]` names the setups that the task ends"
        yield subject.finding(Code.KEY_ALONE, path, message, at_key=True, help=help_text)


def _setups(subject: Subject, task: TaskView, known: _Tasks) -> Iterator[Diagnostic]:
    for path, name in task.teardown:
        found = task.scope.find(name, known)
        if found is None or known[found] is task:
            continue  # `graph` says so
        setup = known[found]
        if setup.is_group:
            inside = tuple(full_id for full_id, one in known.items() if _is_setup(one) and _is_in(one, setup))
            message = f"`{found}` is a group, and a teardown ends setups"
            yield subject.finding(Code.SETUP_TEARDOWN, path, message, allowed=inside, help="name setups inside it")
        elif not _is_setup(setup):
            setups = tuple(full_id for full_id, one in known.items() if _is_setup(one))
            help_text = f"write `setup: true` at `{found}`, or wait for it with `needs`"
            message = f"`{found}` is not a setup"
            yield subject.finding(Code.SETUP_TEARDOWN, path, message, allowed=setups, help=help_text)


def _behind_setup(subject: Subject, task: TaskView, known: _Tasks) -> Iterator[Diagnostic]:
    rule = task.entry.get("trigger_rule")
    if _is_teardown(task) or not isinstance(rule, str) or "${" in rule or rule == _OF_OTHERS:
        return
    references = [reference.task_id for view, _, reference in subject.task_references if view is task]
    for name in (*(need for _, need in task.needs), *references):
        setup = known.get(task.scope.find(name, known) or "")
        if setup is not None and _is_setup(setup):
            file, _, span = subject.key_span((*setup.path, "setup"))
            message = f"a task right after the setup `{setup.full_id}` must have the `trigger_rule` `{_OF_OTHERS}`"
            help_text = "put a task in between, such as `uses: empty`"
            finding = subject.finding(Code.SETUP_TEARDOWN, (*task.path, "trigger_rule"), message, help=help_text)
            yield replace(finding, related=(Related(file, span, "the setup"),))
            return


def _is_setup(view: TaskView) -> bool:
    return not view.is_group and view.path != ("poll",) and view.entry.get("setup") is True


def _is_teardown(view: TaskView) -> bool:
    return isinstance(view.entry.get("teardown"), list)


def _is_in(view: TaskView, group: TaskView) -> bool:
    return view.path[: len(group.path)] == group.path


def _cannot(subject: Subject, task: TaskView, key: str, message: str, help: str = "") -> Diagnostic:
    return subject.finding(Code.SETUP_TEARDOWN, (*task.path, key), message, at_key=True, help=help)
