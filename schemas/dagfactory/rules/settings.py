"""The settings that every task has: values that Airflow refuses when the DAG is built."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, get_args

from schemas.dagfactory.dag_view import DagView, Part, shown
from schemas.dagfactory.keys import BOOL, COUNT, MAPPING, TEXT
from schemas.dagfactory.rules.shape import wrong_kind
from schemas.dagfactory.unset import is_unset, unset
from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic
from schemas.findings.paths import DataPath
from schemas.findings.problem import typo_fix
from schemas.findings.suggestions import meant
from schemas.model.settings import TriggerRule
from schemas.source import Function, SourceReader

_KINDS: Mapping[str, str] = {
    **dict.fromkeys(("map_index_template", "pool", "run_as_user", "task_display_name"), TEXT),
    **dict.fromkeys(("doc", "doc_json", "doc_md", "doc_rst", "doc_yaml"), TEXT),
    **dict.fromkeys(("allow_nested_operators", "do_xcom_push", "multiple_outputs", "wait_for_downstream"), BOOL),
    **dict.fromkeys(("depends_on_past", "ignore_first_depends_on_past", "wait_for_past_depends_before_skipping"), BOOL),
    **dict.fromkeys(("max_active_tis_per_dag", "max_active_tis_per_dagrun", "pool_slots", "priority_weight"), COUNT),
    "params": MAPPING,
}
_WORDS: Mapping[str, tuple[str, ...]] = {
    "trigger_rule": get_args(TriggerRule),
    "weight_rule": ("downstream", "upstream", "absolute"),
}
_SECONDS = ("retry_delay", "max_retry_delay")
_NO_TEXT = frozenset(
    {"retries", "retry_exponential_backoff", *_SECONDS, *_WORDS, *(key for key, kind in _KINDS.items() if kind != TEXT)}
)
_DURATION = "write a number of seconds, or `{__type__: datetime.timedelta, minutes: 5}`"


def check(dag: DagView, reader: SourceReader) -> Iterator[Diagnostic]:
    """Findings in `default_args`, of the DAG and its groups, in tasks and in their `partial`."""
    yield from _settings(dag, ("default_args",), dag.data.get("default_args"))
    for group in dag.groups.values():
        yield from _settings(dag, (*group.path, "default_args"), group.data.get("default_args"))
    for task in dag.tasks.values():
        if "operator" in task.data:
            yield from _settings(dag, task.path, task.data)
            yield from _settings(dag, (*task.path, "partial"), task.data.get("partial"))
        else:
            own = _of_function(task, reader)
            yield from _settings(dag, task.path, {key: v for key, v in task.data.items() if own and key not in own})


def _of_function(task: Part, reader: SourceReader) -> frozenset[str]:
    """The names that a decorated task's function takes, some at least; empty where reading cannot tell them."""
    found = reader.find(str(task.data.get("python_callable")))
    return frozenset({"", *(p.name for p in found.parameters)}) if isinstance(found, Function) else frozenset()


def _settings(dag: DagView, path: DataPath, data: Any) -> Iterator[Diagnostic]:
    for key, value in data.items() if isinstance(data, dict) else ():
        place = (*path, key)
        if value is None or _is_object(value):
            continue
        if is_unset(value) and key in _NO_TEXT:
            yield from unset(dag, place, value)
        elif key in _KINDS:
            yield from wrong_kind(dag, place, value, _KINDS[key])
        elif key in _WORDS:
            yield from _word(dag, place, value, _WORDS[key])
        elif key == "retries" and not (_is_number(value) or (isinstance(value, str) and value.strip().isdecimal())):
            yield from wrong_kind(dag, place, value, COUNT)
        elif key in _SECONDS and not _is_number(value):
            message = f"`{key}` must be a duration object or a number"
            yield dag.subject.finding(Code.WRONG_TYPE, place, message, help=_DURATION)
        elif key == "retry_exponential_backoff" and not _is_number(value):
            yield from wrong_kind(dag, place, value, COUNT)
        if key == "pool_slots" and isinstance(value, int) and value < 1:
            yield dag.subject.finding(Code.WRONG_VALUE, place, "`pool_slots` must be at least 1")


def _word(dag: DagView, path: DataPath, value: Any, words: tuple[str, ...]) -> Iterator[Diagnostic]:
    key = str(path[-1])
    if value in words or (key == "weight_rule" and "." in str(value)):
        return
    yield dag.subject.finding(
        Code.WRONG_VALUE,
        path,
        f"`{shown(value)}` is no `{key}`",
        caret=meant(str(value), words),
        allowed=words,
        fix=typo_fix(str(value), words),
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float)


def _is_object(value: Any) -> bool:
    return isinstance(value, dict) and not value.keys().isdisjoint(("__type__", "__args__"))
