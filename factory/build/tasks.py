"""`poll` and `tasks` → task groups, operators and the edges between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING

from airflow.sdk import DAG, TaskGroup

from factory.build.built_ins import imported_operator
from factory.build.edges import Placed, Sources, draw_edges, placed, sources_of
from factory.build.errors import BuildError
from factory.build.groups import build_group
from factory.build.operators import EMPTY_OPERATOR, OperatorBuilder
from factory.build.references import TaskReferences
from schemas.model import task as language
from schemas.model.pipeline import Pipeline

if TYPE_CHECKING:
    from airflow.sdk.types import Operator


def build_tasks(pipeline: Pipeline, dag: DAG, builder: OperatorBuilder) -> list[BuildError]:
    """Put all groups, tasks and edges into the DAG, inside its `with dag:`; return what is wrong, in document order."""
    entries = {one.full_id: one for one in placed(pipeline)}
    sources = {full_id: sources_of(one, entries) for full_id, one in entries.items()}
    operators: dict[str, Operator] = {}
    groups: dict[str, TaskGroup] = {}
    errors: dict[str, Sequence[BuildError]] = {}
    for full_id in _order(entries, sources):
        one = entries[full_id]
        if any(group.full_id in errors for group in one.around):
            continue  # without its group it has no place
        group = groups[one.group.full_id] if one.group is not None else None
        references = TaskReferences(one, operators, group)
        try:
            if isinstance(one.entry, language.TaskGroup):
                groups[full_id] = build_group(one.entry, one.path, references, dag, builder.objects)
            else:
                operators[full_id] = builder.build(one.entry, one.path, references)
        except* BuildError as found:
            errors[full_id] = [error for error in found.exceptions if isinstance(error, BuildError)]
            # Tasks behind it are built all the same: their errors are wanted too.
            # No label has a dot, and one that failed halfway may already hold its own id.
            operators[full_id] = imported_operator(EMPTY_OPERATOR)(task_id=f"{full_id[:200]}.failed")
    if not errors:
        draw_edges(entries, sources, {**groups, **operators}, with_poll=pipeline.poll is not None)
    return [error for full_id in entries for error in errors.get(full_id, ())]


def _order(entries: Mapping[str, Placed], sources: Mapping[str, Sources]) -> list[str]:
    """A reference holds the operator it reads from, and a task its group, so these have to be there first."""
    before = {
        full_id: [
            *sources[full_id].arguments,
            *sources[full_id].mapped,
            *([one.group.full_id] if one.group is not None else []),
        ]
        for full_id, one in entries.items()
    }
    return list(TopologicalSorter(before).static_order())
