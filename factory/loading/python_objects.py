"""What a DAG of Python is made of → values of this project's language."""

from __future__ import annotations

import inspect
import math
import re
from base64 import b64encode
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import Enum
from functools import reduce, singledispatchmethod
from typing import Any

import attrs
from airflow.sdk import Asset, AssetAlias, ExceptionRetryPolicy, XComArg
from airflow.sdk.definitions._internal.expandinput import MappedArgument
from airflow.sdk.definitions._internal.mixins import ResolveMixin
from airflow.sdk.definitions._internal.templater import LiteralValue
from airflow.sdk.definitions.asset import AssetRef
from airflow.sdk.definitions.operator_resources import Resources
from airflow.sdk.definitions.param import DagParam

from factory.build.arguments import operator_arguments
from factory.build.python_made import (
    arguments_of,
    asset_fields,
    has_months,
    in_zone,
    moment_call,
    written_fields,
    zone_arguments,
)
from factory.loading.python_findings import PythonFindings
from factory.operators.functions import FunctionReference
from factory.operators.selection import GroupArgument, ReferenceText, XComSelection
from schemas.dagfactory.convert.conversion import Converted, UnquotedText, nearly
from schemas.dagfactory.convert.values import written_duration
from schemas.expressions.reading import TaskReference, beside, escape, run_reference, task_reference
from schemas.findings.codes import Code
from schemas.model.fields import OBJECT

_OF_REQUESTS = re.compile(r"(?<!\$)\$+(?=\{(?!(?:cursor|each)\.))")
"""Text of a request that this language would take for an expression; its own are filled in when it is sent."""


def has_objects(made: Converted) -> bool:
    """Whether an object is made in a part of a document."""
    children = made.value.values() if isinstance(made.value, dict) else made.value
    return isinstance(made.value, dict | list) and (OBJECT in made.value or any(map(has_objects, children)))


class PythonObjects(PythonFindings):
    """Values of a DAG."""

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
        if type(value) is bytes:
            return self._call("base64.b64decode", {"s": b64encode(value).decode()})
        if type(value) is float and not math.isfinite(value) and value != -math.inf:
            return Converted({OBJECT: Converted(f"math.{value}")})
        if isinstance(value, Asset | AssetAlias):
            return self._call(f"airflow.sdk.{type(value).__name__}", asset_fields(value))
        is_own = nearly(value) is not None and type(value).__module__ != "builtins"
        if is_own and (isinstance(value, Enum) or arguments_of(value) is not None):
            return self._enum(value) if isinstance(value, Enum) else self._any(value)
        self._say_nearly(value)
        if isinstance(value, list | tuple | set | frozenset):
            items = _ordered(value)
            return Converted.listed(list(map(self.untyped, items)))
        return self._keyed(value, self.untyped) if isinstance(value, Mapping) else self.value(value)

    def holds_objects(self, value: Any) -> bool:
        """Whether a value is written with `$object` in it."""
        before = len(self.findings)
        made = self.untyped(value)
        del self.findings[before:]
        return has_objects(made)

    def plain(self, value: Any, what: str, who: str) -> Converted:
        """`what`, for `who` takes no objects: it is said of one, and a date or a duration is text."""
        if isinstance(value, ResolveMixin) or not self.holds_objects(value):
            return self.untyped(value)
        inside = f"a value in {what.removeprefix('a value in ')}"
        if isinstance(value, list | tuple | set | frozenset):
            self._say_nearly(value)
            return Converted.listed([self.plain(one, inside, who) for one in value])
        if isinstance(value, Mapping) and (nearly(value) is None or arguments_of(value) is None):
            return self._keyed(value, lambda one: self.plain(one, inside, who))
        is_moment = isinstance(value, date | time | timedelta)
        message = f"{what} is of type `{type(value).__name__}`, and {who} text, numbers, lists, mappings"
        self.lost(message, help="it is written as text" if is_moment else "")
        return self.value(value) if is_moment else Converted(None)

    def retry_policy(self, value: ExceptionRetryPolicy) -> Converted:
        rules = []
        for rule in value.rules:
            names = rule.exception if isinstance(rule.exception, list) else [rule.exception]
            texts = [one if isinstance(one, str) else f"{one.__module__}.{one.__qualname__}" for one in names]
            written = {"exception": [text.removeprefix("builtins.") for text in texts], "action": rule.action.value}
            rules.append(self.value({**written_fields(rule), **written}))
        default = {} if value.default.value == "default" else {"default": Converted(value.default.value)}
        return Converted({"rules": Converted(rules), **default})

    def _call(self, path: str, given: Mapping[str, Any]) -> Converted:
        return Converted({OBJECT: Converted(path), "with": Converted({k: self.untyped(v) for k, v in given.items()})})

    def _keyed(self, value: Mapping[Any, Any], each: Callable[[Any], Converted]) -> Converted:
        if OBJECT in value and not self.is_data:
            self.lost(f"a mapping with the key `{OBJECT}` makes an object here", help="write the value in Python")
            return Converted(None)
        return Converted({self._key(key): each(one) for key, one in value.items()})

    def _key(self, key: Any) -> str:
        if not isinstance(key, str):
            self.lost(f"the key `{key!r}` is a value of type `{type(key).__name__}`, and keys are text here")
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
        if isinstance(value, float) and not math.isfinite(value):
            self.lost(f"`{value}` is no finite number")
            return Converted(None)
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
        return self._keyed(value, self.value)

    @_of.register(list | tuple | set | frozenset)
    def _list(self, value: Any) -> Converted:
        return Converted.listed(list(map(self.value, _ordered(value))))

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
        parts = {name: (self.untyped if name == "extra" else self.value)(one) for name, one in given.items()}
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


def _ordered(values: Any) -> Any:
    """Lists and tuples as they are; the items of a set in their order, or by their text where they have none."""
    if not isinstance(values, set | frozenset):
        return values
    try:
        return sorted(values)
    except TypeError:
        return sorted(values, key=repr)
