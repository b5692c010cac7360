"""`uses` and `with` against the source they name: built-ins, Python functions, operators."""

from __future__ import annotations

from collections.abc import Iterator

from schemas.built_ins import BUILT_INS, built_in
from schemas.codes import Code
from schemas.context_names import CONTEXT_NAMES
from schemas.data_path import DataPath
from schemas.diagnostics import Diagnostic
from schemas.mend import word
from schemas.rules.expressions import stands_at
from schemas.rules.missing_code import hidden_module, no_callable
from schemas.rules.moved_paths import moved, moved_to
from schemas.settings import SETTING_KEYS
from schemas.source import Class, Function, NotInstalled, Parameter, SourceReader, TaskDecorated, Undecidable
from schemas.subject import Subject
from schemas.suggestions import meant, nearest
from schemas.task_view import TaskView


def check(subject: Subject, reader: SourceReader) -> Iterator[Diagnostic]:
    """Findings in every task's `uses` and `with`. Where reading source cannot decide there are none."""
    for task in subject.tasks:
        if task.uses is None or stands_at(subject, (*task.path, "uses")):
            continue
        if task.uses in BUILT_INS:
            yield from _not_templated(subject, task, built_in(task.uses).templated)
        elif "." not in task.uses:
            yield _unknown_built_in(subject, task)
        else:
            yield from _dotted(subject, task, task.uses, reader)


def _unknown_built_in(subject: Subject, task: TaskView) -> Diagnostic:
    uses = str(task.uses)
    return subject.finding(
        Code.UNKNOWN_USES,
        (*task.path, "uses"),
        f"`{uses}` is not a built-in, and without a dot it names no Python function or operator",
        caret=meant(uses, BUILT_INS),
        allowed=tuple(BUILT_INS),
        help="a function is written `module.function`",
        mend=word(uses, BUILT_INS),
    )


def _dotted(subject: Subject, task: TaskView, uses: str, reader: SourceReader) -> Iterator[Diagnostic]:
    path = (*task.path, "uses")
    hidden = reader.hidden_by(uses)
    if hidden is not None:
        yield hidden_module(subject, path, hidden)
        return
    found = reader.find(uses)
    new = moved_to(uses, found.path if isinstance(found, Class | Function) else None)
    if new is not None:
        yield moved(subject, path, new, still_there=isinstance(found, Class | Function))
    match found:
        case Function():
            yield from _function(subject, task, found)
        case Class():
            yield from _operator(subject, task, found)
        case Undecidable():
            return
        case NotInstalled():
            yield subject.finding(
                Code.OPERATOR_NOT_INSTALLED,
                path,
                f"`{found.distribution_hint}` is not installed here, so this was not checked",
            )
        case TaskDecorated():
            yield subject.finding(
                Code.NOT_CALLABLE,
                path,
                f"`{uses}` is made a task by `@{found.decorator}` already",
                help="take the decorator away: `uses` makes the task",
            )
        case _:
            if new is None:
                yield no_callable(subject, path, found)


def _function(subject: Subject, task: TaskView, function: Function) -> Iterator[Diagnostic]:
    by_name = [p for p in function.parameters if p.kind in ("POSITIONAL_OR_KEYWORD", "KEYWORD_ONLY")]
    if not function.has_var_keyword:
        yield from _unknown_arguments(subject, task, by_name, f"`{function.path}`", is_operator=False)
    yield from _missing_arguments(subject, task, by_name, f"`{function.path}`", given_by_airflow=CONTEXT_NAMES)


def _operator(subject: Subject, task: TaskView, operator: Class) -> Iterator[Diagnostic]:
    if operator.is_operator is False:
        yield subject.finding(
            Code.NOT_CALLABLE,
            (*task.path, "uses"),
            f"`{operator.path}` is a class, but no Airflow operator or sensor",
            help="name a function, or a class that derives from airflow.sdk.BaseOperator",
        )
        return
    yield from _settings_in_with(subject, task)
    if operator.parameters is not None and operator.is_operator:
        own = [p for p in operator.parameters if p.name not in SETTING_KEYS and p.name != "task_id"]
        if not any(p.kind == "VAR_KEYWORD" for p in own):
            yield from _unknown_arguments(subject, task, own, f"`{operator.path}`", is_operator=True)
        yield from _missing_arguments(subject, task, own, f"`{operator.path}`", given_by_airflow=frozenset())
    if operator.template_fields is not None:
        yield from _not_templated(subject, task, operator.template_fields)


def _settings_in_with(subject: Subject, task: TaskView) -> Iterator[Diagnostic]:
    for key in task.arguments:
        if key in SETTING_KEYS or key == "task_id":
            beside = "id" if key == "task_id" else key
            yield subject.finding(
                Code.TASK_SETTING_IN_WITH,
                (*task.with_path, key),
                f"`{key}` is a setting of the task, not an argument",
                at_key=True,
                caret=f"write `{beside}` beside `uses`",
            )


def _unknown_arguments(
    subject: Subject, task: TaskView, parameters: list[Parameter], who: str, *, is_operator: bool
) -> Iterator[Diagnostic]:
    names = [p.name for p in parameters if p.kind != "VAR_KEYWORD"]
    for key, path in {**(task.mapped or {}), **{key: (*task.with_path, key) for key in task.arguments}}.items():
        is_setting = key in SETTING_KEYS or key == "task_id"
        if key in names or key.startswith("$") or (is_setting and is_operator):
            continue
        mend = word(key, names) if not is_setting else None
        yield subject.finding(
            Code.UNKNOWN_ARGUMENT,
            path,
            f"{who} has no argument `{key}`",
            at_key=True,
            caret="a setting of the task stands beside `uses`" if is_setting else meant(key, names),
            allowed=tuple(names),
            mend=mend if mend is None or mend.text not in task.arguments else None,
        )


def _missing_arguments(
    subject: Subject,
    task: TaskView,
    parameters: list[Parameter],
    who: str,
    given_by_airflow: frozenset[str],
) -> Iterator[Diagnostic]:
    if not isinstance(task.entry.get("with", {}), dict):
        return  # what stands there is wrong as a whole
    if "with" not in task.entry and any(nearest(key, ("with",)) for key in task.entry if key not in SETTING_KEYS):
        return  # it is misspelt
    if task.mapped is None:
        return
    at = "with" if "with" in task.entry else "uses"
    given = {*task.arguments, *task.mapped, *given_by_airflow}
    missing = [p.name for p in parameters if p.required and p.name not in given]
    names = [p.name for p in parameters]
    typos = [nearest(key, missing) for key in (*task.arguments, *task.mapped) if key not in names]
    for name in missing:
        if name in typos or name in task.entry:
            continue  # misspelt, or one level too high
        yield subject.finding(
            Code.MISSING_ARGUMENT,
            (*task.path, at),
            f"{who} needs the argument `{name}`",
            at_key=at == "with",
            help="write it in `with`",
        )


def _not_templated(subject: Subject, task: TaskView, templated: frozenset[str]) -> Iterator[Diagnostic]:
    for other, path, _ in subject.task_references:
        if other is not task or path[: len(task.with_path)] != task.with_path:
            continue  # what a task is mapped over is not rendered, it becomes the argument
        argument = _argument(task, path)
        if argument not in templated:
            yield subject.finding(
                Code.NOT_TEMPLATED,
                path,
                f"Airflow does not render `{argument}` of `{task.uses}`, so it cannot take a task's output",
                allowed=tuple(sorted(templated)),
            )


def _argument(task: TaskView, path: DataPath) -> str:
    return str(path[len(task.with_path)]) if len(path) > len(task.with_path) else "with"
