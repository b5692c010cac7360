"""What a run comes to: failures that nobody sees, tasks that never run, pipelines that start themselves."""

from __future__ import annotations

from collections.abc import Iterator

from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic
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
