"""Arguments in `default_args` that are no setting of every task: here they go to the tasks that take them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from schemas.dagfactory.convert.context import Conversion
from schemas.dagfactory.convert.settings import OWN_KEYS
from schemas.dagfactory.convert.texts import expanded
from schemas.dagfactory.dag_view import Part
from schemas.findings.paths import DataPath
from schemas.source import Class


def inherited(conversion: Conversion, task: Part) -> dict[str, tuple[DataPath, Any]]:
    """The arguments that the groups around a task and its DAG give it, each with its path; the nearest counts."""
    taken = _taken(conversion, task)
    return {key: one for key, one in _given(conversion, task).items() if taken is not None and key in taken}


def say_where_they_go(conversion: Conversion, path: DataPath, default_args: Mapping[str, Any]) -> None:
    """Findings for those that stand in the `default_args` at a path."""
    tasks = [task for task in conversion.dag.tasks.values() if "operator" in task.data]
    for key in default_args:
        if key in OWN_KEYS or key == "timezone":
            continue
        place = (*path, key)
        reached = [t for t in tasks if _given(conversion, t).get(key, ((), None))[0] == place]
        unsure = [t.id for t in reached if _taken(conversion, t) is None]
        takers = [t.id for t in reached if place == inherited(conversion, t).get(key, ((), None))[0]]
        if unsure:
            help_text = f"write it in `with` of {_listed(unsure)}"
            conversion.lost(place, f"`{key}` is no setting that every task has", help=help_text)
        elif takers:
            message = f"`{key}` is no setting that every task has: it is written in `with` of {_listed(takers)}"
            conversion.changed(place, message)
        else:
            conversion.changed(place, f"`{key}` is left out: no task takes it")


def _given(conversion: Conversion, task: Part) -> dict[str, tuple[DataPath, Any]]:
    found: dict[str, tuple[DataPath, Any]] = {}
    for path, defaults in _default_args(conversion, task):
        for key, child in defaults.items():
            if key not in OWN_KEYS and key != "timezone" and not _is_written(task, key):
                found.setdefault(key, ((*path, key), child))
    return found


def _default_args(conversion: Conversion, task: Part) -> Iterator[tuple[DataPath, Mapping[str, Any]]]:
    dag = conversion.dag
    holders = [(group.path, group.data) for group in dag.groups_around(task)]
    for path, data in (*holders, ((), dag.data)):
        defaults = data.get("default_args")
        if isinstance(defaults, dict):
            yield (*path, "default_args"), defaults


def _is_written(task: Part, key: str) -> bool:
    places = (task.data, task.data.get("partial"), task.data.get("expand"))
    return any(key in place for place in places if isinstance(place, dict))


def _taken(conversion: Conversion, task: Part) -> frozenset[str] | None:
    """The names that the task's operator takes; None where reading source cannot tell."""
    found = conversion.reader.find(expanded(conversion, str(task.data.get("operator"))))
    if not isinstance(found, Class) or found.parameters is None:
        return None
    return frozenset(p.name for p in found.parameters if not p.kind.startswith("VAR_"))


def _listed(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
