"""When and how often DAGs of Python and their tasks run → `schedule`, `deadline`, `params`, `expand`."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from airflow.sdk import Asset, AssetAlias, BaseOperator, Param, TaskGroup
from airflow.sdk.definitions._internal.expandinput import ListOfDictsExpandInput
from airflow.sdk.definitions._internal.types import NOTSET
from airflow.sdk.definitions.mappedoperator import MappedOperator
from airflow.sdk.definitions.param import ParamsDict
from airflow.sdk.definitions.timetables.assets import AssetOrTimeSchedule, AssetTriggeredTimetable
from airflow.sdk.timezone import convert_to_utc
from airflow.serialization.definitions.assets import SerializedAsset, SerializedAssetAlias
from airflow.timetables.assets import AssetOrTimeSchedule as SchedulersAssetOrTime

from factory.build.python_made import (
    _OURS,
    CHOOSING,
    arguments_of,
    has_months,
    zone_name,
)
from factory.build.timetable import PLAIN_TIMETABLES
from factory.loading.python_objects import PythonObjects
from schemas.dagfactory.convert.conversion import OPERATORS, STANDARD, Converted
from schemas.findings.codes import Code
from schemas.model.settings import SETTING_KEYS
from schemas.model.task_base import TASK_ID_PATTERN

_OF_THE_CLASS = (
    *("operator_extra_links", "template_ext", "template_fields", "template_fields_renderers", "ui_color", "ui_fgcolor"),
    *("start_trigger_args", "start_from_trigger"),
)
"""What a mapped operator has of its class, unless its file sets it."""


BUILT_IN_NAMES: Mapping[str, str] = MappingProxyType(
    {
        **{path: name for path, name in _OURS.items() if path.startswith("factory.") and name != "train"},
        **{OPERATORS[name]: name for name in ("bash", "empty", "latest_only", "http")},
        "factory.operators.http_stateful.StatefulHttpOperator": "http",
        "factory.operators.waits.DateTimeSensor": "wait_until",
        "factory.operators.waits.TimeSensor": "wait_until",
        "factory.operators.waits.TriggerDagRunOperator": "trigger_dag",
    }
)
"""Operators whose arguments are those of a built-in."""
DECORATED: Mapping[str, str] = MappingProxyType(
    {
        **{f"_{name.removesuffix('Operator')}DecoratedOperator": name for name in ("PythonOperator", *CHOOSING)},
        "DecoratedSensorOperator": "PythonSensor",
    }
)
OF_FUNCTIONS: Mapping[str, str] = MappingProxyType(
    {
        **{name: f"{STANDARD}.operators.python.{name}" for name in ("PythonOperator", *CHOOSING)},
        "PythonSensor": f"{STANDARD}.sensors.python.PythonSensor",
    }
)
"""The operators that call a function, and nothing else is to know of them."""


OF_EMAIL = frozenset({"email_on_failure", "email_on_retry"})
"""Arguments without effect where there is no `email`."""


def sends_mail(given: Mapping[str, Any]) -> bool:
    """Whether the arguments of a task make Airflow send mails."""
    return bool(given.get("email")) and any(given.get(name, True) for name in OF_EMAIL)


def with_zones(given: Mapping[str, Any]) -> dict[str, Any]:
    """Settings with a zone in each date: Airflow does not take those of tasks in their DAG's."""
    return {
        name: convert_to_utc(one) if isinstance(one, datetime) and one.tzinfo is None else one
        for name, one in given.items()
    }


def has_tasks(group: TaskGroup) -> bool:
    """Whether there is a task in a group, however deep."""
    return any(not isinstance(one, TaskGroup) or has_tasks(one) for one in group.children.values())


def _cron_of(given: Mapping[str, Any]) -> Any:
    """The cron expression of a timetable: Airflow has each timetable twice, with two names for it."""
    return given.get("expression", given.get("cron"))


def is_made_by_build(task: Any) -> bool:
    """Whether this project's build makes the task for another one."""
    return type(task).__name__ in ("SelectOperator", "PollCommitOperator")


def kind_of(task: Any) -> Any:
    return task.operator_class if isinstance(task, MappedOperator) else type(task)


def partial_arguments(task: Any, around: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a mapped task that were written: Airflow adds its defaults to them, where those `around` the
    task say nothing."""
    defaults = {p.name: p.default for p in inspect.signature(BaseOperator.__init__).parameters.values()}
    own = {"python_callable": task.python_callable} if hasattr(task, "python_callable") else {}
    own |= {"multiple_outputs": True} if getattr(task, "multiple_outputs", False) else {}  # TaskFlow has it apart
    ignored = {"email_on_failure", "email_on_retry", "on_failure_fail_dagrun", "is_setup", "is_teardown", "dag"}
    given = {
        name: one
        for name, one in task.partial_kwargs.items()
        if name not in ignored
        and not (name in defaults.keys() - around and (one == defaults[name] or (not one and not defaults[name])))
    }
    dates = {name: getattr(task, name) for name in ("start_date", "end_date")}  # its own, else the DAG's
    own |= {name: one for name, one in dates.items() if one and (name in around or one != getattr(task.dag, name))}
    return {**own, **{name: one for name, one in given.items() if not (name in ("op_args", "op_kwargs") and not one)}}


def gives_again(task: MappedOperator, arguments: Mapping[str, Any]) -> bool:
    """Whether a row of `expand_kwargs` gives one of the `arguments` that all rows have, as far as that is known."""
    rows = task._get_specified_expand_input()
    if not isinstance(rows, ListOfDictsExpandInput):
        return False
    given = rows.value if isinstance(rows.value, list | tuple) else ()
    known = all(isinstance(row, Mapping) for row in given) and given is rows.value
    return bool({name for row in given for name in row} & arguments.keys() if known else arguments)


class PythonRuns(PythonObjects):
    """Schedules, what is mapped, and what of both is otherwise here."""

    def schedule(self, timetable: Any) -> Converted | None:
        kind = type(timetable).__name__
        if type(timetable) in PLAIN_TIMETABLES:
            return Converted(PLAIN_TIMETABLES[type(timetable)])
        if isinstance(timetable, AssetOrTimeSchedule | SchedulersAssetOrTime):
            return self._assets_or_time(timetable, self.schedule(timetable.timetable))
        if isinstance(timetable, AssetTriggeredTimetable):
            written = {"assets": self._waited(timetable.asset_condition)}
            mappers = getattr(timetable, "partition_mapper_config", None) or {}
            if mappers:
                by_name = {str(getattr(asset, "name", asset)): self.value(one) for asset, one in mappers.items()}
                written["partition_mapper_config"] = Converted(by_name)
            default = getattr(timetable, "default_partition_mapper", None)
            if default is not None and (type(default).__name__ != "IdentityMapper" or not mappers):
                written["default_partition_mapper"] = self.value(default)
            return Converted(written)
        if kind == "MultipleCronTriggerTimetable":
            each = getattr(timetable, "timetables", None) or timetable._timetables  # the scheduler's has it private
            known = [arguments_of(one) or {} for one in each]
            crons, first = Converted.names(_cron_of(one) for one in known), known[0]
            for name in ("interval", "run_immediately"):
                if first.get(name):
                    self.lost(f"`{name}` of a `{kind}` has no place here", help="write a DAG for each cron expression")
            return Converted({"cron": crons, **self._other_zone(first.get("timezone"))})
        return self._of_timetable(timetable, kind)

    def _of_timetable(self, timetable: Any, kind: str) -> Converted | None:
        given = arguments_of(timetable)
        if given is None:
            self.lost(f"the schedule is a `{kind}`, whose arguments are not known", help="write `schedule` by hand")
            return None
        interval = {"data_interval": Converted(True)} if "Interval" in kind else {}
        of_cron = {"expression", "cron", "timezone"}
        if kind in ("CronTriggerTimetable", "CronDataIntervalTimetable") and given.keys() <= of_cron:
            other = self._other_zone(given.get("timezone")) | interval
            plain = Converted(_cron_of(given))
            return Converted({"cron": plain, **other}) if other else plain
        if (
            kind in ("DeltaTriggerTimetable", "DeltaDataIntervalTimetable")
            and given.keys() == {"delta"}
            and (isinstance(given["delta"], timedelta) and not has_months(given["delta"]))
        ):
            return Converted({"every": self.value(given["delta"]), **interval})
        path = self.dotted(type(timetable))
        if str(given.get("description", "")).startswith(f"{len(given.get('event_dates', ()))} events"):
            del given["description"]  # EventsTimetable makes it
        if "timezone" in given:
            given["timezone"] = zone_name(given["timezone"]) or given["timezone"]
        arguments = self.arguments(type(timetable), given)
        return Converted({"timetable": Converted(path), **({"with": Converted(arguments)} if arguments else {})})

    def _other_zone(self, given: Any) -> dict[str, Converted]:
        """The `timezone` of a schedule that is not the DAG's."""
        own = given if isinstance(given, str | None) else zone_name(given)
        if own is None and given is not None:
            self._say_nameless(given)
            return {}
        return {"timezone": Converted(own)} if own != self.zone else {}

    def _say_nameless(self, zone: Any) -> None:
        self.lost(f"the time zone `{zone.tzname(None)}` has no name", help="write `timezone` and its times by hand")

    def _assets_or_time(self, timetable: Any, made: Converted | None) -> Converted:
        given = {"cron": made} if made is not None and isinstance(made.value, str) else made.value if made else {}
        if not (given or {}).keys() <= {"cron", "timezone", "data_interval"}:
            kind = type(timetable.timetable).__name__
            self.lost(f"beside assets, a schedule here is a cron expression, and no `{kind}`")
            given = {}
        return Converted({**given, "assets": self._waited(timetable.asset_condition)})

    def _waited(self, condition: Any) -> Converted:
        kind = type(condition).__name__.removeprefix("Serialized")  # the scheduler has classes of its own
        if kind in ("AssetAll", "AssetAny"):
            parts = Converted([self._waited(one) for one in condition.objects])
            return Converted({"all" if kind == "AssetAll" else "any": parts})
        if isinstance(condition, SerializedAsset) and not condition.watchers:
            condition = Asset(condition.name, condition.uri, group=condition.group, extra=condition.extra)
        elif isinstance(condition, SerializedAssetAlias):
            condition = AssetAlias(condition.name, group=condition.group)
        return self.value(condition)

    def expanded(
        self, value: Any, item: Callable[[str, Any], Converted] | None = None, names: Mapping[str, str] | None = None
    ) -> dict[str, Converted]:
        """What a task or a group is mapped over; `item` is one of the values of a name, plain unless it is given."""
        known, each = names or {}, item or self.plain_item
        rows = [value] if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
        for name in sorted({key for row in rows if isinstance(row, Mapping) for key in row} & SETTING_KEYS):
            self.lost(f"the task is mapped over `{name}`, and a setting is the same for all mapped tasks here")
        if isinstance(value, Mapping):
            return {"expand": Converted({known.get(k, k): self._items(k, one, each) for k, one in value.items()})}
        if not isinstance(value, list | tuple):
            return {"expand_kwargs": self.value(value)}
        made = [
            Converted({known.get(k, k): each(k, one) for k, one in row.items()})
            if isinstance(row, Mapping)
            else self.value(row)
            for row in value
        ]
        return {"expand_kwargs": Converted(made)}

    def plain_item(self, name: str, value: Any) -> Converted:
        return self.plain(value, f"`{name}`", "tasks are mapped over")

    def _items(self, name: str, value: Any, each: Callable[[str, Any], Converted]) -> Converted:
        if isinstance(value, list | tuple):
            return Converted.listed([each(name, one) for one in value])
        if isinstance(value, Mapping):
            return self._keyed(value, lambda one: each(name, one))
        return self.value(value)

    def entry_id(self, label: str) -> Converted:
        """The id of a task or a group in its group."""
        if re.match(TASK_ID_PATTERN, label) is None:
            self.lost(f"the id `{label}` is not allowed here: letters, digits, `_` and `-`", help="give it another one")
        return Converted(label)

    def say_of_mapped(self, task: MappedOperator, uses: str, arguments: Mapping[str, Any]) -> None:
        """What a mapped task has otherwise than the build makes it."""
        for name in _OF_THE_CLASS:
            if name not in task.partial_kwargs and getattr(task, name) != getattr(kind_of(task), name, None):
                self.lost(f"`{name}` is set on `{task.task_id}`, and here it is always its operator's")
        is_strict = task._disallow_kwargs_override
        if gives_again(task, arguments) and is_strict != ("." in uses):
            there, here = ("fails", "holds here") if is_strict else ("holds", "fails here")
            message = f"`strict={is_strict}`: what a row gives although `partial` does {there} in Airflow, and {here}"
            self.lost(message, help="give it in one of the two")

    def params(self, task: Any = None) -> Converted | None:
        """The params of the DAG, or those that a task has in place of them."""
        made: dict[str, Converted] = {}
        self.is_data = True
        held = self.dag.params if task is None else task.params
        held = held if isinstance(held, ParamsDict) else ParamsDict(held)
        for name in held:
            param: Param = held.get_param(name)
            if type(param) is not Param:
                self.lost(f"the param `{name}` is a `{type(param).__name__}`, whose own code has no place here")
            if task is not None and name in self.dag.params:
                around = self.dag.params.get_param(name)
                is_alike = all(
                    getattr(param, one) == getattr(around, one) for one in ("value", "schema", "description")
                )
                if around.value is NOTSET or (is_alike and param.source in (None, around.source or "dag")):
                    continue
            if param.source not in (None, "dag" if task is None else "task"):
                self.lost(f"`source={param.source!r}` of the param `{name}` has no place here")
            default = {} if param.value is NOTSET else {"default": self.value(param.value)}
            described = {} if param.description is None else {"description": self.value(param.description)}
            whole = described | {key: self.value(one) for key, one in param.schema.items()}
            if isinstance(param.value, dict) and not param.schema:
                whole["type"] = Converted("object")
                message = f"the param `{name}` gets `type: object`: a mapping alone would be its schema"
                self.say(Code.CONVERTED_OTHERWISE, message, "", self.line)
            made[name] = Converted({**default, **whole}) if whole or not default else default["default"]
        self.is_data = False
        return Converted(made) if made else None
