"""`tasks` and `task_groups` → `tasks`, groups with their tasks inside them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from schemas.dagfactory.convert.conversion import Conversion, Converted
from schemas.dagfactory.convert.settings import OWN_KEYS, settings
from schemas.dagfactory.convert.uses import TaskConversion, inherited, inherited_candidates, taken_names
from schemas.dagfactory.convert.values import value
from schemas.dagfactory.dag_view import Part
from schemas.findings.paths import DataPath

_GROUP_KEYS = ("group_display_name", "tooltip", "doc_md", "ui_color", "ui_fgcolor", "prefix_group_id")


def tasks(conversion: Conversion, around: str) -> Converted:
    """All tasks, in the document's order; a group is where its first task is. `around` is the pipeline's time zone."""
    top: list[Converted] = []
    inside: dict[str, list[Converted]] = {}
    for task in conversion.dag.tasks.values():
        into = top
        for group in reversed(list(conversion.dag.groups_around(task))):
            if group.id not in inside:
                inside[group.id] = []
                into.append(_group(conversion, group, inside[group.id], around))
            into = inside[group.id]
        into.append(_task(conversion, task))
    for group in conversion.dag.groups.values():
        if group.id not in inside:
            conversion.changed(group.path, f"the task group `{group.id}` is left out: it has no task")
    return Converted(top, ("tasks",))


def _task(conversion: Conversion, task: Part) -> Converted:
    made = TaskConversion(conversion, task)
    parts = {"id": _id(task), **made.parts}
    needs = _needs(conversion, task, made.referred)
    if needs.value:
        parts["needs"] = needs
    decorated = "decorator" in task.data
    own = {key: child for key, child in task.data.items() if not (decorated and key in made.arguments)}
    parts |= settings(conversion, task.path, own)
    partial = task.data.get("partial")
    if isinstance(partial, dict) and not decorated:
        parts |= settings(conversion, (*task.path, "partial"), partial)
    return Converted(parts | made.settings, task.path)


def _group(conversion: Conversion, group: Part, inside: list[Converted], around: str) -> Converted:
    parts = {"id": _id(group)}
    needs = _needs(conversion, group, frozenset())
    if needs.value:
        parts["needs"] = needs
    for key in _GROUP_KEYS:
        if group.data.get(key) is not None:
            parts[key] = value(conversion, (*group.path, key), group.data[key])
    suffix = "add_suffix_on_collision"
    if group.data.get(suffix):
        conversion.lost((*group.path, suffix), f"`{suffix}` has no equivalent here: two groups have two ids")
    defaults = group.data.get("default_args")
    if isinstance(defaults, dict):
        path = (*group.path, "default_args")
        made = settings(conversion, path, defaults, around)
        say_where_arguments_go(conversion, path, defaults)
        notifications = made.pop("notifications", None)
        parts |= {"default_args": Converted(made, path)} if made else {}
        parts |= {"notifications": notifications} if notifications is not None else {}
    parts["tasks"] = Converted(inside)
    return Converted(parts, group.path)


def _id(part: Part) -> Converted:
    key = "task_id" if part.path[0] == "tasks" else "group_name"
    return Converted(part.id, (*part.path, key) if isinstance(part.path[1], int) else None)


def _needs(conversion: Conversion, part: Part, referred: frozenset[str] | set[str]) -> Converted:
    """What it waits for, except the tasks whose output it takes anyway, and groups without tasks."""
    dag = conversion.dag
    found: dict[str, Converted] = {}
    for path, other in part.dependencies:
        has_tasks = other in dag.tasks or any(other == g.id for t in dag.tasks.values() for g in dag.groups_around(t))
        if other in dag.parts and other not in referred and has_tasks:
            found.setdefault(other, Converted(dag.name_for(part, dag.parts[other]), path))
    return Converted(list(found.values()), (*part.path, "dependencies"), flow=True)


def say_where_arguments_go(conversion: Conversion, path: DataPath, default_args: Mapping[str, Any]) -> None:
    """Findings for the arguments in the `default_args` at a path that are not settings of every task: here they go to
    the tasks whose operator takes them."""
    tasks = [task for task in conversion.dag.tasks.values() if "operator" in task.data]
    for key in default_args:
        if key in OWN_KEYS or key == "timezone":
            continue
        place = (*path, key)
        reached = [t for t in tasks if inherited_candidates(conversion, t).get(key, ((), None))[0] == place]
        unsure = [t.id for t in reached if taken_names(conversion, t) is None]
        takers = [t.id for t in reached if key in inherited(conversion, t)]
        not_a_setting = f"`{key}` is not a setting that every task has"
        if unsure:
            conversion.lost(place, not_a_setting, help=f"write it in `with` of {', '.join(_ticked(unsure))}")
        elif takers:
            conversion.changed(place, f"{not_a_setting}: it is written in `with` of {', '.join(_ticked(takers))}")
        else:
            conversion.changed(place, f"`{key}` is left out: no task takes it")


def _ticked(names: list[str]) -> Iterator[str]:
    return (f"`{name}`" for name in names)
