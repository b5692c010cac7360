"""DAGs of a Python file → files of this project's language.

The file is imported as Airflow does it; what its DAGs are made of is read from the objects, and where each task was
made from the call. What has no place in YAML is said at its line: functions that are defined in the DAG file, and code
that made several tasks.
"""

from __future__ import annotations

import ast
import importlib.util
import inspect
import sys
import traceback
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import attrs
from airflow.sdk import (
    DAG,
    BaseOperator,
    Param,
    TaskGroup,
    TriggerRule,
    XComArg,
)
from airflow.sdk.definitions._internal.contextmanager import DagContext
from airflow.sdk.definitions._internal.expandinput import MappedArgument
from airflow.sdk.definitions._internal.types import NOTSET
from airflow.sdk.definitions.mappedoperator import MappedOperator
from airflow.sdk.definitions.taskgroup import MappedTaskGroup

from factory.loading.python_objects import PythonObjects
from factory.operators.http_watch import HttpWatchTrigger
from factory.operators.selection import GroupArgument, ReferenceText, TaskCondition, XComSelection
from schemas.compose.effective import Effective
from schemas.dagfactory.convert import ConvertedDag
from schemas.dagfactory.convert.airflow import OPERATORS, REQUEST_NAMES, STANDARD
from schemas.dagfactory.convert.conversion import Converted, UnquotedText
from schemas.dagfactory.convert.from_airflow import taken
from schemas.dagfactory.convert.writing import write
from schemas.findings.codes import Code
from schemas.model.notifications import RunNotifications, TaskNotifications
from schemas.model.settings import SETTING_KEYS
from schemas.model.task_base import POLL_TASK_ID
from schemas.source import Class, SourceReader
from schemas.text.document import Document

_BUILT_INS = {
    "factory.operators.http_stateful.StatefulHttpOperator": "http",
    "factory.operators.file_sensor.FileSensor": "wait_file",
    "factory.operators.moment_sensor.DateTimeSensor": "wait_until",
    "factory.operators.moment_sensor.TimeSensor": "wait_until",
    "factory.operators.other_dags.TriggerDagRunOperator": "trigger_dag",
    **{path: name for name, path in OPERATORS.items() if path.startswith("factory.")},
    **{OPERATORS[name]: name for name in ("bash", "empty", "latest_only")},
}
_PYTHON = f"{STANDARD}.operators.python.PythonOperator"
_CHOOSING = {"BranchPythonOperator": "branch", "ShortCircuitOperator": "short_circuit"}
_DECORATED = {
    "_PythonDecoratedOperator": "PythonOperator",
    "_BranchPythonDecoratedOperator": "BranchPythonOperator",
    "_ShortCircuitDecoratedOperator": "ShortCircuitOperator",
}
_OF_THE_TASK = frozenset(
    {"task_id", "dag", "task_group", "default_args", "kwargs_to_upstream", "is_setup", "is_teardown", "params"}
    | {"on_failure_fail_dagrun"}
)
_EVENTS = {f"{event}_callback": event for event in TaskNotifications.model_fields}
_DAG_AS_IT_IS = (
    *("dag_display_name", "description", "doc_md", "start_date", "end_date", "max_active_runs", "max_active_tasks"),
    *("max_consecutive_failed_dag_runs", "dagrun_timeout", "fail_fast", "render_template_as_native_obj", "owner_links"),
    *("allowed_run_types", "access_control", "disable_bundle_versioning", "rerun_with_latest_version"),
    *("user_defined_macros", "user_defined_filters", "jinja_environment_kwargs", "template_undefined"),
)
_GROUP_AS_IT_IS = ("group_display_name", "tooltip", "doc_md", "ui_color", "ui_fgcolor")


_PLAIN = (str, int, float, XComArg, XComSelection, GroupArgument, ReferenceText, MappedArgument)
"""What an argument of a function may be."""
_NO_COMMENTS = Document("", "", {"": None})


class ImportFailedError(Exception):
    """A Python file could not be imported; the text is for its user, `line` is the file's."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


@dataclass(frozen=True)
class Imported:
    """The DAGs that Airflow finds in a file; `lines` by DAG id and task id: where each task was made; `set_later` by a
    task's `id()`: the attributes that were set after it was made."""

    file: Path
    text: str = field(repr=False)
    dags: list[DAG]
    lines: Mapping[str, Mapping[str, int]]
    set_later: Mapping[int, set[str]]

    def converted(self, shown: str) -> Iterator[ConvertedDag]:
        """Convert the DAGs; the file is `shown` as its user knows it."""
        reader = SourceReader(self.file.parent)
        calls = [node for node in ast.walk(ast.parse(self.text)) if isinstance(node, ast.Call)]
        start = min((node.lineno for node in calls if ast.unparse(node.func).lower().endswith("dag")), default=1)
        for dag in self.dags:
            lines = self.lines.get(dag.dag_id, {})
            conversion = _FromPython(dag, self.file, lines, shown, self.text, reader, start, self.set_later)
            text = write(conversion.document(), Effective({}, (_NO_COMMENTS,)))
            found = {(d.sort_key, d.message): d for d in conversion.findings}.values()
            yield ConvertedDag(dag.dag_id, text, tuple(found))


def imported(file: Path) -> Imported:
    """Import a file as Airflow does. Raises ImportFailedError."""
    text = file.read_text(encoding="utf-8")
    folders = [str(folder) for folder in (file.parent, *file.parents) if folder.name == "dags" or folder == file.parent]
    before = list(sys.path)
    sys.path += [folder for folder in folders if folder not in sys.path]
    name = f"converted_{file.stem}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise ImportFailedError(1, "this is not a Python file")
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    DagContext.autoregistered_dags.clear()
    DagContext.current_autoregister_module_name = name
    try:
        with _seen_tasks(file) as (lines, set_later):
            spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:  # anybody's code
        frames = traceback.extract_tb(error.__traceback__)
        line = next((frame.lineno for frame in reversed(frames) if frame.filename == str(file)), 1)
        reason = " ".join(str(error).split()) or "it gave no reason"
        raise ImportFailedError(line or 1, f"importing it failed: {type(error).__name__}: {reason}") from error
    finally:
        DagContext.current_autoregister_module_name = None
        sys.path[:] = before
    found = [dag for dag, by in DagContext.autoregistered_dags if by is module]
    found += [value for value in vars(module).values() if isinstance(value, DAG)]
    return Imported(file, text, list({dag.dag_id: dag for dag in found}.values()), lines, set_later)


@contextmanager
def _seen_tasks(file: Path) -> Iterator[tuple[dict[str, dict[str, int]], dict[int, set[str]]]]:
    """Notes for each task the line of the file that made it, and the attributes that were set after that."""
    lines: dict[str, dict[str, int]] = {}
    set_later: dict[int, set[str]] = {}
    add_task, set_attribute = DAG.add_task, BaseOperator.__setattr__

    def noted(dag: DAG, task: Any) -> None:
        frame = sys._getframe(1)
        while frame.f_back is not None and frame.f_code.co_filename != str(file):
            frame = frame.f_back
        lines.setdefault(dag.dag_id, {}).setdefault(task.task_id, frame.f_lineno)
        add_task(dag, task)

    def noted_attribute(task: Any, name: str, value: Any) -> None:
        by = str(sys._getframe(1).f_globals.get("__name__"))
        if task._BaseOperator__instantiated and not by.startswith("airflow.sdk."):
            set_later.setdefault(id(task), set()).add(name)
        set_attribute(task, name, value)

    DAG.add_task = noted  # type: ignore[method-assign,assignment] # Airflow tells nobody
    BaseOperator.__setattr__ = noted_attribute  # type: ignore[method-assign,assignment] # as above
    try:
        yield lines, set_later
    finally:
        DAG.add_task = add_task  # type: ignore[method-assign]
        BaseOperator.__setattr__ = set_attribute  # type: ignore[method-assign]


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
            if one.name in _DAG_AS_IT_IS and held is not None and held != _default(one, dag):
                parts[one.name] = self.value(_actions(held) if one.name == "access_control" else held)
        parts["catchup"] = Converted(True) if dag.catchup else None
        parts["is_paused_upon_creation"] = Converted(True) if dag.is_paused_upon_creation else None
        parts["tags"] = Converted([Converted(tag) for tag in sorted(dag.tags)], flow=True) if dag.tags else None
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
        for line, count in Counter(self.lines.values()).items():
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
                self.lost(message, line=self.lines.get(after))

    def _params(self, task: Any = None) -> Converted | None:
        """The params of the DAG, or those that a task has in place of them."""
        made: dict[str, Converted] = {}
        held = self.dag.params if task is None else task.params
        for name in held:
            param: Param = held.get_param(name)
            if task is not None and name in self.dag.params:
                around = self.dag.params.get_param(name)
                same = (param.value, param.schema, param.description) == (
                    around.value,
                    around.schema,
                    around.description,
                )
                if same or around.value is NOTSET:
                    continue
            default = {} if param.value is NOTSET else {"default": self.value(param.value)}
            described = {} if param.description is None else {"description": Converted(param.description)}
            schema = {key: self.value(one) for key, one in param.schema.items()}
            kind = {} if schema or not isinstance(param.value, dict) else {"type": Converted("object")}
            if not (described or schema or isinstance(param.value, dict)) and default:
                made[name] = default["default"]
            else:
                made[name] = Converted({**default, **described, **schema, **kind})
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
            if not _is_made_by_build(child)
        ]

    def _group(self, group: TaskGroup, around: Mapping[str, Any]) -> Converted:
        parts: dict[str, Converted] = {"id": Converted(group._group_id)}
        if not group.prefix_group_id:
            parts["prefix_group_id"] = Converted(False)
        for one in attrs.fields(TaskGroup):
            held = getattr(group, one.name, None)
            if one.name in _GROUP_AS_IT_IS and held and held not in (one.default, group._group_id):
                parts[one.name] = Converted(held)
        self.referred = set()
        if isinstance(group, MappedTaskGroup):
            parts |= self._expanded(group._expand_input.value)
        before = [
            *sorted(name for name in group.upstream_group_ids if name),
            *sorted(group.upstream_task_ids - self.referred),
        ]
        if before:
            parts["needs"] = Converted([Converted(name) for name in before], flow=True)
        settings = self._settings(group.default_args, {})
        notifications = settings.pop("notifications", None)
        parts |= {"default_args": Converted(settings)} if settings else {}
        parts |= {"notifications": notifications} if notifications is not None else {}
        return Converted({**parts, "tasks": Converted(self._entries(group, around))})

    def _task(self, task: Any, around: Mapping[str, Any]) -> Converted:
        self.line = self.lines.get(task.task_id, 1)
        self.referred = set()
        is_mapped = isinstance(task, MappedOperator)
        given = _partial(task) if is_mapped else dict(getattr(task, "_BaseOperator__init_kwargs", {}))
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
        role = self._role(task)
        if needs := self._needs(task, role.pop("names", frozenset())):
            parts["needs"] = Converted([Converted(name) for name in needs], flow=True)
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
            made_by = (vars(kind).get("__init__") for kind in type(task).__mro__ if kind is not BaseOperator)
            if name in SETTING_KEYS | _EVENTS.keys() or any(
                name in inspect.signature(i).parameters for i in made_by if i
            ):
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
                self.lost(
                    f"inside the group `{group.group_id}`, `{name}` is the group's own", help="give one another id"
                )
            group = group.parent_group

    def _role(self, task: Any) -> dict[str, Any]:
        role: dict[str, Any] = {}
        if task.is_setup:
            role["setup"] = Converted(True)
        if task.is_teardown:
            setups = sorted(name for name in task.upstream_task_ids if self.dag.task_dict[name].is_setup)
            role["teardown"] = Converted([Converted(name) for name in setups], flow=True)
            role["names"] = frozenset(setups)
            if task.on_failure_fail_dagrun:
                role["on_failure_fail_dagrun"] = Converted(True)
        return role

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
        name = _DECORATED.get(kind.__name__, kind.__name__)
        if name in ("PythonOperator", *_CHOOSING.keys()) and "python_callable" in given:
            return self._function(name, given)
        path = self.dotted(kind)
        if "decorators" in path or kind.__name__.startswith("_"):
            self.lost(f"`{getattr(kind, 'custom_operator_name', kind.__name__)}` has no equivalent for functions here")
        uses = _BUILT_INS.get(path, path)
        found = self.reader.find(path)
        if (
            isinstance(found, Class) and found.parameters is not None
        ):  # an operator's constructor gives others to its base
            names_taken = {parameter.name for parameter in found.parameters}
            given = {name: one for name, one in given.items() if name in names_taken}
        if "." not in uses and uses != "http" and not given.keys() <= taken(uses):
            uses = path
        if "." not in uses and isinstance(given.get("poke_interval"), int | float):
            given["poke_interval"] = timedelta(seconds=given["poke_interval"])
        if uses == "http":
            settings = given.pop("settings", {})
            zone = given.pop("timezone", "UTC")
            behind = [name for name in task.downstream_task_ids if not _is_made_by_build(self.dag.task_dict[name])]
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
            if not _is_plain(one):
                kind = type(one).__name__
                self.lost(
                    f"`{argument}` is a value of type `{kind}`, and a function gets text, numbers, lists, mappings"
                )
        if name in _CHOOSING and not given:
            return _CHOOSING[name], {
                "python_callable": UnquotedText(path),
                **({"op_kwargs": arguments} if arguments else {}),
            }
        if name == "PythonOperator" and not given:
            return path, arguments
        whole = {"python_callable": function, **({"op_kwargs": arguments} if arguments else {}), **given}
        return f"{STANDARD}.operators.python.{name}", whole

    def _expanded(self, value: Any, names: Mapping[str, str] | None = None) -> dict[str, Converted]:
        known = names or {}
        if isinstance(value, Mapping):
            return {"expand": Converted({known.get(name, name): self.value(one) for name, one in value.items()})}
        if isinstance(value, list | tuple):
            value = [
                {known.get(name, name): one for name, one in row.items()} if isinstance(row, Mapping) else row
                for row in value
            ]
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


def _actions(access: Any) -> Any:
    """Airflow keeps actions on a DAG below the word `DAGs`."""
    plain = {role: [*held] == ["DAGs"] and isinstance(held["DAGs"], set) for role, held in access.items()}
    return {role: held["DAGs"] if plain[role] else held for role, held in access.items()}


def _is_plain(value: Any) -> bool:
    if isinstance(value, Mapping):
        return all(map(_is_plain, value.values()))
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, _PLAIN)


def _is_made_by_build(task: Any) -> bool:
    """Whether this project's build makes the task for another one."""
    return type(task).__module__ in ("factory.operators.select", "factory.operators.poll_commit")


def _default(one: Any, dag: DAG) -> Any:
    """What a DAG has where nothing is written."""
    if not isinstance(one.default, attrs.Factory):  # type: ignore[arg-type] # a class, though it is typed as a function
        return one.default
    return one.default.factory(dag) if one.default.takes_self else one.default.factory()


def _partial(task: Any) -> dict[str, Any]:
    """The arguments of a mapped task that were written: Airflow adds its defaults to them."""
    defaults = {p.name: p.default for p in inspect.signature(BaseOperator.__init__).parameters.values()}
    own = {"python_callable": task.python_callable} if hasattr(task, "python_callable") else {}
    ignored = {"email_on_failure", "email_on_retry", "on_failure_fail_dagrun", "is_setup", "is_teardown", "dag"}
    given = {
        name: one
        for name, one in task.partial_kwargs.items()
        if name not in ignored
        and not (name in defaults and (one == defaults[name] or (not one and not defaults[name])))
    }
    return {**own, **{name: one for name, one in given.items() if not (name in ("op_args", "op_kwargs") and not one)}}
