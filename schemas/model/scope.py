"""How tasks are called: by their full id, or from inside a group by what follows the group's.

Airflow's own rule (airflow.sdk TaskGroup.child_id): a group puts its id and a dot before the ids inside it, unless its
`prefix_group_id` is false; then nothing stands before them, not even what the groups around it would put there.
"""

from __future__ import annotations

from collections.abc import Container
from typing import NamedTuple


class Scope(NamedTuple):
    """Where names are looked up: `prefixes` are what may stand before one, the own group's first, the file's last."""

    prefixes: tuple[str, ...] = ("",)

    def full_id(self, label: str) -> str:
        """The full id of what is called `label` in this scope."""
        return self.prefixes[0] + label

    def inside(self, label: str, *, prefix_group_id: bool) -> Scope:
        """The scope inside the group that is called `label` in this one."""
        return Scope((f"{self.full_id(label)}." if prefix_group_id else "", *self.prefixes))

    def find(self, name: str, known: Container[str]) -> str | None:
        """The full id that a name means here: one of the own group, else of those around it; None for no such."""
        return next((prefix + name for prefix in self.prefixes if prefix + name in known), None)
