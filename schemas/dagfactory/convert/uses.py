"""`operator` or `decorator` and its arguments → `uses`, `with` and `expand`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from schemas.dagfactory.convert.conversion import OPERATORS, STANDARD, Conversion, Converted
from schemas.dagfactory.convert.settings import OWN_KEYS
from schemas.dagfactory.convert.values import duration, duration_of_words, has_objects, value, written_duration
from schemas.dagfactory.dag_view import PLUS, Part, mapped_task
from schemas.dagfactory.keys import OWN_ARGUMENTS, TASK_KEYS
from schemas.findings.paths import DataPath
from schemas.model.built_ins.messages import BashArguments
from schemas.model.fields import OBJECT
from schemas.rules.dotted_paths import moved_to
from schemas.source import Class, Function
from schemas.source.bodies import gives_mapping
from schemas.source.facts import by_name

_PYTHON = f"{STANDARD}.operators.python.PythonOperator"
_WITHOUT_ARGUMENTS = {OPERATORS[name]: name for name in ("empty", "latest_only")}
_CHOOSING = {
    f"{STANDARD}.operators.python.BranchPythonOperator": "branch",
    f"{STANDARD}.operators.python.ShortCircuitOperator": "short_circuit",
}
_READ_SOURCE = frozenset(
    f"{STANDARD}.operators.python.{name}Operator"
    for name in ("PythonVirtualenv", "ExternalPython", "BranchPythonVirtualenv", "BranchExternalPython")
)
_TASK_DECORATORS = frozenset(
    {
        "airflow.decorators.task",
        f"{STANDARD}.decorators.python.python_task",
        "airflow.sdk.definitions.decorators.task",
        "airflow.sdk.task",
    }
)
_CHOOSING_DECORATORS = {
    f"{STANDARD}.decorators.branch_python.branch_task": "branch",
    f"{STANDARD}.decorators.short_circuit.short_circuit_task": "short_circuit",
}
_HTTP = "airflow.providers.http.operators.http.HttpOperator"
_CHECKS = {
    "response_check": "response_check",
    "success_check": "success",
    "failure_check": "failure",
    "execution_date_fn": "execution_date_fn",
}


class TaskConversion:
    """What a task runs: `uses`, `with` (`arguments`) and `expand`.

    `settings` are those that its decorator implies, `referred` the ids of the tasks whose output it takes.
    """

    def __init__(self, conversion: Conversion, task: Part) -> None:
        self._conversion = conversion
        self._task = task
        self._expand = _mapping(task.data.get("expand"))
        self._partial = _mapping(task.data.get("partial"))
        self._given = self._written_arguments()
        self.arguments: dict[str, Converted] = {}
        self.expand: dict[str, Converted] = {}
        self.settings: dict[str, Converted] = {}
        self.referred: set[str] = set()
        self._uses = self._decorated() if "decorator" in task.data else self._operator()

    @property
    def parts(self) -> dict[str, Converted]:
        """The keys of the new task."""
        parts = {"uses": self._uses}
        if self.arguments:
            parts["with"] = Converted(self.arguments)
        if self.expand:
            parts["expand"] = Converted(self.expand)
        return parts

    def _written_arguments(self) -> dict[str, tuple[DataPath, Any]]:
        """The arguments beside `operator` or in `partial`, each with its path."""
        data, path = self._task.data, self._task.path
        reserved = TASK_KEYS | OWN_ARGUMENTS | {"python_callable"}
        given = {key: ((*path, key), child) for key, child in data.items() if key not in reserved}
        return given | {key: ((*path, "partial", key), child) for key, child in self._partial.items()}

    def _kind(self, key: str) -> tuple[str, DataPath]:
        place = (*self._task.path, key)
        return self._conversion.fixed_text(place, str(self._task.data.get(key))), place

    def _function(self) -> tuple[str | None, Converted]:
        """The dotted path of the task's function, and the same as a part of the new task."""
        key = "python_callable" if "python_callable" in self._task.data else "python_callable_name"
        function = self._conversion.function_path(self._task.path, self._task.data, "python_callable")
        return function, Converted(function, (*self._task.path, key))

    def _operator(self) -> Converted:
        kind, place = self._kind("operator")
        found = self._conversion.reader.find(kind)
        kind = moved_to(kind, found) or kind
        operator = found if isinstance(found, Class) else None
        given = {key: one for key, one in self._given.items() if key not in OWN_KEYS}
        given |= inherited(self._conversion, self._task)
        variables = self._variables(operator)
        function, named = self._function()
        if kind in _WITHOUT_ARGUMENTS and not (given or variables):
            return Converted(_WITHOUT_ARGUMENTS[kind], place)
        if kind == OPERATORS["bash"] and _is_bash(given, {**self._expand, **variables}):
            self.arguments = {**self._converted(given, None), **variables}
            self.expand = self._mapped()
            return Converted("bash", place)
        if function is not None and not variables and not self._expand:
            if kind == _PYTHON and self._is_plain_function(function, given):
                return named
            if kind in _CHOOSING and given.keys() <= {"op_kwargs"}:
                self.arguments = {"python_callable": named, **self._converted(given, None)}
                return Converted(_CHOOSING[kind], place)
        self.arguments = self._converted(given, operator)
        if function is not None:
            if kind in _READ_SOURCE:
                message = f"`{kind.rpartition('.')[2]}` reads its function's source, and here functions are named"
                self._conversion.lost(place, message, help="keep this task in Python, or run a script with `bash`")
            self.arguments = {"python_callable": Converted({OBJECT: named}), **self.arguments}
        self.arguments |= self._checks() | variables
        if kind == _HTTP:
            self._json(given)
        self.expand = self._mapped()
        return Converted(kind, place)

    def _is_plain_function(self, function: str, given: Mapping[str, tuple[DataPath, Any]]) -> bool:
        """Take `op_args` and `op_kwargs` as arguments by name; False where that does not work."""
        if not given.keys() <= {"op_args", "op_kwargs"}:
            return False
        named_at, named = given.get("op_kwargs", ((), {}))
        listed_at, listed = given.get("op_args", ((), []))
        if not isinstance(named, dict) or not isinstance(listed, list) or has_objects([named, listed]):
            return False
        is_function = not listed or isinstance(self._conversion.reader.find(function), Function)
        names = self._conversion.positional_names(function)[: len(listed)] if is_function else ()
        if len(names) < len(listed) or named.keys() & set(names):
            return False
        for index, (name, item) in enumerate(zip(names, listed, strict=True)):
            self.arguments[name] = value(self._conversion, (*listed_at, index), item)
        for name, item in named.items():
            self.arguments[name] = value(self._conversion, (*named_at, name), item)
        return True

    def _decorated(self) -> Converted:
        kind, place = self._kind("decorator")
        function, named = self._function()
        chooses = _CHOOSING_DECORATORS.get(kind) if not self._expand else None
        if kind not in _TASK_DECORATORS and chooses is None:
            message = f"`{kind}` has no equivalent here: the function runs as a plain task"
            self._conversion.lost(place, message, help="name the operator class behind the decorator")
        found = self._conversion.reader.find(function or "")
        known = {p.name for p in by_name(found.parameters)} if isinstance(found, Function) else set()
        self.arguments = self._variables(None)
        for key, (path, child) in self._given.items():
            if self._expand and key in known and key not in self._partial:
                self._conversion.changed(path, f"`{key}` is left out, as with dag-factory: it is beside `expand`")
            elif key in known or key in self._partial or key not in OWN_KEYS:
                self.arguments[key] = self._argument(path, child)
        if chooses is not None:
            by_names = {"op_kwargs": Converted(self.arguments)} if self.arguments else {}
            self.arguments = {"python_callable": named, **by_names}
            return Converted(chooses, place)
        self.expand = {key: self._argument((*self._task.path, "expand", key), v) for key, v in self._expand.items()}
        if isinstance(found, Function) and "multiple_outputs" not in self._task.data and gives_mapping(found):
            # The decorator reads it from the annotation of what the function returns.
            self.settings["multiple_outputs"] = Converted(True)
        return named

    def _argument(self, path: DataPath, given: Any) -> Converted:
        match = PLUS.fullmatch(given) if isinstance(given, str) else None
        if match is None:
            return value(self._conversion, path, given)
        other = self._conversion.dag.built_as.get(match["task"])
        if other is not None and "operator" in other.data:
            message = f"dag-factory passes the operator `{other.id}` itself; here it is its output, after it has run"
            self._conversion.changed(path, message, at_key=False)
        return self._reference(path, match["task"], match["key"])

    def _reference(self, path: DataPath, name: str, key: str | None = None) -> Converted:
        other = self._conversion.dag.built_as.get(name)
        if other is None:
            return Converted(None, path)  # an error of the document
        self.referred.add(other.id)
        called = self._conversion.dag.name_for(self._task, other)
        return Converted(f"${{tasks.{called}.{'output' if key is None else f'xcom.{key}'}}}", path)

    def _converted(self, given: Mapping[str, tuple[DataPath, Any]], operator: Class | None) -> dict[str, Converted]:
        parameters = operator.parameters or () if operator is not None else ()
        annotations = {p.name: p.annotation or "" for p in parameters}
        made: dict[str, Converted] = {}
        for key, (path, child) in given.items():
            if key == "execution_date_fn" and isinstance(child, str):
                made[key] = Converted({OBJECT: Converted(self._conversion.fixed_text(path, child), path)})
            elif key == "execution_delta" and isinstance(child, str):
                delta = duration_of_words(child)
                made[key] = Converted(written_duration(delta) if delta is not None else child, path)
            elif "timedelta" in annotations.get(key, "") and isinstance(child, dict):
                made[key] = duration(self._conversion, path, child)
            else:
                made[key] = value(self._conversion, path, child)
        return made

    def _mapped(self) -> dict[str, Converted]:
        made = {}
        for key, child in self._expand.items():
            path = (*self._task.path, "expand", key)
            name = mapped_task(child)
            made[key] = value(self._conversion, path, child) if name is None else self._reference(path, name)
        return made

    def _checks(self) -> dict[str, Converted]:
        """The functions of an HTTP operator or a sensor."""
        data, path = self._task.data, self._task.path
        made = {}
        for written, argument in _CHECKS.items():
            place = (*path, f"{written}_lambda")
            if place[-1] in data:
                self._conversion.lost(place, "lambdas have no equivalent here", help="write a function, and name it")
            elif f"{written}_name" in data and f"{written}_file" in data:
                function = self._conversion.function_path(path, data, written)
                made[argument] = Converted({OBJECT: Converted(function, (*path, f"{written}_name"))})
        return made

    def _variables(self, operator: Class | None) -> dict[str, Converted]:
        """The arguments that are Airflow Variables, as templates, where Airflow renders them."""
        written = self._task.data.get("variables_as_arguments")
        made: dict[str, Converted] = {}
        for index, one in enumerate(written if isinstance(written, list) else ()):
            place = (*self._task.path, "variables_as_arguments", index)
            if not (isinstance(one, dict) and {"variable", "attribute"} <= one.keys()):
                continue  # an error of the document
            variable, argument = str(one["variable"]), str(one["attribute"])
            rendered = operator.template_fields if operator is not None else None
            if argument in OWN_KEYS or (rendered is not None and argument not in rendered):
                message = f"Airflow does not render `{argument}`, and only a template can read a Variable here"
                self._conversion.lost(place, message, help="write its value", at_key=False)
                continue
            made[argument] = Converted(f"{{{{ var.value.{variable} }}}}", place)
            message = f"the Variable `{variable}` is read when the task runs, no longer with the file"
            self._conversion.changed(place, message, at_key=False)
        return made

    def _json(self, given: Mapping[str, tuple[DataPath, Any]]) -> None:
        """dag-factory sends `data` as JSON where a header says so."""
        headers, data = given.get("headers", ((), {}))[1], given.get("data")
        kind = headers.get("Content-Type", "") if isinstance(headers, dict) else ""
        if data is not None and isinstance(data[1], dict) and "application/json" in str(kind).lower():
            self.arguments["data"] = Converted(json.dumps(self.arguments["data"].plain), data[0])


def inherited(conversion: Conversion, task: Part) -> dict[str, tuple[DataPath, Any]]:
    """The arguments that the `default_args` around a task give its operator, each with its path; the nearest counts."""
    taken = taken_names(conversion, task) or ()
    return {key: one for key, one in inherited_candidates(conversion, task).items() if key in taken}


def inherited_candidates(conversion: Conversion, task: Part) -> dict[str, tuple[DataPath, Any]]:
    """The same, whether or not the operator takes them."""
    parts = (task.data, _mapping(task.data.get("partial")), _mapping(task.data.get("expand")))
    written = {key for part in parts for key in part}
    found: dict[str, tuple[DataPath, Any]] = {}
    for path, defaults in conversion.dag.default_args_around(task):
        for key, child in defaults.items():
            if key not in OWN_KEYS and key != "timezone" and key not in written:
                found.setdefault(key, ((*path, key), child))
    return found


def taken_names(conversion: Conversion, task: Part) -> frozenset[str] | None:
    """The names that a task's operator takes; None where its source does not show them."""
    found = conversion.reader.find(conversion.expanded(str(task.data.get("operator"))))
    if not isinstance(found, Class) or found.parameters is None:
        return None
    return frozenset(p.name for p in found.parameters if not p.kind.startswith("VAR_"))


def _mapping(written: Any) -> Mapping[str, Any]:
    return written if isinstance(written, dict) else {}


def _is_bash(given: Mapping[str, tuple[DataPath, Any]], expand: Mapping[str, Any]) -> bool:
    """Whether the built-in takes all of it."""
    env = given.get("env", ((), None))[1]
    texts = env is None or (
        isinstance(env, dict)
        and all(isinstance(v, str) or (isinstance(v, dict) and "__join__" in v) for v in env.values())
    )
    return texts and {*given, *expand} <= BashArguments.model_fields.keys()
