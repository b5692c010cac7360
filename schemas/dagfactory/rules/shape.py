"""Keys and types: of a DAG, its tasks and its task groups."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Any

from schemas.dagfactory.dag_view import DagView
from schemas.dagfactory.keys import (
    BOOL,
    COUNT,
    DAG_KEYS,
    DEADLINE,
    GROUP_KEYS,
    IGNORED_DAG_KEYS,
    MAPPING,
    REFUSED_DAG_KEYS,
    SECONDS,
    TEXT,
    TEXTS,
    in_seconds,
)
from schemas.dagfactory.unset import is_unset, unset
from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic
from schemas.findings.paths import DataPath
from schemas.findings.problem import Word, typo_fix
from schemas.findings.suggestions import meant, nearest
from schemas.model.settings import SETTING_KEYS
from schemas.model.task_base import LONGEST_ID
from schemas.shape.wording import described

_ID = re.compile(r"[\w.-]+")


def check(dag: DagView) -> Iterator[Diagnostic]:
    """What is not of the kind it has to be, and keys that dag-factory or Airflow would not take."""
    for key, value in dag.data.items():
        if key in DAG_KEYS:
            yield from wrong_kind(dag, (key,), value, DAG_KEYS[key])
        else:
            yield from _other_key(dag, key)
    if not dag.data.get("tasks"):
        message = f"the DAG `{dag.id}` has no tasks: dag-factory makes an empty DAG of it"
        yield dag.subject.finding(Code.DAG_FACTORY_IGNORES, (), message, at_key=True)
    yield from _slas(dag)
    yield from _ids(dag)
    yield from _parts(dag, "tasks", "task_id")
    yield from _parts(dag, "task_groups", "group_name")
    for group in dag.groups.values():
        for key, value in group.data.items():
            if key == "group_name" and isinstance(group.path[1], int):
                continue
            if key in GROUP_KEYS:
                yield from wrong_kind(dag, (*group.path, key), value, GROUP_KEYS[key])
            else:
                yield _unknown(dag, (*group.path, key), f"a task group has no `{key}`", tuple(GROUP_KEYS))


def _slas(dag: DagView) -> Iterator[Diagnostic]:
    holders: list[tuple[DataPath, Any]] = [(("default_args",), dag.data.get("default_args"))]
    holders += [((*group.path, "default_args"), group.data.get("default_args")) for group in dag.groups.values()]
    for path, data in (*holders, *((task.path, task.data) for task in dag.tasks.values())):
        if isinstance(data, dict) and data.get("sla") is not None:
            message = "Airflow 3 reads over `sla`"
            yield dag.subject.finding(Code.DAG_FACTORY_IGNORES, (*path, "sla"), message, at_key=True, help=DEADLINE)


def _ids(dag: DagView) -> Iterator[Diagnostic]:
    """Airflow's own rule (`airflow.sdk.definitions._internal.node.validate_key`)."""
    names: list[tuple[DataPath, str, str]] = [((), "DAG", dag.id)]
    names += [(task.path, "task", task.id) for task in dag.tasks.values()]
    names += [(group.path, "task group", group.id) for group in dag.groups.values()]
    for path, what, name in names:
        if _ID.fullmatch(name) is None and "$" not in name:
            message = f"the id `{name}` of a {what} holds more than letters, digits, `_`, `-` and `.`"
        elif len(name) > LONGEST_ID:
            message = f"the id of a {what} is longer than {LONGEST_ID} characters"
        else:
            continue
        yield dag.subject.finding(Code.WRONG_VALUE, path, message, at_key=True)


def _other_key(dag: DagView, key: str) -> Iterator[Diagnostic]:
    if key in REFUSED_DAG_KEYS:
        new, help_text = REFUSED_DAG_KEYS[key]
        yield dag.subject.finding(
            Code.REFUSED_BY_AIRFLOW_3,
            (key,),
            f"Airflow 3 has no `{key}`",
            at_key=True,
            caret=f"write `{new}`" if key == "schedule_interval" else "",
            help=help_text if key != "schedule_interval" else "",
            fix=Word(new) if new not in dag.data and key == "schedule_interval" else None,
        )
        return
    if key in IGNORED_DAG_KEYS:
        yield _ignored(dag, key, IGNORED_DAG_KEYS[key])
        return
    if key in SECONDS:
        yield _ignored(dag, key, in_seconds(key, dag.data[key]))
        return
    if key in SETTING_KEYS:
        yield _ignored(dag, key, "it is a setting of tasks: write it in `default_args`")
        return
    known = nearest(key, DAG_KEYS)
    if known is None:
        yield _ignored(dag, key, "dag-factory knows no such key")
        return
    yield _unknown(dag, (key,), f"unknown key `{key}` in the DAG `{dag.id}`", tuple(DAG_KEYS))


def _ignored(dag: DagView, key: str, why: str) -> Diagnostic:
    return dag.subject.finding(
        Code.DAG_FACTORY_IGNORES,
        (key,),
        f"dag-factory ignores `{key}` of a DAG",
        at_key=True,
        help=why,
    )


def _unknown(dag: DagView, path: DataPath, message: str, allowed: tuple[str, ...]) -> Diagnostic:
    key = str(path[-1])
    return dag.subject.finding(
        Code.UNKNOWN_KEY,
        path,
        message,
        at_key=True,
        caret=meant(key, allowed),
        allowed=tuple(sorted(allowed)),
        fix=typo_fix(key, allowed),
    )


def _parts(dag: DagView, key: str, id_key: str) -> Iterator[Diagnostic]:
    """`tasks` and `task_groups`: a mapping by id, or a list whose items hold theirs."""
    written = dag.data.get(key)
    if isinstance(written, list):
        yield from _list_of_parts(dag, key, id_key, written)
        return
    if written is not None and not isinstance(written, dict):
        yield _wrong(dag, (key,), written, "a list or a mapping")
        return
    for name, data in (written or {}).items():
        if not isinstance(data, dict):
            yield _wrong(dag, (key, name), data, MAPPING)
        elif id_key in data:
            message = f"`{id_key}` stands in lists only; here the key `{name}` is the id"
            yield dag.subject.finding(
                Code.CONFLICTING_KEYS, (key, name, id_key), message, at_key=True, caret="take it away"
            )


def _list_of_parts(dag: DagView, key: str, id_key: str, written: list[Any]) -> Iterator[Diagnostic]:
    first: dict[str, int] = {}
    for index, data in enumerate(written):
        path: DataPath = (key, index)
        if not isinstance(data, dict):
            yield _wrong(dag, path, data, MAPPING)
            continue
        name = data.get(id_key)
        if name is None:
            typo = next((key for key in data if key in ("id", "name")), None) or nearest(id_key, data)
            caret = f"is `{typo}` `{id_key}`?" if typo is not None else ""
            yield dag.subject.finding(Code.MISSING_KEY, path, f"`{id_key}` is missing", at_key=True, caret=caret)
        elif not isinstance(name, str):
            yield _wrong(dag, (*path, id_key), name, TEXT)
        elif name in first:
            line = dag.subject.value_span((key, first[name], id_key))[2].line
            what = "task" if key == "tasks" else "task group"
            message = f"a second {what} is called `{name}`"
            yield dag.subject.finding(Code.DUPLICATE_TASK_ID, (*path, id_key), message, caret=f"first on line {line}")
        else:
            first[name] = index


def wrong_kind(dag: DagView, path: DataPath, value: Any, kind: str) -> Iterator[Diagnostic]:
    """The finding that a value is not of a kind that `keys` names, where it is not."""
    if value is None or fits(value, kind):
        return
    if is_unset(value):
        yield from unset(dag, path, value)
        return
    if kind == TEXTS and isinstance(value, list):
        for index, item in enumerate(value):
            if not isinstance(item, str):
                yield _wrong(dag, (*path, index), item, TEXT)
        return
    yield _wrong(dag, path, value, kind)


def fits(value: Any, kind: str) -> bool:
    """Whether a value is of a kind that `keys` names; a mapping that stands for an object may be any."""
    if isinstance(value, dict) and "__type__" in value:
        return True
    match kind:
        case _ if kind == BOOL:
            return isinstance(value, bool)
        case _ if kind == COUNT:
            return isinstance(value, int) and not isinstance(value, bool)
        case _ if kind == MAPPING:
            return isinstance(value, dict)
        case _ if kind == TEXT:
            return isinstance(value, str) or (isinstance(value, dict) and "__join__" in value)
        case _ if kind == TEXTS:
            return isinstance(value, list) and all(isinstance(item, str) for item in value)
    return True


def _wrong(dag: DagView, path: DataPath, value: Any, kind: str) -> Diagnostic:
    name = str(path[-1]) if isinstance(path[-1], str) else f"item {path[-1] + 1} of `{path[-2]}`"
    shown = f"`{name}`" if isinstance(path[-1], str) else name
    found = "a date" if isinstance(value, date) else described(value)
    return dag.subject.finding(Code.WRONG_TYPE, path, f"{shown} must be {kind}, not {found}")
