"""Two serialized DAGs → where they differ, apart from what may differ."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import Any

from .differences import DIFFERENCES, Difference, Json

ABSENT = "(absent)"


def unlike(by_hand: Json, by_yaml: Json, differences: Sequence[Difference] = DIFFERENCES) -> list[str]:
    """One line for each place where they differ: `tasks.load.retries: 2 by hand, 1 by YAML`."""
    return list(_places(_levelled(by_hand, differences), _levelled(by_yaml, differences), ""))


def _levelled(dag: Json, differences: Sequence[Difference]) -> Json:
    dag = copy.deepcopy(dag)
    for difference in differences:
        difference.level(dag)
    return dag


def _places(one: Any, other: Any, path: str) -> Iterator[str]:
    if one == other:
        return
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted({*one, *other}):
            yield from _places(one.get(key, ABSENT), other.get(key, ABSENT), f"{path}.{key}".removeprefix("."))
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for number, (left, right) in enumerate(zip(one, other, strict=True)):
            yield from _places(left, right, f"{path}.{_name(left, number)}")
    else:
        yield f"{path}: {one!r} by hand, {other!r} by YAML"


def _name(item: Any, number: int) -> str:
    """A task by its id, anything else in a list by its number."""
    known = item.get("__var") if isinstance(item, dict) else None
    return str(known["task_id"]) if isinstance(known, dict) and "task_id" in known else str(number)
