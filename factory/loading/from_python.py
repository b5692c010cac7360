"""DAGs of a Python file → files of this project's language.

The file is imported as Airflow does it; what its DAGs are made of is read from the objects, and where each task was
made from the call. What has no place in YAML is said at its line: functions that are defined in the DAG file, and code
that made several tasks.
"""

from __future__ import annotations

import ast
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs
from airflow.sdk import DAG, TaskGroup
from airflow.sdk.definitions.taskgroup import MappedTaskGroup

from factory.build.dag import AS_WRITTEN
from factory.build.python_made import (
    DEADLINES,
    THE_DAG,
    Imported,
    ImportFailedError,
    imported,
    zone_name,
)
from factory.build.tasks import GROUP_AS_WRITTEN
from factory.loading.python_findings import read_at_import
from factory.loading.python_runs import OF_EMAIL, has_tasks, is_made_by_build, sends_mail
from factory.loading.python_tasks import PythonTasks
from factory.operators.http_watch import HttpWatchTrigger
from schemas.compose.effective import Effective
from schemas.dagfactory.convert import ConvertedDag
from schemas.dagfactory.convert.conversion import Converted
from schemas.dagfactory.convert.writing import write
from schemas.findings.codes import Code
from schemas.model.notifications import RunNotifications, TaskNotifications
from schemas.model.settings import SETTING_KEYS
from schemas.model.task_base import POLL_TASK_ID
from schemas.rules.objects import OF_A_DAG
from schemas.source import SourceReader
from schemas.text.document import Document

_EVENTS = {f"{event}_callback": event for event in TaskNotifications.model_fields}
_DAG_AS_IT_IS = {
    *(*AS_WRITTEN, *OF_A_DAG, "start_date", "end_date"),
}
_MAILS = "`notifications: {on_failure: [{uses: email, with: {to: …}}]}` in `default_args` sends a mail"
__all__ = ["ImportFailedError", "converted", "imported_dags"]
_NO_COMMENTS = Document("", "", {"": None})


def imported_dags(file: Path) -> list[ConvertedDag]:
    """The converted DAGs of a file. Raises ImportFailedError."""
    known = set(sys.modules)
    made = list(converted(imported(file.resolve()), str(file)))
    for name in set(sys.modules) - known:  # the next file may have another module of this name beside it
        if Path(getattr(sys.modules[name], "__file__", None) or "/").is_relative_to(file.resolve().parent):
            del sys.modules[name]
    return made


def converted(found: Imported, shown: str) -> Iterator[ConvertedDag]:
    """Convert the DAGs of a file, which is `shown` as its user knows it."""
    reader = SourceReader(found.file.parent)
    for dag in found.dags:
        conversion, text = _FromPython(dag, found, shown, reader), ""
        with conversion.apart(f"the DAG `{dag.dag_id}`"):
            text = write(conversion.document(), Effective({}, (_NO_COMMENTS,)))
        said = {(d.sort_key, d.message): d for d in conversion.findings}.values()
        yield ConvertedDag(dag.dag_id, text, tuple(said))


class _FromPython(PythonTasks):
    """One DAG → its document."""

    def document(self) -> Converted:
        """The document."""
        parts: dict[str, Converted | None] = {"dag_id": Converted(str(self.dag.dag_id))}
        for what, step in (
            ("the schedule", self._when),
            ("a field of the DAG", self._fields),
            ("a callback or a deadline of the DAG", self._events),
            ("`default_args`", self._default_settings),
        ):
            with self.apart(what):
                parts |= step()
        parts["tasks"] = Converted(self._entries(self.dag.task_group, {}))
        self.line = self.line_of(THE_DAG)
        with self.apart("what a pipeline has no place for"):
            self._say_alike()
            self._say_without_place()
        self._watch(parts)
        return Converted({key: part for key, part in parts.items() if part is not None})

    def _when(self) -> dict[str, Converted | None]:
        dag = self.dag
        if zone_name(dag.timezone) is None:
            self._say_nameless(dag.timezone)
        zone = Converted(self.zone) if self.zone != "UTC" else None
        return {"timezone": zone, "schedule": self.schedule(dag.timetable)}

    def _fields(self) -> dict[str, Converted | None]:
        dag, parts = self.dag, dict[str, Converted | None]()
        for one in attrs.fields(DAG):
            held = getattr(dag, one.name, None)
            if one.name in _DAG_AS_IT_IS and held is not None and held != _default_of(one, dag):
                made = self.untyped if one.name in OF_A_DAG else self.value
                parts[one.name] = made(_actions(held) if one.name == "access_control" else held)
        parts["catchup"] = Converted(True) if dag.catchup else None
        parts["is_paused_upon_creation"] = Converted(True) if dag.is_paused_upon_creation else None
        parts["tags"] = self.value(sorted(dag.tags)) if dag.tags else None
        parts["params"] = self.params()
        return parts

    def _events(self) -> dict[str, Converted | None]:
        dag, parts = self.dag, dict[str, Converted | None]()
        callbacks = {"on_failure": dag.on_failure_callback, "on_success": dag.on_success_callback}
        parts["notifications"] = self.notifications({k: v for k, v in callbacks.items() if v}, RunNotifications)
        alerts = dag.deadline if isinstance(dag.deadline, list) else [dag.deadline] if dag.deadline else []
        parts["deadline"] = Converted([self._alert(alert) for alert in alerts]) if alerts else None
        return parts

    def _alert(self, alert: Any) -> Converted:
        reference = alert.reference
        parts = {"from": Converted(DEADLINES.get(type(reference).__name__, "average_runtime"))}
        if hasattr(reference, "_datetime"):
            parts["from"] = self.value(reference._datetime)
        elif hasattr(reference, "max_runs"):
            parts |= {"max_runs": Converted(reference.max_runs), "min_runs": Converted(reference.min_runs)}
        callback = {"uses": Converted(str(alert.callback.path))}
        given = {
            name: self.plain(one, f"`{name}` of `{alert.callback.path}`", "notifications get")
            for name, one in (alert.callback.kwargs or {}).items()
        }
        callback |= {"with": Converted(given)} if given else {}
        name = {} if alert.name is None else {"name": self.value(alert.name)}
        return Converted(
            {**name, **parts, "within": self.value(alert.interval), "notify": Converted([Converted(callback)])}
        )

    def _default_settings(self) -> dict[str, Converted | None]:
        defaults = self._defaults(self.dag.default_args, {})
        return {"default_args": Converted(defaults) if defaults else None}

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
        """Lines that made several tasks, and those that read what another day, or another place, has otherwise."""
        for line, name, help_text in read_at_import(ast.parse(self.found.text)):
            message = f"what `{name}` gives is read when the file is imported: its value of now is written"
            self.say(Code.CONVERTED_OTHERWISE, message, help_text, line)
        places = [place for task_id, place in self.places.items() if task_id != THE_DAG]
        for (line, _), count in Counter(places).items():
            if count > 1:
                message = f"{count} tasks are made here: each is written out"
                self.say(Code.CONVERTED_OTHERWISE, message, "`matrix` writes tasks that are alike once", line)

    def _say_without_place(self) -> None:
        """What a DAG has and a pipeline has not: code of its own, other folders of templates, labels of edges."""
        for one in (self.dag, *self.dag.task_group_dict.values()):
            if (kind := type(one)) not in (DAG, TaskGroup, MappedTaskGroup):
                message = f"what the class `{kind.__name__}` does beside Airflow's is not carried over"
                self.say(Code.CONVERTED_OTHERWISE, message, "", self.line)
        if self.dag.sla_miss_callback is not None:
            self.lost("`sla_miss_callback` has no place here", help="Airflow 3 never calls it: write a `deadline`")
        given = self.dag.template_searchpath
        for folder in [given] if isinstance(given, str) else given or ():
            message = (
                f"template files are looked for beside the pipeline and in the pipelines folder, not in `{folder}`"
            )
            is_around = self.found.file.is_relative_to(Path(folder).absolute())
            self.say(Code.CONVERTED_OTHERWISE if is_around else Code.NOT_CONVERTED, message, "", self.line)
        for before, edges in self.dag.edge_info.items():
            groups = [group for group in self.dag.task_group_dict.values() if group.upstream_join_id in edges]
            inside = {one.task_id for group in groups for one in group.iter_tasks()}  # they have the label, too
            for after, edge in edges.items():
                if after in inside and {**edge} in [{**edges[group.upstream_join_id]} for group in groups]:
                    continue
                start, end = (re.sub(r"\.(?:up|down)stream_join_id$", "", one) for one in (before, after))
                message = f"the label `{edge.get('label')}` of the edge from `{start}` to `{end}` has no place here"
                first = min((one for one in inside if one.startswith(f"{end}.")), key=self.line_of, default=end)
                self.lost(message, line=self.line_of(first))

    def _defaults(self, default_args: Mapping[str, Any], around: Mapping[str, Any]) -> dict[str, Converted]:
        """The settings of all tasks; Airflow has given all else to the operators that take it."""
        for name in default_args.keys() - SETTING_KEYS - _EVENTS.keys() - OF_EMAIL:
            message = (
                f"`{name}` in `default_args` is no setting of every task: it is written into each one that takes it"
            )
            if name == "email" and not sends_mail(default_args):
                message = "`email` is left out: no mail is sent to it"
            self.say(Code.CONVERTED_OTHERWISE, message, _MAILS if name == "email" else "", self.line)
        return self.settings(default_args, around)

    # Tasks and groups.

    def _entries(self, group: TaskGroup, defaults: Mapping[str, Any]) -> list[Converted]:
        around = {**self.dag.default_args, **defaults, **group.default_args}
        made: list[Converted] = []
        for child in group.children.values():
            if isinstance(child, TaskGroup) and not has_tasks(child):
                message = f"the group `{child.group_id}` is left out: it has no task"
                self.say(Code.CONVERTED_OTHERWISE, message, "", self.line_of(THE_DAG))
            elif isinstance(child, TaskGroup):
                made.append(self._group(child, around))
            elif not is_made_by_build(child):
                made.append(self.task(child, around))
        return made

    def _group(self, group: TaskGroup, around: Mapping[str, Any]) -> Converted:
        name = f"`{group.group_id}`"
        parts = {"id": self.entry_id(str(group._group_id))}
        self.referred = set()
        with self.apart(f"a field of the group {name}"):
            parts |= self._of_group(group)
        with self.apart(f"what the group {name} waits for"):
            parts |= self._before_group(group)
        with self.apart(f"the settings of the group {name}"):
            settings = self._defaults(group.default_args, around)
            notifications = {"notifications": settings.pop("notifications")} if "notifications" in settings else {}
            parts |= ({"default_args": Converted(settings)} if settings else {}) | notifications
        return Converted({**parts, "tasks": Converted(self._entries(group, around))})

    def _of_group(self, group: TaskGroup) -> dict[str, Converted]:
        parts: dict[str, Converted] = {}
        if not group.prefix_group_id:
            parts["prefix_group_id"] = Converted(False)
        for one in attrs.fields(TaskGroup):
            held = getattr(group, one.name, None)
            if one.name in GROUP_AS_WRITTEN and held and held != one.default:
                parts[one.name] = self.value(held)
        if isinstance(group, MappedTaskGroup):
            parts |= self.expanded(group._expand_input.value)
        return parts

    def _before_group(self, group: TaskGroup) -> dict[str, Converted]:
        known = self.dag.task_group_dict
        groups = sorted(name for name in group.upstream_group_ids if name and has_tasks(known[name]))
        inside = {one.task_id for name in groups for one in known[name].get_leaves()}
        before = [*groups, *sorted(group.upstream_task_ids - self.referred - inside)]
        return {"needs": Converted.names(before)} if before else {}


def _default_of(one: Any, dag: DAG) -> Any:
    """What a DAG has where nothing is written."""
    if not isinstance(one.default, attrs.Factory):  # type: ignore[arg-type] # a class, though it is typed as a function
        return one.default
    return one.default.factory(dag) if one.default.takes_self else one.default.factory()


def _actions(access: Any) -> Any:
    """Airflow keeps actions on a DAG below the word `DAGs`."""
    plain = {role: [*held] == ["DAGs"] and isinstance(held["DAGs"], set) for role, held in access.items()}
    return {role: held["DAGs"] if plain[role] else held for role, held in access.items()}
