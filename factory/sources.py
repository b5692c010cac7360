"""Which tasks' outputs a task or a group takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from factory.build_values import references_in
from factory.placement import Placed
from schemas.task import TaskBase


@dataclass(frozen=True, slots=True)
class Sources:
    """Full ids, in the order they are written: of what stands in the arguments, and of what it is mapped over."""

    arguments: tuple[str, ...]
    mapped: tuple[str, ...]


def sources_of(one: Placed, entries: Mapping[str, Placed]) -> Sources:
    """The sources of a task or a group; `entries` are all of the pipeline, by full id."""

    def found(values: Any) -> tuple[str, ...]:
        names = (reference.task_id for reference in references_in(values))
        return tuple(dict.fromkeys(known for name in names if (known := one.scope.find(name, entries)) is not None))

    arguments = dict(one.entry.written_arguments) if isinstance(one.entry, TaskBase) else {}
    return Sources(found(arguments), found([one.entry.expand, one.entry.expand_kwargs]))
