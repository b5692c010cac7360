"""What a run comes to: failures that nobody sees, tasks that never run, outputs that are not there, pipelines that
start themselves; and what Airflow wants of `setup` and `teardown` (airflow.sdk AbstractOperator.as_teardown)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from contextlib import suppress
from dataclasses import replace
from graphlib import CycleError, TopologicalSorter
from typing import Any

from schemas.expressions.reading import TaskReference
from schemas.expressions.template_parts import Word
from schemas.expressions.templates import read_template
from schemas.findings.codes import Code, Severity
from schemas.findings.diagnostics import Diagnostic, Related
from schemas.findings.paths import OUTWARD, DataPath
from schemas.findings.suggestions import meant
from schemas.model.task_base import commit_task_id
from schemas.rules.subject import Subject
from schemas.rules.task_view import TaskView
from schemas.rules.template_samples import RETURN_TEXT
from schemas.rules.templates import rendered_texts
from schemas.shape.places import mapping_at
from schemas.source import Function, SourceReader
from schemas.source.bodies import returned_texts, returns_several

_SUCCEEDS_AFTER_FAILURE = (
    *("all_done", "always", "one_success", "all_done_min_one_success", "one_done"),
    *("one_failed", "all_failed", "all_skipped", "none_skipped"),
)
"""Trigger rules that let a task run although one before it failed."""
_DEFAULTS = "default_args"
_HIDDEN = "with `{}` the only last task also runs after a failure, and the run succeeds when it does"


def check(subject: Subject) -> Iterator[Diagnostic]:
    """A failure that nobody sees."""
    rules = {rule for _, held in subject.settings if isinstance(rule := held.get("trigger_rule"), str)}
    if not rules.isdisjoint(_SUCCEEDS_AFTER_FAILURE):
        yield from _hidden_failure(subject)


def _hidden_failure(subject: Subject) -> Iterator[Diagnostic]:
    """Airflow takes the state of a run from its last tasks."""
    needed = {other.path for waited in subject.waits.values() for other in waited}
    others = (task for task in subject.tasks if "teardown" not in task.entry)
    last = [task for task in others if not any(task.path[: len(path)] == path for path in needed)]
    if len(last) != 1:
        return
    around = (last[0], *subject.around(last[0].path))
    path, rule = _trigger_rule(subject, last[0])
    waits = [other for one in around for other in subject.waits[one.path]]
    if rule in _SUCCEEDS_AFTER_FAILURE and waits and not _needs_each(subject, str(rule), waits):
        help_text = "write `teardown: [ID]`, or add a last task that needs the others, too"
        yield subject.finding(Code.HIDDEN_FAILURE, path, _HIDDEN.format(rule), help=help_text)


def _trigger_rule(subject: Subject, task: TaskView) -> tuple[DataPath, Any]:
    """The trigger rule of a task, its own or by default, and where it is written."""
    holders = [(task.path, task.entry)]
    holders += [((*one.path, _DEFAULTS), mapping_at(one.entry, (_DEFAULTS,))) for one in subject.around(task.path)]
    holders.append(((_DEFAULTS,), mapping_at(subject.data, (_DEFAULTS,))))
    found = (((*path, "trigger_rule"), held["trigger_rule"]) for path, held in holders if "trigger_rule" in held)
    return next(found, ((), None))


def _needs_each(subject: Subject, rule: str, waits: list[TaskView]) -> bool:
    """Whether a task that wants one success has none where one of those before it failed: there is but one, or a branch
    skips the others."""
    if any(one.is_group or one.is_mapped for one in waits):
        return False
    if len(waits) == 1:
        return rule in ("one_success", "all_done_min_one_success")
    branches = (task for task in subject.tasks if task.function_of_branch is not None or task.followed)
    found = (_ways(subject, branch) for branch in branches) if rule == "one_success" else ()
    behind = ([ways[one.path] for one in waits] for ways in found)
    return any({*map(len, ways)} == {1} and len(set().union(*ways)) == len(ways) for ways in behind)


def _ways(subject: Subject, branch: TaskView) -> Mapping[DataPath, Set[DataPath]]:
    """Path of an entry → the tasks right after a branch whose skipping skips it, too."""
    ways: dict[DataPath, Set[DataPath]] = {view.path: frozenset() for view in subject.entries}
    order = TopologicalSorter({path: [one.path for one in waits] for path, waits in subject.waits.items()})
    with suppress(CycleError):  # which is said
        for path in order.static_order():
            view, waits = subject.by_path[path], subject.waits[path]
            if branch in waits:
                ways[path] = frozenset((path,))
            elif _trigger_rule(subject, view)[1] in (None, "all_success"):
                ways[path] = frozenset().union(*(ways[one.path] for one in waits))
    return ways


def _behind_branch(subject: Subject, branch: TaskView) -> Iterator[Diagnostic]:
    """A branch skips what it does not choose, and `all_success` skips what is behind something that was skipped."""
    known, views = _ways(subject, branch), subject.by_path
    for task in subject.tasks:
        ways = known[task.path]
        others = [len(known[other.path]) for other in subject.waits[task.path]]
        # A task behind another one that is chosen is not skipped.
        is_one = any(subject.is_after(views[one], views[other]) for one in ways for other in ways if one != other)
        if len(ways) > 1 and max(others) < len(ways) and 1 in others and not is_one:
            yield subject.finding(
                Code.ALWAYS_SKIPPED,
                (*task.path, "needs") if "needs" in task.entry else task.id_path,
                f"the branch `{branch.full_id}` skips one of these, and then this task is skipped, too",
                at_key="needs" in task.entry,
                help="write `trigger_rule: none_failed_min_one_success`",
            )


_OF_TEARDOWN, _OF_OTHERS = "all_done_setup_success", "all_success"
_Tasks = Mapping[str, TaskView]


def check_setups(subject: Subject) -> Iterator[Diagnostic]:
    """Teardowns of what is no setup, tasks that are both, and trigger rules that do not fit."""
    if not subject.may_hold("setup", "teardown", "on_failure_fail_dagrun"):
        return
    known = subject.by_id
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


def check_pulls(subject: Subject) -> Iterator[Diagnostic]:
    """`ti.xcom_pull(task_ids='…')` of a task that is not there, has no output, or may not have run."""
    if not subject.may_hold("xcom_pull"):
        return
    known = subject.by_id
    made = {commit_task_id(full_id) for full_id in known}
    for path, text in rendered_texts(subject):
        for pull in read_template(text).pulls if "xcom_pull" in text else ():
            task = subject.entry_at(path)
            for word in pull.task_ids:
                if task is not None and word.text not in made:
                    yield from _pulled(subject, path, task, word, known, is_value=pull.is_value)


def _pulled(
    subject: Subject, path: DataPath, task: TaskView, word: Word, known: Mapping[str, TaskView], *, is_value: bool
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
    elif other.entry.get("do_xcom_push") is False and is_value:
        message = f"`{word.text}` has `do_xcom_push: false`, so its output is not kept"
        yield subject.finding(Code.NO_OUTPUT, path, message, part=word.span, severity=Severity.WARNING)
    elif other.uses == "empty" and is_value:
        yield subject.finding(Code.NO_OUTPUT, path, f"`{word.text}` is `empty` and returns nothing", part=word.span)
    elif not subject.is_after(task, other):
        message = f"`{task.full_id}` does not wait for `{word.text}`, so there may be nothing to pull yet"
        help_text = f"write `needs: [{word.text}]`, or `${{tasks.{word.text}.output}}` in place of the template"
        yield subject.finding(Code.PULLED_TOO_EARLY, path, message, help=help_text, part=word.span)


_MADE = "output_processor"


def check_outputs(subject: Subject) -> Iterator[Diagnostic]:
    """References to an output that is not kept, or that Airflow cannot map over."""
    known = subject.by_id
    for task, path, reference, part in subject.references:
        if not isinstance(reference, TaskReference) or reference.key is not None:
            continue
        other = known.get(task.scope.find(reference.task_id, known) or "")
        if other is None or other is task:
            continue
        is_mapped_over = task.is_mapped_over(path) and part is None and not other.is_mapped
        name = reference.task_id.lstrip(OUTWARD)
        message, help_text = "", "map over a list that a Python function returns"
        if other.entry.get("do_xcom_push") is False:
            message, help_text = f"`{name}` has `do_xcom_push: false`, so its output is not kept", ""
        elif (is_mapped_over or part is not None) and other.uses == "empty":
            message = f"`{name}` is `empty` and returns nothing"
            help_text = help_text if part is None else "no text can be made of it"
        elif is_mapped_over and other.uses in RETURN_TEXT:
            message = f"`{name}` returns text, and Airflow maps over lists and mappings"
        elif reference.steps and other.uses in RETURN_TEXT and not other.is_mapped and not other.arguments.get(_MADE):
            message = f"`{name}` returns the last line it prints as text, which has no `{reference.steps[0]}`"
            help_text = "take the whole output, and read the JSON in it with `json.loads` in a Python function"
        if message:
            yield subject.finding(Code.NO_OUTPUT, path, message, help=help_text, severity=Severity.WARNING, part=part)


def check_branches(subject: Subject, reader: SourceReader) -> Iterator[Diagnostic]:
    """What the function of a `branch` returns: ids of tasks right after the branch."""
    for branch in subject.tasks if subject.may_hold("ranch", "follow_task_ids") else ():
        place, dotted = branch.function_of_branch or ((), None)
        found = reader.named(dotted)
        followed = branch.followed
        is_one = all(len(ids) == 1 for ids in followed) if followed else bool(place)
        if is_one and not (isinstance(found, Function) and returns_several(found)):
            yield from _behind_branch(subject, branch)
        chosen = [(path, text, f"`{path[len(branch.with_path)]}` names") for ids in followed for path, text in ids]
        if isinstance(found, Function):
            chosen += [(place, text, f"`{dotted}` returns") for text in returned_texts(found)]
        if not chosen:
            continue
        after = [view for view in subject.entries if branch in subject.waits[view.path]]
        first = [one for group in after if group.is_group for one in _first_of(subject, group)]
        choices = [view.full_id for view in (*after, *first) if view.full_id is not None]
        for path, text, says in chosen:
            if text not in choices and "{" not in text:
                near = [choice for choice in choices if choice.endswith(f".{text}")]
                yield subject.finding(
                    Code.UNKNOWN_TASK,
                    path,
                    f"{says} `{text}`, which is not a task right after `{branch.full_id}`",
                    caret=f"write `{near[0]}`" if len(near) == 1 else meant(text, choices),
                    allowed=tuple(choices),
                )


def _first_of(subject: Subject, group: TaskView) -> Iterator[TaskView]:
    """The tasks of a group, and of those in it, that wait for nothing inside."""
    for view in subject.entries:
        around = [one for one in (view, *subject.around(view.path)) if _is_in(one, group) and one is not group]
        is_inside = around and not view.is_group
        if is_inside and not any(_is_in(other, group) for one in around for other in subject.waits[one.path]):
            yield view
