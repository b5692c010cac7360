"""Values of any shape: `__type__` → `$object`, `__join__` → text, `+task` → `${tasks.ID.output}`."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from schemas.dagfactory.convert import durations
from schemas.dagfactory.convert.context import Conversion
from schemas.dagfactory.convert.texts import converted, fixed
from schemas.dagfactory.convert.written import Written
from schemas.findings.codes import Code
from schemas.findings.paths import DataPath
from schemas.model.fields import OBJECT
from schemas.source import Class, Function
from schemas.source.results import by_name

_POSITIONAL = {
    durations.TIMEDELTA: durations.TIMEDELTA_PARAMETERS,
    "datetime.datetime": ("year", "month", "day", "hour", "minute", "second", "microsecond", "tzinfo", "fold"),
    "datetime.date": ("year", "month", "day"),
    "datetime.time": ("hour", "minute", "second", "microsecond", "tzinfo", "fold"),
}
"""Parameters of classes whose source is C."""


def value(conversion: Conversion, path: DataPath, given: Any) -> Written:
    """Any value, with objects in it."""
    if isinstance(given, str):
        return Written(converted(conversion, path, given), path)
    if isinstance(given, datetime | date):
        return _moment(given, path)
    if isinstance(given, list):
        items = [value(conversion, (*path, index), item) for index, item in enumerate(given)]
        return Written(items, path, flow=not any(isinstance(item.value, dict | list) for item in items))
    if not isinstance(given, dict):
        return Written(given, path)
    if "__join__" in given and isinstance(given["__join__"], list):
        return Written(_joined(conversion, (*path, "__join__"), given["__join__"]), path)
    for key, sign in (("__and__", " & "), ("__or__", " | ")):
        if key in given:
            return _combined(conversion, path, key, given[key], sign)
    if "__type__" in given:
        return _object(conversion, path, given)
    return Written({_key(key): value(conversion, (*path, key), child) for key, child in given.items()}, path)


def has_objects(given: Any) -> bool:
    """Whether a value is no plain data: an object is in it."""
    if isinstance(given, dict):
        if "__type__" in given and given["__type__"] != "builtins.list":
            return True
        return any(has_objects(child) for child in given.values())
    if isinstance(given, list):
        return any(has_objects(child) for child in given)
    return isinstance(given, date)


def as_duration(conversion: Conversion, path: DataPath, given: Any) -> Written:
    """A duration, where the value is one; else as `value`."""
    found = durations.from_object(given)
    if found is None and isinstance(given, int | float) and not isinstance(given, bool):
        found = timedelta(seconds=given)
    return value(conversion, path, given) if found is None else Written(durations.written(found), path)


def _key(key: Any) -> str:
    return key if isinstance(key, str) else str(key)


def _moment(given: date, path: DataPath) -> Written:
    kind = "datetime.datetime" if isinstance(given, datetime) else "datetime.date"
    parts = {name: getattr(given, name) for name in _POSITIONAL[kind] if isinstance(getattr(given, name), int)}
    arguments = {name: Written(part) for name, part in parts.items() if part}
    return Written({OBJECT: Written(kind), "with": Written(arguments)}, path)


def _joined(conversion: Conversion, path: DataPath, items: list[Any]) -> str:
    parts = []
    for index, item in enumerate(items):
        made = value(conversion, (*path, index), item).value
        if isinstance(made, dict | list):
            conversion.lost((*path, index), "only texts and numbers can be joined here", at_key=False)
            continue
        parts.append(str(made))
    return "".join(parts)


def _combined(conversion: Conversion, path: DataPath, key: str, items: Any, sign: str) -> Written:
    if isinstance(items, list) and all(isinstance(item, str) for item in items):
        texts = [converted(conversion, (*path, key, index), item) for index, item in enumerate(items)]
        return Written(f"({sign.join(texts)})", path)
    conversion.lost((*path, key), f"`{key}` of objects has no like here")
    return Written(None, path)


def _object(conversion: Conversion, path: DataPath, given: dict[str, Any]) -> Written:
    kind = fixed(conversion, (*path, "__type__"), str(given["__type__"]))
    named = {key: child for key, child in given.items() if key not in ("__type__", "__args__")}
    if kind == "builtins.list" and "items" in named:
        return value(conversion, (*path, "items"), named["items"])
    lost = len(conversion.findings)
    arguments = named_arguments(conversion, path, kind, given)
    if any(d.code is Code.NOT_CONVERTED for d in conversion.findings[lost:]):
        return Written(None, path)  # half an object would be another one
    return Written({OBJECT: Written(kind, (*path, "__type__")), "with": Written(arguments)}, path)


def named_arguments(conversion: Conversion, path: DataPath, kind: str, given: dict[str, Any]) -> dict[str, Written]:
    """All arguments of an object by name; what has none is lost, and said so."""
    positional = given.get("__args__") or []
    arguments: dict[str, Written] = {}
    if isinstance(positional, list) and positional:
        names = _parameters(conversion, kind)
        if len(names) < len(positional):
            message = f"the parameters of `{kind}` are not known here, and arguments have names in this language"
            conversion.lost((*path, "__args__"), message, help="write the arguments by name")
        for index, (name, item) in enumerate(zip(names, positional, strict=False)):
            arguments[name] = value(conversion, (*path, "__args__", index), item)
    for key, child in given.items():
        if key not in ("__type__", "__args__"):
            arguments[key] = value(conversion, (*path, key), child)
    return arguments


def _parameters(conversion: Conversion, kind: str) -> tuple[str, ...]:
    if kind in _POSITIONAL:
        return _POSITIONAL[kind]
    found = conversion.reader.find(kind)
    if not isinstance(found, Class | Function) or found.parameters is None:
        return ()
    return tuple(p.name for p in by_name(found.parameters) if p.kind != "KEYWORD_ONLY")
