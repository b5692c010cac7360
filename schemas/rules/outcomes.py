"""What a run comes to: failures that nobody sees, tasks that never run, pipelines that start themselves."""

from __future__ import annotations

from collections.abc import Iterator

from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic
from schemas.rules.assets import entries
from schemas.rules.subject import Subject

_SUCCEEDS_AFTER_FAILURE = frozenset(
    {"all_done", "always", "one_success", "all_done_min_one_success", "one_done", "all_skipped", "none_skipped"}
)
"""Trigger rules that let a task run although one before it failed."""


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Findings in how tasks follow each other, and in the assets of the pipeline."""
    if subject.may_hold("trigger_rule"):
        yield from _hidden_failure(subject)
    if subject.may_hold("branch"):
        yield from _behind_branch(subject)
    if subject.may_hold("assets"):
        yield from _asset_loop(subject)


def _hidden_failure(subject: Subject) -> Iterator[Diagnostic]:
    """Airflow takes the state of a run from its last tasks."""
    waits = subject.waits
    waited_for = {other.path for others in waits.values() for other in others}
    last = [task for task in subject.tasks if task.path not in waited_for and "teardown" not in task.entry]
    for task in last if len(last) == 1 and not subject.groups else ():
        rule = task.entry.get("trigger_rule")
        if isinstance(rule, str) and rule in _SUCCEEDS_AFTER_FAILURE and waits[task.path]:
            yield subject.finding(
                Code.HIDDEN_FAILURE,
                (*task.path, "trigger_rule"),
                f"with `{rule}` the only last task also runs after a failure, and the run succeeds when it does",
                help=f"write `teardown: [ID]`, or add a last task that needs `{waits[task.path][0].full_id}`, too",
            )


def _behind_branch(subject: Subject) -> Iterator[Diagnostic]:
    """A branch skips what it does not choose, and `all_success` skips what is behind something that was skipped."""
    waits = subject.waits
    for task in subject.tasks:
        rule = task.entry.get("trigger_rule", (subject.data.get("default_args") or {}).get("trigger_rule"))
        if rule not in (None, "all_success"):
            continue
        for branch in subject.tasks:
            ways = [other for other in waits[task.path] if branch in waits[other.path]]
            if branch.uses == "branch" and len(ways) > 1 and branch not in waits[task.path]:
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
