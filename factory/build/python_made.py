"""How objects were made: what is noted while a pipeline is built or a Python file is imported, and what an object tells
itself; and the names that Airflow and this language have for the same thing.

Python code is written from it, and pipelines are written from Python.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import inspect
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import takewhile
from pathlib import Path
from types import FrameType, MappingProxyType
from typing import Any

import attrs
from airflow.sdk import DAG, Asset, AssetAlias, BaseOperator, XComArg
from airflow.sdk.definitions._internal.contextmanager import DagContext
from airflow.sdk.definitions._internal.mixins import ResolveMixin
from airflow.sdk.definitions.timetables.simple import ContinuousTimetable, NullTimetable, OnceTimetable
from airflow.sdk.timezone import convert_to_utc
from airflow.triggers.base import BaseTrigger

from factory.build.built_ins import BUILT_INS
from factory.build.objects import ObjectBuilder
from factory.operators.selection import GroupArgument, ReferenceText, XComSelection
from factory.operators.timetables import Cron, CronInterval, Crons, Every, EveryInterval
from schemas.dagfactory.convert.conversion import OPERATORS, STANDARD
from schemas.findings.paths import DataPath
from schemas.source import Function

_OURS = {row.operator: name for name, row in BUILT_INS.items() if isinstance(row.operator, str)}
AIRFLOWS_OWN = {path: OPERATORS[name] for path, name in _OURS.items() if OPERATORS.get(name, path) != path}
"""Small subclasses of ours with the same arguments, and Airflow's classes."""
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
CHOOSING: Mapping[str, str] = MappingProxyType(
    {"BranchPythonOperator": "branch", "ShortCircuitOperator": "short_circuit"}
)
"""Operators of functions that choose what runs: the built-in, and the decorator behind `@task.`."""
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
PLAIN_TIMETABLES: Mapping[type, str | None] = MappingProxyType(
    {NullTimetable: None, OnceTimetable: "@once", ContinuousTimetable: "@continuous"}
)
TIMETABLES: Mapping[type, str] = MappingProxyType(
    {
        Cron: "CronTriggerTimetable",
        CronInterval: "CronDataIntervalTimetable",
        Crons: "MultipleCronTriggerTimetable",
        Every: "DeltaTriggerTimetable",
        EveryInterval: "DeltaDataIntervalTimetable",
    }
)
"""Our timetables, and Airflow's that they are."""
_PLAIN = (str, int, float, ResolveMixin, XComSelection, GroupArgument, ReferenceText)
DEADLINES: Mapping[str, str] = MappingProxyType(
    {"DagRunQueuedAtDeadline": "queued_at", "DagRunLogicalDateDeadline": "logical_date"}
)
"""What a deadline is counted from; `DeadlineReference` has the same words in capitals behind `DAGRUN_`."""


@dataclass(frozen=True)
class Seen(ObjectBuilder):
    """An ObjectBuilder that knows of each object, by its `id`, the dotted path and the arguments of the call that made
    it (None for what is as its module has it), and what the operators and groups of each path were made of."""

    seen: dict[int, tuple[Any, str, Mapping[str, Any] | None]] = field(default_factory=dict)
    tasks: dict[DataPath, tuple[type, dict[str, Any]]] = field(default_factory=dict)
    groups: dict[DataPath, tuple[Any, dict[str, Any]]] = field(default_factory=dict)

    def made(self, dotted: str, target: Any, arguments: Mapping[str, Any]) -> Any:
        found = super().made(dotted, target, arguments)
        self.seen[id(found)] = (found, dotted, arguments)
        return found

    def named(self, dotted: str, at: DataPath) -> Any:
        found = super().named(dotted, at)
        if not isinstance(found, str | int | float | tuple | None):
            self.seen.setdefault(id(found), (found, dotted, None))
        return found

    def is_callback(self, dotted: str) -> bool:
        """Whether a function takes what Airflow's callbacks take, and nothing else."""
        found = self._reader.find(dotted)
        parameters = found.parameters if isinstance(found, Function) else None
        return [parameter.name for parameter in parameters or ()] == ["context"]


def written_fields(value: Any) -> dict[str, Any]:
    """The fields of an object that are not as its class has them, by the names that its constructor takes."""
    plain: list[tuple[str, str, Any, Any]]
    if dataclasses.is_dataclass(value):
        plain = [(f.name, f.name, f.default, f.default_factory) for f in dataclasses.fields(value) if f.init]
    else:
        own = [f for f in attrs.fields(type(value)) if f.init]
        plain = [(f.alias or f.name, f.name, f.default, getattr(f.default, "factory", None)) for f in own]
    held = {alias: (getattr(value, name), factory() if callable(factory) else d) for alias, name, d, factory in plain}
    return {alias: one for alias, (one, default) in held.items() if one != default}


def asset_fields(value: Asset | AssetAlias) -> dict[str, Any]:
    """The arguments of an asset or an alias: its name, and what does not follow from that."""
    kind: Any = Asset if isinstance(value, Asset) else AssetAlias
    given = {"name": value.name} | ({"uri": value.uri} if isinstance(value, Asset) and value.uri != value.name else {})
    plain = kind(**given)
    names = [name for name in ("group", "extra", "watchers", "access_control") if hasattr(plain, name)]
    return given | {name: getattr(value, name) for name in names if getattr(value, name) != getattr(plain, name)}


def arguments_of(value: Any) -> dict[str, Any] | None:
    """The arguments that an object was made with, as far as it tells: those that are not the defaults; None where it
    does not tell."""
    if isinstance(value, BaseTrigger):
        return dict(value.serialize()[1])
    if dataclasses.is_dataclass(value) or (attrs.has(type(value)) and not hasattr(type(value), "__attrs_init__")):
        return written_fields(value)
    found: dict[str, Any] = {}
    for parameter in inspect.signature(type(value)).parameters.values():
        if parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
            continue
        names = [parameter.name, f"_{parameter.name}", *(["expression"] if parameter.name == "cron" else [])]
        names = [name for name in names if hasattr(value, name)]
        if not names and parameter.default is parameter.empty:
            return None
        if names and (held := getattr(value, names[0])) != parameter.default:
            found[parameter.name] = held
    return found if _is_made_by(value, found) else None


def _is_made_by(value: Any, arguments: Mapping[str, Any]) -> bool:
    """Whether arguments make an object like this one, as far as what it shows can be compared."""
    held, made = (getattr(one, "__dict__", {}) for one in (value, type(value)(**arguments)))
    without: Any = object.__eq__  # two of such are never equal
    shown = [name for name, one in held.items() if name[0] != "_" and type(one).__eq__ is not without]
    return held.keys() == made.keys() and all(held[name] == made[name] for name in shown)


def by_name(function: Any, positional: Any) -> dict[str, Any] | None:
    """Positional arguments by the names that a function has for them; None where some have none."""
    if not isinstance(positional, list | tuple) or not positional:
        return None if isinstance(positional, XComArg) else {}
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # of a function that is not Python's
        return None
    names = [one.name for one in takewhile(lambda one: one.kind is one.POSITIONAL_OR_KEYWORD, parameters)]
    return dict(zip(names, positional, strict=False)) if len(positional) <= len(names) else None


def with_zones(given: Mapping[str, Any]) -> dict[str, Any]:
    """Settings with a zone in each date: Airflow does not take those of tasks in their DAG's."""
    return {
        name: convert_to_utc(one) if isinstance(one, datetime) and one.tzinfo is None else one
        for name, one in given.items()
    }


def is_plain(value: Any) -> bool:
    """Whether a value may be an argument of a function in a pipeline."""
    if isinstance(value, Mapping):
        return all(map(is_plain, value.values()))
    if isinstance(value, list | tuple):
        return all(map(is_plain, value))
    return value is None or isinstance(value, _PLAIN)


def is_made_by_build(task: Any) -> bool:
    """Whether this project's build makes the task for another one."""
    return type(task).__name__ in ("SelectOperator", "PollCommitOperator")


class ImportFailedError(Exception):
    """A Python file could not be imported; the text is for its user, `line` is the file's."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


THE_DAG = ""
"""In place of a task's id."""
_Places = dict[str, dict[str, tuple[int, int]]]


@dataclass(frozen=True)
class Imported:
    """The DAGs that Airflow finds in a file, in the order in which they were made; `places` by DAG id and task id: the
    line that made each task, and the instruction in it; the DAG's own is below `THE_DAG`. By a task's `id()`, `given`:
    the arguments that it was made with, by its file or by defaults, and `set_later`: the attributes that were set after
    it was made."""

    file: Path
    text: str = field(repr=False)
    dags: list[DAG]
    places: Mapping[str, Mapping[str, tuple[int, int]]]
    given: Mapping[int, set[str]]
    set_later: Mapping[int, set[str]]


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
        with _seen_tasks(file) as seen:
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
    order = {dag_id: number for number, dag_id in enumerate(seen[0])}
    dags = sorted({dag.dag_id: dag for dag in found}.values(), key=lambda dag: order.get(dag.dag_id, len(order)))
    return Imported(file, text, dags, *seen)


@contextmanager
def _seen_tasks(file: Path) -> Iterator[tuple[_Places, dict[int, set[str]], dict[int, set[str]]]]:
    """Notes of each DAG and task what `Imported` tells."""
    places: _Places = {}
    given: dict[int, set[str]] = {}
    set_later: dict[int, set[str]] = {}
    add_task, set_attribute, made = DAG.add_task, BaseOperator.__setattr__, DAG.__init__

    def note(dag_id: str, task_id: str, frames: Sequence[FrameType]) -> None:
        frame = next((one for one in frames if one.f_code.co_filename == str(file)), frames[-1])
        places.setdefault(dag_id, {}).setdefault(task_id, (frame.f_lineno, frame.f_lasti))

    def noted(dag: DAG, task: Any) -> None:
        frames = [frame for frame, _ in traceback.walk_stack(sys._getframe(1))]
        calls = [n for n, one in enumerate(frames) if one.f_code.co_name == "apply_defaults"]
        calls = [n for n in calls if frames[n].f_locals["self"] is task]
        if calls:  # the last is the file's; what a constructor gives its base, nobody wrote
            given[id(task)] = {*frames[calls[-1]].f_locals["kwargs"], *frames[calls[-1]].f_locals["default_args"]}
        note(dag.dag_id, task.task_id, frames[calls[-1] :] if calls else frames)
        add_task(dag, task)

    def noted_dag(dag: DAG, *args: Any, **kwargs: Any) -> None:
        made(dag, *args, **kwargs)
        note(dag.dag_id, THE_DAG, [frame for frame, _ in traceback.walk_stack(sys._getframe(1))])

    def noted_attribute(task: Any, name: str, value: Any) -> None:
        by = str(sys._getframe(1).f_globals.get("__name__"))
        if task._BaseOperator__instantiated and not by.startswith("airflow.sdk."):
            set_later.setdefault(id(task), set()).add(name)
        set_attribute(task, name, value)

    DAG.add_task = noted  # type: ignore[method-assign,assignment] # Airflow tells nobody
    DAG.__init__ = noted_dag  # type: ignore[method-assign,assignment] # as above
    BaseOperator.__setattr__ = noted_attribute  # type: ignore[method-assign,assignment] # as above
    try:
        yield places, given, set_later
    finally:
        DAG.add_task, DAG.__init__ = add_task, made  # type: ignore[method-assign]
        BaseOperator.__setattr__ = set_attribute  # type: ignore[method-assign]
