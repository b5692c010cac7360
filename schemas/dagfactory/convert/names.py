"""What tasks and groups are called, from where."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from schemas.dagfactory.dag_view import DagView, Part
from schemas.task_names import Scope


@dataclass(frozen=True)
class Names:
    """The names of one DAG's tasks and groups."""

    dag: DagView

    def group_of(self, part: Part) -> Part | None:
        """The group that a task or a group lies in."""
        name = part.data.get("parent_group_name") if part.id in self.dag.groups and self._is_group(part) else part.group
        return self.dag.groups.get(name) if isinstance(name, str) else None

    def around(self, part: Part) -> Iterator[Part]:
        """The groups that it lies in, the nearest first."""
        group = self.group_of(part)
        for _ in self.dag.groups:
            if group is None:
                return
            yield group
            group = self.group_of(group)

    def named(self, part: Part, other: Part) -> str:
        """What `other` is called in `needs` and references of `part`."""
        scope = self._scope(part)
        full_id = self.full_id(other)
        names = (full_id.removeprefix(prefix) for prefix in scope.prefixes if full_id.startswith(prefix))
        return next((name for name in names if scope.find(name, self._known) == full_id), full_id)

    def full_id(self, part: Part) -> str:
        """What Airflow calls it."""
        return self._scope(part).full_id(part.id)

    @cached_property
    def _known(self) -> frozenset[str]:
        parts = (*self.dag.tasks.values(), *self.dag.groups.values())
        return frozenset(self.full_id(part) for part in parts)

    def _scope(self, part: Part) -> Scope:
        scope = Scope()
        for group in reversed(list(self.around(part))):
            scope = scope.inside(group.id, prefix_group_id=group.data.get("prefix_group_id") is not False)
        return scope

    def _is_group(self, part: Part) -> bool:
        return self.dag.groups[part.id] is part
