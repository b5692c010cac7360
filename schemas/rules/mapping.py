"""Built-ins: what excludes each other in `with`. What Airflow can map over with `expand` and `expand_kwargs`, and what
functions give to other tasks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from math import prod
from typing import Any, get_args

from schemas.expressions.reading import TaskReference
from schemas.expressions.templates import read_template
from schemas.findings.codes import Code, Severity
from schemas.findings.diagnostics import Diagnostic
from schemas.findings.paths import OUTWARD, DataPath
from schemas.findings.suggestions import meant
from schemas.model.built_ins import BUILT_INS, built_in
from schemas.model.fields import Model, RunState, TaskState
from schemas.model.settings import SETTING_KEYS
from schemas.rules.subject import Subject
from schemas.rules.task_view import TaskView
from schemas.rules.templates import rendered_texts
from schemas.source import Function, SourceReader
from schemas.source.bodies import result_type, returns_nothing

_MOST_MAPPED = 1024


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Tasks and groups that cannot be mapped the way they say."""
    if not subject.may_hold("expand"):
        return
    for view in subject.entries:
        if not view.is_mapped:
            continue
        yield from _place(subject, view)
        yield from _number(subject, view)
        for name, path in (view.mapped or {}).items():
            yield from _argument(subject, view, name, path)
        if view.uses is not None and view.uses in BUILT_INS and view.mapped is not None:
            yield from _missing(subject, view, view.uses, view.mapped)
            yield from _values(subject, view, view.uses)
    yield from _files(subject)


_ONE_VALUE = r"(?:str|int|float|bool)(?: \| None)?|Optional\[(?:str|int|float|bool)\]"
_NO_ROWS = rf"{_ONE_VALUE}|(?:dict|Dict|Mapping)(?:\[[^|]*\])?|(?:list|List|Sequence)\[(?:{_ONE_VALUE})\]"
"""What `expand_kwargs` refuses at run time, which takes a list of mappings alone."""
_SEVERAL = r"(?:dict|Dict|Mapping)\[str, (?P<each>.+)\]"


def check_functions(subject: Subject, reader: SourceReader) -> Iterator[Diagnostic]:
    """Outputs of functions that return nothing, or no list to map over; parts of what several runs return."""
    known = subject.by_id
    for task, path, reference, part in subject.references:
        other = (
            known.get(task.scope.find(reference.task_id, known) or "") if isinstance(reference, TaskReference) else None
        )
        if other is None or other is task or not isinstance(reference, TaskReference):
            continue
        if (
            reference.steps
            and isinstance(reference.steps[0], str)
            and "template" not in other.entry
            and _is_a_list(subject, other, task)
        ):
            message = f"the outputs of all runs of `{other.full_id}` are a list, which has no `{reference.steps[0]}`"
            help_text = (
                f"take one by its number, `[0].{reference.steps[0]}`, or the whole output for a Python function to read"
            )
            yield subject.finding(Code.NO_OUTPUT, path, message, help=help_text, part=part)
        function = _function(other, reader)
        if function is None:
            continue
        message, help_text = (
            "",
            f"write `return …` in it, or `needs: [{reference.task_id.lstrip(OUTWARD)}]` to wait for it",
        )
        if reference.key is None and returns_nothing(function):
            message = f"`{function.path}` returns nothing, so this is always null"
        elif task.is_mapped_over(path) and part is None and not reference.steps:
            annotation = result_type(function)
            each = re.fullmatch(_SEVERAL, annotation) if reference.key is not None else None
            returned = annotation if reference.key is None else each["each"] if each else ""
            of_rows = path[-1] == "expand_kwargs"
            if re.fullmatch(_NO_ROWS if of_rows else _ONE_VALUE, returned):
                takes = "`expand_kwargs` takes a list of" if of_rows else "Airflow maps over lists and"
                message = f"`{function.path}` returns `{annotation}`, and {takes} mappings"
                help_text = f"map over a list{' of mappings' if of_rows else ''} that a Python function returns"
        if message:
            yield subject.finding(Code.NO_OUTPUT, path, message, help=help_text, severity=Severity.WARNING, part=part)
    yield from _pulled(subject, known, reader)


def _is_a_list(subject: Subject, other: TaskView, task: TaskView) -> bool:
    """Whether a task's output holds that of several runs: it, or a group around it that `task` is not in, is mapped."""
    shared = [group.path for group in subject.around(task.path)]
    return other.is_mapped or any(one.is_mapped and one.path not in shared for one in subject.around(other.path))


def _pulled(subject: Subject, known: Mapping[str, TaskView], reader: SourceReader) -> Iterator[Diagnostic]:
    for path, text in rendered_texts(subject) if subject.may_hold("xcom_pull") else ():
        for pull in read_template(text).pulls if "xcom_pull" in text else ():
            for word in pull.task_ids if pull.is_value else ():
                function = _function(known[word.text], reader) if word.text in known else None
                if function is not None and returns_nothing(function):
                    message = f"`{function.path}` returns nothing, so this is always null"
                    severity = Severity.WARNING
                    yield subject.finding(Code.NO_OUTPUT, path, message, severity=severity, part=word.span)


def _function(view: TaskView, reader: SourceReader) -> Function | None:
    """The function whose result is a task's output."""
    is_known = view.uses is not None and "." in view.uses and view.entry.get("do_xcom_push") is not False
    found = reader.find(str(view.uses)) if is_known and not view.is_mapped else None
    return found if isinstance(found, Function) else None


def _number(subject: Subject, view: TaskView) -> Iterator[Diagnostic]:
    """More values than Airflow maps over (`[core] max_map_length`, as it is shipped); it multiplies several lists."""
    expand, rows = view.entry.get("expand"), view.entry.get("expand_kwargs")
    lists = [values for values in expand.values() if isinstance(values, list)] if isinstance(expand, dict) else []
    number = len(rows) if isinstance(rows, list) else prod(map(len, lists))
    if number > _MOST_MAPPED:
        key = "expand_kwargs" if isinstance(rows, list) else "expand"
        message = f"this makes {number:,} tasks, and Airflow maps to {_MOST_MAPPED:,} at most"
        help_text = "`max_map_length` in the section `[core]` of Airflow's configuration sets the limit"
        path = (*view.path, key)
        severity = Severity.WARNING
        yield subject.finding(Code.CANNOT_EXPAND, path, message, at_key=True, help=help_text, severity=severity)


def _place(subject: Subject, view: TaskView) -> Iterator[Diagnostic]:
    key = "expand" if "expand" in view.entry else "expand_kwargs"
    if key == "expand" and "expand_kwargs" in view.entry:
        message = "`expand` and `expand_kwargs` exclude each other"
        yield _cannot(subject, (*view.path, "expand_kwargs"), message)
    if view.entry[key] in ({}, []):
        yield _cannot(subject, (*view.path, key), f"`{key}` is empty: there is nothing to map over")
    outer = next((group for group in subject.around(view.path) if group.is_mapped), None)
    if outer is not None:
        what = "group" if view.is_group else "task"
        message = f"Airflow cannot map a {what} inside a mapped group, which `{outer.full_id}` is"
        yield _cannot(subject, (*view.path, key), message)


def _argument(subject: Subject, view: TaskView, name: str, path: DataPath) -> Iterator[Diagnostic]:
    if name in view.arguments:
        yield _cannot(subject, path, f"`{name}` is also in `with`: write one value there, or a list here")
    elif view.is_group:
        if not name.isidentifier():
            yield _cannot(subject, path, f"`${{expand.{name}}}` could not name it: letters, digits and `_` only")
    elif view.uses is not None and view.uses in BUILT_INS:
        mappable = built_in(view.uses).mappable
        if name not in mappable:
            yield subject.finding(
                Code.CANNOT_EXPAND,
                path,
                f"`{view.uses}` cannot be mapped over `{name}`",
                at_key=True,
                caret=meant(name, mappable),
                allowed=tuple(sorted(mappable)),
            )
    elif name in SETTING_KEYS:
        yield _cannot(subject, path, f"`{name}` is a setting of the task, which is the same for all mapped tasks")


def _missing(subject: Subject, view: TaskView, uses: str, mapped: Mapping[str, DataPath]) -> Iterator[Diagnostic]:
    arguments = built_in(uses).model_fields["with_"].annotation
    # What cannot be mapped is said already, and may be what is meant.
    if mapped.keys() <= built_in(uses).mappable and isinstance(arguments, type) and issubclass(arguments, Model):
        for name, field in arguments.model_fields.items():
            key = field.alias or name
            if field.is_required() and key not in view.arguments and key not in mapped:
                message = f"`{uses}` needs the argument `{key}`"
                help_text = "write it in `with`, or in `expand`"
                yield subject.finding(Code.MISSING_ARGUMENT, (*view.path, "uses"), message, help=help_text)


def _values(subject: Subject, view: TaskView, uses: str) -> Iterator[Diagnostic]:
    """What the file gives to each mapped task is held against the argument, as in `with`; under the code of mapping,
    since editors' JSON Schema does not look into what is mapped."""
    arguments = built_in(uses).model_fields["with_"].annotation
    if not isinstance(arguments, type) or not issubclass(arguments, Model):
        return
    from schemas.shape.validation import problems_of_argument  # noqa: PLC0415 # few files map a built-in

    mappable = built_in(uses).mappable
    for name, path, value in view.given_to_each:
        for problem in (
            problems_of_argument(arguments, name, value, path, subject.effective) if name in mappable else ()
        ):
            yield subject.said(problem._replace(code=Code.CANNOT_EXPAND))


def _cannot(subject: Subject, path: DataPath, message: str) -> Diagnostic:
    return subject.finding(Code.CANNOT_EXPAND, path, message, at_key=True)


_OF_ITS_OWN = ("http", "bash", "empty", "latest_only")
"""Built-ins whose arguments all go together."""
_STATES = ("allowed_states", "failed_states", "skipped_states")
_PARTS_OF_A_DAG = ("external_task_id", "external_task_ids", "external_task_group_id")
_OF_TASKS_ONLY = frozenset(get_args(TaskState)) - frozenset(get_args(RunState))
_FILLED_IN_LATER = ("{{", "{%", "${")


_WRITES_TO = ("http", "sql", "duckdb", "predict", "train", "chart")
"""Built-ins whose `to` is a file."""
_KNOWS_ITS_INDEX = r"\$\{(?:expand|tasks)\.|\{[{%][^}]*\b(?:map_index|ti|task_instance)\b"


def _files(subject: Subject) -> Iterator[Diagnostic]:
    """Mapped tasks that all write one file: the last one's would be all that is left."""
    for task in subject.tasks:
        to = task.arguments.get("to")
        if task.uses not in _WRITES_TO or not isinstance(to, str) or re.search(_KNOWS_ITS_INDEX, to):
            continue
        if task.is_mapped or any(group.is_mapped for group in subject.around(task.path)):
            yield subject.finding(
                Code.CANNOT_EXPAND,
                (*task.with_path, "to"),
                "all mapped tasks write this one file, and the last one's rows would be all that is left",
                help="`${expand.NAME}` or `{{ ti.map_index }}` in `to` gives each a file of its own",
            )


def check_built_ins(subject: Subject) -> Iterator[Diagnostic]:
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
