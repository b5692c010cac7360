"""The settings that every task has, and `expand`, `partial` and `variables_as_arguments`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, get_args

from schemas.compose.env_values import EnvText
from schemas.dagfactory.dag_view import PLUS, DagView, Part, is_unset, mapped_task, shown, unset
from schemas.dagfactory.keys import BOOL, C_PARAMETERS, CALLBACKS, COUNT, MAPPING, NOT_MAPPED, TEXT
from schemas.dagfactory.rules.files import function_of
from schemas.dagfactory.rules.shape import wrong_kind
from schemas.findings.codes import Code, Severity
from schemas.findings.diagnostics import Diagnostic, Word, Yaml
from schemas.findings.paths import DataPath
from schemas.model.settings import SETTING_KEYS, TriggerRule
from schemas.shape.places import mapping_at
from schemas.shape.wording import described
from schemas.source import Function, SourceReader

_KINDS: Mapping[str, str] = {
    **dict.fromkeys(("executor", "logger_name", "map_index_template", "pool", "queue", "run_as_user"), TEXT),
    "task_display_name": TEXT,
    **dict.fromkeys(("doc", "doc_json", "doc_md", "doc_rst", "doc_yaml"), TEXT),
    **dict.fromkeys(("allow_nested_operators", "do_xcom_push", "multiple_outputs", "wait_for_downstream"), BOOL),
    **dict.fromkeys(("email_on_failure", "email_on_retry"), BOOL),
    **dict.fromkeys(("depends_on_past", "ignore_first_depends_on_past", "wait_for_past_depends_before_skipping"), BOOL),
    **dict.fromkeys(("max_active_tis_per_dag", "max_active_tis_per_dagrun", "pool_slots", "priority_weight"), COUNT),
    **dict.fromkeys(("default_args", "params"), MAPPING),
}
_WORDS: Mapping[str, tuple[str, ...]] = {
    "trigger_rule": get_args(TriggerRule),
    "weight_rule": ("downstream", "upstream", "absolute"),
}
_SECONDS = ("retry_delay", "max_retry_delay")
_NO_TEXT = frozenset(
    {"retries", "retry_exponential_backoff", *_SECONDS, *_WORDS, *(key for key, kind in _KINDS.items() if kind != TEXT)}
)
_NEVER_NULL = frozenset({"pool_slots", "priority_weight", "trigger_rule"})
DURATION = "write a number of seconds, or `{__type__: datetime.timedelta, minutes: 5}`"


def check(dag: DagView, reader: SourceReader) -> Iterator[Diagnostic]:
    """Values that Airflow refuses, in every `default_args`, in tasks and in their `partial`."""
    for path, data in dag.default_args:
        yield from _settings(dag, path, data)
    for task in dag.tasks.values():
        if "operator" in task.data:
            yield from _settings(dag, task.path, task.data)
            yield from _settings(dag, (*task.path, "partial"), task.data.get("partial"))
            continue
        dotted = task.data.get("python_callable")
        found = reader.find(dotted) if isinstance(dotted, str) else function_of(dag, task, reader)
        if isinstance(found, Function):
            own = {p.name for p in found.parameters}
            yield from _settings(dag, task.path, {key: v for key, v in task.data.items() if key not in own})


def _settings(dag: DagView, path: DataPath, data: Any) -> Iterator[Diagnostic]:
    for key, value in data.items() if isinstance(data, dict) else ():
        place = (*path, key)
        if isinstance(value, dict) and not value.keys().isdisjoint(("__type__", "__args__")):
            yield from _of_another_class(dag, place, str(value.get("__type__")))
            continue
        if value is None and key not in _NEVER_NULL and place != ("default_args", "params"):
            continue
        yield from _never_rendered(dag, place, value)
        is_number = isinstance(value, int | float)
        if value is None:
            yield dag.subject.finding(Code.WRONG_TYPE, place, f"`{key}` must not be null")
        elif is_unset(value) and key in _NO_TEXT:
            yield unset(dag, place, value)
        elif key in _KINDS or (key == "owner" and isinstance(value, list | dict)):
            yield from wrong_kind(dag, place, value, _KINDS.get(key, TEXT))
        elif key in _WORDS:
            if value not in _WORDS[key] and not (key == "weight_rule" and "." in str(value)):
                message = f"`{shown(value)}` is not a `{key}`"
                yield dag.unknown(Code.WRONG_VALUE, place, message, str(value), _WORDS[key])
        elif key in _SECONDS and not is_number:
            message = f"`{key}` must be a duration object or a number"
            yield dag.subject.finding(Code.WRONG_TYPE, place, message, help=DURATION)
        elif (key == "retries" and not (is_number or (isinstance(value, str) and value.strip().isdecimal()))) or (
            key == "retry_exponential_backoff" and not is_number
        ):
            yield from wrong_kind(dag, place, value, COUNT)
        elif key == "email" and not isinstance(value, str | list):
            yield from wrong_kind(dag, place, value, TEXT)
        if key == "pool_slots" and isinstance(value, int) and value < 1:
            yield dag.subject.finding(Code.WRONG_VALUE, place, "`pool_slots` must be at least 1")


def _of_another_class(dag: DagView, path: DataPath, kind: str) -> Iterator[Diagnostic]:
    """A date or a duration where Airflow accepts another type."""
    is_duration = kind == "datetime.timedelta" and path[-1] in _SECONDS
    if kind in C_PARAMETERS and path[-1] in {*_NO_TEXT, *_KINDS} and not is_duration:
        yield dag.subject.finding(Code.WRONG_TYPE, path, f"`{path[-1]}` cannot be a `{kind}`")


def _never_rendered(dag: DagView, path: DataPath, value: Any) -> Iterator[Diagnostic]:
    """A template for what Airflow needs to know before the task runs."""
    if path[-1] in ("pool", "queue") and isinstance(value, str) and ("{{" in value or "{%" in value):
        message = f"Airflow renders no template in `{path[-1]}`, so the task waits without end"
        yield dag.subject.finding(Code.WRONG_VALUE, path, message, severity=Severity.WARNING)


def check_tasks(dag: DagView) -> Iterator[Diagnostic]:
    """`expand`, `partial`, `inlets`, `outlets` and `variables_as_arguments` of tasks."""
    for task in dag.tasks.values():
        expand, partial = task.data.get("expand"), task.data.get("partial")
        for key in {"expand", "partial"} & task.data.keys():
            if not isinstance(task.data[key], dict):
                yield dag.subject.finding(Code.WRONG_TYPE, (*task.path, key), f"`{key}` must be a mapping")
        for key in ("inlets", "outlets"):
            yield from _assets(dag, (*task.path, key), task.data.get(key))
        for key, value in expand.items() if isinstance(expand, dict) else ():
            if not isinstance(value, dict | list):
                yield from _mapped_over(dag, task, (*task.path, "expand", key), value)
        if partial is not None and not expand and "operator" in task.data:
            place, help_text = (*task.path, "partial"), "write its arguments beside `operator`, or add `expand`"
            yield dag.subject.finding(Code.MISSING_KEY, place, "`partial` needs `expand`", at_key=True, help=help_text)
        yield from _read_beside(dag, task)
        for key in {*expand} & task.data.keys() if isinstance(expand, dict) and "operator" in task.data else ():
            message, place = f"`{key}` is in `expand` and beside `operator`", (*task.path, "expand", key)
            caret = "remove one of them"
            yield dag.subject.finding(Code.CONFLICTING_KEYS, place, message, at_key=True, caret=caret)
        yield from _mapped_settings(dag, task)
        for key in partial if isinstance(expand, dict) and isinstance(partial, dict) else ():
            if key in task.data or key in (expand or ()):
                where = "beside `operator`" if key in task.data else "in `expand`"
                message, place = f"`{key}` is in `partial` and {where}", (*task.path, "partial", key)
                caret = "remove one of them"
                yield dag.subject.finding(Code.CONFLICTING_KEYS, place, message, at_key=True, caret=caret)
        variables = task.data.get("variables_as_arguments", [])
        if variables or variables is None:
            yield _variables(dag, task)


def _read_beside(dag: DagView, task: Part) -> Iterator[Diagnostic]:
    """Names of functions, and texts, of which dag-factory makes something beside `operator` alone."""
    is_python = "Python" in str(task.data.get("operator")).rpartition(".")[2]
    partial = mapping_at(task.data, ("partial",)) if "operator" in task.data else {}
    for key in (*_MADE_BESIDE, *CALLBACKS):
        value = partial.get(key)
        if not isinstance(value, str) and not (isinstance(value, list) and any(isinstance(one, str) for one in value)):
            continue
        is_missing = is_python and key == "python_callable"
        message = f"dag-factory reads `{key}` beside `operator` only: in `partial` it stays text"
        code = Code.MISSING_KEY if is_missing else Code.DAG_FACTORY_IGNORES
        help_text = "write it beside `operator`, for all of the mapped tasks"
        yield dag.subject.finding(code, (*task.path, "partial", key), message, at_key=True, help=help_text)


_MADE_BESIDE = ("python_callable", "execution_date_fn", "execution_delta", "inlets", "outlets")


def _mapped_settings(dag: DagView, task: Part) -> Iterator[Diagnostic]:
    """What every task has is the same for all mapped ones, where Airflow or `default_args` give it a value."""
    expand = mapping_at(task.data, ("expand",)) if "operator" in task.data else {}
    around = dag.default_args_around(task) if expand else ()
    by_default = {key for _, data in around for key in data if key in SETTING_KEYS}
    for key in (key for key in expand if key not in task.data and key in NOT_MAPPED | by_default):
        message = f"`{key}` is a setting of the task, which is the same for all mapped tasks"
        if key not in NOT_MAPPED:
            message = f"`{key}` is in `default_args`, so no task can be mapped over it"
        yield dag.subject.finding(Code.CANNOT_EXPAND, (*task.path, "expand", key), message, at_key=True)


def _assets(dag: DagView, path: DataPath, value: Any) -> Iterator[Diagnostic]:
    """`inlets` or `outlets`: dag-factory makes an asset of each item, of a text's letters too."""
    is_list = isinstance(value, list) or (isinstance(value, dict) and value.get("__type__") == "builtins.list")
    if not value or is_list or (isinstance(value, dict) and value.keys() >= {"file", "datasets"}):
        return
    if is_unset(value):
        yield unset(dag, path, value)
        return
    written = json.dumps([value]) if isinstance(value, str) and not isinstance(value, EnvText) else None
    message = f"`{path[-1]}` must be a list of assets, not {described(value)}"
    caret, fix = (f"write `{written}`", Yaml(written)) if written is not None else ("", None)
    yield dag.subject.finding(Code.WRONG_TYPE, path, message, caret=caret, fix=fix)


def _mapped_over(dag: DagView, task: Part, path: DataPath, value: Any) -> Iterator[Diagnostic]:
    """What a task is mapped over, where it is neither a list nor a mapping: it must be the output of another task."""
    is_decorated = "decorator" in task.data
    name = mapped_task(value)
    plus = PLUS.fullmatch(value) if isinstance(value, str) else None
    if is_unset(value):
        yield unset(dag, path, value)
    elif name is not None and not is_decorated:
        if name in dag.built_as and "decorator" in dag.built_as[name].data:
            message = f"dag-factory cannot map an operator over the decorated task `{name}`"
            yield dag.subject.finding(
                Code.WRONG_VALUE, path, message, help="only decorated tasks can be mapped over it"
            )
    elif plus is None or not is_decorated:
        other = name or (plus["task"] if plus is not None else value)
        written = (f"+{other}" if is_decorated else f"{other}.output") if other in dag.built_as else None
        message = f"`{path[-1]}` in `expand` must be a list, a mapping or the output of a task"
        caret, fix = (f"write `{written}`", Word(written)) if written is not None else ("", None)
        yield dag.subject.finding(Code.WRONG_TYPE, path, message, caret=caret, fix=fix)


def _variables(dag: DagView, task: Part) -> Diagnostic:
    path, written = (*task.path, "variables_as_arguments"), task.data["variables_as_arguments"]
    entries = written if isinstance(written, list) else []
    is_right = bool(entries) and all(isinstance(e, dict) and {"variable", "attribute"} <= e.keys() for e in entries)
    if not is_right:
        message = "`variables_as_arguments` must be a list of `{variable, attribute}`"
        return dag.subject.finding(Code.WRONG_TYPE, path, message)
    first = entries[0]
    message = "dag-factory asks Airflow for these Variables each time it reads the file, even when nothing runs"
    help_text = f'write `{first["attribute"]}: "{{{{ var.value.{first["variable"]} }}}}"`'
    return dag.subject.finding(Code.VARIABLE_AT_PARSE, path, message, at_key=True, help=help_text)
