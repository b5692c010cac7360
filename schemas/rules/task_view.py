"""A task or a group as a rule sees it: as it is in the document, right or wrong."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple

from schemas.findings.paths import DataPath, Scope
from schemas.model.fields import OBJECT
from schemas.model.settings import SETTING_KEYS
from schemas.model.task import TEMPLATE, is_group
from schemas.model.task_base import POLL_TASK_ID

_ID = r"[\w.-]+"

ROW_FILE = re.compile(r".*\.(?P<format>jsonl|ndjson|json|csv|parquet)(?:(?<!parquet)\.gz)?", re.IGNORECASE | re.DOTALL)
"""The name of a file of rows, which says its format."""
FILLED = ("url", "endpoint", "headers", "params", "json", "data", "body")
"""Keys in whose texts `${cursor.…}`, `${each.…}` and `${expand.…}` may be."""


class TaskView(NamedTuple):
    """A task or a group as it is in the document; `path` leads to it, `with_path` to its arguments.

    `scope` is where it is named, and where its `needs`, its `teardown` and references are looked up.
    """

    path: DataPath
    entry: Mapping[str, Any]
    id: str | None
    scope: Scope
    uses: str | None
    with_path: DataPath
    arguments: Mapping[str, Any]
    needs: tuple[tuple[DataPath, str], ...]
    teardown: tuple[tuple[DataPath, str], ...]
    is_group: bool

    @property
    def full_id(self) -> str | None:
        """Airflow's id of it; None where it has none."""
        return self.scope.full_id(self.id) if self.id is not None else None

    @property
    def id_path(self) -> DataPath:
        return (*self.path, "id") if self.path != ("poll",) else self.path

    @property
    def function_of_branch(self) -> tuple[DataPath, Any] | None:
        """The path of the function that chooses for a branch, after where it is written; None for other tasks."""
        path, written = (*self.with_path, "python_callable"), self.arguments.get("python_callable")
        if self.uses == "branch":
            return path, written
        is_class = self.uses is not None and self.uses.endswith(".BranchPythonOperator") and isinstance(written, dict)
        return ((*path, OBJECT), written.get(OBJECT)) if is_class and isinstance(written, dict) else None

    @property
    def followed(self) -> tuple[tuple[tuple[DataPath, str], ...], ...]:
        """The ids that a branch by a condition chooses in each case, with their paths."""
        if "follow_task_ids_if_true" not in self.arguments:
            return ()
        found = []
        for key in ("follow_task_ids_if_true", "follow_task_ids_if_false"):
            written, path = self.arguments.get(key), (*self.with_path, key)
            several = enumerate(written) if isinstance(written, list) else ()
            ids = [(path, written)] if isinstance(written, str) else [((*path, n), one) for n, one in several]
            found.append(tuple((place, one) for place, one in ids if isinstance(one, str)))
        return tuple(found) if all(found) else ()

    @property
    def may_skip(self) -> bool:
        """Whether something that is written may skip it, or what waits for it."""
        name = (self.uses or "").rpartition(".")[2]
        chooses = name in ("branch", "short_circuit", "latest_only") or re.search("Branch|ShortCircuit|Latest", name)
        is_set = not self.entry.keys().isdisjoint(("run_if", "skip_if")) or self.arguments.get("soft_fail") is True
        return bool(chooses) or is_set or self.entry.get("trigger_rule") in ("one_failed", "all_failed", "all_skipped")

    @property
    def is_mapped(self) -> bool:
        """Whether a run of the DAG makes several of it."""
        return self.path != ("poll",) and ("expand" in self.entry or "expand_kwargs" in self.entry)

    @property
    def mapped(self) -> Mapping[str, DataPath] | None:
        """The names that `expand` or `expand_kwargs` give values, each with the path of one; None where only a run
        knows them."""
        if self.path == ("poll",):
            return {}
        expand, rows = self.entry.get("expand"), self.entry.get("expand_kwargs")
        if rows is not None and not isinstance(rows, list):
            return None
        found: dict[str, DataPath] = {}
        for name in expand if isinstance(expand, dict) else ():
            found[name] = (*self.path, "expand", name)
        for index, row in enumerate(rows or ()):
            for name in row if isinstance(row, dict) else ():
                found.setdefault(name, (*self.path, "expand_kwargs", index, name))
        return found

    @property
    def given(self) -> Iterator[tuple[str, DataPath, Any]]:
        """Every value that is written for an argument: in `with`, and each that the task is mapped over."""
        for name, value in self.arguments.items():
            yield name, (*self.with_path, name), value
        if self.is_mapped:
            yield from self.given_to_each

    @property
    def given_to_each(self) -> Iterator[tuple[str, DataPath, Any]]:
        """The values that are written in `expand` and `expand_kwargs`, one for each mapped task."""
        expand, rows = self.entry.get("expand"), self.entry.get("expand_kwargs")
        for name, values in expand.items() if isinstance(expand, dict) else ():
            for index, value in enumerate(values if isinstance(values, list) else ()):
                yield name, (*self.path, "expand", name, index), value
        for index, row in enumerate(rows if isinstance(rows, list) else ()):
            for name, value in row.items() if isinstance(row, dict) else ():
                yield name, (*self.path, "expand_kwargs", index, name), value

    def takes_output(self, path: DataPath) -> bool:
        """Whether a task's output is allowed at a path: an argument, what a task or a group is mapped over, or, in a
        list that a task is mapped over, an argument of one of its tasks."""
        if len(path) > len(self.with_path) and path[: len(self.with_path)] == self.with_path:
            return True
        return self.is_mapped_over(path) or (not self.is_group and self.argument_at(path) is not None)

    def is_mapped_over(self, path: DataPath) -> bool:
        """Whether a path is that of all values that a task or a group is mapped over."""
        inside = path[len(self.path) :]
        return inside == ("expand_kwargs",) or (len(inside) == 2 and inside[0] == "expand")

    def argument_at(self, path: DataPath) -> str | None:
        """The argument that the value at a path is, or is a part of."""
        inside = path[len(self.path) :]
        depth = {"with": 1, "expand": 1, "expand_kwargs": 2}.get(str(inside[0]), len(inside)) if inside else 0
        depth = 0 if self.path == ("poll",) else depth
        return str(inside[depth]) if len(inside) > depth else None


def poll_view(poll: Mapping[str, Any]) -> TaskView:
    """`poll` as the task that it means."""
    request = {key: value for key, value in poll.items() if key not in SETTING_KEYS}
    return TaskView(("poll",), poll, POLL_TASK_ID, Scope(), "http", ("poll",), request, (), (), is_group=False)


def task_views(entries: Any, path: DataPath = ("tasks",), scope: Scope | None = None) -> Iterator[TaskView]:
    """Every entry of `tasks` that is a mapping, a group right before what it holds."""
    scope = scope or Scope()
    for index, entry in enumerate(entries if isinstance(entries, list) else []):
        if isinstance(entry, dict):
            view = _view((*path, index), entry, scope)
            yield view
            if view.is_group:
                prefixed = entry.get("prefix_group_id") is not False
                inside = scope.inside(view.id or "", prefix_group_id=prefixed)
                yield from task_views(entry["tasks"], (*view.path, "tasks"), inside)


def nameable(views: Collection[TaskView], path: DataPath) -> Iterator[tuple[str, TaskView]]:
    """Those that the entry at a path may name, by their ids as it knows them: what is in a template, only its own tasks
    name, and no others."""
    templates = {one.path: one for one in views if one.is_group and TEMPLATE in one.entry}
    own = _innermost(templates, path)
    inside = own and templates[own].scope.inside(templates[own].id or "", prefix_group_id=True).full_id("")
    for one in views:
        if one.full_id is not None and _innermost(templates, one.path) == own:
            yield one.full_id.removeprefix(inside or ""), one


def _innermost(templates: Collection[DataPath], path: DataPath) -> DataPath:
    """The path of the template that an entry is in; empty for none."""
    around = (path[:end] for end in range(len(path) - 2, 0, -2))
    return next((one for one in around if one in templates), ())


def _view(path: DataPath, entry: Mapping[str, Any], scope: Scope) -> TaskView:
    task_id, uses, arguments = entry.get("id"), entry.get("uses"), entry.get("with")
    group = is_group(entry)
    return TaskView(
        path,
        entry,
        task_id if isinstance(task_id, str) else None,
        scope,
        uses if isinstance(uses, str) else None,
        (*path, "with"),
        arguments if isinstance(arguments, dict) and TEMPLATE not in entry else {},
        _names(path, entry, "needs"),
        () if group else _names(path, entry, "teardown"),
        group,
    )


def _names(path: DataPath, entry: Mapping[str, Any], key: str) -> tuple[tuple[DataPath, str], ...]:
    """The ids in the list of a key, each with its path. A text in its place is wrong, and hides nothing else."""
    names = entry.get(key)
    if isinstance(names, str) and re.fullmatch(_ID, names) is not None:
        return (((*path, key), names),)
    if not isinstance(names, list):
        return ()
    return tuple(((*path, key, index), name) for index, name in enumerate(names) if isinstance(name, str))


def texts(value: Any, path: DataPath) -> Iterator[tuple[DataPath, str]]:
    """The texts in a value, at any depth."""
    if isinstance(value, str):
        yield path, value
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield from texts(child, (*path, key))
