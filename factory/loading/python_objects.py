"""What a DAG of Python is made of → values of this project's language."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import Enum
from functools import reduce, singledispatchmethod
from pathlib import Path
from typing import Any

import pendulum
from airflow.sdk import DAG, Asset, AssetAlias, AssetAll, AssetAny, ExceptionRetryPolicy, XComArg
from airflow.sdk.definitions._internal.expandinput import MappedArgument
from airflow.sdk.definitions.timetables.assets import AssetOrTimeSchedule, AssetTriggeredTimetable

from factory.build.python_made import DEADLINES, PLAIN_TIMETABLES, arguments_of, asset_fields, written_fields
from factory.operators.functions import FunctionNotifier, FunctionReference
from factory.operators.selection import GroupArgument, ReferenceText, XComSelection
from schemas.dagfactory.convert.conversion import Converted, UnquotedText
from schemas.dagfactory.convert.values import written_duration
from schemas.expressions.reading import beside
from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic, Span
from schemas.model.fields import OBJECT
from schemas.source import SourceReader

_OURS = re.compile(r"(?<!\$)\$+(?=\{(?!(?:cursor|each)\.))")
"""Text that this language would take for an expression; a request's are filled in when it is sent."""


@dataclass
class PythonObjects:
    """Values, schedules and notifications of a DAG; `findings` are what YAML does not hold, each at the `line` that is
    looked at. `given`, `set_later`: the arguments of tasks, by `id()`, and what the file set after it made them.
    `referred` collects the ids of the tasks whose outputs were taken."""

    dag: DAG
    file: Path
    places: Mapping[str, tuple[int, int]]
    shown: str
    text: str = field(repr=False)
    reader: SourceReader = field(repr=False)
    line: int
    given: Mapping[int, set[str]] = field(default_factory=dict)
    set_later: Mapping[int, set[str]] = field(default_factory=dict)
    findings: list[Diagnostic] = field(default_factory=list)
    referred: set[str] = field(default_factory=set)

    def lost(self, message: str, help: str = "", line: int | None = None) -> None:
        self.found(Code.NOT_CONVERTED, message, help, line or self.line)

    def line_of(self, task_id: str) -> int:
        """The line that made a task."""
        return self.places.get(task_id, (1, 0))[0]

    def found(self, code: Code, message: str, help: str, line: int) -> None:
        written = (self.text.splitlines()[line - 1 : line] or [""])[0]
        start = len(written) - len(written.lstrip()) + 1
        span = Span(line, start, line, max(len(written), start) + 1)
        found = Diagnostic(code, message, self.shown, span, help=help, text=self.text, severity=code.severity)
        self.findings.append(found)

    def schedule(self, timetable: Any, zone: str) -> Converted | None:
        kind = type(timetable).__name__
        if type(timetable) in PLAIN_TIMETABLES:
            return Converted(PLAIN_TIMETABLES[type(timetable)])
        if isinstance(timetable, AssetOrTimeSchedule):
            made = self.schedule(timetable.timetable, zone)
            cron = {"cron": made} if made is not None and isinstance(made.value, str) else made.value if made else {}
            return Converted({**cron, "assets": self._waited(timetable.asset_condition)})
        if isinstance(timetable, AssetTriggeredTimetable):
            written = {"assets": self._waited(timetable.asset_condition)}
            mappers = getattr(timetable, "partition_mapper_config", None) or {}
            if mappers:
                by_name = {str(getattr(asset, "name", asset)): self.value(one) for asset, one in mappers.items()}
                written["partition_mapper_config"] = Converted(by_name)
            default = getattr(timetable, "default_partition_mapper", None)
            if default is not None and type(default).__name__ != "IdentityMapper":
                written["default_partition_mapper"] = self.value(default)
            return Converted(written)
        if kind == "MultipleCronTriggerTimetable":
            crons = Converted.names(one.expression for one in timetable.timetables)
            return Converted({"cron": crons, **_other_zone(timetable.timetables[0].timezone, zone)})
        given = arguments_of(timetable)
        if given is None:
            self.lost(f"the schedule is a `{kind}`, whose arguments are not known", help="write `schedule` by hand")
            return None
        interval = {"data_interval": Converted(True)} if "Interval" in kind else {}
        if kind in ("CronTriggerTimetable", "CronDataIntervalTimetable") and given.keys() <= {"expression", "timezone"}:
            other = _other_zone(given.get("timezone"), zone) | interval
            plain = Converted(given["expression"])
            return Converted({"cron": plain, **other}) if other else plain
        if kind in ("DeltaTriggerTimetable", "DeltaDataIntervalTimetable") and given.keys() == {"delta"}:
            return Converted({"every": self.value(given["delta"]), **interval})
        path = self.dotted(type(timetable))
        if str(given.get("description", "")).startswith(f"{len(given.get('event_dates', ()))} events"):
            del given["description"]  # EventsTimetable makes it
        arguments = {
            name: self.value(getattr(one, "name", one) if name == "timezone" else one) for name, one in given.items()
        }
        return Converted({"timetable": Converted(path), **({"with": Converted(arguments)} if arguments else {})})

    def _waited(self, condition: Any) -> Converted:
        if isinstance(condition, AssetAll | AssetAny):
            key = "all" if isinstance(condition, AssetAll) else "any"
            return Converted({key: Converted([self._waited(one) for one in condition.objects])})
        return self.value(condition)

    def alert(self, alert: Any) -> Converted:
        reference = alert.reference
        parts = {"from": Converted(DEADLINES.get(type(reference).__name__, "average_runtime"))}
        if hasattr(reference, "_datetime"):
            parts["from"] = self.value(reference._datetime)
        elif hasattr(reference, "max_runs"):
            parts |= {"max_runs": Converted(reference.max_runs), "min_runs": Converted(reference.min_runs)}
        callback = {"uses": Converted(str(alert.callback.path))}
        callback |= {"with": self.value(alert.callback.kwargs)} if alert.callback.kwargs else {}
        name = {} if alert.name is None else {"name": Converted(alert.name)}
        return Converted(
            {**name, **parts, "within": self.value(alert.interval), "notify": Converted([Converted(callback)])}
        )

    def notifications(self, events: Mapping[str, Any], model: Any) -> Converted | None:
        made: dict[str, Converted] = {}
        for event in model.model_fields:
            if event in events:
                listed = events[event] if isinstance(events[event], list | tuple) else [events[event]]
                each = [self._notification(one) for one in listed if one is not None]
                made[event] = Converted(each or None)
        return Converted(made) if made else None

    def _notification(self, callback: Any) -> Converted:
        if isinstance(callback, FunctionNotifier):
            arguments = {name: self.value(one) for name, one in callback.arguments.items()}
            path = callback.function.path
        elif inspect.isroutine(callback):
            path, arguments = self.dotted(callback), {}
        else:
            path = self.dotted(type(callback))
            given = arguments_of(callback)
            if given is None:
                self.lost(f"the arguments of a `{type(callback).__name__}` are not known", help="write them in `with`")
            arguments = {name: self.value(one) for name, one in (given or {}).items()}
        return Converted({"uses": Converted(path), **({"with": Converted(arguments)} if arguments else {})})

    def dotted(self, found: Any) -> str:
        """The dotted path of a class or a function; reports one that no file but this has."""
        module, name = str(getattr(found, "__module__", "")), str(getattr(found, "__qualname__", found))
        code = getattr(inspect.unwrap(found) if callable(found) else found, "__code__", None)
        line = code.co_firstlineno if code is not None and code.co_filename == str(self.file) else self.line
        if module == f"converted_{self.file.stem}":
            what = "a lambda" if "<lambda>" in name else f"`{name.rpartition('.')[2]}`"
            message = f"{what} is defined in the DAG file"
            self.lost(message, help="move it into a module without a DAG, below the pipelines folder", line=line)
            return f"{self.file.stem}.{name.rpartition('.')[2]}".replace("<lambda>", "function")
        if "<" in name:
            self.lost(
                f"`{module}.{name}` is made when the file is imported", help="name a function of a module", line=line
            )
        return f"{module}.{name}"

    def untyped(self, value: Any) -> Converted:
        """A value of whose type nothing is known: a duration is an object there."""
        if not isinstance(value, timedelta):
            return self.value(value)
        seconds = Converted({"seconds": Converted(int(value.total_seconds()))})
        return Converted({OBJECT: Converted("datetime.timedelta"), "with": seconds})

    @singledispatchmethod
    def value(self, value: Any) -> Converted:
        """A value of any kind; reports one that YAML does not hold."""
        if callable(value) and (inspect.isroutine(value) or inspect.isclass(value)):
            path = self.dotted(value)
            return Converted(None if "<" in path else {OBJECT: Converted(path)})
        given = arguments_of(value)
        if given is None:
            self.lost(f"a value of type `{type(value).__name__}` is not converted")
            return Converted(None)
        arguments = {name: self.value(one) for name, one in given.items()}
        return Converted({OBJECT: Converted(self.dotted(type(value))), "with": Converted(arguments)})

    @value.register(int | float | None)
    def _plain(self, value: Any) -> Converted:
        return self._enum(value) if isinstance(value, Enum) else Converted(value)

    @value.register
    def _text(self, value: str) -> Converted:
        if isinstance(value, UnquotedText | Enum):
            return Converted(value.value if isinstance(value, Enum) else str(value))
        return Converted(_escaped(str(value)))

    @value.register
    def _enum(self, value: Enum) -> Converted:
        return Converted({OBJECT: Converted(f"{type(value).__module__}.{type(value).__qualname__}.{value.name}")})

    @value.register
    def _mapping(self, value: Mapping) -> Converted:  # type: ignore[type-arg] # of anything
        return Converted({str(key): self.value(one) for key, one in value.items()})

    @value.register(list | tuple | set | frozenset)
    def _list(self, value: Any) -> Converted:
        items = [self.value(one) for one in (sorted(value) if isinstance(value, set | frozenset) else value)]
        return Converted.listed(items)

    @value.register
    def _duration(self, value: timedelta) -> Converted:
        return Converted(written_duration(value))

    @value.register
    def _time(self, value: time) -> Converted:
        return Converted(value.isoformat())

    @value.register
    def _date(self, value: date) -> Converted:
        if not isinstance(value, datetime):
            return Converted(value.isoformat())
        zone = getattr(self.dag.timezone, "name", "UTC")
        if getattr(value.tzinfo, "name", str(value.tzinfo)) in ("UTC", zone):  # of its dates, Airflow keeps UTC
            there = value.astimezone(self.dag.timezone)
            local = datetime.combine(there.date(), there.time())
            value = local if pendulum.instance(local, tz=self.dag.timezone) == value else value
        midnight = value.tzinfo is None and value.time().isoformat() == "00:00:00"
        return Converted(UnquotedText(value.date().isoformat()) if midnight else value.isoformat())

    def _refer(self, value: Any) -> None:
        self.referred |= {operator.task_id for operator, _ in value.iter_references()}

    @value.register(XComSelection | GroupArgument | ReferenceText)
    def _reference(self, value: Any) -> Converted:
        self._refer(value)
        parts = value.parts if isinstance(value, ReferenceText) else [value]
        texts = (_escaped(one) if isinstance(one, str) else repr(one) for one in parts)
        return Converted(reduce(beside, texts, ""))

    @value.register
    def _argument(self, value: MappedArgument) -> Converted:
        self._refer(value)
        return Converted(f"${{expand.{value._key}}}")

    @value.register
    def _output(self, value: XComArg) -> Converted:
        self._refer(value)
        operator, key = getattr(value, "operator", None), getattr(value, "key", None)
        if operator is None:
            self.lost(f"`{type(value).__name__}` (`map`, `zip`, `concat`) has no equivalent here")
            return Converted(None)
        if type(operator).__name__ == "SelectOperator":
            return self.value(operator.value)
        return Converted(f"${{tasks.{operator.task_id}.{'output' if key == 'return_value' else f'xcom.{key}'}}}")

    @value.register
    def _function_reference(self, value: FunctionReference) -> Converted:
        return Converted({OBJECT: Converted(value.path)})

    @value.register
    def _asset(self, value: Asset) -> Converted:
        given = asset_fields(value)
        watchers, access = given.pop("watchers", ()), given.pop("access_control", None)
        given |= {"access_control": written_fields(access)} if access is not None else {}
        parts = {name: self.value(one) for name, one in given.items()}
        if watchers:
            named = [{"name": Converted(w.name), "trigger": self.value(w.trigger)} for w in watchers]
            parts["watchers"] = Converted([Converted(one) for one in named])
        return parts["name"] if len(parts) == 1 else Converted(parts)

    @value.register
    def _alias(self, value: AssetAlias) -> Converted:
        given = asset_fields(value)
        return self.value({"alias": given.pop("name"), **given})

    @value.register
    def _policy(self, value: ExceptionRetryPolicy) -> Converted:
        rules = []
        for rule in value.rules:
            names = rule.exception if isinstance(rule.exception, list) else [rule.exception]
            texts = [one if isinstance(one, str) else f"{one.__module__}.{one.__qualname__}" for one in names]
            written = {"exception": [text.removeprefix("builtins.") for text in texts], "action": rule.action.value}
            rules.append(self.value({**written_fields(rule), **written}))
        default = {} if value.default.value == "default" else {"default": Converted(value.default.value)}
        return Converted({"rules": Converted(rules), **default})


def _escaped(text: str) -> str:
    return _OURS.sub(lambda found: found[0] * 2, text)


def _other_zone(given: Any, zone: str) -> dict[str, Converted]:
    """The `timezone` of a schedule that is not the DAG's `zone`."""
    own = getattr(given, "name", given)
    return {"timezone": Converted(own)} if own != zone else {}
