"""What tasks and groups are called, from where."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from schemas.dagfactory.dag_view import DagView, Part
from schemas.findings.paths import Scope


@dataclass(frozen=True)
class Names:
    """The names of one DAG's tasks and groups."""

    dag: DagView

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
        for group in reversed(list(self.dag.groups_around(part))):
            scope = scope.inside(group.id, prefix_group_id=group.data.get("prefix_group_id") is not False)
        return scope
