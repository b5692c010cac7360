"""Where tasks stand in a document: `("tasks", 2)`, and inside a group `("tasks", 2, "tasks", 0)`."""

from __future__ import annotations

from schemas.data_path import DataPath


def task_path(path: DataPath) -> DataPath:
    """The leading part of a path that leads to the innermost entry of `tasks`; empty outside of tasks."""
    end = 0
    while len(path) >= end + 2 and path[end] == "tasks" and isinstance(path[end + 1], int):
        end += 2
    return path[:end]


def is_task_list(path: DataPath) -> bool:
    """Whether a path leads to the pipeline's `tasks`, or to those of a group."""
    return path[-1:] == ("tasks",) and task_path(path) == path[:-1]
