"""Entries of `tasks` that hold tasks → Airflow's task groups."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from airflow.sdk import DAG
from airflow.sdk import TaskGroup as AirflowTaskGroup

from factory.build_objects import ObjectBuilder
from factory.build_settings import build_settings
from factory.errors import BuildError, one_line
from factory.placement import Placed
from schemas.data_path import DataPath
from schemas.task import TaskGroup

# Same name and meaning in the language and in airflow.sdk.TaskGroup; what is not written is left to Airflow.
_AS_WRITTEN = ("group_display_name", "tooltip", "doc_md", "ui_color", "ui_fgcolor")


def build_groups(
    entries: Iterable[Placed], dag: DAG, objects: ObjectBuilder
) -> tuple[dict[str, AirflowTaskGroup], list[BuildError]]:
    """Task groups by full id, and what Airflow refused; `entries` hold a group before what is in it."""
    groups: dict[str, AirflowTaskGroup] = {}
    errors: list[BuildError] = []
    for one in entries:
        if isinstance(one.entry, TaskGroup):
            parent = groups.get(one.group.full_id, dag.task_group) if one.group is not None else dag.task_group
            try:
                defaults = {**dag.default_args, **parent.default_args}
                settings = _settings(one.entry, one.path, defaults, objects)
                groups[one.full_id] = _build(one.entry, parent, settings)
            except* BuildError as group:
                errors += [error for error in group.exceptions if isinstance(error, BuildError)]
            except* Exception as error:  # attrs validators and Airflow's own raise several types
                errors += [
                    BuildError((*one.path, "id"), f"Airflow refused it: {one_line(e)}") for e in error.exceptions
                ]
    return groups, errors


def _settings(group: TaskGroup, path: DataPath, defaults: Mapping[str, Any], objects: ObjectBuilder) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    if group.default_args is not None:
        settings = build_settings(group.default_args, (*path, "default_args"), defaults, objects)
    if group.notifications is not None:
        # Imported where it is used: every import is paid again in each process that parses a DAG.
        from factory.build_notifications import build_callbacks  # noqa: PLC0415

        settings |= build_callbacks(group.notifications, (*path, "notifications"), objects.code)
    return settings


def _build(group: TaskGroup, parent: AirflowTaskGroup, settings: Any) -> AirflowTaskGroup:
    arguments: dict[str, Any] = {
        name: str(value) for name in _AS_WRITTEN if (value := getattr(group, name)) is not None
    }
    if arguments.get("doc_md", "").endswith(".md"):
        # Airflow would read the file of that name, any file of the machine.
        arguments["doc_md"] += "\n"
    return AirflowTaskGroup(
        group_id=group.id,
        prefix_group_id=group.prefix_group_id,
        parent_group=parent,
        default_args=settings,
        **arguments,
    )
