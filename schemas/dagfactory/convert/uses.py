"""`operator` or `decorator` and its arguments → `uses`, `with` and `expand`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from schemas.dagfactory.convert import durations
from schemas.dagfactory.convert.context import Conversion
from schemas.dagfactory.convert.functions import function_path, positional_names
from schemas.dagfactory.convert.inherited import inherited
from schemas.dagfactory.convert.names import Names
from schemas.dagfactory.convert.objects import as_duration, has_objects, value
from schemas.dagfactory.convert.settings import OWN_KEYS
from schemas.dagfactory.convert.texts import fixed
from schemas.dagfactory.convert.written import Written
from schemas.dagfactory.dag_view import Part
from schemas.dagfactory.keys import OWN_ARGUMENTS, TASK_KEYS
from schemas.findings.paths import DataPath
from schemas.model.built_ins.bash import BashArguments
from schemas.model.fields import OBJECT
from schemas.rules.moved_paths import moved_to
from schemas.source import Class, Function
from schemas.source.results import by_name, gives_mapping

_BASH = "airflow.providers.standard.operators.bash.BashOperator"
_PYTHON = "airflow.providers.standard.operators.python.PythonOperator"
_WITHOUT_ARGUMENTS = {
    "airflow.providers.standard.operators.empty.EmptyOperator": "empty",
    "airflow.providers.standard.operators.latest_only.LatestOnlyOperator": "latest_only",
}
_CHOOSING = {
    "airflow.providers.standard.operators.python.BranchPythonOperator": "branch",
    "airflow.providers.standard.operators.python.ShortCircuitOperator": "short_circuit",
}
_READ_SOURCE = frozenset(
    f"airflow.providers.standard.operators.python.{name}Operator"
    for name in ("PythonVirtualenv", "ExternalPython", "BranchPythonVirtualenv", "BranchExternalPython")
)
_TASK_DECORATORS = frozenset(
    {
        "airflow.decorators.task",
        "airflow.providers.standard.decorators.python.python_task",
        "airflow.sdk.definitions.decorators.task",
        "airflow.sdk.task",
    }
)
_CHOOSING_DECORATORS = {
    "airflow.providers.standard.decorators.branch_python.branch_task": "branch",
    "airflow.providers.standard.decorators.short_circuit.short_circuit_task": "short_circuit",
}
_HTTP = "airflow.providers.http.operators.http.HttpOperator"
_PLUS = re.compile(r"\+(?P<task>\w*)(?:\[['\"](?P<key>.*)['\"]\])?", re.DOTALL)
_XCOM_ARG = re.compile(r"\(+(?P<task>[^()]*)\)")
_OF_CHECKS = {
    "response_check": "response_check",
    "success_check": "success",
    "failure_check": "failure",
    "execution_date_fn": "execution_date_fn",
}


@dataclass
class Uses:
    """What a task runs; `referred` are the tasks whose output it takes."""

    uses: Written
    arguments: dict[str, Written] = field(default_factory=dict)
    expand: dict[str, Written] = field(default_factory=dict)
    settings: dict[str, Written] = field(default_factory=dict)
    referred: set[str] = field(default_factory=set)

    def parts(self) -> Iterator[tuple[str, Written]]:
        yield "uses", self.uses
        if self.arguments:
            yield "with", Written(self.arguments)
        if self.expand:
            yield "expand", Written(self.expand)


def uses(conversion: Conversion, names: Names, task: Part) -> Uses:
    """What a task runs, in this language's words."""
    return _Task(conversion, names, task).made()


class _Task:
    def __init__(self, conversion: Conversion, names: Names, task: Part) -> None:
        self._conversion = conversion
        self._names = names
        self._task = task
        self._expand: Mapping[str, Any] = _mapping(task.data.get("expand"))
        self._partial: Mapping[str, Any] = _mapping(task.data.get("partial"))
        self._referred: set[str] = set()

    def made(self) -> Uses:
        made = self._decorated() if "decorator" in self._task.data else self._operator()
        made.referred = self._referred
        return made

    def _given(self) -> dict[str, tuple[DataPath, Any]]:
        """The arguments beside `operator` or in `partial`, each with its path."""
        data, path = self._task.data, self._task.path
        given = {
            key: ((*path, key), child)
            for key, child in data.items()
            if key not in TASK_KEYS and key not in OWN_ARGUMENTS and key != "python_callable"
        }
        return given | {key: ((*path, "partial", key), child) for key, child in self._partial.items()}

    def _operator(self) -> Uses:
        place = (*self._task.path, "operator")
        kind = fixed(self._conversion, place, str(self._task.data.get("operator")))
        found = self._conversion.reader.find(kind)
        kind = moved_to(kind, found.path if isinstance(found, Class | Function) else None) or kind
        given = {key: one for key, one in self._given().items() if key not in OWN_KEYS}
        given |= inherited(self._conversion, self._task)
        asked = self._variables(found if isinstance(found, Class) else None)
        function = function_path(self._conversion, self._task.path, self._task.data, "python_callable")
        if kind in _WITHOUT_ARGUMENTS and not (given or asked):
            return Uses(Written(_WITHOUT_ARGUMENTS[kind], place))
        if kind == _BASH and _is_bash(given, {**self._expand, **asked}):
            return Uses(Written("bash", place), {**self._arguments(given, None), **asked}, self._mapped())
        if function is not None and kind == _PYTHON and not asked:
            plain = self._plain_function(function, given)
            if plain is not None:
                return plain
        simple = given.keys() <= {"op_kwargs"} and not (self._expand or asked)
        if function is not None and kind in _CHOOSING and simple:
            arguments = {"python_callable": Written(function, self._callable_place()), **self._arguments(given, None)}
            return Uses(Written(_CHOOSING[kind], place), arguments)
        arguments = self._arguments(given, found if isinstance(found, Class) else None)
        if function is not None:
            if kind in _READ_SOURCE:
                message = f"`{kind.rpartition('.')[2]}` reads its function's source, and here functions go by name"
                self._conversion.lost(place, message, help="keep this task in Python, or run a script with `bash`")
            called = Written({OBJECT: Written(function, self._callable_place())})
            arguments = {"python_callable": called, **arguments}
        arguments |= self._made_from_functions() | asked
        if kind == _HTTP:
            self._json(given, arguments)
        return Uses(Written(kind, place), arguments, self._mapped())

    def _callable_place(self) -> DataPath:
        key = "python_callable" if "python_callable" in self._task.data else "python_callable_name"
        return (*self._task.path, key)

    def _plain_function(self, function: str, given: Mapping[str, tuple[DataPath, Any]]) -> Uses | None:
        """A function with arguments by name; None where the operator is given more than that."""
        if not given.keys() <= {"op_args", "op_kwargs"} or self._expand:
            return None
        place, by_names = given.get("op_kwargs", ((), {}))
        at, positional = given.get("op_args", ((), []))
        if not isinstance(by_names, dict) or not isinstance(positional, list) or has_objects([by_names, positional]):
            return None
        names = positional_names(self._conversion, function, len(positional)) if positional else []
        if names is None or by_names.keys() & set(names):
            return None
        arguments = {
            name: value(self._conversion, (*at, index), item)
            for index, (name, item) in enumerate(zip(names, positional, strict=True))
        }
        arguments |= {name: value(self._conversion, (*place, name), item) for name, item in by_names.items()}
        return Uses(Written(function, self._callable_place()), arguments)

    def _decorated(self) -> Uses:
        place = (*self._task.path, "decorator")
        kind = fixed(self._conversion, place, str(self._task.data.get("decorator")))
        function = function_path(self._conversion, self._task.path, self._task.data, "python_callable") or ""
        chooses = _CHOOSING_DECORATORS.get(kind) if not self._expand else None
        if kind not in _TASK_DECORATORS and chooses is None:
            message = f"`{kind}` has no like here: the function runs as a plain task"
            self._conversion.lost(place, message, help="name the operator class that the decorator stands for")
        found = self._conversion.reader.find(function)
        known = {p.name for p in by_name(found.parameters)} if isinstance(found, Function) else set()
        arguments = self._variables(None)
        for key, (path, child) in self._given().items():
            if key in known or key in self._partial or key not in OWN_KEYS:
                arguments[key] = self._argument(path, child)
        if chooses is not None:
            by_names = {"op_kwargs": Written(arguments)} if arguments else {}
            called = {"python_callable": Written(function, self._callable_place())}
            return Uses(Written(chooses, place), {**called, **by_names})
        expand = {key: self._argument((*self._task.path, "expand", key), v) for key, v in self._expand.items()}
        settings: dict[str, Written] = {}
        if isinstance(found, Function) and "multiple_outputs" not in self._task.data and gives_mapping(found):
            # The decorator reads it from the annotation of what the function returns.
            settings["multiple_outputs"] = Written(True)
        return Uses(Written(function, self._callable_place()), arguments, expand, settings)

    def _argument(self, path: DataPath, given: Any) -> Written:
        match = _PLUS.fullmatch(given) if isinstance(given, str) else None
        if match is None:
            return value(self._conversion, path, given)
        other = self._conversion.dag.built_as.get(match["task"])
        if other is not None and "operator" in other.data:
            message = (
                f"dag-factory handed over the operator `{other.id}` itself; here it is its output, which is waited for"
            )
            self._conversion.changed(path, message, at_key=False)
        return self._reference(path, match["task"], match["key"])

    def _reference(self, path: DataPath, name: str, key: str | None = None) -> Written:
        other = self._conversion.dag.built_as.get(name)
        if other is None:
            return Written(None, path)  # an error of the document
        self._referred.add(other.id)
        called = self._names.named(self._task, other)
        return Written(f"${{tasks.{called}.{'output' if key is None else f'xcom.{key}'}}}", path)

    def _arguments(self, given: Mapping[str, tuple[DataPath, Any]], found: Class | None) -> dict[str, Written]:
        annotations = {p.name: p.annotation or "" for p in (found.parameters or ()) if p.annotation} if found else {}
        made: dict[str, Written] = {}
        for key, (path, child) in given.items():
            if key == "execution_date_fn" and isinstance(child, str):
                made[key] = Written({OBJECT: Written(fixed(self._conversion, path, child), path)})
            elif key == "execution_delta" and isinstance(child, str):
                duration = durations.from_words(child)
                made[key] = Written(durations.written(duration) if duration is not None else child, path)
            elif "timedelta" in annotations.get(key, "") and isinstance(child, dict):
                made[key] = as_duration(self._conversion, path, child)
            else:
                made[key] = value(self._conversion, path, child)
        return made

    def _mapped(self) -> dict[str, Written]:
        made = {}
        for key, child in self._expand.items():
            path = (*self._task.path, "expand", key)
            if isinstance(child, str) and ".output" in child:
                made[key] = self._reference(path, child.split(".output")[0])
            elif isinstance(child, str) and (match := _XCOM_ARG.search(child)) and "XcomArg" in child:
                made[key] = self._reference(path, match["task"])
            else:
                made[key] = value(self._conversion, path, child)
        return made

    def _made_from_functions(self) -> dict[str, Written]:
        data, path = self._task.data, self._task.path
        made = {}
        for written, argument in _OF_CHECKS.items():
            if f"{written}_lambda" in data:
                place = (*path, f"{written}_lambda")
                self._conversion.lost(place, "a lambda has no like here", help="write a function, and name it")
            elif f"{written}_name" in data and f"{written}_file" in data:
                function = function_path(self._conversion, path, data, written)
                made[argument] = Written({OBJECT: Written(function, (*path, f"{written}_name"))})
        return made

    def _variables(self, found: Class | None) -> dict[str, Written]:
        """The arguments that are Variables: templates, where Airflow renders them; `found` is what takes them."""
        written = self._task.data.get("variables_as_arguments")
        made: dict[str, Written] = {}
        for index, one in enumerate(written if isinstance(written, list) else ()):
            place = (*self._task.path, "variables_as_arguments", index)
            if not (isinstance(one, dict) and {"variable", "attribute"} <= one.keys()):
                continue  # an error of the document
            variable, argument = str(one["variable"]), str(one["attribute"])
            if argument in OWN_KEYS or (found is not None and not _renders(found, argument)):
                message = f"Airflow does not render `{argument}`, and only a template asks for a Variable here"
                self._conversion.lost(place, message, help="write its value", at_key=False)
                continue
            made[argument] = Written(f"{{{{ var.value.{variable} }}}}", place)
            message = f"the Variable `{variable}` is read when the task runs, no longer with the file"
            self._conversion.changed(place, message, at_key=False)
        return made

    def _json(self, given: Mapping[str, tuple[DataPath, Any]], arguments: dict[str, Written]) -> None:
        """dag-factory sends `data` as JSON where a header says so."""
        headers, data = given.get("headers", ((), {}))[1], given.get("data")
        kind = headers.get("Content-Type", "") if isinstance(headers, dict) else ""
        if data is not None and isinstance(data[1], dict) and "application/json" in str(kind).lower():
            arguments["data"] = Written(json.dumps(arguments["data"].plain), data[0])


def _mapping(written: Any) -> Mapping[str, Any]:
    return written if isinstance(written, dict) else {}


def _renders(found: Class, argument: str) -> bool:
    return found.template_fields is None or argument in found.template_fields


def _is_bash(given: Mapping[str, tuple[DataPath, Any]], expand: Mapping[str, Any]) -> bool:
    """Whether the built-in takes all of it."""
    env = given.get("env", ((), None))[1]
    texts = env is None or (isinstance(env, dict) and all(isinstance(v, str) or _is_join(v) for v in env.values()))
    return texts and {*given, *expand} <= BashArguments.model_fields.keys()


def _is_join(written: Any) -> bool:
    return isinstance(written, dict) and "__join__" in written
