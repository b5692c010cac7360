"""Keys and types: of a DAG, its tasks and its task groups."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any

from schemas.dagfactory.dag_view import DagView, is_unset, unset
from schemas.dagfactory.keys import (
    BOOL,
    COUNT,
    DAG_KEYS,
    DEADLINE,
    GROUP_KEYS,
    IGNORED_DAG_KEYS,
    MAPPING,
    RESOURCES,
    SECONDS,
    TEXT,
    TEXTS,
    in_seconds,
    instead,
    is_number,
)
from schemas.dagfactory.rules.objects import is_object
from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic, Edit, Entry, InQuotes, Word
from schemas.findings.paths import DataPath
from schemas.findings.suggestions import meant, nearest
from schemas.folder.dialect import NOT_DAGS
from schemas.model.fields import WIDE, unstorable
from schemas.model.settings import SETTING_KEYS
from schemas.model.task_base import LONGEST_ID
from schemas.shape.places import name
from schemas.shape.wording import BOUNDS, described

_ID = re.compile(r"[\w.-]+")
_NEVER_NULL = frozenset({"dag_display_name", "default_args", "tags"})
_NEVER_NULL_OF_GROUPS = frozenset({"default_args", "group_display_name", "tooltip", "ui_color", "ui_fgcolor"})
_TYPES: Mapping[str, type] = {BOOL: bool, COUNT: int, MAPPING: dict, TEXT: str}


def check(dag: DagView) -> Iterator[Diagnostic]:
    """Values of the wrong kind, and keys that dag-factory or Airflow does not accept."""
    for key, value in dag.data.items():
        if value is None and key in _NEVER_NULL:
            yield _wrong(dag, (key,), value, DAG_KEYS[key])
        elif key in DAG_KEYS:
            yield from wrong_kind(dag, (key,), value, DAG_KEYS[key])
        else:
            yield _other_key(dag, key, value)
    if not dag.data.get("tasks"):
        message = f"the DAG `{dag.id}` has no tasks: dag-factory builds an empty DAG"
        caret = meant(dag.id, NOT_DAGS)
        yield dag.subject.finding(Code.DAG_FACTORY_IGNORES, (), message, at_key=True, caret=caret)
    yield from _settings(dag)
    yield from _ids(dag)
    yield from _parts(dag, "tasks", "task_id")
    yield from _parts(dag, "task_groups", "group_name")
    for group in dag.groups.values():
        for key, value in group.data.items():
            if key == "group_name" and isinstance(group.path[1], int):
                continue
            if value is None and key in _NEVER_NULL_OF_GROUPS:
                yield _wrong(dag, (*group.path, key), value, GROUP_KEYS[key])
            elif key in GROUP_KEYS:
                yield from wrong_kind(dag, (*group.path, key), value, GROUP_KEYS[key])
            elif key in ("group_id", "dag"):
                message, place = f"dag-factory replaces `{key}` of a task group by its own", (*group.path, key)
                code, caret = Code.DAG_FACTORY_IGNORES, "remove it"
                yield dag.subject.finding(code, place, message, at_key=True, caret=caret, fix=Entry(""))
            else:
                yield _unknown(dag, (*group.path, key), f"a task group has no `{key}`", GROUP_KEYS)


def _settings(dag: DagView) -> Iterator[Diagnostic]:
    """Settings of tasks that Airflow has no more, and resources that it does not know."""
    for path, data in dag.settings:
        resources = data.get("resources")
        yield from wrong_kind(dag, (*path, "resources"), resources, MAPPING)
        for key, value in resources.items() if isinstance(resources, dict) and not is_object(resources) else ():
            if key not in RESOURCES:
                yield _unknown(dag, (*path, "resources", key), f"unknown key `{key}` in `resources`", RESOURCES)
            else:
                yield from wrong_kind(dag, (*path, "resources", key), value, COUNT)
        if data.get("sla") is not None:
            message, place = "Airflow 3 ignores `sla`", (*path, "sla")
            yield dag.subject.finding(Code.DAG_FACTORY_IGNORES, place, message, at_key=True, help=DEADLINE)


def check_stored(dag: DagView) -> Iterator[Diagnostic]:
    """Values that Airflow's processes and its database do not pass on: the DAG would vanish without an error."""
    for path, kind in unstorable(dag.data):
        message = f"{name(path, dag.subject.effective)} must be {BOUNDS[kind]}"
        yield dag.subject.finding(Code.WRONG_VALUE, path, message, caret="put it in quotes" if kind == WIDE else "")
    if dag.subject.may_hold("\\"):
        for path, text in dag.subject.texts:
            if "\x00" in text:
                message = f"{name(path, dag.subject.effective)} must not hold a null character"
                yield dag.subject.finding(Code.WRONG_VALUE, path, message)


def check_variables(dag: DagView) -> Iterator[Diagnostic]:
    """A command's `env` that no process can start with: each value must be text, and dag-factory reads `on` as true."""
    for path, data in dag.settings:
        env = data.get("env")
        for key, value in env.items() if isinstance(env, dict) and "__type__" not in env else ():
            if isinstance(value, bool | int | float):
                message = f"`{key}` in `env` must be text, not {described(value)}"
                place, fix = (*path, "env", key), InQuotes()
                yield dag.subject.finding(Code.WRONG_TYPE, place, message, caret="put it in quotes", fix=fix)


def _ids(dag: DagView) -> Iterator[Diagnostic]:
    """Airflow's own rule (`airflow.sdk.definitions._internal.node.validate_key`)."""
    names: list[tuple[DataPath, str, str]] = [((), "DAG", dag.id)]
    names += [(task.path, "task", task.id) for task in dag.tasks.values()]
    names += [(group.path, "task group", group.id) for group in dag.groups.values()]
    for path, what, written in names:
        if _ID.fullmatch(written) is None and "$" not in written:
            message = f"the id `{written}` of a {what} may contain letters, digits, `_`, `-` and `.` only"
        elif len(written) > LONGEST_ID:
            message = f"the id of a {what} is longer than {LONGEST_ID} characters"
        else:
            continue
        yield dag.subject.finding(Code.WRONG_VALUE, path, message, at_key=True)


def _other_key(dag: DagView, key: str, value: Any) -> Diagnostic:
    if value is None and key in ("schedule_interval", "timetable"):
        return _ignored(dag, key, "remove it")
    if key == "schedule_interval":
        message, fix = "Airflow 3 has no `schedule_interval`", Word("schedule")
        caret = "remove it: `schedule` is there" if "schedule" in dag.data else "write `schedule`"
        return dag.subject.finding(Code.REFUSED_BY_AIRFLOW_3, (key,), message, at_key=True, caret=caret, fix=fix)
    if key == "timetable":
        message, help_text = "Airflow 3 has no `timetable`", "write the timetable's mapping below `schedule`"
        return dag.subject.finding(Code.REFUSED_BY_AIRFLOW_3, (key,), message, at_key=True, help=help_text)
    if key in SECONDS:
        return _ignored(
            dag, key, in_seconds(key, value, dag.data), Entry(instead(key, value)) if is_number(value) else None
        )
    if key in IGNORED_DAG_KEYS:
        why = IGNORED_DAG_KEYS[key]
    elif key in SETTING_KEYS:
        why = "it is a setting of tasks: write it in `default_args`"
    elif nearest(key, DAG_KEYS) is None:
        why = "dag-factory has no such key"
    else:
        return _unknown(dag, (key,), f"unknown key `{key}` in the DAG `{dag.id}`", DAG_KEYS)
    return _ignored(dag, key, why)


def _ignored(dag: DagView, key: str, why: str, fix: Edit | None = None) -> Diagnostic:
    message = f"dag-factory ignores `{key}` of a DAG"
    return dag.subject.finding(Code.DAG_FACTORY_IGNORES, (key,), message, at_key=True, help=why, fix=fix)


def _unknown(dag: DagView, path: DataPath, message: str, allowed: Iterable[str]) -> Diagnostic:
    return dag.unknown(Code.UNKNOWN_KEY, path, message, str(path[-1]), sorted(allowed), at_key=True)


def _parts(dag: DagView, key: str, id_key: str) -> Iterator[Diagnostic]:
    """`tasks` and `task_groups`: a mapping by id, or a list whose items hold theirs."""
    written = dag.data.get(key)
    if isinstance(written, list):
        yield from _list_of_parts(dag, key, id_key, written)
        return
    if written is not None and not isinstance(written, dict):
        yield _wrong(dag, (key,), written, "a list or a mapping")
        return
    for part, data in (written or {}).items():
        if not isinstance(data, dict):
            yield _wrong(dag, (key, part), data, MAPPING)
        elif id_key in data and (key == "task_groups" or data[id_key] != part):
            message, place = f"`{id_key}` is for lists only; here the key `{part}` is the id", (key, part, id_key)
            code = Code.DAG_FACTORY_IGNORES if key == "tasks" else Code.CONFLICTING_KEYS
            fix = Entry("") if key == "tasks" else None
            yield dag.subject.finding(code, place, message, at_key=True, caret="remove it", fix=fix)


def _list_of_parts(dag: DagView, key: str, id_key: str, written: list[Any]) -> Iterator[Diagnostic]:
    first: dict[str, int] = {}
    for index, data in enumerate(written):
        path: DataPath = (key, index)
        if not isinstance(data, dict):
            yield _wrong(dag, path, data, MAPPING)
            continue
        written_id = data.get(id_key)
        if written_id is None:
            typo = next((key for key in data if key in ("id", "name", "group_id")), None) or nearest(id_key, data)
            caret = f"is `{typo}` `{id_key}`?" if typo is not None else ""
            yield dag.subject.finding(Code.MISSING_KEY, path, f"`{id_key}` is missing", at_key=True, caret=caret)
        elif not isinstance(written_id, str):
            yield _wrong(dag, (*path, id_key), written_id, TEXT)
        elif written_id in first:
            line = dag.subject.value_span((key, first[written_id], id_key))[2].line
            what = "task" if key == "tasks" else "task group"
            message = f"a second {what} is called `{written_id}`"
            yield dag.subject.finding(Code.DUPLICATE_TASK_ID, (*path, id_key), message, caret=f"first on line {line}")
        else:
            first[written_id] = index


def wrong_kind(dag: DagView, path: DataPath, value: Any, kind: str) -> Iterator[Diagnostic]:
    """The finding that a value is not of one of the kinds in `keys`, where it is not."""
    if value is None or fits(value, kind):
        return
    if is_unset(value):
        yield unset(dag, path, value)
    elif kind == TEXTS and isinstance(value, list):
        for index, item in enumerate(value):
            if not isinstance(item, str):
                yield _wrong(dag, (*path, index), item, TEXT)
    else:
        yield _wrong(dag, path, value, kind)


def fits(value: Any, kind: str) -> bool:
    """Whether a value is of one of the kinds in `keys`; a mapping that becomes an object may be any."""
    if isinstance(value, dict) and ("__type__" in value or (kind == TEXT and "__join__" in value)):
        return True
    if kind == TEXTS:
        return isinstance(value, list) and all(isinstance(item, str) for item in value)
    if kind == COUNT and isinstance(value, bool):
        return False
    return isinstance(value, _TYPES.get(kind, object))


def _wrong(dag: DagView, path: DataPath, value: Any, kind: str) -> Diagnostic:
    found = "a date" if isinstance(value, date) else described(value)
    called = name(path, dag.subject.effective)
    return dag.subject.finding(Code.WRONG_TYPE, path, f"{called} must be {kind}, not {found}")
