"""A DAG of a dag-factory document → the document of a pipeline.

`tasks` and `task_groups` → `tasks`, groups with their tasks inside them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from schemas.dagfactory.convert.conversion import Conversion, Converted
from schemas.dagfactory.convert.settings import OWN_KEYS, notifications, schedule, settings
from schemas.dagfactory.convert.uses import TaskConversion, inherited, inherited_candidates, taken_names
from schemas.dagfactory.convert.values import DATES, duration, has_objects, moment, pipeline_timezone, value
from schemas.dagfactory.dag_view import Part
from schemas.dagfactory.keys import DAG_CALLBACKS, IGNORED_DAG_KEYS
from schemas.findings.paths import DataPath
from schemas.model.fields import OBJECT

_COPIED = frozenset(
    {
        *("catchup", "dag_display_name", "description", "doc_md", "is_paused_upon_creation", "max_active_runs"),
        *("max_active_tasks", "render_template_as_native_obj", "tags"),
    }
)
_PARAM = frozenset({"airflow.sdk.Param", "airflow.models.param.Param", "airflow.sdk.definitions.param.Param"})
_HANDLED = frozenset(
    {
        *("tasks", "task_groups", "timezone", "default_args", "doc_md_python_callable_name", "doc_md_python_arguments"),
        *DAG_CALLBACKS,
    }
)
_HANDLED_PARTS = tuple(f"{callback}_" for callback in DAG_CALLBACKS)


def document(conversion: Conversion) -> Converted:
    """The document; what could not be converted is in the conversion's findings."""
    data = conversion.dag.data
    zone, zone_path = pipeline_timezone(conversion)
    parts: dict[str, Converted | None] = {"dag_id": Converted(conversion.dag.id)}
    for key, given in data.items():
        path = (key,)
        if given is None and key != "schedule":
            continue
        if key in _COPIED:
            parts[key] = value(conversion, path, given)
        elif key in DATES:
            parts[key] = moment(conversion, path, given, data.get("timezone"), zone)
        elif key in _MAKERS:
            new, make = _MAKERS[key]
            made = make(conversion, path, given)
            parts |= {new: made} if made is not None else {}
        elif key not in _HANDLED and not key.startswith(_HANDLED_PARTS):
            why = f": {IGNORED_DAG_KEYS[key]}" if key in IGNORED_DAG_KEYS else ""
            conversion.changed(path, f"`{key}` is left out, as with dag-factory{why}")
    parts["timezone"] = Converted(zone, zone_path) if zone != "UTC" else None
    parts["default_args"] = _default_args(conversion, zone)
    parts["notifications"] = notifications(conversion, (), data, DAG_CALLBACKS)
    parts["tasks"] = tasks(conversion, zone)
    return Converted({key: part for key, part in parts.items() if part is not None}, ())


def _default_args(conversion: Conversion, zone: str) -> Converted | None:
    path, given = ("default_args",), conversion.dag.data.get("default_args")
    if not isinstance(given, dict):
        return None
    say_where_arguments_go(conversion, path, given)
    made = settings(conversion, path, given, zone)
    return Converted(made, path) if made else None


def _access(conversion: Conversion, path: DataPath, given: Any) -> Converted:
    """Actions as lists; dag-factory's documents hold sets, which YAML writes `{can_read}`."""
    if isinstance(given, dict) and (len(path) == 1 or any(isinstance(child, dict | list) for child in given.values())):
        return Converted({key: _access(conversion, (*path, key), child) for key, child in given.items()}, path)
    items = [Converted(item) for item in given] if isinstance(given, dict | list) else given
    return Converted(items, path, flow=True)


def _params(conversion: Conversion, at: DataPath, given: Mapping[str, Any]) -> Converted:
    made: dict[str, Converted] = {}
    for name, param in given.items():
        path = (*at, name)
        if isinstance(param, dict) and param.get("__type__") in _PARAM:
            positional = param.get("__args__") or []
            named = dict(zip(("default", "description"), positional, strict=False))
            written = {key: child for key, child in param.items() if key not in ("__type__", "__args__", "schema")}
            schema = param.get("schema")
            parts = {**named, **(schema if isinstance(schema, dict) else {}), **written}
            made[name] = Converted({key: value(conversion, (*path, key), child) for key, child in parts.items()}, path)
        elif isinstance(param, dict):
            conversion.changed(path, "a mapping here is a JSON Schema: it is written as the `default` of one")
            made[name] = Converted({"type": Converted("object"), "default": value(conversion, path, param)}, path)
        else:
            if has_objects(param):
                conversion.lost(path, "a param accepts plain values only")
            made[name] = value(conversion, path, param)
    return Converted(made, at)


def _macros(conversion: Conversion, path: DataPath, given: Any) -> Converted:
    if isinstance(given, dict) and "__type__" not in given:
        return Converted({key: _macros(conversion, (*path, key), child) for key, child in given.items()}, path)
    return Converted({OBJECT: Converted(given, path)}) if isinstance(given, str) else value(conversion, path, given)


def _searchpath(conversion: Conversion, path: DataPath, given: Any) -> None:
    """Templates are looked up beside the pipeline and in the pipelines folder only."""
    known = {str(place) for place in conversion.places}
    for place in given if isinstance(given, list) else [given]:
        if isinstance(place, str) and os.path.normpath(conversion.folder / conversion.expanded(place)) not in known:
            message = "templates are looked up beside the pipeline and in the pipelines folder"
            conversion.lost(path, message, help="write the files' paths from there")
            return


def _documentation(conversion: Conversion, path: DataPath, given: Any) -> Converted | None:
    places = [folder / conversion.expanded(str(given)) for folder in conversion.places]
    try:
        text = next(place.read_text(encoding="utf-8") for place in places if place.is_file())
    except (OSError, ValueError, StopIteration):
        conversion.lost(path, "there is no such file here")
        return None
    conversion.changed(path, "the file's text is written; later changes of the file have no effect")
    return Converted(text, path)


def _documentation_function(conversion: Conversion, path: DataPath, _: Any) -> None:
    message = "documentation from a function has no equivalent here"
    conversion.lost(path, message, help="write the text in `doc_md`")


_Maker = Callable[[Conversion, DataPath, Any], Converted | None]
_MAKERS: Mapping[str, tuple[str, _Maker]] = {
    "access_control": ("access_control", _access),
    "concurrency": ("max_active_tasks", lambda _, path, given: Converted(given, path)),
    "dagrun_timeout": ("dagrun_timeout", duration),
    "doc_md_file_path": ("doc_md", _documentation),
    "doc_md_python_callable_file": ("doc_md", _documentation_function),
    "params": ("params", _params),
    "schedule": ("schedule", lambda conversion, _, given: schedule(conversion, given)),
    "template_searchpath": ("", _searchpath),
    "user_defined_macros": ("user_defined_macros", _macros),
}
"""The new key that a key of a DAG becomes, and how; None for one that becomes none."""


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
