"""Places of a document in a person's words, and the values there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from schemas.compose.effective import Effective
from schemas.findings.paths import DataPath, task_path
from schemas.model.task import is_group


def value_at(data: Any, path: DataPath) -> Any:
    """The value at a path; None where there is none."""
    for element in path:
        is_there = isinstance(data, list) or (isinstance(data, dict) and element in data)
        if not is_there:
            return None
        data = data[element]
    return data


def mapping_at(data: Any, path: DataPath) -> Mapping[str, Any]:
    """The mapping at a path; an empty one where there is none."""
    found = value_at(data, path)
    return found if isinstance(found, dict) else {}


def name(path: DataPath, document: Effective) -> str:
    """The key a person knows a value by."""
    for end in range(len(path), 0, -1):
        if isinstance(path[end - 1], str):
            key = f"`{path[end - 1]}`"
            return key if end == len(path) else f"item {document.number(path[: end + 1])} of {key}"
    return "the file"


def place(path: DataPath, document: Effective) -> str:
    """Where a key is: "in `poll`", "in task `load`", "at the top level"."""
    if not path:
        return "at the top level"
    task_at = task_path(path)
    if task_at:
        entry = value_at(document.data, task_at)
        task_id = entry.get("id") if isinstance(entry, dict) else None
        kind = "group" if is_group(entry) else "task"
        task = f"{kind} `{task_id}`" if isinstance(task_id, str) else f"{kind} {document.number(task_at)}"
        return f"in {task}" if path == task_at else f"in {name(path, document)} of {task}"
    return f"in {name(path, document)}"
