"""`${tasks.ID.output}` as a value that Airflow resolves when the task runs.

Airflow's own `XComArg["x"]` is another XCom key and `XComArg[0]` an error, so selecting inside a value needs a
resolver of our own (`airflow.sdk.definitions._internal.mixins.ResolveMixin`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from airflow.sdk import BaseOperator, XComArg
from airflow.sdk.bases.xcom import BaseXCom
from airflow.sdk.definitions._internal.mixins import ResolveMixin
from airflow.sdk.exceptions import AirflowFailException

from schemas.references import TaskReference

_SHOWN_KEYS = 10


class XComSelection(ResolveMixin):
    """What a task returned, or another of its XComs, or something inside one of these.

    `steps` of the reference select one after the other: text a key of a mapping, a number an item of a list (from
    the end if negative). Its text is `${…}`, the same in every process, which is what a serialized DAG holds.

    `as_text`: for places that only take text, such as an environment variable. Lists and mappings are given as JSON,
    nothing as empty text.
    """

    def __init__(self, operator: BaseOperator, reference: TaskReference, *, as_text: bool = False) -> None:
        self.operator = operator
        self.reference = reference
        self.as_text = as_text

    @property
    def key(self) -> str:
        """Airflow's XCom key."""
        return self.reference.key or BaseXCom.XCOM_RETURN_KEY

    def __repr__(self) -> str:
        return f"${{{_source(self.reference)}{_written(self.reference.steps)}}}"

    def iter_references(self) -> Iterator[tuple[BaseOperator, str]]:
        """The operator whose output this is: Airflow makes an edge of it."""
        yield self.operator, self.key

    def resolve(self, context: Mapping[str, Any]) -> Any:
        """The value.

        Raises AirflowFailException where a step does not fit (trying again would not help), and XComNotFound
        where the task pushed no XCom of that key.
        """
        value = XComArg(self.operator, self.key).resolve(context)
        for position, step in enumerate(self.reference.steps):
            problem = _misfit(value, step)
            if problem is not None:
                place = _source(self.reference) + _written(self.reference.steps[:position])
                raise AirflowFailException(f"{self}: `{_written((step,))}` selects nothing: `{place}` {problem}")
            value = value[step]
        return _text(value) if self.as_text else value


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _misfit(value: Any, step: str | int) -> str | None:
    """Why a step cannot be taken, as the end of a sentence that starts with the value's name."""
    if isinstance(value, Mapping):
        return None if step in value else f"is a mapping with {_keys(value)}"
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        if isinstance(step, str):
            items = _count(len(value), "item")
            return f"is a list of {items}, and a list has no keys; select an item by its number, as in `[0]`"
        return None if -len(value) <= step < len(value) else f"is a list of {_count(len(value), 'item')}"
    if value is None:
        return "is empty: the task returned nothing there"
    return f"is {_described(value)}"


def _keys(value: Mapping[Any, Any]) -> str:
    if not value:
        return "no keys"
    shown = ", ".join(f"`{key}`" for key in list(value)[:_SHOWN_KEYS])
    return f"the keys {shown}, …" if len(value) > _SHOWN_KEYS else f"the key{'s' * (len(value) > 1)} {shown}"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _described(value: object) -> str:
    names = {str: "text", bool: "true or false", int: "a number", float: "a number"}
    return names.get(type(value), f"a value of type {type(value).__name__}")


def _source(reference: TaskReference) -> str:
    return f"tasks.{reference.task_id}." + (f"xcom.{reference.key}" if reference.key else "output")


def _written(steps: Sequence[str | int]) -> str:
    def one(step: str | int) -> str:
        if isinstance(step, int):
            return f"[{step}]"
        return f".{step}" if step.isidentifier() else f'["{step}"]'

    return "".join(map(one, steps))
