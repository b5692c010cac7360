"""What a build hands to Airflow → the Python code that makes it."""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import Enum
from functools import singledispatchmethod
from typing import Any

import attrs
import pendulum
from airflow.sdk import Asset, AssetAlias, AssetAll, AssetAny, ExceptionRetryPolicy, Param, XComArg
from airflow.sdk.definitions._internal.types import NOTSET
from airflow.sdk.definitions.callback import Callback
from airflow.sdk.definitions.deadline import AverageRuntimeDeadline, DeadlineAlert, FixedDatetimeDeadline
from airflow.sdk.definitions.timetables.assets import AssetTriggeredTimetable
from airflow.sdk.definitions.timetables.simple import ContinuousTimetable, NullTimetable, OnceTimetable

from factory.build.objects import ObjectBuilder
from factory.build.python_code import Code, Names, call, formatted, laid_out, listed, mapping, quoted
from factory.operators.bash import BashOperator
from factory.operators.functions import FunctionNotifier, FunctionReference
from factory.operators.http_watch import HttpWatchTrigger
from factory.operators.select import SelectOperator
from factory.operators.selection import GroupArgument, ReferenceText, TaskCondition, XComSelection
from factory.operators.timetables import Cron, CronInterval, Crons, Every, EveryInterval
from schemas.expressions.reading import EnvReference, expressions
from schemas.findings.paths import DataPath
from schemas.source import Function

MARKS = ("\ue000", "\ue001")
"""Around the name of the environment variable that the text before them came from."""
SDK = "airflow.sdk"
_REFERENCES = {"DagRunQueuedAtDeadline": "DAGRUN_QUEUED_AT", "DagRunLogicalDateDeadline": "DAGRUN_LOGICAL_DATE"}


def marked(texts: Iterable[str], environ: Mapping[str, str]) -> dict[str, str]:
    """The values, with MARKS, of the environment variables in texts, those that have one."""
    values: dict[str, set[str | None]] = {}
    for text in texts:
        for one in expressions(text):
            if isinstance(one.meaning, EnvReference):
                value = environ.get(one.meaning.name, one.meaning.default)
                values.setdefault(one.meaning.name, set()).add(value)
    known = {name: found.copy().pop() for name, found in values.items() if len(found) == 1}
    return {name: f"{value}{MARKS[0]}{name}{MARKS[1]}" for name, value in known.items() if value is not None}


class NoCodeError(Exception):
    """There is no Python code for something."""


@dataclass(frozen=True)
class SeenObjects(ObjectBuilder):
    """An ObjectBuilder that knows of each object, by its `id`, the dotted path and the arguments of the call that made
    it; None for what is as its module has it."""

    seen: dict[int, tuple[Any, str, Mapping[str, Any] | None]] = field(default_factory=dict)

    def made(self, dotted: str, target: Any, arguments: Mapping[str, Any]) -> Any:
        found = super().made(dotted, target, arguments)
        self.seen[id(found)] = (found, dotted, arguments)
        return found

    def named(self, dotted: str, at: DataPath) -> Any:
        found = super().named(dotted, at)
        if not isinstance(found, str | int | float | tuple | None):
            self.seen.setdefault(id(found), (found, dotted, None))
        return found

    def is_callback(self, dotted: str) -> bool:
        """Whether a function takes what Airflow's callbacks take, and nothing else."""
        found = self._reader.find(dotted)
        parameters = found.parameters if isinstance(found, Function) else None
        return [parameter.name for parameter in parameters or ()] == ["context"]

    def returned(self, dotted: str) -> str | None:
        """The annotation of what a function returns."""
        found = self._reader.find(dotted)
        if not isinstance(found, Function):
            return None
        module = ast.parse(found.file.read_text(encoding="utf-8"))
        functions = [node for node in ast.walk(module) if isinstance(node, ast.FunctionDef)]
        returns = [node.returns for node in functions if node.name == dotted.rpartition(".")[2]]
        return ast.unparse(returns[0]) if returns and returns[0] is not None else None


@dataclass
class ValueCode:
    """Makes code of values.

    `environ` are the variables, as `marked`; those of `unset` have their default. `folder` is code for the pipelines
    folder. `operators` says how an operator is called, and whether that is its output already. `arguments` are the
    names that the function of a mapped group takes. `waited` collects the operators that the code of a task makes it
    wait for.
    """

    names: Names
    objects: SeenObjects
    environ: Mapping[str, str]
    unset: frozenset[str]
    folder: str
    operators: Callable[[Any], tuple[str, bool]]
    arguments: dict[str, str] = field(default_factory=dict)
    waited: set[str] = field(default_factory=set)

    def code(self, value: Any) -> Code:
        """The code. Raises NoCodeError."""
        found, dotted, arguments = self.objects.seen.get(id(value), (None, "", None))
        if dotted and found is value:
            name = self.names.of(dotted)
            return name if arguments is None else call(name, **self.each(arguments))
        return self._of(value)

    def each(self, values: Mapping[str, Any]) -> dict[str, Code]:
        """The code of each value, by its name."""
        return {name: self.code(value) for name, value in values.items()}

    def named(self, value: Any) -> str:
        """What the class of an object is called."""
        module = type(value).__module__
        return self.names.of(f"{SDK if module.startswith(f'{SDK}.') else module}.{type(value).__qualname__}")

    def _sdk(self, name: str, *positional: Any, **named: Any) -> Code:
        return call(self.names.of(f"{SDK}.{name}"), map(self.code, positional), **self.each(named))

    @singledispatchmethod
    def _of(self, value: Any) -> Code:
        if dataclasses.is_dataclass(value) or attrs.has(type(value)):
            return call(self.named(value), **self.each(written_fields(value)))
        raise NoCodeError(f"there is no Python code for a value of type {type(value).__name__}")

    @_of.register(int | float | None)
    def _scalar(self, value: Any) -> Code:
        return repr(value) if value is None or abs(value) < float("inf") else f'float("{value}")'

    @_of.register
    def _text(self, text: str) -> Code:
        """Text; what came from the environment is read from there again."""
        if MARKS[0] not in text:
            return quoted(str(text))
        rest, *pieces = text.split(MARKS[0])
        parts: list[tuple[str, bool]] = []
        for piece in pieces:
            name, _, following = piece.partition(MARKS[1])
            value, _, _ = self.environ[name].partition(MARKS[0])
            parts += [(rest.removesuffix(value), False), (self._variable(name), True)]
            rest = following
        parts = [part for part in (*parts, (rest, False)) if part[0]]
        return parts[0][0] if len(parts) == 1 else formatted(parts)

    def _variable(self, name: str) -> str:
        environ = f"{self.names.module('os')}.environ"
        if name not in self.unset:
            return f"{environ}[{quoted(name)}]"
        return f"{environ}.get({quoted(name)}, {quoted(self.environ[name].partition(MARKS[0])[0])})"

    @_of.register
    def _enum(self, value: Enum) -> Code:
        return f"{self.named(value)}.{value.name}"

    @_of.register
    def _mapping(self, value: Mapping) -> Code:  # type: ignore[type-arg]
        return mapping((laid_out(self.code(key)), self.code(child)) for key, child in value.items())

    @_of.register(list | tuple)
    def _list(self, value: Any) -> Code:
        return listed(map(self.code, value))

    @_of.register
    def _set(self, value: set) -> Code:  # type: ignore[type-arg]
        return listed(map(self.code, sorted(value)))

    @_of.register
    def _timedelta(self, value: timedelta) -> Code:
        name = f"{self.names.of('datetime.timedelta')}"
        seconds = value.total_seconds()
        for unit, length in (("days", 86400), ("hours", 3600), ("minutes", 60)):
            if seconds and seconds % length == 0:
                return call(name, **{unit: repr(int(seconds // length))})
        return call(name, seconds=repr(int(seconds) if seconds == int(seconds) else seconds))

    @_of.register
    def _datetime(self, value: datetime) -> Code:
        parts = [value.year, value.month, value.day, value.hour, value.minute, value.second, value.microsecond]
        while len(parts) > 3 and not parts[-1]:
            parts.pop()
        zone = getattr(value.tzinfo, "name", None) or str(value.tzinfo)
        again = pendulum.instance(datetime(*parts), tz=zone)  # type: ignore[arg-type] # at least three
        fold = {} if again == value else {"fold": repr(value.fold)}
        return call(f"{self.names.module('pendulum')}.datetime", map(repr, parts), tz=quoted(zone), **fold)

    @_of.register(date | time)
    def _moment(self, value: Any) -> Code:
        names = ("year", "month", "day") if isinstance(value, date) else ("hour", "minute", "second", "microsecond")
        parts = [getattr(value, name) for name in names]
        while len(parts) > 2 and not parts[-1]:
            parts.pop()
        return call(self.names.of(f"datetime.{type(value).__name__}"), map(repr, parts))

    # What stands for values that come when the task runs.

    def output(self, operator: Any, key: str | None = None) -> str:
        """The output of an operator, or its XCom of another key."""
        name, is_output = self.operators(operator)
        self.waited.add(operator.task_id)
        whole = name if is_output else f"{name}.output"
        return whole if key in (None, "return_value") else f"{whole}[{quoted(key or '')}]"

    @_of.register
    def _xcom(self, value: XComArg) -> Code:
        operator: Any = value.operator  # type: ignore[attr-defined]
        if isinstance(operator, SelectOperator):
            return self._selected(operator)
        return self.output(operator, value.key)  # type: ignore[attr-defined]

    def _selected(self, operator: SelectOperator) -> Code:
        made = call(self.named(operator), **self.each({"task_id": operator.label, "value": operator.value}))
        self.waited.add(operator.task_id)
        return dataclasses.replace(call("", []), opening=".output", closing="", head=made)

    @_of.register
    def _selection(self, value: XComSelection) -> Code:
        reference = value.reference
        if not (reference.steps or value.as_text or value.operator.is_mapped):
            return self.output(value.operator, reference.key)
        if value.as_text and self._gives_text(value):
            return self._joined([value])
        return self._inside(value, value.as_text)

    def _inside(self, value: XComSelection | GroupArgument, as_text: bool = False) -> Code:
        named: dict[str, Any] = {}
        if isinstance(value, GroupArgument):
            source = self.arguments[value.reference.name]
        else:
            name, is_output = self.operators(value.operator)
            self.waited.add(value.operator.task_id)
            source = f"{name}.operator" if is_output else name
            named = {"key": value.reference.key} if value.reference.key else {}
        named |= {"as_text": True} if as_text else {}
        return call(f"{self.named(value)}.of", [source, *map(self.code, value.reference.steps)], **self.each(named))

    def _joined(self, parts: Iterable[str | XComSelection]) -> str:
        """A text of texts and outputs, as Airflow writes one. It has no edges."""
        waited = {*self.waited}
        pieces = [
            (part, False) if isinstance(part, str) else (self.output(part.operator, part.reference.key), True)
            for part in parts
        ]
        self.waited.intersection_update(waited)
        return formatted([piece for piece in pieces if piece[0]])

    def _gives_text(self, part: Any) -> bool:
        """Whether Airflow's own text of an output is the same: what a shell prints, and what is text or a number."""
        if not isinstance(part, XComSelection) or part.reference.steps:
            return False
        operator: Any = part.operator
        if operator.is_mapped or operator.get_closest_mapped_task_group() is not None:
            return False
        function = getattr(operator, "python_callable", None)
        if isinstance(function, FunctionReference):
            return self.objects.returned(function.path) in ("str", "int", "float")
        return isinstance(operator, BashOperator)

    @_of.register
    def _argument(self, value: GroupArgument) -> Code:
        plain = not value.reference.steps and not value.as_text
        return self.arguments[value.reference.name] if plain else self._inside(value, value.as_text)

    @_of.register
    def _reference_text(self, value: ReferenceText) -> Code:
        if not value.escaped and all(
            MARKS[0] not in part if isinstance(part, str) else self._gives_text(part) for part in value.parts
        ):
            return self._joined(value.parts)  # type: ignore[arg-type] # no argument of a group gives text
        parts = (self.code(part) if isinstance(part, str) else self._inside(part) for part in value.parts)
        return call(self.named(value), [listed(parts)], **self.each({"escaped": True} if value.escaped else {}))

    # What is called.

    @_of.register
    def _function(self, value: FunctionReference) -> Code:
        return self.names.of(value.path)

    @_of.register
    def _notifier(self, value: FunctionNotifier) -> Code:
        if not value.arguments and self.objects.is_callback(value.function.path):
            return self.names.of(value.function.path)
        folder = f"{self.names.of('pathlib.Path')}(__file__).{self.folder}"
        return call(self.named(value), [quoted(value.function.path), folder, self.code(value.arguments)])

    @_of.register
    def _condition(self, value: TaskCondition) -> Code:
        return call(self.named(value), map(self.code, (value.key, value.template, value.then)))

    @_of.register
    def _callback(self, value: Callback) -> Code:
        return self._sdk(type(value).__name__, str(value.path), **({"kwargs": value.kwargs} if value.kwargs else {}))

    @_of.register
    def _trigger(self, value: HttpWatchTrigger) -> Code:
        return call(self.named(value), **self.each(value.serialize()[1]))

    @_of.register
    def _policy(self, value: ExceptionRetryPolicy) -> Code:
        return self._sdk("ExceptionRetryPolicy", rules=value.rules, default=value.default)

    @_of.register
    def _param(self, value: Param) -> Code:
        default = [] if value.value is NOTSET else [self.code(value.value)]
        written = {"description": value.description} if value.description is not None else {}
        schema = value.schema
        if all(name.isidentifier() and name not in ("source", "schema") for name in schema):
            return call(self.names.of(f"{SDK}.Param"), default, **self.each({**written, **schema}))
        return call(self.names.of(f"{SDK}.Param"), default, **self.each({**written, "schema": schema}))

    # When a DAG runs, and what it waits for.

    @_of.register
    def _deadline(self, value: DeadlineAlert) -> Code:
        reference, name = value.reference, {} if value.name is None else {"name": value.name}
        known = f"{self.names.of(f'{SDK}.DeadlineReference')}."
        made: Code
        if isinstance(reference, FixedDatetimeDeadline):
            made = call(f"{known}FIXED_DATETIME", [self.code(reference._datetime)])
        elif isinstance(reference, AverageRuntimeDeadline):
            made = call(f"{known}AVERAGE_RUNTIME", [repr(reference.max_runs), repr(reference.min_runs)])
        else:
            made = known + _REFERENCES[type(reference).__name__]
        rest = self.each({"interval": value.interval, "callback": value.callback, **name})
        return call(self.names.of(f"{SDK}.DeadlineAlert"), reference=made, **rest)

    @_of.register
    def _asset(self, value: Asset) -> Code:
        given: dict[str, Any] = {"name": value.name} | ({} if value.uri == value.name else {"uri": value.uri})
        plain = Asset(**given)
        for name in ("group", "extra", "watchers", "access_control"):
            if getattr(value, name) != getattr(plain, name):
                given[name] = getattr(value, name)
        first = [self.code(given.pop("name"))] if len(given) == 1 else []
        return call(self.names.of(f"{SDK}.Asset"), first, **self.each(given))

    @_of.register
    def _alias(self, value: AssetAlias) -> Code:
        is_plain = value.group == AssetAlias(value.name).group
        return self._sdk("AssetAlias", value.name, **({} if is_plain else {"group": value.group}))

    @_of.register(AssetAll | AssetAny)
    def _condition_of_assets(self, value: Any) -> Code:
        return self._sdk(type(value).__name__, *value.objects)

    @_of.register(NullTimetable | OnceTimetable | ContinuousTimetable)
    def _plain_timetable(self, value: Any) -> Code:
        words = {NullTimetable: "None", OnceTimetable: '"@once"', ContinuousTimetable: '"@continuous"'}
        return words[type(value)]

    @_of.register
    def _cron(self, value: Cron) -> Code:
        return self._sdk("CronTriggerTimetable", value._expression, timezone=value._timezone.name)

    @_of.register
    def _cron_interval(self, value: CronInterval) -> Code:
        return self._sdk("CronDataIntervalTimetable", value._expression, timezone=value._timezone.name)

    @_of.register
    def _crons(self, value: Crons) -> Code:
        crons = [one._expression for one in value._timetables]
        return self._sdk("MultipleCronTriggerTimetable", *crons, timezone=value._timetables[0]._timezone.name)

    @_of.register
    def _every(self, value: Every) -> Code:
        return self._sdk("DeltaTriggerTimetable", value._delta)

    @_of.register
    def _every_interval(self, value: EveryInterval) -> Code:
        return self._sdk("DeltaDataIntervalTimetable", value._delta)

    @_of.register
    def _assets(self, value: AssetTriggeredTimetable) -> Code:
        if type(value) is not AssetTriggeredTimetable:
            return call(self.named(value), **self.each(written_fields(value)))
        return self.code(value.asset_condition)


def written_fields(value: Any) -> dict[str, Any]:
    """The fields of an object that are not as its class has them, by the names that its constructor takes."""
    plain: list[tuple[str, str, Any, Any]]
    if dataclasses.is_dataclass(value):
        plain = [(f.name, f.name, f.default, f.default_factory) for f in dataclasses.fields(value) if f.init]
    else:
        own = [f for f in attrs.fields(type(value)) if f.init]
        plain = [(f.alias or f.name, f.name, f.default, getattr(f.default, "factory", None)) for f in own]
    found = {}
    for alias, name, default, factory in plain:
        held = getattr(value, name)
        if held != (factory() if callable(factory) else default):
            found[alias] = held
    return found
