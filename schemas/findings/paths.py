"""Paths to values in plain data, such as `("tasks", 2, "with", "rows")`, and the full ids of tasks."""

from __future__ import annotations

import re
from collections.abc import Container
from typing import Any, NamedTuple

DataPath = tuple[str | int, ...]

OUTWARD = "^"
"""Before the id in a reference that was written outside of the template that it now is in; nobody writes it."""


def without_marks(text: str) -> str:
    """A text about a value as its author knows it: without these marks."""
    return re.sub(rf"(?<=\$\{{tasks\.){re.escape(OUTWARD)}+", "", text) if OUTWARD in text else text


class Walked(NamedTuple):
    """The contents of a value: every text with its path, and the path of every key of every mapping."""

    texts: list[tuple[DataPath, str]]
    keys: list[DataPath]


def count(value: Any) -> int:
    """How many values a value is, itself and all in it."""
    if isinstance(value, dict):
        return 1 + sum(map(count, value.values()))
    return 1 + sum(map(count, value)) if isinstance(value, list) else 1


def walk(value: Any) -> Walked:
    """Texts and keys of a value, in the order of the document."""
    found = Walked([], [])
    _walk(value, (), found)
    return found


def _walk(value: Any, path: DataPath, found: Walked) -> None:
    # Lists are filled, nothing is yielded: generators in each other cost several times as much.
    if isinstance(value, str):
        found.texts.append((path, value))
    elif isinstance(value, dict):
        for key, child in value.items():
            place = (*path, key)
            found.keys.append(place)
            if isinstance(child, str):
                found.texts.append((place, child))
            else:
                _walk(child, place, found)
    elif isinstance(value, list):
        for index, child in enumerate(value):
            _walk(child, (*path, index), found)


def with_value(data: Any, path: DataPath, value: Any) -> Any:
    """A copy of `data` with another value at `path`."""
    if not path:
        return value
    copy: Any = list(data) if isinstance(data, list) else dict(data)
    copy[path[0]] = with_value(data[path[0]], path[1:], value)
    return copy


def task_path(path: DataPath) -> DataPath:
    """The leading part of a path that leads to the innermost entry of `tasks`; empty outside of tasks."""
    end = 0
    while len(path) >= end + 2 and path[end] == "tasks" and isinstance(path[end + 1], int):
        end += 2
    return path[:end]


def is_task_list(path: DataPath) -> bool:
    """Whether a path leads to the pipeline's `tasks`, or to those of a group."""
    return path[-1:] == ("tasks",) and task_path(path) == path[:-1]


class Scope(NamedTuple):
    """Where the names of tasks are looked up: with each of the `prefixes`, the own group's first, the file's last.

    Airflow's rule (airflow.sdk TaskGroup.child_id): a group puts its id and a dot before the ids inside it, unless its
    `prefix_group_id` is false; then these have no prefix, not even those of the groups around it.
    """

    prefixes: tuple[str, ...] = ("",)

    def full_id(self, label: str) -> str:
        """The full id of the task or group `label` in this scope."""
        return self.prefixes[0] + label

    def inside(self, label: str, *, prefix_group_id: bool) -> Scope:
        """The scope inside the group `label` of this scope."""
        return Scope((f"{self.full_id(label)}." if prefix_group_id else "", *self.prefixes))

    def find(self, name: str, known: Container[str]) -> str | None:
        """The full id for a name: in the own group, or else in the groups around it; None if there is none.

        Each `^` before it leaves out one group: the name is one of the caller's, in a template's task.
        """
        written = name.lstrip(OUTWARD)
        prefixes = self.prefixes[min(len(name) - len(written), len(self.prefixes) - 1) :]
        return next((prefix + written for prefix in prefixes if prefix + written in known), None)
