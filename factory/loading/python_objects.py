"""What a DAG of Python is made of → values of this project's language."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import Enum
from functools import reduce, singledispatchmethod
from typing import Any

import attrs
from airflow.sdk import DAG, Asset, AssetAlias, XComArg
from airflow.sdk.definitions._internal.expandinput import MappedArgument
from airflow.sdk.definitions._internal.mixins import ResolveMixin
from airflow.sdk.definitions._internal.templater import LiteralValue
from airflow.sdk.definitions.asset import AssetRef
from airflow.sdk.definitions.operator_resources import Resources
from airflow.sdk.definitions.param import DagParam

from factory.build.arguments import operator_arguments
from factory.build.errors import one_line
from factory.build.python_made import (
    THE_DAG,
    Imported,
    arguments_of,
    asset_fields,
    has_months,
    in_zone,
    moment_call,
    written_fields,
    zone_arguments,
    zone_name,
)
from factory.operators.functions import FunctionReference
from factory.operators.selection import GroupArgument, ReferenceText, XComSelection
from schemas.dagfactory.convert.conversion import Converted, UnquotedText, nearly
from schemas.dagfactory.convert.values import written_duration
from schemas.expressions.reading import TaskReference, beside, escape, run_reference, task_reference
from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic, Span
from schemas.model.fields import OBJECT
from schemas.source import SourceReader

_OF_REQUESTS = re.compile(r"(?<!\$)\$+(?=\{(?!(?:cursor|each)\.))")
"""Text of a request that this language would take for an expression; its own are filled in when it is sent."""


@dataclass
class PythonObjects:
    """Values of a DAG of the file `found`; `findings` are what YAML does not hold, each at the `line` that is looked
    at. `referred` collects the ids of the tasks whose outputs were taken."""

    dag: DAG
    found: Imported = field(repr=False)
    shown: str
    reader: SourceReader = field(repr=False)
    line: int = field(init=False)
    places: Mapping[str, tuple[int, int]] = field(init=False)
    findings: list[Diagnostic] = field(default_factory=list)
    is_request: bool = False  # whether the values that are looked at are a request's
    referred: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.places = self.found.places.get(self.dag.dag_id, {})
        self.line = self.line_of(THE_DAG)

    @property
    def zone(self) -> str:
        """The pipeline's `timezone`."""
        return zone_name(self.dag.timezone) or "UTC"

    def lost(self, message: str, help: str = "", line: int | None = None) -> None:
        self.say(Code.NOT_CONVERTED, message, help, line or self.line)

    def line_of(self, task_id: str) -> int:
        """The line that made a task, else the DAG."""
        return self.places.get(task_id, self.places.get(THE_DAG, (1, 0)))[0]

    def say(self, code: Code, message: str, help: str, line: int) -> None:
        written = (self.found.text.splitlines()[line - 1 : line] or [""])[0]
        start = len(written) - len(written.lstrip()) + 1
        span = Span(line, start, line, max(len(written), start) + 1)
        found = Diagnostic(code, message, self.shown, span, help=help, text=self.found.text, severity=code.severity)
        self.findings.append(found)

    def dotted(self, found: Any) -> str:
        """The dotted path of a class or a function; reports one that no file but this has."""
        module, name = str(getattr(found, "__module__", "")), str(getattr(found, "__qualname__", found))
        code = getattr(inspect.unwrap(found) if callable(found) else found, "__code__", None)
        line = code.co_firstlineno if code is not None and code.co_filename == str(self.found.file) else self.line
        if module == f"converted_{self.found.file.stem}":
            what = "a lambda" if "<lambda>" in name else f"`{name.rpartition('.')[2]}`"
            message = f"{what} is defined in the DAG file"
            self.lost(message, help="move it into a module without a DAG, below the pipelines folder", line=line)
            return f"{self.found.file.stem}.{name.rpartition('.')[2]}".replace("<lambda>", f"lambda_of_line_{line}")
        held = reduce(lambda one, part: getattr(one, part, None), name.split("."), sys.modules.get(module))
        if held is not found and getattr(held, "function", None) is not found:  # that of `@task` is in it
            what = f"`{module}.{name}` is made when the file is imported" if "<" in name else f"`{name}` has no path"
            self.lost(what, help="name a function of a module", line=line)
        return f"{module}.{name}"

    def arguments(self, kind: type, given: Mapping[str, Any]) -> dict[str, Converted]:
        """The arguments of a class: a text is a date or a duration only where the build reads the same from it."""
        made: dict[str, Converted] = {}
        for name, one in given.items():
            if isinstance(one, date | time | timedelta) and not has_months(one):
                text = self.value(one)
                with suppress(ExceptionGroup):  # the build does not read it at all
                    again = operator_arguments(kind, {name: text.value}, (), self.zone)
                    if again[name] == one:
                        made[name] = text
            made.setdefault(name, self.untyped(one))
        return made

    def untyped(self, value: Any) -> Converted:
        """A value of whose type nothing is known, so that a date or a duration is an object there."""
        if isinstance(value, date | time | timedelta):
            return self._call(*moment_call(value))
        if isinstance(value, Asset | AssetAlias):
            return self._call(f"airflow.sdk.{type(value).__name__}", asset_fields(value))
        is_own = nearly(value) is not None and type(value).__module__ != "builtins"
        if is_own and (isinstance(value, Enum) or arguments_of(value) is not None):
            return self._enum(value) if isinstance(value, Enum) else self._any(value)
        self._say_nearly(value)
        if isinstance(value, list | tuple | set | frozenset):
            items = sorted(value) if isinstance(value, set | frozenset) else value
            return Converted.listed(list(map(self.untyped, items)))
        if isinstance(value, Mapping):
            return Converted({self._key(key): self.untyped(one) for key, one in value.items()})
        return self.value(value)

    def _call(self, path: str, given: Mapping[str, Any]) -> Converted:
        return Converted({OBJECT: Converted(path), "with": Converted({k: self.untyped(v) for k, v in given.items()})})

    def _key(self, key: Any) -> str:
        if not isinstance(key, str):
            self.lost(f"the key `{key!r}` is a value of type `{type(key).__name__}`, and keys are text here")
        elif key == OBJECT:
            self.lost(f"a mapping with the key `{key}` makes an object here", help="write the value in Python")
        self._say_nearly(key)
        return str.__str__(key) if isinstance(key, str) else str(key)

    def value(self, value: Any) -> Converted:
        """A value of any kind; reports one that YAML does not hold."""
        with self.apart(f"a value of type `{type(value).__name__}`"):
            if isinstance(value, ResolveMixin):
                self.referred |= {operator.task_id for operator, _ in value.iter_references()}
            if type(value) not in (tuple, set, frozenset):
                self._say_nearly(value)
            return self._of(value)
        return Converted(None)

    @contextmanager
    def apart(self, what: str) -> Iterator[None]:
        """What anybody's objects raise loses them alone."""
        try:
            yield
        except Exception as error:
            self.lost(f"{what} is not converted: {type(error).__name__}: {one_line(error)}")

    def _say_nearly(self, value: Any) -> None:
        if (plain := nearly(value)) is not None:
            is_text = isinstance(value, Enum) and str(value) == str(value.value)
            is_made = not isinstance(value, Enum) and arguments_of(value) is not None
            is_all = is_text or is_made or type(value).__module__ == "builtins"
            code, more = (Code.CONVERTED_OTHERWISE, "") if is_all else (Code.NOT_CONVERTED, ": its class adds to that")
            self.say(code, f"a value of type `{type(value).__name__}` is written as {plain}{more}", "", self.line)

    @singledispatchmethod
    def _of(self, value: Any) -> Converted:
        return self._any(value)

    def _any(self, value: Any) -> Converted:
        if callable(value) and (inspect.isroutine(value) or inspect.isclass(value)):
            path = self.dotted(value)
            return Converted(None if "<" in path else {OBJECT: Converted(path)})
        given = None if isinstance(value, LiteralValue) else arguments_of(value)  # what it holds is no template
        if given is None:
            help_text = "write a function that makes it: `{$object: module.function, with: {…}}`"
            self.lost(f"a value of type `{type(value).__name__}` is not converted", help_text)
            return Converted(None)
        arguments = Converted(self.arguments(type(value), given))
        return Converted({OBJECT: Converted(self.dotted(type(value))), "with": arguments})

    @_of.register(int | float | None)
    def _plain(self, value: Any) -> Converted:
        plain = float if isinstance(value, float) else int
        return Converted(value if isinstance(value, bool | None) else plain(value))

    @_of.register
    def _text(self, value: str) -> Converted:
        return Converted(str.__str__(value) if isinstance(value, UnquotedText) else self._escaped(str.__str__(value)))

    def _escaped(self, text: str) -> str:
        return _OF_REQUESTS.sub(lambda found: found[0] * 2, text) if self.is_request else escape(text)

    @_of.register
    def _enum(self, value: Enum) -> Converted:
        return Converted({OBJECT: Converted(f"{type(value).__module__}.{type(value).__qualname__}.{value.name}")})

    @_of.register
    def _mapping(self, value: Mapping) -> Converted:  # type: ignore[type-arg] # of anything
        return Converted({self._key(key): self.value(one) for key, one in value.items()})

    @_of.register(list | tuple | set | frozenset)
    def _list(self, value: Any) -> Converted:
        return Converted.listed(list(map(self.value, sorted(value) if isinstance(value, set | frozenset) else value)))

    @_of.register
    def _duration(self, value: timedelta) -> Converted:
        if has_months(value):
            self.lost(f"{value} has months or years, and durations here are days and less")
        return Converted(written_duration(value))

    @_of.register
    def _resources(self, value: Resources) -> Converted:
        return Converted({name: Converted(one.qty) for name, one in vars(value).items()})

    @_of.register
    def _zone(self, value: tzinfo) -> Converted:
        if value is UTC:
            return Converted({OBJECT: Converted("datetime.UTC")})
        given = zone_arguments(value)
        return self._any(value) if given is None else self._call(self.dotted(type(value)), given)

    @_of.register(date | time)
    def _date(self, value: Any) -> Converted:
        if not isinstance(value, datetime):
            return Converted(value.isoformat())
        if getattr(value.tzinfo, "name", str(value.tzinfo)) in ("UTC", self.zone):  # of its dates, Airflow keeps UTC
            value = in_zone(value, self.zone)
        midnight = value.tzinfo is None and value.time().isoformat() == "00:00:00"
        return Converted(UnquotedText(value.date().isoformat()) if midnight else value.isoformat())

    @_of.register(XComSelection | GroupArgument | ReferenceText)
    def _reference(self, value: Any) -> Converted:
        parts = value.parts if isinstance(value, ReferenceText) else [value]
        for one in parts:
            if not isinstance(one, str) and run_reference(repr(one)) != one.reference:
                self.lost(f"the part `{repr(one)[2:-1]}` of an output cannot be named here")
        texts = (self._escaped(one) if isinstance(one, str) else repr(one) for one in parts)
        return Converted(reduce(beside, texts, ""))

    @_of.register
    def _argument(self, value: MappedArgument) -> Converted:
        return Converted(f"${{expand.{value._key}}}")

    @_of.register
    def _dag_param(self, value: DagParam) -> Converted:
        if not self.dag.render_template_as_native_obj and not isinstance(self.dag.params.get(value._name), str):
            message = f"`{value._name}` of the DAG's function is written as a template, which gives text"
            help_text = "`render_template_as_native_obj: true` keeps its type"
            self.say(Code.CONVERTED_OTHERWISE, message, help_text, self.line)
        return Converted(f"{{{{ params.{value._name} }}}}")

    @_of.register
    def _output(self, value: XComArg) -> Converted:
        operator, key = getattr(value, "operator", None), getattr(value, "key", None)
        if operator is None:
            self.lost(f"`{type(value).__name__}` (`map`, `zip`, `concat`) has no equivalent here")
            return Converted(None)
        if type(operator).__name__ == "SelectOperator":
            return self.value(operator.value)
        reference = TaskReference(operator.task_id, None if key == "return_value" else key, ())
        if task_reference(reference.written) != reference:
            allowed = "a key has letters, digits, `_` and `-`"
            self.lost(f"the output `{key}` of `{operator.task_id}` cannot be named here: {allowed}")
            return Converted(None)
        return Converted(reference.written)

    @_of.register
    def _function_reference(self, value: FunctionReference) -> Converted:
        return Converted({OBJECT: Converted(value.path)})

    @_of.register
    def _asset(self, value: Asset) -> Converted:
        given = asset_fields(value)
        watchers, access = given.pop("watchers", ()), given.pop("access_control", None)
        given |= {"access_control": written_fields(access)} if access is not None else {}
        parts = {name: self.value(one) for name, one in given.items()}
        if watchers:
            named = ({"name": Converted(w.name), "trigger": self.value(w.trigger)} for w in watchers)
            parts["watchers"] = Converted(list(map(Converted, named)))
        return parts["name"] if len(parts) == 1 else Converted(parts)

    @_of.register
    def _asset_reference(self, value: AssetRef) -> Converted:
        ((key, held),) = attrs.asdict(value).items()
        self.lost(f"`Asset.ref({key}={held!r})` has no equivalent here", help="name the asset: `{name: …, uri: …}`")
        return self.value(held)

    @_of.register
    def _alias(self, value: AssetAlias) -> Converted:
        given = asset_fields(value)
        return self.value({"alias": given.pop("name"), **given})
