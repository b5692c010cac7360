"""Ids of tasks that are written as plain text: in `xcom_pull` of templates, and in what a branch function returns."""

from __future__ import annotations

from collections.abc import Iterator

from schemas.expressions.templates import Word, read_template
from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic
from schemas.findings.paths import DataPath
from schemas.findings.suggestions import meant
from schemas.model.built_ins.http import commit_task_id
from schemas.rules.subject import Subject
from schemas.rules.task_view import TaskView
from schemas.rules.templates import rendered_texts
from schemas.source import Function, SourceReader
from schemas.source.results import returned_texts


def check_pulls(subject: Subject) -> Iterator[Diagnostic]:
    """`ti.xcom_pull(task_ids='…')` of a task that is not there, has no output, or may not have run."""
    if not subject.may_hold("xcom_pull"):
        return
    known = {view.full_id: view for view in reversed(subject.entries) if view.full_id is not None}
    made = {commit_task_id(full_id) for full_id in known}
    for path, text in rendered_texts(subject):
        for pull in read_template(text).pulls if "xcom_pull" in text else ():
            task = subject.entry_at(path)
            for word in pull.task_ids:
                if task is not None and word.text not in made:
                    yield from _pulled(subject, path, task, word, known, is_value=pull.is_value)


def _pulled(
    subject: Subject, path: DataPath, task: TaskView, word: Word, known: dict[str, TaskView], *, is_value: bool
) -> Iterator[Diagnostic]:
    other = known.get(word.text)
    if other is not None and other.is_group:
        inside = tuple(one for one in known if one.startswith(f"{word.text}."))
        message = f"`{word.text}` is a group, and `xcom_pull` takes tasks"
        yield subject.finding(Code.UNKNOWN_TASK, path, message, allowed=inside, part=word.span)
    elif other is None:
        full_id = task.scope.find(word.text, known)
        of_groups = [one for one in known if one.endswith(f".{word.text}")]
        near = full_id or (of_groups[0] if len(of_groups) == 1 else None)
        caret = f"write `{near}`" if near is not None else meant(word.text, known)
        message = f"`xcom_pull` names `{word.text}`, which is not a task"
        help_text = "`xcom_pull` takes a task's whole id, with its groups" if near is not None else ""
        yield subject.finding(Code.UNKNOWN_TASK, path, message, caret=caret, help=help_text, part=word.span)
    elif other.uses == "empty" and is_value:
        yield subject.finding(Code.NO_OUTPUT, path, f"`{word.text}` is `empty` and returns nothing", part=word.span)
    elif not subject.is_after(task, other):
        message = f"`{task.full_id}` does not wait for `{word.text}`, so there may be nothing to pull yet"
        help_text = f"write `needs: [{word.text}]`, or `${{tasks.{word.text}.output}}` as the whole value"
        yield subject.finding(Code.PULLED_TOO_EARLY, path, message, help=help_text, part=word.span)


def check_branches(subject: Subject, reader: SourceReader) -> Iterator[Diagnostic]:
    """What the function of a `branch` returns: ids of tasks right after the branch."""
    for branch in subject.tasks:
        dotted = branch.arguments.get("python_callable") if branch.uses == "branch" else None
        found = reader.find(dotted) if isinstance(dotted, str) and "." in dotted else None
        if not isinstance(found, Function):
            continue
        after = [view.full_id for view in subject.entries if branch in subject.waits[view.path]]
        choices = [full_id for full_id in after if full_id is not None]
        for text in returned_texts(found):
            if text not in choices:
                yield subject.finding(
                    Code.UNKNOWN_TASK,
                    (*branch.with_path, "python_callable"),
                    f"`{dotted}` returns `{text}`, which is not a task right after `{branch.full_id}`",
                    caret=meant(text, choices),
                    allowed=tuple(choices),
                )
