"""DAGs of a Python file → files of this project's language.

The file is imported as Airflow does it; what its DAGs are made of is read from the objects, and where each task was
made from the call. What has no place in YAML is said at its line: functions that are defined in the DAG file, and code
that made several tasks.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs
from airflow.sdk import DAG, TaskGroup
from airflow.sdk.definitions.taskgroup import MappedTaskGroup

from factory.build import python_made
from factory.build.dag import AS_WRITTEN
from factory.build.python_made import Imported, is_made_by_build
from factory.build.tasks import GROUP_AS_WRITTEN
from factory.loading.python_tasks import OF_EMAIL, PythonTasks
from factory.operators.http_watch import HttpWatchTrigger
from schemas.compose.effective import Effective
from schemas.dagfactory.convert import ConvertedDag
from schemas.dagfactory.convert.conversion import Converted
from schemas.dagfactory.convert.writing import write
from schemas.findings.codes import Code
from schemas.model.notifications import RunNotifications, TaskNotifications
from schemas.model.settings import SETTING_KEYS
from schemas.model.task_base import POLL_TASK_ID
from schemas.source import SourceReader
from schemas.text.document import Document

_EVENTS = {f"{event}_callback": event for event in TaskNotifications.model_fields}
_DAG_AS_IT_IS = {
    *(*AS_WRITTEN, "start_date", "end_date", "user_defined_macros", "user_defined_filters"),
    *("jinja_environment_kwargs", "template_undefined"),
}
_NO_COMMENTS = Document("", "", {"": None})


def converted(found: Imported, shown: str) -> Iterator[ConvertedDag]:
    """Convert the DAGs of a file, which is `shown` as its user knows it."""
    reader = SourceReader(found.file.parent)
    calls = [node for node in ast.walk(ast.parse(found.text)) if isinstance(node, ast.Call)]
    start = min((node.lineno for node in calls if ast.unparse(node.func).lower().endswith("dag")), default=1)
    for dag in found.dags:
        places = found.places.get(dag.dag_id, {})
        conversion = _FromPython(
            dag, found.file, places, shown, found.text, reader, start, found.given, found.set_later
        )
        text = write(conversion.document(), Effective({}, (_NO_COMMENTS,)))
        said = {(d.sort_key, d.message): d for d in conversion.findings}.values()
        yield ConvertedDag(dag.dag_id, text, tuple(said))


class _FromPython(PythonTasks):
    """One DAG → its document."""

    def document(self) -> Converted:
        """The document."""
        dag, parts = self.dag, dict[str, Converted | None]()
        parts["dag_id"] = Converted(dag.dag_id)
        zone = getattr(dag.timezone, "name", "UTC")
        parts["timezone"] = Converted(zone) if zone != "UTC" else None
        parts["schedule"] = self.schedule(dag.timetable, zone)
        for one in attrs.fields(DAG):
            held = getattr(dag, one.name, None)
            if one.name in _DAG_AS_IT_IS and held is not None and held != python_made.default_of(one, dag):
                parts[one.name] = self.value(python_made.actions(held) if one.name == "access_control" else held)
        parts["catchup"] = Converted(True) if dag.catchup else None
        parts["is_paused_upon_creation"] = Converted(True) if dag.is_paused_upon_creation else None
        parts["tags"] = Converted.names(sorted(dag.tags)) if dag.tags else None
        parts["params"] = self.params()
        callbacks = {"on_failure": dag.on_failure_callback, "on_success": dag.on_success_callback}
        parts["notifications"] = self.notifications({k: v for k, v in callbacks.items() if v}, RunNotifications)
        alerts = dag.deadline if isinstance(dag.deadline, list) else [dag.deadline] if dag.deadline else []
        parts["deadline"] = Converted([self.alert(alert) for alert in alerts]) if alerts else None
        parts["default_args"] = self._defaults(dag.default_args)
        parts["tasks"] = Converted(self._entries(dag.task_group, {}))
        self._say_alike()
        self._say_without_place()
        self._watch(parts)
        return Converted({key: part for key, part in parts.items() if part is not None})

    def _watch(self, parts: dict[str, Converted | None]) -> None:
        """A request that is the schedule's, too, is the pipeline's `poll`."""
        condition = getattr(self.dag.timetable, "asset_condition", None)
        assets = getattr(condition, "objects", [condition])
        triggers = [watcher.trigger for asset in assets for watcher in getattr(asset, "watchers", ())]
        entries = parts["tasks"].value if parts["tasks"] is not None else []
        poll = next((one for one in entries if one.value["id"].value == POLL_TASK_ID), None)
        if poll is None or len(triggers) != 1 or not isinstance(triggers[0], HttpWatchTrigger):
            return
        settings = {name: one for name, one in poll.value.items() if name not in ("id", "uses", "with")}
        watch = Converted({"every": self.value(triggers[0].every)})
        tasks = [one for one in entries if one is not poll]
        del parts["schedule"]
        parts["poll"] = Converted({**poll.value["with"].value, "watch": watch, **settings})
        parts["tasks"] = Converted(tasks) if tasks else None

    def _say_alike(self) -> None:
        """Lines that made several tasks."""
        for (line, _), count in Counter(self.places.values()).items():
            if count > 1:
                message = f"{count} tasks are made here: each is written out"
                self.found(Code.CONVERTED_OTHERWISE, message, "`matrix` writes tasks that are alike once", line)

    def _say_without_place(self) -> None:
        """What a DAG has and a pipeline has not: other folders of templates, labels of edges."""
        given = self.dag.template_searchpath
        for folder in [given] if isinstance(given, str) else given or ():
            message = (
                f"template files are looked for beside the pipeline and in the pipelines folder, not in `{folder}`"
            )
            is_around = self.file.is_relative_to(Path(folder).absolute())
            self.found(Code.CONVERTED_OTHERWISE if is_around else Code.NOT_CONVERTED, message, "", self.line)
        for before, edges in self.dag.edge_info.items():
            for after, edge in edges.items():
                message = f"the label `{edge.get('label')}` of the edge from `{before}` to `{after}` has no place here"
                self.lost(message, line=self.line_of(after))

    def _defaults(self, default_args: Mapping[str, Any]) -> Converted | None:
        made = self.settings(default_args, {})
        known = SETTING_KEYS | _EVENTS.keys() | (frozenset() if default_args.get("email") else OF_EMAIL)
        for name in default_args.keys() - known:
            self.lost(f"`{name}` in `default_args` is no setting of every task", help="write it in `with` of its tasks")
        return Converted(made) if made else None

    # Tasks and groups.

    def _entries(self, group: TaskGroup, defaults: Mapping[str, Any]) -> list[Converted]:
        around = {**self.dag.default_args, **defaults, **group.default_args}
        return [
            self._group(child, around) if isinstance(child, TaskGroup) else self.task(child, around)
            for child in group.children.values()
            if not is_made_by_build(child)
        ]

    def _group(self, group: TaskGroup, around: Mapping[str, Any]) -> Converted:
        parts: dict[str, Converted] = {"id": Converted(group._group_id)}
        if not group.prefix_group_id:
            parts["prefix_group_id"] = Converted(False)
        for one in attrs.fields(TaskGroup):
            held = getattr(group, one.name, None)
            if one.name in GROUP_AS_WRITTEN and held and held not in (one.default, group._group_id):
                parts[one.name] = Converted(held)
        self.referred = set()
        if isinstance(group, MappedTaskGroup):
            parts |= self.expanded(group._expand_input.value)
        groups = sorted(name for name in group.upstream_group_ids if name)
        if before := [*groups, *sorted(group.upstream_task_ids - self.referred)]:
            parts["needs"] = Converted.names(before)
        settings = self.settings(group.default_args, {})
        notifications = {"notifications": settings.pop("notifications")} if "notifications" in settings else {}
        parts |= ({"default_args": Converted(settings)} if settings else {}) | notifications
        return Converted({**parts, "tasks": Converted(self._entries(group, around))})
