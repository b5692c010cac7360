"""Operators of Python, plain, mapped and of functions → tasks of this project's language."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from airflow.sdk import BaseOperator, Param, TriggerRule
from airflow.sdk.definitions._internal.types import NOTSET
from airflow.sdk.definitions.mappedoperator import MappedOperator

from factory.build import python_made
from factory.build.python_made import BUILT_IN_NAMES, CHOOSING, DECORATED, is_made_by_build, is_plain
from factory.loading.python_objects import PythonObjects
from factory.operators.selection import TaskCondition
from schemas.dagfactory.convert.conversion import REQUEST_NAMES, STANDARD, Converted, UnquotedText
from schemas.dagfactory.convert.from_airflow import taken
from schemas.model.notifications import TaskNotifications
from schemas.model.settings import SETTING_KEYS
from schemas.source import Class

OF_EMAIL = frozenset({"email_on_failure", "email_on_retry"})
"""Arguments without effect where there is no `email`."""
_OF_THE_TASK = frozenset(
    {"task_id", "dag", "task_group", "default_args", "kwargs_to_upstream", "is_setup", "is_teardown", "params"}
    | {"on_failure_fail_dagrun"}
)
_EVENTS = {f"{event}_callback": event for event in TaskNotifications.model_fields}


class PythonTasks(PythonObjects):
    """The tasks of a DAG, and what tasks, groups and the DAG have in common."""

    def task(self, task: Any, around: Mapping[str, Any]) -> Converted:
        self.line = self.line_of(task.task_id)
        self.referred = set()
        is_mapped = isinstance(task, MappedOperator)
        if task.returns_dag_result:
            self.lost(f"`{task.task_id}` gives the DAG its result, and a pipeline has none")
        given = (
            python_made.partial_arguments(task) if is_mapped else dict(getattr(task, "_BaseOperator__init_kwargs", {}))
        )
        if (written := self.given.get(id(task))) is not None:
            given = {name: one for name, one in given.items() if name in written}
        given |= self._set_later(task, given)
        without = _OF_THE_TASK if given.get("email") else _OF_THE_TASK | OF_EMAIL
        given = {name: one for name, one in given.items() if name not in without}
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
            parts |= self.expanded(task._get_specified_expand_input().value, names)
        role = self._role(task)
        if needs := self._needs(task, role.pop("names", frozenset())):
            parts["needs"] = Converted.names(needs)
        self._say_hidden(task, {*needs, *self.referred})
        if task.is_teardown and settings.get("trigger_rule") == TriggerRule.ALL_DONE_SETUP_SUCCESS:
            del settings["trigger_rule"]
        own = self.params(task)
        params = {"params": own} if own is not None else {}
        return Converted({**parts, **role, **params, **self.settings(settings, around)})

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

    def _role(self, task: Any) -> dict[str, Any]:
        """Whether a task is a setup or a teardown; `names` are its setups."""
        role: dict[str, Any] = {}
        if task.is_setup:
            role["setup"] = Converted(True)
        if task.is_teardown:
            setups = sorted(name for name in task.upstream_task_ids if self.dag.task_dict[name].is_setup)
            role["teardown"] = Converted.names(setups)
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

    def expanded(self, value: Any, names: Mapping[str, str] | None = None) -> dict[str, Converted]:
        known = names or {}
        if isinstance(value, Mapping):
            return {"expand": Converted({known.get(name, name): self.value(one) for name, one in value.items()})}
        if isinstance(value, list | tuple):
            renamed = (
                {known.get(k, k): one for k, one in row.items()} if isinstance(row, Mapping) else row for row in value
            )
            value = list(renamed)
        return {"expand_kwargs": self.value(value)}

    def settings(self, given: Mapping[str, Any], around: Mapping[str, Any]) -> dict[str, Converted]:
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

    def params(self, task: Any = None) -> Converted | None:
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
