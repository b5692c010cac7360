"""`uses` and `with` against the source they name: built-ins, Python functions, operators."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from importlib.util import find_spec

from schemas.expressions.reading import TaskReference
from schemas.expressions.templates import read_template
from schemas.findings.codes import Code, Severity
from schemas.findings.diagnostics import Diagnostic, typo_fix
from schemas.findings.meant_times import meant_date, meant_duration, meant_time
from schemas.findings.suggestions import did_you_mean, meant, nearest
from schemas.model.built_ins import BUILT_INS, INSTEAD, built_in
from schemas.model.fields import OBJECT
from schemas.model.settings import SETTING_KEYS
from schemas.model.times import fitted, names_duration, type_names
from schemas.rules.arguments import (
    Arguments,
    annotated_as,
    argument_findings,
    misfits,
    read_as_values,
    values_of_function,
    words_taken_for_true,
    written_at,
)
from schemas.rules.dotted_paths import look_up, no_function
from schemas.rules.expressions import has_expression
from schemas.rules.params import zeros_in_arguments
from schemas.rules.refused_calls import and_together
from schemas.rules.run_context import FOR_FUNCTIONS, renders_natively
from schemas.rules.subject import Subject
from schemas.rules.task_view import TaskView
from schemas.rules.template_samples import RETURN_TEXT
from schemas.source import Class, Function, NotCallable, Parameter, SourceReader, TaskDecorated
from schemas.source.bodies import result_type, returns_nothing

_BESIDE_USES = frozenset({*SETTING_KEYS, "task_id", "needs"})
"""Keys that belong beside `uses`, and that people write in `with`."""
_DOTTED = r"\w+(?:\.\w+)+"

_READ_BEFORE = {"trigger_dag_id": "trigger_dag", "external_dag_id": "wait_dag"}
"""Arguments of operators that a serialized DAG holds as they are → the built-in that takes an output there."""


def check(subject: Subject, reader: SourceReader) -> Iterator[Diagnostic]:
    """Findings in every task's `uses` and `with`. None where reading source cannot decide."""
    for task in subject.tasks:
        if task.uses is None or has_expression(subject, (*task.path, "uses")):
            continue
        if task.uses in BUILT_INS:
            yield from _not_templated(subject, task, built_in(task.uses).templated)
            yield from read_as_values(subject, task, built_in(task.uses).templated)
            # What it takes itself has a type; in a mapping or a list may be anything.
            typed = {key for key, value in task.arguments.items() if not isinstance(value, list | dict)}
            yield from zeros_in_arguments(subject, task, typed | {"env", "headers"})
            if task.uses == "train":
                yield from _estimator(subject, task, reader)
        elif "." not in task.uses:
            yield _unknown_built_in(subject, task)
        else:
            yield from _dotted(subject, task, task.uses, reader)


def _estimator(subject: Subject, task: TaskView, reader: SourceReader) -> Iterator[Diagnostic]:
    """The class that learns and its arguments, where its package is installed here."""
    path, dotted, given = (*task.with_path, "estimator"), task.arguments.get("estimator"), task.arguments.get("with")
    if type(dotted) is not str or not re.fullmatch(_DOTTED, dotted) or find_spec(dotted.partition(".")[0]) is None:
        return
    found, findings = look_up(subject, path, dotted, reader)
    yield from findings
    if isinstance(found, Class) and found.parameters is not None and isinstance(given, dict):
        written = written_at((*task.with_path, "with"), given)
        filled = {parameter.name for parameter in found.parameters}  # what it needs, it says itself
        yield from argument_findings(subject, Arguments(f"`{dotted}`", written, path, filled=filled), found.parameters)


def _unknown_built_in(subject: Subject, task: TaskView) -> Diagnostic:
    uses = str(task.uses)
    word = uses.lower().replace("_", "").removesuffix("operator")
    near = next((name for name in BUILT_INS if name.replace("_", "") == word), uses)
    instead = INSTEAD.get(word)
    return subject.finding(
        Code.UNKNOWN_USES,
        (*task.path, "uses"),
        f"`{uses}` is not a built-in; a Python function or operator needs a dot in its path",
        caret=_as_a_path(uses) or ("" if instead else meant(near, BUILT_INS)),
        allowed=tuple(BUILT_INS),
        help=instead or "a function is written `module.function`",
        fix=None if instead else typo_fix(near, BUILT_INS),
    )


_DECORATOR = r"airflow\.(?:sdk|decorators)\.(?:task(?:\.\w+)?|task_group|dag|setup|teardown)"


def _as_a_path(uses: str) -> str:
    """`jobs:load`, as entry points are written."""
    return f"write `{uses.replace(':', '.')}`" if re.fullmatch(r"[\w.]+:[A-Za-z_]\w*", uses) is not None else ""


def _dotted(subject: Subject, task: TaskView, uses: str, reader: SourceReader) -> Iterator[Diagnostic]:
    path = (*task.path, "uses")
    found, findings = look_up(subject, path, uses, reader)
    yield from findings
    if found is None and not findings and re.fullmatch(_DECORATOR, uses):
        message = f"`{uses}` is a decorator, which makes tasks in Python"
        yield subject.finding(Code.NOT_CALLABLE, path, message, help="name the function itself, or an operator")
    match found:
        case Function():
            yield from _function(subject, task, found)
        case Class():
            yield from _operator(subject, task, found, reader)
        case TaskDecorated() | NotCallable():
            yield no_function(subject, path, uses, found)
    parameters = (found.parameters or ()) if isinstance(found, Function | Class) else ()
    annotated = {p.name for p in parameters if p.annotation is not None}
    yield from zeros_in_arguments(subject, task, annotated)
    if isinstance(found, Function):
        yield from values_of_function(subject, task, found)
        yield from _texts_of_outputs(subject, task, annotated, reader)
    else:
        yield from words_taken_for_true(subject, task, annotated)


_A_PULL = r"\s*\{\{-?\s*(?:ti|task_instance)\.xcom_pull\([^()]*\)\s*-?\}\}\s*"


def _texts_of_outputs(
    subject: Subject, task: TaskView, annotated: Collection[str], reader: SourceReader
) -> Iterator[Diagnostic]:
    """`{{ ti.xcom_pull(…) }}` of what may be no text, in arguments of a function whose type is unknown."""
    for name, value in task.arguments.items():
        may_pull = type(value) is str and name not in annotated and "xcom_pull" in value
        is_pull = may_pull and re.fullmatch(_A_PULL, value) is not None
        pulls = read_template(value).pulls if is_pull and not renders_natively(subject, task) else ()
        for word in (word for pull in pulls if pull.is_value and len(pull.task_ids) == 1 for word in pull.task_ids):
            other = next((view for view in subject.tasks if view.full_id == word.text), None)
            if other is None or other.uses in RETURN_TEXT or other.uses == "empty":
                continue
            found = reader.find(other.uses) if other.uses is not None and "." in other.uses else None
            if isinstance(found, Function) and (result_type(found) == "str" or returns_nothing(found)):
                continue
            message = f"a template gives text, so `{name}` is the text of what `{word.text}` returns"
            path, help_text = (*task.with_path, name), f"`${{tasks.{word.text}.output}}` gives the value itself"
            severity = Severity.WARNING
            yield subject.finding(Code.WRONG_ARGUMENT, path, message, help=help_text, severity=severity)


def _function(subject: Subject, task: TaskView, function: Function) -> Iterator[Diagnostic]:
    written = {*task.arguments, *(task.mapped or ())}
    beside = () if function.has_var_keyword else written & _BESIDE_USES
    misplaced = {key for key in beside if all(key != parameter.name for parameter in function.parameters)}
    yield from _misplaced(subject, task, misplaced)
    yield from _arguments(subject, task, f"`{function.path}`", function.parameters, misplaced, FOR_FUNCTIONS)


def _operator(subject: Subject, task: TaskView, operator: Class, reader: SourceReader) -> Iterator[Diagnostic]:
    if operator.is_operator is False:
        yield subject.finding(
            Code.NOT_CALLABLE,
            (*task.path, "uses"),
            f"`{operator.path}` is a class, but not an Airflow operator or sensor",
            help="name a function, or a class that derives from airflow.sdk.BaseOperator",
        )
        return
    yield from _misplaced(subject, task, _BESIDE_USES | ({"params"} & task.entry.keys()))
    known = operator.parameters if operator.is_operator else None
    own = tuple(p for p in known or () if p.name not in _BESIDE_USES)
    if known is not None:
        yield from _arguments(subject, task, f"`{operator.path}`", own, _BESIDE_USES, frozenset())
        yield from _texts_for_functions(subject, task, operator, own)
        yield from _texts_that_do_not_fit(subject, task, operator, own)
    found = misfits(subject, task, operator.path.rpartition(".")[2], own, is_operator=True)
    yield from and_together(subject, task, operator, reader, found)
    if operator.template_fields is not None:
        yield from _not_templated(subject, task, operator.template_fields)
        yield from read_as_values(subject, task, operator.template_fields)
    yield from _read_before_the_run(subject, task)


def _read_before_the_run(subject: Subject, task: TaskView) -> Iterator[Diagnostic]:
    for _, path, _, part in subject.references_of(task):
        argument = str(task.argument_at(path))
        if argument in _READ_BEFORE and path[: len(task.with_path)] == task.with_path:
            yield subject.finding(
                Code.NOT_TEMPLATED,
                path,
                f"Airflow reads `{argument}` before the run, for its graph of DAGs",
                help=f"write `uses: {_READ_BEFORE[argument]}`, which takes it",
                part=part,
            )


def _texts_for_functions(
    subject: Subject, task: TaskView, operator: Class, parameters: tuple[Parameter, ...]
) -> Iterator[Diagnostic]:
    functions = {p.name for p in parameters if p.annotation and annotated_as(p.annotation).types == {"Callable"}}
    for name, path, value in task.given if functions else ():
        if name not in functions:
            continue
        is_object = isinstance(value, dict) and OBJECT in value
        if value is not None and not is_object and "${" not in str(value) and "{{" not in str(value):
            from schemas.shape.wording import described  # noqa: PLC0415 # most files are right

            is_path = type(value) is str and re.fullmatch(_DOTTED, value) is not None
            yield subject.finding(
                Code.WRONG_ARGUMENT,
                path,
                f"`{name}` of {operator.path.rpartition('.')[2]} is a function, and this is {described(value)}",
                caret=f"write `{{$object: {value}}}`" if is_path else "",
                help="a function below the pipelines folder or an installed one: `{$object: module.function}`",
            )


def _texts_that_do_not_fit(
    subject: Subject, task: TaskView, operator: Class, parameters: tuple[Parameter, ...]
) -> Iterator[Diagnostic]:
    """Texts that the build would refuse, where the constructor wants a duration or a date."""
    annotations = {parameter.name: parameter.annotation for parameter in parameters}
    for name, path, value in task.given:
        annotation = annotations.get(name)
        if annotation is None or type(value) is not str or "${" in value:
            continue
        types = type_names(annotation)
        try:
            fitted(types, value)
        except ValueError as wrong:
            near = meant_duration(value) if names_duration(types) else meant_date(value)
            near = meant_time(value) if near is None and "time" in types else near
            near = f"{value}s" if near is None and names_duration(types) and value.isdecimal() else near
            message = f"`{name}` of {operator.path.rpartition('.')[2]} {wrong}"
            yield subject.finding(Code.WRONG_ARGUMENT, path, message, caret=did_you_mean(near))


def _misplaced(subject: Subject, task: TaskView, keys: Collection[str]) -> Iterator[Diagnostic]:
    for key in task.arguments:
        if key in keys:
            beside = "id" if key == "task_id" else key
            yield subject.finding(
                Code.TASK_SETTING_IN_WITH,
                (*task.with_path, key),
                f"`{key}` is a setting of the task, not an argument",
                at_key=True,
                caret=f"write `{beside}` beside `uses`",
            )


def _arguments(
    subject: Subject,
    task: TaskView,
    who: str,
    parameters: tuple[Parameter, ...],
    misplaced: Collection[str],
    given_by_airflow: frozenset[str],
) -> Iterator[Diagnostic]:
    written = {**(task.mapped or {}), **written_at(task.with_path, task.arguments)}
    filled = {*given_by_airflow, *task.entry}  # what stands one level too high has its own finding
    if _with_is_wrong(task) or task.mapped is None:
        filled |= {p.name for p in parameters}
    in_with = "with" in task.entry
    arguments = Arguments(
        who,
        {name: path for name, path in written.items() if name not in misplaced},
        (*task.path, "with" if in_with else "uses"),
        at_key=in_with,
        filled=filled,
    )
    yield from argument_findings(subject, arguments, parameters)


def _with_is_wrong(task: TaskView) -> bool:
    """Whether `with` as a whole has a finding: it is no mapping, or misspelt."""
    if "with" in task.entry:
        return not isinstance(task.entry["with"], dict)
    return any(nearest(key, ("with",)) for key in task.entry if key not in SETTING_KEYS)


def _not_templated(subject: Subject, task: TaskView, templated: frozenset[str]) -> Iterator[Diagnostic]:
    for _, path, to, part in subject.references_of(task):
        if task.is_mapped_over(path):
            continue  # what a task is mapped over is not rendered, it becomes the argument
        argument = task.argument_at(path) or "with"
        inside_each = path[len(task.with_path) :][:2] if argument == "each" and task.uses == "http" else ()
        if inside_each and inside_each != ("each", "rows"):
            argument = ".".join(map(str, inside_each))
        if argument not in templated:
            what = "a task's output" if isinstance(to, TaskReference) else "a value of the group's `expand`"
            yield subject.finding(
                Code.NOT_TEMPLATED,
                path,
                f"Airflow does not render `{argument}` of `{task.uses}`, so it cannot take {what}",
                allowed=tuple(sorted(templated)),
                part=part,
            )
