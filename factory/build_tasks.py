"""`poll` and `tasks` → task groups, operators and the edges between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from graphlib import TopologicalSorter

from airflow.sdk import DAG, BaseOperator

from factory.build_edges import draw_edges
from factory.build_groups import build_groups
from factory.build_operators import EMPTY_OPERATOR, OperatorBuilder, named_operator
from factory.build_values import Resolver, references_in
from factory.errors import BuildError
from factory.placement import Placed, placed
from factory.xcom_selection import XComSelection
from schemas.pipeline import Pipeline
from schemas.references import TaskReference
from schemas.task import TaskGroup


def build_tasks(pipeline: Pipeline, dag: DAG, builder: OperatorBuilder) -> list[BuildError]:
    """Put all groups, tasks and edges into the DAG, inside its `with dag:`; return what is wrong, in document order."""
    entries = {one.full_id: one for one in placed(pipeline)}
    groups, refused = build_groups(entries.values(), dag, builder.objects)
    if refused:
        return refused
    sources = {full_id: _sources(one, entries) for full_id, one in entries.items()}
    operators: dict[str, BaseOperator] = {}
    errors: dict[str, Sequence[BuildError]] = {}
    # A reference holds the operator it reads from, so that one has to be there first.
    for full_id in TopologicalSorter(sources).static_order():
        one = entries[full_id]
        if isinstance(one.entry, TaskGroup):
            continue
        group = groups[one.group.full_id] if one.group is not None else None
        try:
            operators[full_id] = builder.build(one.entry, one.path, _resolver(one, operators), group)
        except* BuildError as found:
            errors[full_id] = [error for error in found.exceptions if isinstance(error, BuildError)]
            # Tasks behind it are built all the same: their errors are wanted too.
            # No label has a dot, and one that failed halfway may already hold its own id.
            operators[full_id] = named_operator(EMPTY_OPERATOR)(task_id=f"{full_id[:200]}.failed")
    if not errors:
        draw_edges(entries, sources, {**groups, **operators}, with_poll=pipeline.poll is not None)
    return [error for full_id in entries for error in errors.get(full_id, ())]


def _sources(one: Placed, entries: Mapping[str, Placed]) -> tuple[str, ...]:
    """The tasks whose output a task takes, in the order they are written."""
    if isinstance(one.entry, TaskGroup):
        return ()
    named = (reference.task_id for reference in references_in(dict(one.entry.written_arguments)))
    return tuple(dict.fromkeys(found for name in named if (found := one.scope.find(name, entries)) is not None))


def _resolver(one: Placed, operators: Mapping[str, BaseOperator]) -> Resolver:
    def resolver(reference: TaskReference, *, as_text: bool) -> XComSelection:
        full_id = one.scope.find(reference.task_id, operators) or reference.task_id
        return XComSelection(operators[full_id], replace(reference, task_id=full_id), as_text=as_text)

    return resolver
