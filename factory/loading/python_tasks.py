"""Operators of Python, plain, mapped and of functions → tasks of this project's language."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Mapping
from datetime import date, time, timedelta
from typing import Any

from airflow.sdk import BaseOperator, ExceptionRetryPolicy, TriggerRule, XComArg
from airflow.sdk.bases.decorator import DecoratedMappedOperator
from airflow.sdk.definitions.mappedoperator import MappedOperator

from factory.build.python_made import CHOOSING, arguments_of, by_name
from factory.loading.python_objects import has_objects
from factory.loading.python_runs import (
    BUILT_IN_NAMES,
    DECORATED,
    OF_EMAIL,
    OF_FUNCTIONS,
    PythonRuns,
    gives_again,
    has_tasks,
    is_made_by_build,
    kind_of,
    partial_arguments,
    sends_mail,
    with_zones,
)
from factory.operators.functions import FunctionNotifier
from factory.operators.selection import TaskCondition
from schemas.dagfactory.convert.conversion import REQUEST_NAMES, Converted, UnquotedText
from schemas.dagfactory.convert.from_airflow import taken
from schemas.model.notifications import TaskNotifications
from schemas.model.settings import SETTING_KEYS
from schemas.source import Class

_OF_TEARDOWN = ("is_setup", "is_teardown", "on_failure_fail_dagrun")
_PLACE = ("task_id", "dag", "task_group", "default_args", "kwargs_to_upstream", "params")
_OF_THE_TASK = frozenset({*_PLACE, *_OF_TEARDOWN})
_EVENTS = {f"{event}_callback": event for event in TaskNotifications.model_fields}


_OF_ANY_TYPE = ("conf", "parameters")
"""What built-in tasks hand on as it is; their other arguments have types, so that `1d` is a duration there."""


class PythonTasks(PythonRuns):
    """The tasks of a DAG, and what tasks, groups and the DAG have in common."""

    def task(self, task: Any, around: Mapping[str, Any]) -> Converted:
        """A task, or what of it can be told: one that does not say what it does is nothing that lint takes."""
        self.line, self.referred = self.line_of(task.task_id), set()
        group, name = task.task_group, f"`{task.task_id}`"
        prefix = f"{group.group_id}." if group and group.group_id and group.prefix_group_id else ""
        parts = {"id": self.entry_id(task.task_id.removeprefix(prefix))}
        settings: dict[str, Any] = {}
        with self.apart(f"what {name} does"):
            parts |= self._doing(task, around, settings)
        with self.apart(f"what {name} waits for"):
            parts |= self._order(task)
        with self.apart(f"a setting of {name}"):
            if not isinstance(task, MappedOperator):  # it may be set later, and TaskFlow takes the function's
                set_later = {name: getattr(task, name) for name in ("doc", "doc_md", "doc_json", "doc_yaml", "doc_rst")}
                settings = {**{name: one for name, one in set_later.items() if one}, **settings}
            own = self.params(task)
            params = {"params": own} if own is not None else {}
            if task.is_teardown and settings.get("trigger_rule") == TriggerRule.ALL_DONE_SETUP_SUCCESS:
                del settings["trigger_rule"]
            parts |= {**params, **self.settings(settings, around)}
        return Converted(parts)

    def _doing(self, task: Any, around: Mapping[str, Any], settings: dict[str, Any]) -> dict[str, Converted]:
        """What a task runs; its `settings` are told apart."""
        is_mapped = isinstance(task, MappedOperator)
        if task.returns_dag_result:
            self.lost(f"`{task.task_id}` gives the DAG its result, and a pipeline has none")
        given = partial_arguments(task, around) if is_mapped else dict(getattr(task, "_BaseOperator__init_kwargs", {}))
        if (written := self.found.given.get(id(task))) is not None:
            given = {name: one for name, one in given.items() if name in written}
        given |= self._set_later(task, given)
        mails = {**given, **{name: getattr(task, name, True) for name in OF_EMAIL}} if is_mapped else given
        without = _OF_THE_TASK if sends_mail(mails) else _OF_THE_TASK | OF_EMAIL | {"email"}
        given = {name: one for name, one in given.items() if name not in without}
        settings |= {name: given.pop(name) for name in [*given] if name in SETTING_KEYS or name in _EVENTS}
        if settings.get("multiple_outputs") is False:
            del settings["multiple_outputs"]  # TaskFlow says so
        uses, arguments, of_function = self._uses(task, given)
        self.is_request = uses == "http"
        parts = {"uses": Converted(uses)}
        if of_function and arguments:
            each = arguments.items()
            parts["with"] = Converted({name: self.plain(one, f"`{name}`", "a function gets") for name, one in each})
        elif arguments:
            parts["with"] = Converted(self._with(task, uses, arguments))
        if is_mapped:
            names = {new: old for old, new in REQUEST_NAMES.items()} if uses == "http" else {}
            item = self.plain_item if of_function else lambda name, one: self._item(task, uses, name, one)
            parts |= self.expanded(task._get_specified_expand_input().value, item, names)
            self.say_of_mapped(task, uses, arguments)
        self.is_request = False
        return parts

    def _order(self, task: Any) -> dict[str, Converted]:
        """What a task waits for, and whether it is a setup or a teardown."""
        role = self._role(task)
        needs = self._needs(task, role.pop("names", frozenset()))
        self.say_hidden(task, {*needs, *self.referred})
        return {**({"needs": Converted.names(needs)} if needs else {}), **role}

    def _with(self, task: Any, uses: str, given: Mapping[str, Any]) -> dict[str, Converted]:
        if "." in uses:
            return self.arguments(kind_of(task), given)
        self.is_data = True  # of a built-in no object is made
        made = {name: (self.untyped if name in _OF_ANY_TYPE else self.value)(one) for name, one in given.items()}
        if "op_kwargs" in given:
            made["op_kwargs"] = self.plain(given["op_kwargs"], "`op_kwargs`", "a function gets")
        self.is_data = False
        return made

    def _item(self, task: Any, uses: str, name: str, value: Any) -> Converted:
        """One of the values that a task of an operator is mapped over; no object is made there."""
        if "." not in uses:
            return self.plain_item(name, value) if name in _OF_ANY_TYPE else self.value(value)
        made = self.arguments(kind_of(task), {name: value})[name]
        return self.plain_item(name, value) if has_objects(made) else made

    def _set_later(self, task: Any, given: Mapping[str, Any]) -> dict[str, Any]:
        """Attributes that were set after the task was made; those of its arguments, Airflow keeps itself."""
        later: dict[str, Any] = {}
        for name in sorted(self.found.set_later.get(id(task), set()) - given.keys() - _OF_THE_TASK):
            makers = (vars(kind).get("__init__") for kind in type(task).__mro__ if kind is not BaseOperator)
            is_argument = any(name in inspect.signature(one).parameters for one in makers if one)
            if is_argument or name in SETTING_KEYS | _EVENTS.keys():
                later[name] = getattr(task, name)
            elif not name.startswith("_"):
                self.lost(f"`{name}` is set on `{task.task_id}`, whose operator takes no argument of this name")
        return later

    def _role(self, task: Any) -> dict[str, Any]:
        """Whether a task is a setup or a teardown; `names` are its setups."""
        role: dict[str, Any] = {}
        if task.is_setup:
            role["setup"] = Converted(True)
        if task.is_teardown:
            setups = sorted(name for name in task.upstream_task_ids if self.dag.task_dict[name].is_setup)
            role |= {"teardown": Converted.names(setups), "names": frozenset(setups)}
            role |= {"on_failure_fail_dagrun": Converted(True)} if task.on_failure_fail_dagrun else {}
        return role

    def _needs(self, task: Any, named: frozenset[str]) -> list[str]:
        """What a task waits for but for the outputs that it takes: groups as a whole, and not what its own group waits
        for."""
        before = set(task.upstream_task_ids) - self.referred - named
        groups = [
            group
            for group in self.dag.task_group_dict.values()
            if group.group_id and task.task_id in group.downstream_task_ids and has_tasks(group)
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

    def _uses(self, task: Any, given: dict[str, Any]) -> tuple[str, dict[str, Any], bool]:
        """What a task uses, its arguments, and whether they are a function's."""
        kind = kind_of(task)
        name = DECORATED.get(kind.__name__, kind.__name__)
        is_private = "decorators" in kind.__module__ or kind.__name__.startswith("_")
        if "python_callable" in given and (name in OF_FUNCTIONS or is_private):
            if name not in OF_FUNCTIONS:
                is_asset = kind.__name__ == "_AssetMainOperator"
                said = "@asset" if is_asset else getattr(kind, "custom_operator_name", kind.__name__)
                help_text = "write a function that does the whole, or a task for the function and one for what it gives"
                self.lost(f"`{said}` has no equivalent for functions here: the function alone is written", help_text)
                given = {one: given[one] for one in ("python_callable", "op_args", "op_kwargs") if one in given}
            return self._function(name, given, task)
        path = self.dotted(kind)
        uses = BUILT_IN_NAMES.get(path, path)
        found = self.reader.find(path)
        if isinstance(found, Class) and found.parameters is not None:  # its constructor gives others to its base
            known = {parameter.name for parameter in found.parameters}
            given = {name: one for name, one in given.items() if name in known}
        is_strict = isinstance(task, MappedOperator) and task._disallow_kwargs_override and gives_again(task, given)
        if "." not in uses and uses != "http":
            is_other = is_strict or not given.keys() <= taken(uses) or any(map(self._is_object, given.values()))
            uses = path if is_other else uses
        if "." not in uses and isinstance(given.get("poke_interval"), int | float):
            given["poke_interval"] = timedelta(seconds=given["poke_interval"])
        if uses == "http":
            given = self._request(task, given)
        return uses, given, False

    def _is_object(self, value: Any) -> bool:
        """Whether a built-in does not take a value: it knows dates and durations by their types."""
        return not isinstance(value, date | time | timedelta) and self.holds_objects(value)

    def _request(self, task: Any, given: dict[str, Any]) -> dict[str, Any]:
        """The arguments of a request in the words of `http`."""
        settings = given.pop("settings", {})
        zone = given.pop("timezone", "UTC")
        given.pop("servers", None)  # the build finds them in the file, as it did
        behind = [name for name in task.downstream_task_ids if not is_made_by_build(self.dag.task_dict[name])]
        if "Stateful" in kind_of(task).__name__ and given.pop("commits", True) and behind:
            settings = {**settings, "commit": "poll"}
        if "each_rows" in given:
            settings = {**settings, "each": {**settings.get("each", {}), "rows": given.pop("each_rows")}}
        names = {new: old for old, new in REQUEST_NAMES.items()}
        if zone != self.zone:
            self.lost(f"`timezone: {zone}` of a request is the pipeline's here")
        return {**{names.get(key, key): one for key, one in given.items()}, **settings}

    def _function(self, name: str, given: dict[str, Any], task: Any) -> tuple[str, dict[str, Any], bool]:
        """A call of a function. Where it gets objects, an operator's, which takes them."""
        is_decorated = isinstance(task, DecoratedMappedOperator)
        is_class = isinstance(task, MappedOperator) and not is_decorated  # mapped over arguments of the operator
        function: Any = given.pop("python_callable")
        positional, arguments = given.pop("op_args", None) or (), given.pop("op_kwargs", None) or {}
        while is_decorated and given:
            self.lost(f"`{given.popitem()[0]}` has no place beside a function that is mapped")
        while isinstance(function, functools.partial):
            positional = (*function.args, *positional)
            function, arguments = function.func, {**function.keywords, **arguments}
        named = None if is_class else by_name(function, positional)
        if named is not None and isinstance(arguments, Mapping):
            positional, arguments = (), {**named, **arguments}
        positional = positional if isinstance(positional, XComArg) else [*positional]
        each = (("op_args", positional), ("op_kwargs", arguments))
        held = {key: one for key, one in each if isinstance(one, XComArg) or one}
        is_plain = not given and not is_class and "op_args" not in held and isinstance(arguments, Mapping)
        is_plain = is_plain and (is_decorated or not self.holds_objects(arguments))
        if name in CHOOSING and is_plain:
            return CHOOSING[name], {"python_callable": UnquotedText(self.dotted(function)), **held}, False
        if is_plain and name not in (*CHOOSING, "PythonSensor"):
            return self.dotted(function), dict(arguments), True
        path = OF_FUNCTIONS.get(name, OF_FUNCTIONS["PythonOperator"])
        return path, {"python_callable": function, **held, **given}, False

    def settings(self, given: Mapping[str, Any], around: Mapping[str, Any]) -> dict[str, Converted]:
        """The settings of a task, a group or the DAG that are not those `around` it."""
        made: dict[str, Converted] = {}
        given, around = with_zones(given), with_zones(around)
        own = {name: one for name, one in given.items() if name not in around or around[name] != one}
        for name, one in own.items():
            if name == "pre_execute" and isinstance(one, TaskCondition):
                made[one.key] = Converted(one.template)
                if one.then is not None:
                    made[name] = self.value(one.then)
            elif name == "retry_exponential_backoff" and isinstance(one, bool):
                made[name] = Converted(2 if one else 0)  # as Airflow reads a DAG's
            elif name in ("inlets", "outlets") and not isinstance(one, list | tuple | set | None):
                made[name] = self.value([one])
            elif isinstance(one, ExceptionRetryPolicy):
                made[name] = self.retry_policy(one)
            elif name == "executor_config" and one:
                made[name] = self.untyped(one)
            elif name in SETTING_KEYS and one is not None:
                is_number = name in ("retry_delay", "max_retry_delay") and isinstance(one, int | float)
                made[name] = self.value(timedelta(seconds=one) if is_number else one)
            elif name in SETTING_KEYS and name in around:
                made[name] = Converted(None)
        events = {_EVENTS[name]: one for name, one in own.items() if name in _EVENTS and (one or name in around)}
        if events and (notifications := self.notifications(events, TaskNotifications)) is not None:
            made["notifications"] = notifications
        return made

    def notifications(self, events: Mapping[str, Any], model: Any) -> Converted | None:
        made: dict[str, Converted] = {}
        for event in model.model_fields:
            if event in events:
                listed = events[event] if isinstance(events[event], list | tuple) else [events[event]]
                each = [self._notification(one) for one in listed if one is not None]
                made[event] = Converted(each or None)
        return Converted(made) if made else None

    def _notification(self, callback: Any) -> Converted:
        if isinstance(callback, FunctionNotifier):
            path, given = callback.function.path, callback.arguments
        elif isinstance(callback, functools.partial):
            path, given = self.dotted(callback.func), callback.keywords
            if callback.args:
                self.lost(f"`{path}` is given {len(callback.args)} arguments without a name", help="give them names")
        elif inspect.isroutine(callback):
            path, given = self.dotted(callback), {}
        else:
            path = self.dotted(type(callback))
            known = arguments_of(callback)
            if known is None:
                self.lost(f"the arguments of a `{type(callback).__name__}` are not known", help="write them in `with`")
            given = known or {}
        arguments = {name: self.plain(one, f"`{name}` of `{path}`", "notifications get") for name, one in given.items()}
        return Converted({"uses": Converted(path), **({"with": Converted(arguments)} if arguments else {})})
