"""`tasks` and `task_groups` → `tasks`, groups with their tasks inside them."""

from __future__ import annotations

from collections.abc import Iterator

from schemas.dagfactory.convert.context import Conversion
from schemas.dagfactory.convert.inherited import say_where_they_go
from schemas.dagfactory.convert.names import Names
from schemas.dagfactory.convert.objects import value
from schemas.dagfactory.convert.settings import settings
from schemas.dagfactory.convert.uses import uses
from schemas.dagfactory.convert.written import Written
from schemas.dagfactory.dag_view import Part

_GROUP_KEYS = ("group_display_name", "tooltip", "doc_md", "ui_color", "ui_fgcolor", "prefix_group_id")
_LEFT_OUT = ("add_suffix_on_collision",)


def tasks(conversion: Conversion, around: str) -> Written:
    """All tasks, in the document's order; a group stands where its first task does. `around` is the pipeline's time
    zone."""
    names = Names(conversion.dag)
    top: list[Written] = []
    inside: dict[str, list[Written]] = {}
    for task in conversion.dag.tasks.values():
        into = top
        for group in reversed(list(conversion.dag.groups_around(task))):
            if group.id not in inside:
                inside[group.id] = []
                into.append(_group(conversion, names, group, inside[group.id], around))
            into = inside[group.id]
        into.append(_task(conversion, names, task))
    for group in conversion.dag.groups.values():
        if group.id not in inside:
            conversion.changed(group.path, f"the task group `{group.id}` is left out: it holds no task")
    return Written(top, ("tasks",))


def _task(conversion: Conversion, names: Names, task: Part) -> Written:
    runs = uses(conversion, names, task)
    parts = {"id": _id(task)}
    needs = _needs(conversion, names, task, runs.referred)
    parts |= dict(runs.parts())
    if needs.value:
        parts["needs"] = needs
    decorated = "decorator" in task.data
    own = {key: child for key, child in task.data.items() if not (decorated and key in runs.arguments)}
    parts |= settings(conversion, task.path, own)
    partial = task.data.get("partial")
    if isinstance(partial, dict) and not decorated:
        parts |= settings(conversion, (*task.path, "partial"), partial)
    parts |= runs.settings
    return Written(parts, task.path)


def _group(conversion: Conversion, names: Names, group: Part, inside: list[Written], around: str) -> Written:
    parts = {"id": _id(group)}
    needs = _needs(conversion, names, group, set())
    if needs.value:
        parts["needs"] = needs
    for key in _GROUP_KEYS:
        if group.data.get(key) is not None:
            parts[key] = value(conversion, (*group.path, key), group.data[key])
    for key in _LEFT_OUT:
        if group.data.get(key):
            conversion.lost((*group.path, key), f"`{key}` has no like here: two groups have two ids")
    path = (*group.path, "default_args")
    defaults = group.data.get("default_args")
    if isinstance(defaults, dict):
        made = settings(conversion, path, defaults, around)
        say_where_they_go(conversion, path, defaults)
        told = made.pop("notifications", None)
        if made:
            parts["default_args"] = Written(made, path)
        if told is not None:
            parts["notifications"] = told
    parts["tasks"] = Written(inside)
    return Written(parts, group.path)


def _id(part: Part) -> Written:
    key = "task_id" if part.path[0] == "tasks" else "group_name"
    return Written(part.id, (*part.path, key) if isinstance(part.path[1], int) else None)


def _needs(conversion: Conversion, names: Names, part: Part, referred: set[str]) -> Written:
    """What it waits for, but for the tasks whose output it takes anyway."""
    found = [Written(name, path) for path, name in _needed(conversion, names, part, referred)]
    return Written(found, (*part.path, "dependencies"), flow=True)


def _needed(
    conversion: Conversion, names: Names, part: Part, referred: set[str]
) -> Iterator[tuple[tuple[str | int, ...], str]]:
    seen: set[str] = set()
    for path, other in part.dependencies:
        target = conversion.dag.parts.get(other)
        if target is not None and other not in referred and other not in seen:
            seen.add(other)
            if other in conversion.dag.tasks or _has_tasks(names, target):
                yield path, names.named(part, target)


def _has_tasks(names: Names, group: Part) -> bool:
    return any(group is one for task in names.dag.tasks.values() for one in names.dag.groups_around(task))
