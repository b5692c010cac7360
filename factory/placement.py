"""Where each task and group of a pipeline stands: its place in the document, its full id, the group around it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from schemas.data_path import DataPath
from schemas.pipeline import Pipeline
from schemas.task import TaskBase, TaskGroup
from schemas.task_names import Scope


@dataclass(frozen=True)
class Placed:
    """An entry of `tasks`, or the poll. `scope` is where its `needs` and references are looked up."""

    entry: TaskBase | TaskGroup
    path: DataPath
    scope: Scope
    group: Placed | None

    @property
    def full_id(self) -> str:
        """Airflow's id of it."""
        return self.scope.full_id(self.entry.id)

    @property
    def is_group(self) -> bool:
        """Whether it holds tasks."""
        return isinstance(self.entry, TaskGroup)

    @property
    def around(self) -> Iterator[Placed]:
        """The groups around it, from the nearest on."""
        group = self.group
        while group is not None:
            yield group
            group = group.group


def placed(pipeline: Pipeline) -> tuple[Placed, ...]:
    """All tasks and groups, in document order: the poll first, a group right before what it holds."""
    found: list[Placed] = []
    if pipeline.poll is not None:
        found.append(Placed(pipeline.poll.as_task(), ("poll",), Scope(), None))
    found += _placed(pipeline.tasks or (), (), Scope(), None)
    return tuple(found)


def _placed(
    entries: Sequence[TaskBase | TaskGroup], path: DataPath, scope: Scope, group: Placed | None
) -> Iterator[Placed]:
    for index, entry in enumerate(entries):
        one = Placed(entry, (*path, "tasks", index), scope, group)
        yield one
        if isinstance(entry, TaskGroup):
            inside = scope.inside(entry.id, prefix_group_id=entry.prefix_group_id)
            yield from _placed(entry.tasks, one.path, inside, one)
