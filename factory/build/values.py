"""A task's values as Airflow takes them: references become resolvers, `$${` becomes `${`, dates get a time zone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Protocol

import pendulum
from airflow.sdk.definitions._internal.mixins import ResolveMixin

from schemas.compose.env_values import EnvText
from schemas.expressions.reading import ExpandReference, TaskReference, run_reference, unescape


class Resolver(Protocol):
    """Makes a reference what Airflow resolves when the task runs, as text where only text is taken."""

    def __call__(self, reference: TaskReference | ExpandReference, /, *, as_text: bool) -> ResolveMixin: ...


def build_value(value: Any, resolver: Resolver, *, as_text: bool = False) -> Any:
    """A value of `with`, at any depth; keys of mappings stay as they are.

    What an environment variable holds is text, also where it looks like a reference.
    """
    if isinstance(value, str):
        reference = _reference(value)
        return plain_text(value) if reference is None else resolver(reference, as_text=as_text)
    if isinstance(value, dict):
        return {key: build_value(child, resolver, as_text=as_text) for key, child in value.items()}
    if isinstance(value, list):
        return [build_value(child, resolver, as_text=as_text) for child in value]
    return value


def references_in(value: Any) -> Iterator[TaskReference]:
    """The references to tasks that `build_value` would resolve, in order."""
    if isinstance(value, str):
        reference = _reference(value)
        if isinstance(reference, TaskReference):
            yield reference
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


def _reference(text: str) -> TaskReference | ExpandReference | None:
    return None if isinstance(text, EnvText) else run_reference(text)
