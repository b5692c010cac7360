"""Ids: those that DAGs get and two files may claim, and those of tasks that are written as plain text: in `xcom_pull`
of templates, and in what a branch function returns."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from schemas.compose.merging import ENVIRONMENTS, declared, overlay_of
from schemas.expressions.reading import TaskReference
from schemas.expressions.templates import Word, read_template
from schemas.findings.codes import Code, Severity
from schemas.findings.diagnostics import Diagnostic
from schemas.findings.paths import DataPath
from schemas.findings.suggestions import meant
from schemas.folder.discovery import default_dag_id
from schemas.folder.templates import is_template_path
from schemas.model.task_base import commit_task_id
from schemas.rules.subject import Subject
from schemas.rules.task_view import TaskView
from schemas.rules.templates import rendered_texts
from schemas.source import Function, SourceReader
from schemas.source.results import returned_texts

_DAG_ID = re.compile(r"[\w.-]{1,250}")
"""Airflow's own rule for ids (KEY_REGEX and its length limit)."""


def check_path(subject: Subject) -> Iterator[Diagnostic]:
    """A DAG id from the path that Airflow would reject; a written one is a matter of its shape."""
    if subject.data.get("dag_id") is not None or is_template_path(subject.path):
        return
    dag_id = default_dag_id(subject.path)
    if _DAG_ID.fullmatch(dag_id) is None:
        yield subject.finding(
            Code.WRONG_VALUE,
            (),
            f"the path gives the DAG id `{dag_id}`, which Airflow rejects",
            help="rename the file, or write a `dag_id` of letters, digits, `_`, `-` and `.`",
        )


def check_defaults(subject: Subject) -> Iterator[Diagnostic]:
    """A `dag_id` for all files of a folder: it names one DAG, so all of them would be that one."""
    for layer in subject.effective.layers[:-1]:
        if not isinstance(layer.data, dict):
            continue
        places: list[DataPath] = [(), *((ENVIRONMENTS, name) for name in declared([layer]))]
        for place in places:
            if "dag_id" in (overlay_of(layer, str(place[1])) if place else layer.data):
                yield Diagnostic(
                    Code.NOT_A_DEFAULT,
                    "`dag_id` names one DAG, so it cannot be a default",
                    layer.file,
                    layer.key_span((*place, "dag_id")),
                    help="write it in the pipeline's own file, or leave it to the file's path",
                    text=layer.text,
                )


def conflicts(claims: Mapping[str, Sequence[str]]) -> dict[str, list[tuple[str, tuple[str, ...]]]]:
    """`claims`: path → its DAG ids. Path → (DAG id, other paths that claim it), for every file that is not alone."""
    claimants: dict[str, list[str]] = {}
    for path, dag_ids in claims.items():
        for dag_id in dag_ids:
            claimants.setdefault(dag_id, []).append(path)
    found: dict[str, list[tuple[str, tuple[str, ...]]]] = {}
    for dag_id, paths in claimants.items():
        if len(paths) > 1:
            for path in paths:
                found.setdefault(path, []).append((dag_id, tuple(other for other in paths if other != path)))
    return found


def conflict_finding(subject: Subject, dag_id: str, others: Sequence[str]) -> Diagnostic:
    """The conflict_finding for one of the files; `others` are the paths of the rest, as shown to the user."""
    return subject.finding(
        Code.DUPLICATE_DAG_ID,
        ("dag_id",) if "dag_id" in subject.data else (),
        at_key="dag_id" not in subject.data,
        message=f"the DAG id `{dag_id}` is also used by {', '.join(others)}",
        help="give one of the files another `dag_id` or another name",
    )


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
        help_text = f"write `needs: [{word.text}]`, or `${{tasks.{word.text}.output}}` in place of the template"
        yield subject.finding(Code.PULLED_TOO_EARLY, path, message, help=help_text, part=word.span)


_RETURN_TEXT = ("bash", "airflow.providers.standard.operators.bash.BashOperator")


def check_outputs(subject: Subject) -> Iterator[Diagnostic]:
    """References to an output that is not kept, or that Airflow cannot map over."""
    known = {view.full_id: view for view in reversed(subject.entries) if view.full_id is not None}
    for task, path, reference, part in subject.references:
        if not isinstance(reference, TaskReference) or reference.key is not None:
            continue
        other = known.get(task.scope.find(reference.task_id, known) or "")
        if other is None or other is task:
            continue
        is_mapped_over = task.is_mapped_over(path) and part is None and not other.is_mapped
        message, help_text = "", "map over a list that a Python function returns"
        if other.entry.get("do_xcom_push") is False:
            message, help_text = f"`{reference.task_id}` has `do_xcom_push: false`, so its output is not kept", ""
        elif (is_mapped_over or part is not None) and other.uses == "empty":
            message = f"`{reference.task_id}` is `empty` and returns nothing"
            help_text = help_text if part is None else "no text can be made of it"
        elif is_mapped_over and other.uses in _RETURN_TEXT:
            message = f"`{reference.task_id}` returns text, and Airflow maps over lists and mappings"
        if message:
            yield subject.finding(Code.NO_OUTPUT, path, message, help=help_text, severity=Severity.WARNING, part=part)


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
