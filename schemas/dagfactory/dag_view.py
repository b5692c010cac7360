"""What the rules of dag-factory's language look at: one DAG, with its defaults, as it is written, right or wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from schemas.compose.env_values import EnvText
from schemas.findings.paths import DataPath
from schemas.rules.subject import Subject


@dataclass(frozen=True, slots=True)
class Part:
    """A task or a task group; `path` leads to its mapping."""

    path: DataPath
    id: str
    data: Mapping[str, Any]

    @property
    def dependencies(self) -> Iterator[tuple[DataPath, str]]:
        """The ids it waits for, each with its path."""
        written = self.data.get("dependencies")
        for index, other in enumerate(written if isinstance(written, list) else ()):
            if isinstance(other, str):
                yield (*self.path, "dependencies", index), other

    @property
    def group(self) -> str | None:
        """The group that a task is put into."""
        name = self.data.get("task_group_name")
        return name if isinstance(name, str) and name else None


@dataclass(frozen=True)
class DagView:
    """One DAG. `subject` turns paths of its effective document into findings."""

    id: str
    subject: Subject = field(repr=False)

    @property
    def data(self) -> Mapping[str, Any]:
        return self.subject.data

    @cached_property
    def tasks(self) -> Mapping[str, Part]:
        """By id, in the document's order; of two with one id the first."""
        return _parts(self.data.get("tasks"), "tasks", "task_id")

    @cached_property
    def groups(self) -> Mapping[str, Part]:
        return _parts(self.data.get("task_groups"), "task_groups", "group_name")

    @cached_property
    def parts(self) -> Mapping[str, Part]:
        """What `dependencies` may name."""
        return {**self.tasks, **self.groups}

    @cached_property
    def built_as(self) -> Mapping[str, Part]:
        """The names by which references find tasks: that of an operator holds its groups."""
        return {self._full_id(t) if "operator" in t.data else t.id: t for t in self.tasks.values()}

    @property
    def settings(self) -> Iterator[tuple[DataPath, Any]]:
        """What holds settings of tasks, with its path: `default_args` of the DAG and of its groups, and the tasks."""
        yield ("default_args",), self.data.get("default_args")
        for group in self.groups.values():
            yield (*group.path, "default_args"), group.data.get("default_args")
        for task in self.tasks.values():
            yield task.path, task.data

    def groups_around(self, part: Part) -> Iterator[Part]:
        """The groups that a task or a group lies in, the nearest first."""
        for _ in self.groups:
            name = part.data.get("parent_group_name") if self.groups.get(part.id) is part else part.group
            group = self.groups.get(name) if isinstance(name, str) else None
            if group is None:
                return
            yield group
            part = group

    def _full_id(self, task: Part) -> str:
        names = [task.id]
        for group in self.groups_around(task):
            if group.data.get("prefix_group_id") is False:
                break
            names.insert(0, group.id)
        return ".".join(names)

    @cached_property
    def build_order(self) -> Mapping[str, int]:
        """Task id → when dag-factory builds it; tasks of a cycle have no place (`topological_sort_tasks`)."""
        waits = {
            task.id: {other for _, other in task.dependencies if other in self.tasks} for task in self.tasks.values()
        }
        behind: dict[str, list[str]] = {task_id: [] for task_id in waits}
        for task_id, others in waits.items():
            for other in others:
                behind[other].append(task_id)
        left = {task_id: len(others) for task_id, others in waits.items()}
        ready = [task_id for task_id, count in left.items() if not count]
        for task_id in ready:
            for following in behind[task_id]:
                left[following] -= 1
                if not left[following]:
                    ready.append(following)
        return {task_id: place for place, task_id in enumerate(ready)}


def shown(value: object) -> str:
    """A text as a message may repeat it: what came from the environment stays as the document says it."""
    return value.expression if isinstance(value, EnvText) else str(value)


def _parts(written: Any, key: str, id_key: str) -> dict[str, Part]:
    found: dict[str, Part] = {}
    if isinstance(written, dict):
        for name, data in written.items():
            if isinstance(data, dict):
                found[name] = Part((key, name), name, data)
    elif isinstance(written, list):
        for index, data in enumerate(written):
            name = data.get(id_key) if isinstance(data, dict) else None
            if isinstance(name, str):
                found.setdefault(name, Part((key, index), name, data))
    return found
