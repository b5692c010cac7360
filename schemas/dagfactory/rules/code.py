"""`operator`, `decorator`, functions and callbacks: dotted paths, and what they name."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from dataclasses import replace

from schemas.compose.env_values import EnvText
from schemas.dagfactory.dag_view import DagView, Part
from schemas.dagfactory.keys import CALLBACKS, DAG_CALLBACKS, OWN_ARGUMENTS
from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic, Word
from schemas.findings.paths import DataPath, walk
from schemas.findings.suggestions import nearest
from schemas.rules.dotted_paths import look_up, no_callable
from schemas.rules.moved_paths import place_of
from schemas.source import Class, Function, NotCallable, SourceReader, TaskDecorated

_STANDARD = "airflow.providers.standard.decorators"
_DECORATOR_OBJECTS = ("airflow.sdk.task.", "airflow.decorators.task.", "airflow.sdk.definitions.decorators.task.")
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
        if "decorator" in task.data and not task.data.keys() & {"python_callable", "python_callable_name"}:
            message = f"`python_callable` is missing in task `{task.id}`"
            yield dag.subject.finding(Code.MISSING_KEY, place, message, at_key=True)
        if isinstance(decorator, str) and decorator.startswith(_DECORATOR_OBJECTS):
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
            callback = mapping.get(key)
            if isinstance(callback, str):
                yield from named_code(dag, (*path, key), callback, reader)
            elif isinstance(callback, dict) and isinstance(callback.get("callback"), str):
                yield from named_code(dag, (*path, key, "callback"), callback["callback"], reader)


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
