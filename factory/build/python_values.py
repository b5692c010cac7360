"""What a build hands to Airflow → the Python code that makes it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
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

from factory.build.objects import Seen
from factory.build.python_code import (
    Code,
    Names,
    NoCodeError,
    call,
    formatted,
    is_name,
    laid_out,
    listed,
    mapping,
    quoted,
)
from factory.build.python_made import DEADLINES, asset_fields, written_fields
from factory.build.timetable import PLAIN_TIMETABLES, TIMETABLES
from factory.operators.functions import FunctionNotifier, FunctionReference
from factory.operators.http_watch import HttpWatchTrigger
from factory.operators.selection import GroupArgument, ReferenceText, SelectOperator, TaskCondition, XComSelection
from factory.operators.timetables import Cron, CronInterval, Crons, Every, EveryInterval
from schemas.dagfactory.convert.conversion import is_word_of_airflow
from schemas.model.times import TRACE

SDK = "airflow.sdk"


@dataclass
class ValueCode:
    """Makes code of values.

    `environ` are the variables; texts say which came from them (`TRACE`). `folder` is code for the pipelines folder.
    `operators` says how an operator is called, and whether that is its output already. `waited` collects the operators
    that the code of a task makes it wait for.
    """

    names: Names
    objects: Seen
    environ: Mapping[str, str]
    folder: str
    operators: Callable[[Any], tuple[str, bool]]
    waited: set[str] = field(default_factory=set)

    def code(self, value: Any) -> Code:
        """The code. Raises NoCodeError."""
        found, dotted, arguments = self.objects.seen.get(id(value), (None, "", None))
        if dotted and found is value:
            name = self.names.of(dotted)
            return name if arguments is None else call(name, **self.each(arguments))
        if isinstance(value, Enum) and not is_word_of_airflow(value):  # also one that is a number or a text
            return self._member(value)
        return self._of(value)

    def each(self, values: Mapping[str, Any]) -> dict[str, Code]:
        """The code of each value, by its name."""
        return {name: self.code(value) for name, value in values.items()}

    def named(self, value: Any) -> str:
        """What the class of an object is called."""
        module = type(value).__module__
        return self.names.of(f"{SDK if module.startswith(f'{SDK}.') else module}.{type(value).__qualname__}")

    def _sdk(self, name: str, /, *positional: Any, **named: Any) -> Code:
        return call(self.names.of(f"{SDK}.{name}"), map(self.code, positional), **self.each(named))

    @singledispatchmethod
    def _of(self, value: Any) -> Code:
        if dataclasses.is_dataclass(value) or attrs.has(type(value)):
            return call(self.named(value), **self.each(written_fields(value)))
        raise NoCodeError(f"there is no Python code for a value of type {type(value).__name__}")

    def _member(self, value: Enum) -> Code:
        kind = self.named(value)
        return f"{kind}.{value.name}" if value.name in type(value).__members__ else call(kind, [self.code(value.value)])

    @_of.register(int | float | None)
    def _scalar(self, value: Any) -> Code:
        return repr(value).replace("e+", "e") if value is None or abs(value) < float("inf") else f'float("{value}")'

    @_of.register
    def _text(self, text: str) -> Code:
        """Text; what came from the environment is read from there again."""
        if TRACE[0] not in text:
            return quoted(str(text.value if isinstance(text, Enum) else text))
        rest, *pieces = text.split(TRACE[0])
        parts: list[tuple[str, bool]] = []
        for piece in pieces:
            variable, _, following = piece.partition(TRACE[1])
            name, has_default, default = variable.partition(TRACE[2])
            value = self.environ.get(name, default)
            environ, key = f"{self.names.module('os')}.environ", quoted(name)
            read = f"{environ}.get({key}, {quoted(default, on_one_line=True)})" if has_default else f"{environ}[{key}]"
            parts += [(rest.removesuffix(value), False), (read, True)]
            rest = following
            if has_default and text == f"{value}{TRACE[0]}{piece}" and not rest:
                return call(f"{environ}.get", [key, quoted(default)])
        parts = [part for part in (*parts, (rest, False)) if part[0]]
        return parts[0][0] if len(parts) == 1 else formatted(parts)

    @_of.register
    def _mapping(self, value: Mapping) -> Code:  # type: ignore[type-arg]
        return mapping((laid_out(self.code(key)), self.code(child)) for key, child in value.items())

    @_of.register(list | tuple | set)
    def _list(self, value: Any) -> Code:
        return listed(map(self.code, sorted(value) if isinstance(value, set) else value))

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
        again = pendulum.datetime(*parts, tz=zone)  # type: ignore[arg-type,misc] # three to seven
        fold = {} if again.timestamp() == value.timestamp() else {"fold": repr(value.fold)}
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
        return self._inside(value, value.as_text)

    def _inside(self, value: XComSelection | GroupArgument, as_text: bool = False) -> Code:
        named: dict[str, Any] = {}
        if isinstance(value, GroupArgument):
            source = value.reference.name  # a parameter of the function around
        else:
            name, is_output = self.operators(value.operator)
            self.waited.add(value.operator.task_id)
            source = f"{name}.operator" if is_output else name
            named = {"key": value.reference.key} if value.reference.key else {}
        named |= {"as_text": True} if as_text else {}
        return call(f"{self.named(value)}.of", [source, *map(self.code, value.reference.steps)], **self.each(named))

    @_of.register
    def _argument(self, value: GroupArgument) -> Code:
        plain = not value.reference.steps and not value.as_text
        return value.reference.name if plain else self._inside(value, value.as_text)

    @_of.register
    def _reference_text(self, value: ReferenceText) -> Code:
        parts = (self.code(part) if isinstance(part, str) else self._inside(part) for part in value.parts if part != "")
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
        are_names = all(is_name(name) and name not in ("self", "default", "source", "schema") for name in schema)
        rest = schema if are_names else {"schema": schema}
        return call(self.names.of(f"{SDK}.Param"), default, **self.each({**written, **rest}))

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
            made = f"{known}DAGRUN_{DEADLINES[type(reference).__name__].upper()}"
        rest = self.each({"interval": value.interval, "callback": value.callback, **name})
        return call(self.names.of(f"{SDK}.DeadlineAlert"), reference=made, **rest)

    @_of.register
    def _asset(self, value: Asset) -> Code:
        given = asset_fields(value)
        return self._sdk("Asset", *([given.pop("name")] if len(given) == 1 else []), **given)

    @_of.register
    def _alias(self, value: AssetAlias) -> Code:
        given = asset_fields(value)
        return self._sdk("AssetAlias", given.pop("name"), **given)

    @_of.register(AssetAll | AssetAny)
    def _condition_of_assets(self, value: Any) -> Code:
        return self._sdk(type(value).__name__, *value.objects)

    @_of.register(NullTimetable | OnceTimetable | ContinuousTimetable)
    def _plain_timetable(self, value: Any) -> Code:
        return self.code(PLAIN_TIMETABLES[type(value)])

    @_of.register(Cron | CronInterval | Crons | Every | EveryInterval)
    def _timetable(self, value: Any) -> Code:
        kind = TIMETABLES[type(value)]
        if isinstance(value, Every | EveryInterval):
            return self._sdk(kind, value._delta)
        crons = value._timetables if isinstance(value, Crons) else [value]
        return self._sdk(kind, *(one._expression for one in crons), timezone=crons[0]._timezone.name)

    @_of.register
    def _assets(self, value: AssetTriggeredTimetable) -> Code:
        if type(value) is not AssetTriggeredTimetable:
            return call(self.named(value), **self.each(written_fields(value)))
        return self.code(value.asset_condition)
