"""What a document names: `operator`, `decorator`, functions and callbacks, mappings that dag-factory makes objects or
text from (`__type__`, `__and__`, `__or__`, `__join__`), and date objects."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any

from schemas.compose.env_values import EnvText
from schemas.dagfactory.dag_view import DagView, Part, is_unset, shown, unset
from schemas.dagfactory.keys import C_PARAMETERS, CALLBACKS, DAG_CALLBACKS, OBJECT_KEYS, OWN_ARGUMENTS
from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic, Word
from schemas.findings.paths import DataPath, walk
from schemas.findings.suggestions import nearest
from schemas.rules.arguments import Arguments, argument_findings, written_at
from schemas.rules.dotted_paths import look_up, no_callable, place_of
from schemas.shape.places import name
from schemas.shape.wording import described
from schemas.source import Class, Function, NotCallable, Parameter, SourceReader, TaskDecorated

_STANDARD = "airflow.providers.standard.decorators"
DECORATOR_OBJECTS = ("airflow.sdk.task.", "airflow.decorators.task.", "airflow.sdk.definitions.decorators.task.")
_DECORATORS: Mapping[str, str] = {
    "bash": f"{_STANDARD}.bash.bash_task",
    "branch": f"{_STANDARD}.branch_python.branch_task",
    "branch_external_python": f"{_STANDARD}.branch_external_python.branch_external_python_task",
    "branch_virtualenv": f"{_STANDARD}.branch_virtualenv.branch_virtualenv_task",
    "external_python": f"{_STANDARD}.external_python.external_python_task",
    "python": "airflow.sdk.task",
    "sensor": f"{_STANDARD}.sensor.sensor_task",
    "short_circuit": f"{_STANDARD}.short_circuit.short_circuit_task",
    "virtualenv": f"{_STANDARD}.python_virtualenv.virtualenv_task",
}
"""The function behind `@task.NAME`: dag-factory cannot import through an object."""


def check_shape(dag: DagView) -> Iterator[Diagnostic]:
    """What can be said about `operator` and `decorator` without reading source."""
    for task in dag.tasks.values():
        place = (*task.path, "decorator")
        if "operator" in task.data and "decorator" in task.data:
            message = "`operator` and `decorator` exclude each other"
            caret = "remove one of them"
            yield dag.subject.finding(Code.CONFLICTING_KEYS, place, message, at_key=True, caret=caret)
        elif "operator" not in task.data and "decorator" not in task.data:
            yield _nothing_to_run(dag, task)
        for key in ("operator", "decorator"):
            path = task.data.get(key)
            if key in task.data and (not isinstance(path, str) or "." not in path):
                known = place_of(path) if isinstance(path, str) and key == "operator" else None
                yield dag.subject.finding(
                    Code.UNKNOWN_USES,
                    (*task.path, key),
                    f"`{key}` must be a dotted path",
                    caret=f"write `{known}`" if known is not None else "",
                    fix=Word(known) if known is not None else None,
                )
        decorator = task.data.get("decorator")
        functions = ("python_callable", "python_callable_name")
        if "decorator" in task.data and all(task.data.get(key) is None for key in functions):
            message = f"`python_callable` is missing in task `{task.id}`"
            yield dag.subject.finding(Code.MISSING_KEY, place, message, at_key=True)
        if isinstance(decorator, str) and decorator.startswith(DECORATOR_OBJECTS):
            yield _through_an_object(dag, place, decorator)


def _nothing_to_run(dag: DagView, task: Part) -> Diagnostic:
    help_text = ""
    default = dag.subject.effective.layers[-1].data.get("default")
    if isinstance(default, dict) and isinstance(default.get("tasks"), list) and isinstance(dag.data.get("tasks"), list):
        help_text = "lists of tasks are not merged with those of `default`; write both as mappings by task id"
    typo = nearest("operator", [key for key in task.data if key not in OWN_ARGUMENTS])
    message = f"task `{task.id}` has neither `operator` nor `decorator`"
    caret = f"is `{typo}` `operator`?" if typo is not None else ""
    return dag.subject.finding(Code.MISSING_KEY, task.path, message, at_key=True, caret=caret, help=help_text)


def _through_an_object(dag: DagView, path: DataPath, decorator: str) -> Diagnostic:
    holder, _, name = decorator.rpartition(".")
    known = _DECORATORS.get(name)
    return dag.subject.finding(
        Code.NOT_CALLABLE,
        path,
        f"dag-factory imports decorators from modules, and `{holder}` is not a module",
        caret=f"write `{known}`" if known is not None else "",
        help="" if known is not None else "write the path of the provider's function that makes the decorator",
        fix=None if known is None else Word(known),
    )


def check_functions(dag: DagView, reader: SourceReader) -> Iterator[Diagnostic]:
    """The paths of callbacks, macros and `execution_date_fn`."""
    macros = dag.data.get("user_defined_macros")
    for place, dotted in walk(macros).texts if isinstance(macros, dict) else ():
        if "__type__" not in place and "__args__" not in place:
            yield from named_code(dag, ("user_defined_macros", *place), dotted, reader)
    for task in dag.tasks.values():
        function = task.data.get("execution_date_fn")
        if isinstance(function, str):
            yield from named_code(dag, (*task.path, "execution_date_fn"), function, reader)
    for path, mapping in (((), dag.data), *dag.settings):
        for key in CALLBACKS if path else DAG_CALLBACKS:
            for place, callback in callbacks_of(mapping, key):
                if isinstance(callback, str):
                    yield from named_code(dag, (*path, *place), callback, reader)
                elif isinstance(callback, dict) and isinstance(callback.get("callback"), str):
                    yield from _called(dag, (*path, *place), callback, reader)


def callbacks_of(mapping: Mapping[str, Any], key: str) -> Iterator[tuple[DataPath, Any]]:
    """The callback at a key with its path, or each one of a list."""
    value = mapping.get(key)
    if isinstance(value, list):
        yield from (((key, index), one) for index, one in enumerate(value))
    else:
        yield (key,), value


def _called(dag: DagView, path: DataPath, callback: Mapping[str, Any], reader: SourceReader) -> Iterator[Diagnostic]:
    """A callback with arguments: a notifier is made of them, a function gets them beside the context."""
    found = yield from named_code(dag, (*path, "callback"), callback["callback"], reader)
    parameters = found.parameters if isinstance(found, Class | Function) else None
    if parameters is None:
        return
    given = {name: place for name, place in written_at(path, callback).items() if name != "callback"}
    filled = [p.name for p in parameters] if isinstance(found, Function) else []
    arguments = Arguments(f"`{callback['callback']}`", given, (*path, "callback"), filled=filled, how="write it here")
    yield from argument_findings(dag.subject, arguments, parameters)


def named_code(
    dag: DagView, path: DataPath, dotted: str, reader: SourceReader
) -> Generator[Diagnostic, None, Class | Function | TaskDecorated | None]:
    """Returns what a dotted path names; None where a finding says that it names nothing, or reading cannot tell."""
    found, findings = look_up(dag.subject, path, dotted, reader)
    if isinstance(found, NotCallable):
        findings = (no_callable(dag.subject, path, found),)
    for finding in findings:
        # Parts of a path from the environment are in the message, also in other words.
        hidden = f"what `{dotted.expression}` gives here names nothing usable" if isinstance(dotted, EnvText) else ""
        yield replace(finding, message=hidden, caret="", help="", allowed=(), fix=None) if hidden else finding
    return None if isinstance(found, NotCallable) else found


_DATES = frozenset({"start_date", "end_date"})
_OF_DATETIME: Mapping[str, type] = {f"datetime.{one.__name__}": one for one in (date, datetime, time, timedelta)}


def check(dag: DagView) -> Iterator[Diagnostic]:
    """The shape of such mappings, and dates that are objects where nobody may expect it."""
    for path, value in _walk((), dag.data):
        if isinstance(value, dict) and (not OBJECT_KEYS.isdisjoint(value) or "__args__" in value):
            yield from _object(dag, path, value)
        elif isinstance(value, date) and path[-1] not in _DATES:
            message = f"dag-factory reads `{value}` as a date object; YAML 1.2 reads text"
            caret = f'write "{value}" for the text'
            made = f"{{__type__: datetime.datetime, year: {value.year}, month: {value.month}, day: {value.day}}}"
            help_text = f"for an operator that wants a date with a time, write `{made}`"
            help_text = help_text if path[0] == "tasks" else ""
            yield dag.subject.finding(Code.YAML11_VALUE, path, message, caret=caret, help=help_text)


def check_arguments(dag: DagView, reader: SourceReader) -> Iterator[Diagnostic]:
    """The paths of objects and their arguments, as far as their source can be read."""
    if not dag.subject.may_hold("__type__"):
        return
    for path, value in _walk((), dag.data):
        kind = value.get("__type__") if isinstance(value, dict) else None
        if not isinstance(kind, str) or "." not in kind:
            continue
        found = yield from named_code(dag, (*path, "__type__"), kind, reader)
        holder = kind.rpartition(".")[0]
        if holder.rpartition(".")[2][:1].isupper() and isinstance(reader.find(holder), Class):
            message = f"dag-factory imports `__type__` from modules, and `{holder}` is a class"
            yield dag.subject.finding(Code.BAD_OBJECT, (*path, "__type__"), message)
        if kind in C_PARAMETERS:
            yield from _arguments(dag, path, value, kind, _c_parameters(kind))
            wrong = list(_numbers(dag, path, value))
            yield from wrong or _out_of_range(dag, path, value, kind)
        elif isinstance(found, Class | Function) and found.parameters is not None:
            if kind == "dateutil.relativedelta.relativedelta":
                yield from _numbers(dag, path, value)
            yield from _arguments(dag, path, value, found.path, found.parameters)


def mappings(value: Any) -> Iterator[tuple[DataPath, Mapping[str, Any]]]:
    """Every mapping in a value, with its path."""
    yield from ((path, one) for path, one in _walk((), value) if isinstance(one, dict))


def _walk(path: DataPath, value: Any) -> Iterator[tuple[DataPath, Any]]:
    """Every mapping and every date in a value."""
    if isinstance(value, dict | date):
        yield path, value
    for key, child in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        if isinstance(child, dict | list | date):
            yield from _walk((*path, key), child)


def _object(dag: DagView, path: DataPath, value: Mapping[str, Any]) -> Iterator[Diagnostic]:
    kind, arguments = value.get("__type__"), value.get("__args__")
    if "__args__" in value and "__type__" not in value:
        message = "dag-factory drops `__args__` where there is no `__type__`"
        yield dag.subject.finding(Code.BAD_OBJECT, (*path, "__args__"), message, at_key=True)
    if "__type__" in value and (not isinstance(kind, str) or "." not in kind):
        message = "`__type__` must be the dotted path of a class or a function"
        yield dag.subject.finding(Code.BAD_OBJECT, (*path, "__type__"), message)
    if "__args__" in value and not isinstance(arguments, list) and not is_object(arguments):
        yield dag.subject.finding(Code.BAD_OBJECT, (*path, "__args__"), "`__args__` must be a list")
    for key in ("__and__", "__or__", "__join__"):
        if key not in value:
            continue
        others = [other for other in value if other not in (key, "__type__", "__args__")]
        if not isinstance(value[key], list) or not value[key]:
            message = f"`{key}` must be a list of at least one item"
            yield dag.subject.finding(Code.BAD_OBJECT, (*path, key), message)
        elif others:
            message = f"dag-factory drops `{shown(others[0])}` beside `{key}`"
            yield dag.subject.finding(Code.BAD_OBJECT, (*path, others[0]), message, at_key=True)


def is_object(value: Any) -> bool:
    """Whether a value is a mapping from which dag-factory makes an object."""
    return isinstance(value, dict) and "__type__" in value


def _c_parameters(kind: str) -> list[Parameter]:
    known = C_PARAMETERS[kind]
    positional = [Parameter(n, "POSITIONAL_OR_KEYWORD", i < known.required) for i, n in enumerate(known.names)]
    return [*positional, *(Parameter(name, "KEYWORD_ONLY", required=False) for name in known.by_name_only)]


def _numbers(dag: DagView, path: DataPath, value: Mapping[str, Any]) -> Iterator[Diagnostic]:
    """Parts of a duration or a date that are text."""
    listed = value["__args__"] if isinstance(value.get("__args__"), list) else []
    parts: list[tuple[DataPath, Any]] = [((*path, key), part) for key, part in value.items() if key[:2] != "__"]
    parts += [((*path, "__args__", index), part) for index, part in enumerate(listed)]
    for place, part in parts:
        if is_unset(part):
            yield unset(dag, place, part)
        elif isinstance(part, str | list | dict) and not is_object(part):
            message = f"{name(place, dag.subject.effective)} must be a number, not {described(part)}"
            yield dag.subject.finding(Code.WRONG_TYPE, place, message)


def _out_of_range(dag: DagView, path: DataPath, value: Mapping[str, Any], kind: str) -> Iterator[Diagnostic]:
    """A date that no calendar has, a duration that is too long: Python says so when the object is made."""
    listed, named = value.get("__args__", []), {key: part for key, part in value.items() if key[:2] != "__"}
    if not isinstance(listed, list) or not all(isinstance(part, int | float) for part in (*listed, *named.values())):
        return
    try:
        _OF_DATETIME[kind](*listed, **named)
    except (ValueError, OverflowError) as error:
        message = f"`{kind}` cannot be made of this: {error}"
        yield dag.subject.finding(Code.BAD_OBJECT, (*path, "__type__"), message)
    except TypeError:
        pass  # names and numbers of arguments have findings of their own


def _arguments(
    dag: DagView, path: DataPath, value: Mapping[str, Any], called: str, parameters: Sequence[Parameter]
) -> Iterator[Diagnostic]:
    """What is beside `__type__` and in `__args__`, against what is called with it."""
    positional = value.get("__args__", [])
    if not isinstance(positional, list):
        return
    takes = [p for p in parameters if p.kind in ("POSITIONAL_ONLY", "POSITIONAL_OR_KEYWORD")]
    if len(positional) > len(takes) and not any(p.kind == "VAR_POSITIONAL" for p in parameters):
        message = f"`{called}` takes {len(takes)} arguments by position, and these are {len(positional)}"
        yield dag.subject.finding(Code.UNKNOWN_ARGUMENT, (*path, "__args__"), message)
    filled = frozenset(p.name for p in takes[: len(positional)])
    written = {key: (*path, key) for key in value if key not in ("__type__", "__args__")}
    at = (*path, "__type__")
    arguments = Arguments(f"`{called}`", written, at, filled=filled, how="write it beside `__type__`")
    yield from argument_findings(dag.subject, arguments, parameters)
