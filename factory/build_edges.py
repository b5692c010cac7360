"""What waits for what → Airflow's edges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING

from airflow.sdk import TaskGroup as AirflowTaskGroup
from airflow.sdk.definitions.taskgroup import MappedTaskGroup

from factory.build_values import references_in
from factory.placement import Placed
from factory.sources import Sources
from schemas.poll import POLL_TASK_ID
from schemas.task import TaskBase

if TYPE_CHECKING:
    from airflow.sdk.types import Operator

Nodes = Mapping[str, "Operator | AirflowTaskGroup"]


def draw_edges(entries: Mapping[str, Placed], sources: Mapping[str, Sources], nodes: Nodes, *, with_poll: bool) -> None:
    """Set every edge: a `needs`, a `teardown`, a reference (`sources`), or the poll's: what waits for no other starts
    after it.

    A mapped operator has the edges from what it is mapped over already, a mapped group has not.
    """
    targets = {full_id: _targets(one, entries, sources[full_id], with_poll) for full_id, one in entries.items()}
    for full_id in _order(entries, targets):
        node = nodes[full_id]
        for target in targets[full_id]:
            if target not in node.upstream_task_ids:
                nodes[target].set_downstream(node)  # as `target >> node` would
        for source in node.iter_mapped_dependencies() if isinstance(node, MappedTaskGroup) else ():
            if source.task_id not in node.upstream_task_ids:
                source.set_downstream(node)


def _targets(one: Placed, entries: Mapping[str, Placed], sources: Sources, with_poll: bool) -> Sequence[str]:
    setups = one.entry.teardown or () if isinstance(one.entry, TaskBase) else ()
    named = (*one.entry.needs, *setups)
    needs = [found for name in named if (found := one.scope.find(name, entries)) is not None]
    needed = list(dict.fromkeys((*needs, *sources.arguments)))
    if (
        needed
        or sources.mapped
        or not with_poll
        or one.full_id == POLL_TASK_ID
        or any(_waits(group) for group in one.around)
    ):
        return needed
    return [] if one.is_group else [POLL_TASK_ID]


def _waits(group: Placed) -> bool:
    """Whether a group waits for something, so that all in it do."""
    return bool(group.entry.needs or next(references_in([group.entry.expand, group.entry.expand_kwargs]), None))


def _order(entries: Mapping[str, Placed], targets: Mapping[str, Sequence[str]]) -> list[str]:
    """Full ids so that a group's own edges are there before it takes part in one: only then are its first and last
    tasks known to Airflow."""
    edges_of: dict[tuple[str, bool], set[tuple[str, bool]]] = {}  # (id, whether all inside it counts, too)
    for full_id, one in entries.items():
        before = edges_of.setdefault((full_id, False), set())
        before |= {(target, True) for target in targets[full_id] if entries[target].is_group}
        if one.is_group:
            before.add((full_id, True))
        if one.group is not None:
            inside = edges_of.setdefault((one.group.full_id, True), set())
            inside |= {(full_id, False)}
    return [full_id for full_id, inside in TopologicalSorter(edges_of).static_order() if not inside]
