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
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, timezone, tzinfo
from itertools import takewhile
from pathlib import Path
from types import FrameType, MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

import attrs
import pendulum
from airflow.sdk import DAG, Asset, AssetAlias, BaseOperator, XComArg
from airflow.sdk.definitions._internal.contextmanager import DagContext
from airflow.triggers.base import BaseTrigger
from pendulum.tz.timezone import FixedTimezone

from factory.build.built_ins import BUILT_INS
from schemas.dagfactory.convert.conversion import OPERATORS

_OURS = {row.operator: name for name, row in BUILT_INS.items() if isinstance(row.operator, str)}
AIRFLOWS_OWN = {path: OPERATORS[name] for path, name in _OURS.items() if OPERATORS.get(name, path) != path}
"""Small subclasses of ours with the same arguments, and Airflow's classes."""
CHOOSING: Mapping[str, str] = MappingProxyType(
    {"BranchPythonOperator": "branch", "ShortCircuitOperator": "short_circuit"}
)
"""Operators of functions that choose what runs: the built-in, and the decorator behind `@task.`."""
DEADLINES: Mapping[str, str] = MappingProxyType(
    {"DagRunQueuedAtDeadline": "queued_at", "DagRunLogicalDateDeadline": "logical_date"}
)
"""What a deadline is counted from; `DeadlineReference` has the same words in capitals behind `DAGRUN_`."""


def written_fields(value: Any) -> dict[str, Any]:
    """The fields of an object that are not as its class has them, by the names that its constructor takes."""
    plain: list[tuple[str, str, Any, Any]]
    if dataclasses.is_dataclass(value):
        plain = [(f.name, f.name, f.default, f.default_factory) for f in dataclasses.fields(value) if f.init]
    else:
        own = [f for f in attrs.fields(type(value)) if f.init]
        plain = [(f.alias or f.name, f.name, f.default, getattr(f.default, "factory", None)) for f in own]
    held = {alias: (getattr(value, name), factory() if callable(factory) else d) for alias, name, d, factory in plain}
    return {alias: one for alias, (one, default) in held.items() if not is_same(one, default)}


def asset_fields(value: Asset | AssetAlias) -> dict[str, Any]:
    """The arguments of an asset or an alias: its name, and what does not follow from that."""
    kind: Any = Asset if isinstance(value, Asset) else AssetAlias
    given = {"name": value.name} | ({"uri": value.uri} if isinstance(value, Asset) and value.uri != value.name else {})
    plain = kind(**given)
    names = [name for name in ("group", "extra", "watchers", "access_control") if hasattr(plain, name)]
    return given | {name: getattr(value, name) for name in names if getattr(value, name) != getattr(plain, name)}


def arguments_of(value: Any) -> dict[str, Any] | None:
    """The arguments, but for defaults, that make an object like this one; None where none are known to."""
    if isinstance(value, BaseTrigger):
        return dict(value.serialize()[1])
    for given in _may_have_made(value):
        with suppress(Exception):  # of anybody's constructor; a state that cannot be compared
            if is_same(type(value)(**given), value):
                return given
    return None


def _may_have_made(value: Any) -> Iterator[dict[str, Any]]:
    """The arguments that an object shows: by attributes, by those of its state alone, as it is pickled."""
    kind = type(value)
    if dataclasses.is_dataclass(value) or (attrs.has(kind) and not hasattr(kind, "__attrs_init__")):
        yield written_fields(value)
        return
    with suppress(Exception):  # a signature that is not Python's, a property that fails
        shown: dict[str, tuple[str, Any]] = {}
        for parameter in inspect.signature(kind).parameters.values():
            name = parameter.name
            names = [name, f"_{name}", *(f"_{one.__name__.lstrip('_')}__{name}" for one in kind.__mro__)]
            names += ["expression", "_expression"] if name == "cron" else []
            held = next((one for one in names if hasattr(value, one)), None)
            if held is not None and not is_same(getattr(value, held), parameter.default):
                shown[name] = held, getattr(value, held)
        yield {name: one for name, (_, one) in shown.items()}
        yield {name: one for name, (held, one) in shown.items() if not isinstance(getattr(kind, held, None), property)}
        for derived in shown:
            yield {name: one for name, (_, one) in shown.items() if name != derived}
    if isinstance(value, str | dict):
        yield {"object": str.__str__(value)} if isinstance(value, str) else dict(value)
    with suppress(Exception):
        maker, positional, *_ = value.__reduce_ex__(4)
        if maker is kind and (named := by_name(kind, positional)):
            yield named


def is_same(one: Any, other: Any, around: frozenset[tuple[int, int]] = frozenset()) -> bool:
    """Whether two objects have the same state: all attributes, slots, and what is pickled of them; a state that
    nothing tells is not the same. Raises what anybody's objects raise."""
    pair = id(one), id(other)
    if one is other or pair in around:
        return True
    if type(one) is not type(other) or inspect.isfunction(one) or inspect.isclass(one):
        return False
    if type(one) in (bool, int, float, complex, str, bytes):
        return repr(one) == repr(other)
    if type(one) in (set, frozenset) or inspect.isroutine(one):
        return bool(one == other)
    around |= {pair}
    if type(one) is dict:
        return is_same(list(one.items()), list(other.items()), around)
    if type(one) in (list, tuple):
        return len(one) == len(other) and all(is_same(a, b, around) for a, b in zip(one, other, strict=True))
    return is_same(_state(one), _state(other), around)


def _state(value: Any) -> list[Any]:
    pickled = value.__reduce_ex__(4)
    parts = [pickled] if isinstance(pickled, str) else [[*one] if isinstance(one, Iterator) else one for one in pickled]
    return [*parts, object.__getstate__(value)]


def zone_name(zone: Any) -> str | None:
    """What a pipeline calls a time zone; None where it has no name, as an offset with minutes has none."""
    offset = zone.utcoffset(None) if isinstance(zone, timezone | FixedTimezone) else None
    if offset is None:
        return getattr(zone, "name", None) or getattr(zone, "key", None)
    hours, rest = divmod(offset, timedelta(hours=1))
    return None if rest else f"Etc/GMT{-hours:+}" if hours else "UTC"


def in_zone(value: datetime, name: str) -> datetime:
    """A moment as a date without zone, which holds in the zone of this name; itself where that is another moment."""
    zone = pendulum.timezone(name)
    there = value.astimezone(zone)
    local = datetime.combine(there.date(), there.time())
    # Of one zone, `==` ignores the fold.
    return local if pendulum.instance(local, tz=zone).timestamp() == value.timestamp() else value


def zone_arguments(zone: tzinfo) -> dict[str, Any] | None:
    """The arguments of a time zone, which is pickled otherwise than it is made."""
    if isinstance(zone, timezone):
        return dict(zip(("offset", "name"), zone.__getinitargs__(), strict=False))  # type: ignore[attr-defined] # for pickle
    return {"key": zone.key} if isinstance(zone, ZoneInfo) and zone.key else None


def has_months(value: Any) -> bool:
    return isinstance(value, pendulum.Duration) and bool(value.years or value.months)


_MOMENT = ("year", "month", "day", "hour", "minute", "second", "microsecond")


def moment_call(value: date | time | timedelta) -> tuple[str, dict[str, Any]]:
    """The dotted path and the arguments of a call that gives the same date, time or duration."""
    if isinstance(value, timedelta):
        months = {"years": value.years, "months": value.months} if isinstance(value, pendulum.Duration) else {}
        days = value.days - 365 * months.get("years", 0) - 30 * months.get("months", 0)
        parts = {**months, "days": days, "seconds": value.seconds, "microseconds": value.microseconds}
        path = "pendulum.duration" if any(months.values()) else "datetime.timedelta"
        return path, {name: part for name, part in parts.items() if part}
    names = _MOMENT[3:] if isinstance(value, time) else _MOMENT if isinstance(value, datetime) else _MOMENT[:3]
    held: dict[str, Any] = {name: getattr(value, name) for name in names}
    given = {name: part for name, part in held.items() if part or name in _MOMENT[:3]}
    zone, fold = getattr(value, "tzinfo", None), {"fold": 1} if getattr(value, "fold", 0) else {}
    path = f"datetime.{'time' if isinstance(value, time) else 'datetime' if isinstance(value, datetime) else 'date'}"
    if zone is None or not isinstance(value, datetime):
        return path, {**given, **({} if zone is None else {"tzinfo": zone}), **fold}
    if (name := getattr(zone, "name", str(zone))) == zone_name(zone):
        again = pendulum.datetime(**held, tz=name)
        return "pendulum.datetime", {
            **given,
            "tz": name,
            **({} if again.timestamp() == value.timestamp() else {"fold": value.fold}),
        }
    return "pendulum.DateTime" if isinstance(value, pendulum.DateTime) else path, {**given, "tzinfo": zone, **fold}


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
