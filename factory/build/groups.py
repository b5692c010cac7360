"""An entry of `tasks` that holds tasks → Airflow's task group."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow.sdk import DAG
from airflow.sdk import TaskGroup as AirflowTaskGroup

from factory.build.errors import BuildError, one_line
from factory.build.objects import ObjectBuilder
from factory.build.references import TaskReferences
from factory.build.settings import build_settings
from schemas.findings.paths import DataPath
from schemas.model.task import TaskGroup

# Same name and meaning in the language and in airflow.sdk.TaskGroup; what is not written is left to Airflow.
_AS_WRITTEN = ("group_display_name", "tooltip", "doc_md", "ui_color", "ui_fgcolor")


def build_group(
    group: TaskGroup, path: DataPath, references: TaskReferences, dag: DAG, objects: ObjectBuilder
) -> AirflowTaskGroup:
    """The Airflow group of one that stands at `path`, empty, in the group that `references` are about.

    Raises an ExceptionGroup of BuildErrors.
    """
    parent = references.group if references.group is not None else dag.task_group
    defaults = {**dag.default_args, **parent.default_args}
    settings = _settings(group, path, defaults, objects)
    try:
        return _build(group, parent, settings, references)
    except Exception as error:  # attrs validators and Airflow's own raise several types
        refused = BuildError((*path, "id"), f"Airflow refused it: {one_line(error)}")
        raise ExceptionGroup("group", [refused]) from error


def _settings(group: TaskGroup, path: DataPath, defaults: Mapping[str, Any], objects: ObjectBuilder) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    if group.default_args is not None:
        settings = build_settings(group.default_args, (*path, "default_args"), defaults, objects)
    if group.notifications is not None:
        # Imported where it is used: every import is paid again in each process that parses a DAG.
        from factory.build.notifications import build_callbacks  # noqa: PLC0415

        settings |= build_callbacks(group.notifications, (*path, "notifications"), objects.code)
    return settings


def _build(group: TaskGroup, parent: AirflowTaskGroup, settings: Any, references: TaskReferences) -> AirflowTaskGroup:
    arguments: dict[str, Any] = {
        name: str(value) for name in _AS_WRITTEN if (value := getattr(group, name)) is not None
    }
    if arguments.get("doc_md", "").endswith(".md"):
        # Airflow would read the file of that name, any file of the machine.
        arguments["doc_md"] += "\n"
    arguments |= {"group_id": group.id, "prefix_group_id": group.prefix_group_id, "parent_group": parent}
    arguments["default_args"] = settings
    if group.expand is None and group.expand_kwargs is None:
        return AirflowTaskGroup(**arguments)
    # Only pipelines that map pay for the import.
    from factory.build.mapped import build_expand_input, mapped_group  # noqa: PLC0415

    return mapped_group(build_expand_input(group.expand, group.expand_kwargs, references), arguments)
