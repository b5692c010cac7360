"""Objects that keys name: `{$object: dotted.path, with: {…}}`, keys with `$` that are reserved, `notifications`, and
`notify` of deadlines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from schemas.expressions.reading import TaskReference
from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic
from schemas.findings.paths import DataPath
from schemas.findings.suggestions import meant
from schemas.model.built_ins import BUILT_INS, built_in
from schemas.model.fields import OBJECT
from schemas.model.notifications import NOTIFIERS
from schemas.rules.arguments import Arguments, argument_findings, as_calls, values_of_function, written_at
from schemas.rules.dotted_paths import look_up, no_function
from schemas.rules.expressions import has_expression
from schemas.rules.run_context import FOR_CALLBACKS, FOR_FUNCTIONS
from schemas.rules.subject import Subject
from schemas.rules.task_view import TaskView
from schemas.shape.places import mapping_at
from schemas.source import Class, Function, NotCallable, Parameter, SourceReader, TaskDecorated

OF_A_TASK = ("weight_rule", "executor_config", "pre_execute", "post_execute", "inlets", "outlets")
"""Settings of a task that hold objects, or values with objects in them."""
OF_A_DAG = ("template_undefined", "user_defined_macros", "user_defined_filters", "jinja_environment_kwargs")
OF_A_SCHEDULE = ("assets", "with", "default_partition_mapper", "partition_mapper_config")

_Written = tuple[DataPath, Mapping[str, Any]]


def objects_in(value: Any, path: DataPath) -> Iterator[_Written]:
    """The mappings with `$object` in a value at `path`, an outer one before those inside it."""
    if isinstance(value, dict):
        if OBJECT in value:
            yield path, value
        for key, child in value.items():
            yield from objects_in(child, (*path, key))
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from objects_in(child, (*path, index))


def objects_of(subject: Subject) -> Iterator[_Written]:
    """Those outside of the tasks' `with`."""
    yield from _under(subject.data, (), OF_A_DAG)
    yield from _under(subject.data.get("schedule"), ("schedule",), OF_A_SCHEDULE)
    for path, settings in subject.settings:
        yield from _under(settings, path, OF_A_TASK)


def objects_of_task(view: TaskView) -> Iterator[_Written]:
    """Those among the arguments of a function or an operator; a built-in's keys are its model's."""
    if view.uses is not None and view.uses not in BUILT_INS:
        yield from objects_in(view.arguments, view.with_path)


def _under(holder: Any, path: DataPath, keys: tuple[str, ...]) -> Iterator[_Written]:
    for key in keys if isinstance(holder, dict) else ():
        if key in holder:
            yield from objects_in(holder[key], (*path, key))


_KEYS = (OBJECT, "with")
_OBJECT_WANTED = frozenset({"default_partition_mapper", "partition_mapper_config", "weight_rule", "trigger"})
"""Keys whose value is an object, never a class or a function."""


def check(subject: Subject, reader: SourceReader) -> Iterator[Diagnostic]:
    """Findings in every `$object` of the document; none where reading source cannot decide."""
    if not subject.may_hold(OBJECT):
        return
    for path, written in objects_of(subject):
        yield from _object(subject, reader, path, written)
    for one in subject.entries:
        if one.uses not in BUILT_INS:
            mapped = list(_under(one.entry, one.path, ("expand", "expand_kwargs")))
            yield from _refused(subject, mapped, "no object is created in `expand`: it takes plain values")
    for task in subject.tasks:
        found = list(objects_of_task(task))
        of_function = list(_under(task.arguments, task.with_path, ("op_kwargs",))) if task.uses in BUILT_INS else []
        if found and isinstance(reader.find(str(task.uses)), Function):
            found, of_function = [], found
        yield from _refused(subject, of_function, "a function takes plain values: Airflow stores and shows them")
        for path, written in found:
            yield from _object(subject, reader, path, written)
            yield from _outputs(subject, path)


def _refused(subject: Subject, found: list[_Written], message: str) -> Iterator[Diagnostic]:
    """A finding at each object that is in no other."""
    outer: DataPath | None = None
    for path, _ in found:
        if outer is None or path[: len(outer)] != outer:
            outer, help = path, "create the object in the function, from plain values" if "function" in message else ""
            yield subject.finding(Code.OBJECT_NOT_ALLOWED, path, message, help=help)


def _object(subject: Subject, reader: SourceReader, path: DataPath, written: Mapping[str, Any]) -> Iterator[Diagnostic]:
    dotted, arguments = written[OBJECT], written.get("with")
    for key in written:
        if key not in _KEYS:
            message = f"only `with` is allowed beside `{OBJECT}`"
            yield subject.finding(Code.BAD_PYTHON_OBJECT, (*path, key), message, at_key=True)
    if not isinstance(dotted, str):
        message = f"`{OBJECT}` is the dotted path of a class or function"
        yield subject.finding(Code.BAD_PYTHON_OBJECT, (*path, OBJECT), message)
        return
    if not isinstance(arguments, dict | None):
        yield subject.finding(Code.BAD_PYTHON_OBJECT, (*path, "with"), "`with` are arguments by name: a mapping")
        return
    if has_expression(subject, (*path, OBJECT)):
        return
    yield from _named(subject, reader, path, dotted, arguments)


def _named(
    subject: Subject, reader: SourceReader, path: DataPath, dotted: str, arguments: Mapping[str, Any] | None
) -> Iterator[Diagnostic]:
    place = (*path, OBJECT)
    found, findings = look_up(subject, place, dotted, reader)
    yield from findings
    match found:
        case Class() | Function():
            if arguments is not None:
                written = Arguments(f"`{found.path}`", written_at((*path, "with"), arguments), place)
                if found.parameters is not None:
                    yield from argument_findings(subject, written, found.parameters)
            elif _OBJECT_WANTED.intersection(map(str, path[-2:])) and isinstance(found, Class):
                message = f"`{dotted}` is a class, and an object of it is needed"
                help = "add `with: {}`, which calls it without arguments"
                yield subject.finding(Code.CLASS_IN_PLACE_OF_OBJECT, place, message, help=help)
        case NotCallable(kind="constant"):
            if arguments is not None:
                message = f"`{dotted}` is a value and cannot be called with arguments"
                yield subject.finding(Code.BAD_PYTHON_OBJECT, place, message)
        case TaskDecorated() | NotCallable():
            yield no_function(subject, place, dotted, found)


def _outputs(subject: Subject, path: DataPath) -> Iterator[Diagnostic]:
    """An object is made before the run, a task's output is known in it."""
    for _, place, to, part in subject.references:
        if place[: len(path)] == path:
            known = "any task has an output" if isinstance(to, TaskReference) else "a run maps its group"
            message = f"an object is created when the DAG is built, before {known}"
            yield subject.finding(Code.OBJECT_NOT_ALLOWED, place, message, part=part)


def check_reserved_keys(subject: Subject) -> Iterator[Diagnostic]:
    """A `$…` key directly inside `with`. Deeper ones are the user's own data."""
    for task in subject.tasks:
        for key in task.arguments if task.uses not in BUILT_INS else ():
            if key.startswith("$"):
                message = f"`{key}`: keys that start with `$` are reserved"
                yield subject.finding(Code.RESERVED_KEY, (*task.with_path, key), message, at_key=True)


_GIVEN_TO_DEADLINES = frozenset({"context"})


def check_notifications(subject: Subject, reader: SourceReader) -> Iterator[Diagnostic]:
    """Findings in every `uses` and `with`. None where reading source cannot decide."""
    if not subject.may_hold("notifications", "deadline"):
        return
    for path, settings in (((), subject.data), *subject.settings):
        for event, entries in mapping_at(settings, ("notifications",)).items():
            for place, entry in _notification_entries((*path, "notifications", event), entries):
                yield from _check_notification(subject, place, entry, reader, in_deadline=False)
    deadline, place = subject.data.get("deadline"), ("deadline",)
    entries = [(place, deadline)] if isinstance(deadline, dict) else _notification_entries(place, deadline)
    for path, one in entries:
        for place, entry in _notification_entries((*path, "notify"), one.get("notify")):
            yield from _check_notification(subject, place, entry, reader, in_deadline=True)


def _notification_entries(path: DataPath, entries: Any) -> Iterator[tuple[DataPath, dict[str, Any]]]:
    for index, entry in enumerate(entries if isinstance(entries, list) else ()):
        if isinstance(entry, dict):
            yield (*path, index), entry


def _check_notification(
    subject: Subject, path: DataPath, entry: dict[str, Any], reader: SourceReader, *, in_deadline: bool
) -> Iterator[Diagnostic]:
    uses, arguments = entry.get("uses"), entry.get("with", {})
    place = (*path, "uses")
    if not isinstance(uses, str) or "${" in uses:
        return
    dotted = NOTIFIERS.get(uses, uses)
    if "." not in dotted:
        yield subject.finding(
            Code.UNKNOWN_USES,
            place,
            f"`{uses}` is not a notifier; a Python function or class needs a dot in its path",
            caret=meant(uses, NOTIFIERS),
            allowed=tuple(NOTIFIERS),
            help="a function is written `module.function`",
        )
        return
    given = _GIVEN_TO_DEADLINES if in_deadline else FOR_CALLBACKS
    known = arguments if isinstance(arguments, dict) else None
    yield from check_call(subject, Call(place, dotted, (*path, "with"), known, given, takes_class=True), reader)
    found = reader.find(dotted) if in_deadline else None
    if isinstance(found, Function) and found.local and found.is_async:
        yield subject.finding(
            Code.NOT_IN_TRIGGERER,
            place,
            f"`{uses}` is `async`, so it runs in the triggerer, which cannot import modules below the pipelines folder",
            help="make it a plain `def`, which runs in the executor, or install its module where the triggerer runs",
        )
    if isinstance(found, Class | Function) and isinstance(known, dict) and "context" in known:
        message = "Airflow passes `context` itself"
        yield subject.finding(Code.UNKNOWN_ARGUMENT, (*path, "with", "context"), message, at_key=True)


class Call(NamedTuple):
    """`dotted` is at `path`; `arguments` are at `arguments_path`, None where only Airflow passes any; it gives those of
    `given`. `takes_class`: a class is allowed, too."""

    path: DataPath
    dotted: str
    arguments_path: DataPath
    arguments: Mapping[str, Any] | None
    given: frozenset[str]
    takes_class: bool = False


def check_call(subject: Subject, call: Call, reader: SourceReader) -> Iterator[Diagnostic]:
    """Findings of a call. None where reading source cannot decide."""
    found, findings = look_up(subject, call.path, call.dotted, reader)
    yield from findings
    match found:
        case Function():
            yield from _call_arguments(subject, call, found.parameters)
        case Class() if call.takes_class and not found.is_operator:
            yield from _call_arguments(subject, call, found.parameters)
        case Class():
            kind = "an operator" if found.is_operator else "a class"
            wanted = "a function or a notifier" if call.takes_class else "a function"
            yield subject.finding(Code.NOT_CALLABLE, call.path, f"`{call.dotted}` is {kind}, not {wanted}")
        case TaskDecorated() | NotCallable():
            yield no_function(subject, call.path, call.dotted, found)


def _call_arguments(subject: Subject, call: Call, parameters: tuple[Parameter, ...] | None) -> Iterator[Diagnostic]:
    if call.arguments is None or parameters is None:
        return
    arguments = Arguments(
        f"`{call.dotted}`",
        written_at(call.arguments_path, call.arguments),
        call.path,
        filled=call.given,
        how=f"write it in `{call.arguments_path[-1]}`",
    )
    yield from argument_findings(subject, arguments, parameters)


def check_named_functions(subject: Subject, reader: SourceReader) -> Iterator[Diagnostic]:
    """Findings in the functions, and in their arguments where there are `op_kwargs`."""
    for task in subject.tasks:
        if task.uses not in BUILT_INS:
            yield from _function_of_operator(subject, task, reader)
            continue
        for key in sorted(built_in(task.uses).functions & task.arguments.keys()):
            dotted, path = task.arguments[key], (*task.with_path, key)
            if not isinstance(dotted, str) or "." not in dotted or has_expression(subject, path):
                continue
            known = _op_kwargs(task) if key == "python_callable" else None
            call = Call(path, dotted, (*task.with_path, "op_kwargs"), known, FOR_FUNCTIONS)
            yield from check_call(subject, call, reader)
            yield from _values(subject, task, reader.find(dotted) if key == "python_callable" else None)


def _function_of_operator(subject: Subject, task: TaskView, reader: SourceReader) -> Iterator[Diagnostic]:
    """The `op_kwargs` of PythonOperator and its like. A name that is not there is said where objects are looked at."""
    written = task.arguments.get("python_callable")
    dotted = written.get(OBJECT) if isinstance(written, dict) and "with" not in written else None
    found = reader.named(dotted)
    if isinstance(found, Function):
        path = (*task.with_path, "python_callable", OBJECT)
        call = Call(path, str(dotted), (*task.with_path, "op_kwargs"), _op_kwargs(task), FOR_FUNCTIONS)
        yield from _call_arguments(subject, call, found.parameters)
    yield from _values(subject, task, found)


def _values(subject: Subject, task: TaskView, function: object) -> Iterator[Diagnostic]:
    if isinstance(function, Function):
        for call in as_calls(task):
            yield from values_of_function(subject, call, function)


def _op_kwargs(task: TaskView) -> Mapping[str, Any] | None:
    """The arguments of a task's function by name; None where they are not known."""
    given, mapped = task.arguments.get("op_kwargs") or {}, task.mapped
    is_known = mapped is not None and {"op_args", "op_kwargs"}.isdisjoint(mapped) and "op_args" not in task.arguments
    return given if is_known and isinstance(given, dict) else None
