"""A task's values as Airflow takes them: references become resolvers, `$${` becomes `${`, dates get a time zone.

An operator's arguments as its constructors want them: text becomes a duration or a date where one is annotated.
"""

from __future__ import annotations

import inspect
import re
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, Protocol

import pendulum
from airflow.sdk.definitions._internal.mixins import ResolveMixin

from factory.build.errors import BuildError, BuildErrors
from factory.operators.selection import ReferenceText
from schemas.expressions.reading import (
    ExpandReference,
    TaskReference,
    before,
    run_reference,
    run_references,
    unescape,
)
from schemas.findings.codes import Code
from schemas.findings.paths import DataPath
from schemas.model.fields import Model
from schemas.model.times import fitted, type_names


class Resolver(Protocol):
    """Makes a reference what Airflow resolves when the task runs, as text where only text is taken."""

    def __call__(self, reference: TaskReference | ExpandReference, /, *, as_text: bool) -> ResolveMixin: ...


def build_value(value: Any, resolver: Resolver, *, as_text: bool = False) -> Any:
    """A value of `with`, at any depth; keys of mappings stay as they are.

    What an environment variable holds is text, also where it looks like a reference.
    """
    if isinstance(value, str):
        reference = run_reference(value)
        return _text(value, resolver) if reference is None else resolver(reference, as_text=as_text)
    if isinstance(value, dict):
        return {key: build_value(child, resolver, as_text=as_text) for key, child in value.items()}
    if isinstance(value, list):
        return [build_value(child, resolver, as_text=as_text) for child in value]
    return value


def references_in(value: Any) -> Iterator[TaskReference | ExpandReference]:
    """The references that `build_value` would resolve, in order."""
    if isinstance(value, str):
        yield from (reference for _, reference in run_references(value))
    elif isinstance(value, Model):
        yield from references_in([getattr(value, name) for name in value.model_fields_set])
    elif isinstance(value, dict | list):
        for child in value.values() if isinstance(value, dict) else value:
            yield from references_in(child)


def plain_data(value: Any) -> Any:
    """The value with plain texts, for what takes no references."""
    if isinstance(value, str):
        return str(value)
    if isinstance(value, dict):
        return {key: plain_data(child) for key, child in value.items()}
    return [plain_data(child) for child in value] if isinstance(value, list) else value


def plain_text(text: str) -> str:
    """The text that is meant: `$${` is `${`, and nothing is left of where it came from."""
    return str(unescape(text))


def without_file(doc_md: str) -> str:
    """Documentation that Airflow takes for text: of one that ends in `.md` it would read any file of the machine."""
    return f"{doc_md}\n" if doc_md.endswith(".md") else doc_md


def aware(date: datetime, timezone: str) -> datetime:
    """The date in the pipeline's time zone; one without offset holds there."""
    zone = pendulum.timezone(timezone)
    return pendulum.instance(date, tz=zone) if date.tzinfo is None else pendulum.instance(date).in_timezone(zone)


def _text(text: str, resolver: Resolver) -> Any:
    """A text, in which references may be; lint says where."""
    parts: list[Any] = []
    end = 0
    for expression, reference in run_references(text):
        parts += [plain_text(before(text, end, expression)), resolver(reference, as_text=False)]
        end = expression.end
    return ReferenceText([*parts, plain_text(text[end:])]) if parts else plain_text(text)


_ITEMS = re.compile(r"(?i:list|iterable|sequence|collection)\[(?P<items>[\w.]+)\]")


def operator_arguments(operator: type, arguments: Mapping[str, Any], path: DataPath, timezone: str) -> dict[str, Any]:
    """The arguments of an operator class, with text read as the constructors' annotations say.

    Where an annotation takes a `timedelta` or a `datetime` and no text, text must be a duration or a date; a Jinja
    template stays text (whether Airflow renders it there is the operator's business). `path` leads to the arguments.
    Raises an ExceptionGroup of BuildErrors.
    """
    annotations = _annotations(operator)
    built: dict[str, Any] = {}
    errors = BuildErrors()
    for name, value in arguments.items():
        try:
            built[name] = _fitted(value, annotations.get(name), timezone)
        except ValueError as error:
            message = f"`{name}` of {operator.__name__} {error}"
            errors.append(BuildError((*path, name), message, Code.WRONG_ARGUMENT))
    errors.check()
    return built


def parameter_names(operator: type) -> tuple[str, ...] | None:
    """All that the constructors of a class take by name; None where `**kwargs` end nowhere that can be seen."""
    names: list[str] = []
    for constructor in _constructors(operator):
        parameters = list(inspect.signature(constructor).parameters.values())[1:]
        names += [p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
        if not any(p.kind is p.VAR_KEYWORD for p in parameters):
            return tuple(names)
    return tuple(names) if any(c.__module__ == "airflow.sdk.bases.operator" for c in operator.__mro__) else None


def _fitted(value: Any, annotation: Any, timezone: str) -> Any:
    """Text as the annotation wants it; in a list as the annotation's items."""
    if isinstance(value, str):
        return _converted(value, annotation, timezone)
    if isinstance(value, list) and any(isinstance(one, str) for one in value):
        items = _items(annotation)
        return [_converted(one, items, timezone) if isinstance(one, str) else one for one in value]
    return value


def _items(annotation: Any) -> Any:
    """What the items of `list[…]` and its like are, as it is written or as a type."""
    if isinstance(annotation, str):
        found = _ITEMS.search(annotation)
        return found["items"] if found is not None else None
    arguments = typing.get_args(annotation)
    return arguments[0] if len(arguments) == 1 else None


def _converted(text: str, annotation: Any, timezone: str) -> Any:
    value = fitted(frozenset(_type_names(annotation)), text)
    return aware(value, timezone) if isinstance(value, datetime) else value


def _constructors(operator: type) -> Iterator[Callable[..., None]]:
    """Constructors from the class itself up, as written: Airflow wraps each (`BaseOperatorMeta._apply_defaults`)."""
    for cls in operator.__mro__:
        constructor = cls.__dict__.get("__init__")
        if inspect.isfunction(constructor):
            yield inspect.unwrap(constructor)


def _annotations(operator: type) -> dict[str, Any]:
    """Parameter → annotation, text or type; a class nearer to the operator goes first."""
    found: dict[str, Any] = {}
    for constructor in _constructors(operator):
        for name, annotation in constructor.__annotations__.items():
            found.setdefault(name, annotation)
    return found


def _type_names(annotation: Any) -> Iterator[str]:
    """The last names of the types that a union holds. Annotations are mostly text here, and what they name is often
    imported for type checkers only, so they are read and not evaluated."""
    if isinstance(annotation, str):
        yield from type_names(annotation)
    elif typing.get_origin(annotation) in (typing.Union, types.UnionType):
        for member in typing.get_args(annotation):
            yield from _type_names(member)
    elif isinstance(annotation, type):
        yield annotation.__name__
