"""Selecting inside a value when a task runs: `.key` and `[0]` behind a reference."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from airflow.sdk.exceptions import AirflowFailException

_SHOWN_KEYS = 10


def selected(value: Any, steps: Sequence[str | int], *, whole: str, source: str) -> Any:
    """What `steps` select in a value, one after the other: text a key of a mapping, a number an item of a list.

    `whole` is the expression, `source` its part before the steps, for the message. Raises AirflowFailException where
    a step does not fit: trying again would not help.
    """
    for position, step in enumerate(steps):
        problem = _misfit(value, step)
        if problem is not None:
            place = source + written_steps(steps[:position])
            raise AirflowFailException(f"{whole}: `{written_steps((step,))}` selects nothing: `{place}` {problem}")
        value = value[step]
    return value


def as_plain_text(value: Any) -> str:
    """Text as it is, nothing as empty text, all else as JSON."""
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


def written_steps(steps: Sequence[str | int]) -> str:
    """Steps as an expression has them."""

    def one(step: str | int) -> str:
        if isinstance(step, int):
            return f"[{step}]"
        return f".{step}" if step.isidentifier() else f'["{step}"]'

    return "".join(map(one, steps))
