"""DAGs of a Python file → files of this project's language.

The file is imported as Airflow does it; what its DAGs are made of is read from the objects, and where each task was
made from the call. What has no place in YAML is said at its line: functions that are defined in the DAG file, and code
that made several tasks.
"""

from __future__ import annotations

import ast
import inspect
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import attrs
from airflow.sdk import DAG, BaseOperator, Param, TaskGroup, TriggerRule
from airflow.sdk.definitions._internal.types import NOTSET
from airflow.sdk.definitions.mappedoperator import MappedOperator
from airflow.sdk.definitions.taskgroup import MappedTaskGroup

from factory.build import python_made
from factory.build.dag import AS_WRITTEN
from factory.build.python_made import BUILT_IN_NAMES, CHOOSING, DECORATED, Imported, is_made_by_build, is_plain
from factory.build.tasks import GROUP_AS_WRITTEN
from factory.loading.python_objects import PythonObjects
from factory.operators.http_watch import HttpWatchTrigger
from factory.operators.selection import TaskCondition
from schemas.compose.effective import Effective
from schemas.dagfactory.convert import ConvertedDag
from schemas.dagfactory.convert.conversion import REQUEST_NAMES, STANDARD, Converted, UnquotedText
from schemas.dagfactory.convert.from_airflow import taken
from schemas.dagfactory.convert.writing import write
from schemas.findings.codes import Code
from schemas.model.notifications import RunNotifications, TaskNotifications
from schemas.model.settings import SETTING_KEYS
from schemas.model.task_base import POLL_TASK_ID
from schemas.source import Class, SourceReader
from schemas.text.document import Document

_OF_THE_TASK = frozenset(
    {"task_id", "dag", "task_group", "default_args", "kwargs_to_upstream", "is_setup", "is_teardown", "params"}
    | {"on_failure_fail_dagrun"}
)
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
        conversion = _FromPython(dag, found.file, places, shown, found.text, reader, start, found.set_later)
        text = write(conversion.document(), Effective({}, (_NO_COMMENTS,)))
        said = {(d.sort_key, d.message): d for d in conversion.findings}.values()
        yield ConvertedDag(dag.dag_id, text, tuple(said))


class _FromPython(PythonObjects):
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
        parts["params"] = self._params()
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

    def _params(self, task: Any = None) -> Converted | None:
        """The params of the DAG, or those that a task has in place of them."""
        made: dict[str, Converted] = {}
        held = self.dag.params if task is None else task.params
        for name in held:
            param: Param = held.get_param(name)
            if task is not None and name in self.dag.params:
                around = self.dag.params.get_param(name)
                if around.value is NOTSET or all(
                    getattr(param, part) == getattr(around, part) for part in ("value", "schema", "description")
                ):
                    continue
            default = {} if param.value is NOTSET else {"default": self.value(param.value)}
            described = {} if param.description is None else {"description": Converted(param.description)}
            whole = described | {key: self.value(one) for key, one in param.schema.items()}
            if isinstance(param.value, dict) and not param.schema:
                whole["type"] = Converted("object")
            made[name] = Converted({**default, **whole}) if whole or not default else default["default"]
        return Converted(made) if made else None

    def _defaults(self, default_args: Mapping[str, Any]) -> Converted | None:
        made = self._settings(default_args, {})
        for name in default_args.keys() - SETTING_KEYS - _EVENTS.keys():
            self.lost(f"`{name}` in `default_args` is no setting of every task", help="write it in `with` of its tasks")
        return Converted(made) if made else None

    # Tasks and groups.

    def _entries(self, group: TaskGroup, defaults: Mapping[str, Any]) -> list[Converted]:
        around = {**self.dag.default_args, **defaults, **group.default_args}
        return [
            self._group(child, around) if isinstance(child, TaskGroup) else self._task(child, around)
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
            parts |= self._expanded(group._expand_input.value)
        groups = sorted(name for name in group.upstream_group_ids if name)
        if before := [*groups, *sorted(group.upstream_task_ids - self.referred)]:
            parts["needs"] = Converted.names(before)
        settings = self._settings(group.default_args, {})
        notifications = {"notifications": settings.pop("notifications")} if "notifications" in settings else {}
        parts |= ({"default_args": Converted(settings)} if settings else {}) | notifications
        return Converted({**parts, "tasks": Converted(self._entries(group, around))})

    def _task(self, task: Any, around: Mapping[str, Any]) -> Converted:
        self.line = self.line_of(task.task_id)
        self.referred = set()
        is_mapped = isinstance(task, MappedOperator)
        if task.returns_dag_result:
            self.lost(f"`{task.task_id}` gives the DAG its result, and a pipeline has none")
        given = (
            python_made.partial_arguments(task) if is_mapped else dict(getattr(task, "_BaseOperator__init_kwargs", {}))
        )
        given |= self._set_later(task, given)
        given = {name: one for name, one in given.items() if name not in _OF_THE_TASK}
        settings = {name: given.pop(name) for name in [*given] if name in SETTING_KEYS or name in _EVENTS}
        if settings.get("multiple_outputs") is False:
            del settings["multiple_outputs"]  # TaskFlow says so
        if not is_mapped:  # documentation may be set later, and TaskFlow takes the function's
            set_later = {name: getattr(task, name) for name in ("doc", "doc_md", "doc_json", "doc_yaml", "doc_rst")}
            settings = {**{name: one for name, one in set_later.items() if one}, **settings}
        uses, arguments = self._uses(task, given)
        group = task.task_group
        prefix = f"{group.group_id}." if group is not None and group.group_id and group.prefix_group_id else ""
        parts = {"id": Converted(task.task_id.removeprefix(prefix)), "uses": Converted(uses)}
        if arguments:
            parts["with"] = Converted({name: self.value(one) for name, one in arguments.items()})
        if is_mapped:
            names = {new: old for old, new in REQUEST_NAMES.items()} if uses == "http" else {}
            parts |= self._expanded(task._get_specified_expand_input().value, names)
        role = self.role(task)
        if needs := self._needs(task, role.pop("names", frozenset())):
            parts["needs"] = Converted.names(needs)
        self._say_hidden(task, {*needs, *self.referred})
        if task.is_teardown and settings.get("trigger_rule") == TriggerRule.ALL_DONE_SETUP_SUCCESS:
            del settings["trigger_rule"]
        own = self._params(task)
        params = {"params": own} if own is not None else {}
        return Converted({**parts, **role, **params, **self._settings(settings, around)})

    def _set_later(self, task: Any, given: Mapping[str, Any]) -> dict[str, Any]:
        """Attributes that were set after the task was made; those of its arguments, Airflow keeps itself."""
        later: dict[str, Any] = {}
        for name in sorted(self.set_later.get(id(task), set()) - given.keys() - _OF_THE_TASK):
            makers = (vars(kind).get("__init__") for kind in type(task).__mro__ if kind is not BaseOperator)
            is_argument = any(name in inspect.signature(one).parameters for one in makers if one)
            if is_argument or name in SETTING_KEYS | _EVENTS.keys():
                later[name] = getattr(task, name)
            elif not name.startswith("_"):
                self.lost(f"`{name}` is set on `{task.task_id}`, whose operator takes no argument of this name")
        return later

    def _say_hidden(self, task: Any, names: set[str]) -> None:
        """Tasks that cannot be named: inside a group, a name is looked up in the group first."""
        group, known = task.task_group, {*self.dag.task_dict, *self.dag.task_group_dict}
        while group is not None and group.group_id is not None:
            prefix = f"{group.group_id}." if group.prefix_group_id else ""
            for name in sorted(one for one in names if prefix and f"{prefix}{one}" in known):
                message = f"inside the group `{group.group_id}`, `{name}` is the group's own"
                self.lost(message, help="give one another id")
            group = group.parent_group

    def _needs(self, task: Any, named: frozenset[str]) -> list[str]:
        """What a task waits for but for the outputs that it takes: groups as a whole, and not what its own group waits
        for."""
        before = set(task.upstream_task_ids) - self.referred - named
        groups = [
            group
            for group in self.dag.task_group_dict.values()
            if group.group_id and task.task_id in group.downstream_task_ids
        ]
        for group in groups:
            before -= {one.task_id for one in group.get_leaves()}
        around = task.task_group
        while around is not None and around.group_id is not None:
            if task.task_id in {one.task_id for one in around.get_roots()}:
                before -= around.upstream_task_ids
                for name in around.upstream_group_ids - {None}:
                    before -= {one.task_id for one in self.dag.task_group_dict[name].get_leaves()}
            around = around.parent_group
        return [*sorted(str(group.group_id) for group in groups), *sorted(before)]

    def _uses(self, task: Any, given: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        kind = task.operator_class if isinstance(task, MappedOperator) else type(task)
        name = DECORATED.get(kind.__name__, kind.__name__)
        if name in ("PythonOperator", *CHOOSING.keys()) and "python_callable" in given:
            return self._function(name, given)
        path = self.dotted(kind)
        if "decorators" in path or kind.__name__.startswith("_"):
            self.lost(f"`{getattr(kind, 'custom_operator_name', kind.__name__)}` has no equivalent for functions here")
        uses = BUILT_IN_NAMES.get(path, path)
        found = self.reader.find(path)
        if isinstance(found, Class) and found.parameters is not None:  # its constructor gives others to its base
            known = {parameter.name for parameter in found.parameters}
            given = {name: one for name, one in given.items() if name in known}
        if "." not in uses and uses != "http" and not given.keys() <= taken(uses):
            uses = path
        if "." not in uses and isinstance(given.get("poke_interval"), int | float):
            given["poke_interval"] = timedelta(seconds=given["poke_interval"])
        if uses == "http":
            settings = given.pop("settings", {})
            zone = given.pop("timezone", "UTC")
            behind = [name for name in task.downstream_task_ids if not is_made_by_build(self.dag.task_dict[name])]
            if "Stateful" in kind.__name__ and given.pop("commits", True) and behind:
                settings = {**settings, "commit": "poll"}
            if "each_rows" in given:
                settings = {**settings, "each": {**settings.get("each", {}), "rows": given.pop("each_rows")}}
            names = {new: old for old, new in REQUEST_NAMES.items()}
            if zone != getattr(self.dag.timezone, "name", "UTC"):
                self.lost(f"`timezone: {zone}` of a request is the pipeline's here")
            given = {**{names.get(key, key): one for key, one in given.items()}, **settings}
        return uses, given

    def _function(self, name: str, given: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        function = given.pop("python_callable")
        arguments = dict(given.pop("op_kwargs", None) or {})
        positional = given.pop("op_args", None) or ()
        names = list(inspect.signature(function).parameters) if positional else []
        arguments = {**dict(zip(names, positional, strict=False)), **arguments}
        path = self.dotted(function)
        for argument, one in arguments.items():
            if not is_plain(one):
                what = f"`{argument}` is a value of type `{type(one).__name__}`"
                self.lost(f"{what}, and a function gets text, numbers, lists, mappings")
        named = {"op_kwargs": arguments} if arguments else {}
        if name in CHOOSING and not given:
            return CHOOSING[name], {"python_callable": UnquotedText(path), **named}
        if name == "PythonOperator" and not given:
            return path, arguments
        return f"{STANDARD}.operators.python.{name}", {"python_callable": function, **named, **given}

    def _expanded(self, value: Any, names: Mapping[str, str] | None = None) -> dict[str, Converted]:
        known = names or {}
        if isinstance(value, Mapping):
            return {"expand": Converted({known.get(name, name): self.value(one) for name, one in value.items()})}
        if isinstance(value, list | tuple):
            renamed = (
                {known.get(k, k): one for k, one in row.items()} if isinstance(row, Mapping) else row for row in value
            )
            value = list(renamed)
        return {"expand_kwargs": self.value(value)}

    def _settings(self, given: Mapping[str, Any], around: Mapping[str, Any]) -> dict[str, Converted]:
        """The settings of a task, a group or the DAG that are not those `around` it."""
        made: dict[str, Converted] = {}
        own = {name: one for name, one in given.items() if name not in around or around[name] != one}
        for name, one in own.items():
            if name == "pre_execute" and isinstance(one, TaskCondition):
                made[one.key] = Converted(one.template)
                if one.then is not None:
                    made[name] = self.value(one.then)
            elif name == "retry_exponential_backoff" and isinstance(one, bool):
                made[name] = Converted(2 if one else 0)  # as Airflow reads a DAG's
            elif name == "executor_config" and one:
                made[name] = Converted({key: self.untyped(inner) for key, inner in one.items()})
            elif name in SETTING_KEYS and one is not None:
                made[name] = self.value(one)
            elif name in SETTING_KEYS and name in around:
                made[name] = Converted(None)
        events = {_EVENTS[name]: one for name, one in own.items() if name in _EVENTS and (one or name in around)}
        if events and (notifications := self.notifications(events, TaskNotifications)) is not None:
            made["notifications"] = notifications
        return made
