"""`poll` and `tasks` → task groups, operators and the edges between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING, Any

from airflow.sdk import DAG, TaskGroup

from factory.build.built_ins import imported_operator
from factory.build.edges import Placed, Sources, TaskReferences, draw_edges, placed, sources_of
from factory.build.errors import BuildError, BuildErrors
from factory.build.operators import EMPTY_OPERATOR, OperatorBuilder
from factory.build.settings import build_settings
from factory.build.values import without_file
from schemas.findings.paths import DataPath
from schemas.model import task as language
from schemas.model.pipeline import Pipeline

if TYPE_CHECKING:
    from airflow.sdk.types import Operator

# Same name and meaning in the language and in airflow.sdk.TaskGroup; what is not written is left to Airflow.
_AS_WRITTEN = ("group_display_name", "tooltip", "doc_md", "ui_color", "ui_fgcolor")
# Imports inside functions: every process that parses a DAG pays for its imports again.
# ruff: noqa: PLC0415


def build_tasks(pipeline: Pipeline, dag: DAG, builder: OperatorBuilder) -> list[BuildError]:
    """Put all groups, tasks and edges into the DAG, inside its `with dag:`; return what is wrong, in document order."""
    entries = {entry.full_id: entry for entry in placed(pipeline)}
    sources = {full_id: sources_of(entry, entries) for full_id, entry in entries.items()}
    operators: dict[str, Operator] = {}
    groups: dict[str, TaskGroup] = {}
    errors: dict[str, BuildErrors] = {}
    for full_id in _build_order(entries, sources):
        entry = entries[full_id]
        if any(group.full_id in errors for group in entry.around):
            continue  # without its group it has no place
        group = groups[entry.group.full_id] if entry.group is not None else None
        references = TaskReferences(entry, operators, group)
        found = BuildErrors()
        with found.collected():
            if isinstance(entry.entry, language.TaskGroup):
                groups[full_id] = _build_group(entry.entry, entry.path, references, dag, builder)
            else:
                operators[full_id] = builder.build(entry.entry, entry.path, references)
        if found:
            errors[full_id] = found
            # The tasks that refer to it are still built, to find their errors too.
            # No label has a dot, and one that failed halfway may already hold its own id.
            operators[full_id] = imported_operator(EMPTY_OPERATOR)(task_id=f"{full_id[:200]}.failed")
    if not errors:
        draw_edges(entries, sources, {**groups, **operators}, with_poll=pipeline.poll is not None)
    return [error for full_id in entries for error in errors.get(full_id, ())]


def _build_order(entries: Mapping[str, Placed], sources: Mapping[str, Sources]) -> Sequence[str]:
    """A reference holds the operator it reads from, and a task its group, so these have to be there first."""
    before = {
        full_id: {*sources[full_id].arguments, *sources[full_id].mapped, *([g.full_id] if (g := entry.group) else [])}
        for full_id, entry in entries.items()
    }
    return list(TopologicalSorter(before).static_order())


def _build_group(
    group: language.TaskGroup, path: DataPath, references: TaskReferences, dag: DAG, builder: OperatorBuilder
) -> TaskGroup:
    """The Airflow group of one at `path`, still empty, in the group that `references` are about.

    Raises BuildError, or an ExceptionGroup of them.
    """
    parent = references.group if references.group is not None else dag.task_group
    settings: dict[str, Any] = {}
    if group.default_args is not None:
        defaults = {**dag.default_args, **parent.default_args}
        settings = build_settings(group.default_args, (*path, "default_args"), defaults, builder.objects)
    if group.notifications is not None:
        from factory.build.notifications import build_callbacks

        settings |= build_callbacks(group.notifications, (*path, "notifications"), builder.objects)
    arguments = {name: str(value) for name in _AS_WRITTEN if (value := getattr(group, name)) is not None}
    if "doc_md" in arguments:
        arguments["doc_md"] = without_file(arguments["doc_md"])
    whole: dict[str, Any] = {
        **arguments,
        "group_id": group.id,
        "prefix_group_id": group.prefix_group_id,
        "parent_group": parent,
        "default_args": settings,
    }
    try:
        if group.expand is None and group.expand_kwargs is None:
            return TaskGroup(**whole)
        from factory.build.mapped import mapped_group

        return mapped_group(group.expand, group.expand_kwargs, references, whole)
    except Exception as error:  # attrs validators and Airflow's own raise several types
        raise BuildError.refused((*path, "id"), error) from error
