"""What Airflow gives to templates: the kinds of values behind the names, and what values of a kind have and take.

Written out, since lint has no Airflow; `tests/factory/build/test_template_names.py` compares all of it with Airflow's.
"""

from __future__ import annotations

import json
import re
import time
import uuid
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType

from pydantic import BaseModel

from schemas.findings.paths import DataPath
from schemas.model.built_ins import BUILT_INS, built_in
from schemas.rules.settings import CONDITIONS
from schemas.rules.subject import Subject
from schemas.source import Class, Function, SourceReader

RAW = "write `{% raw %}` before it and `{% endraw %}` after it"
OF_ANOTHER = r"\{\{-?\s*(?:\.|(?:range|end|json|with)\b)"
FOR_ANOTHER = f"for a template of another program, {RAW}"


def for_another_program(text: str, at: int) -> str:
    """The help for a name in `{{range .Names}}` and its like; empty for one in a tag of Jinja's."""
    return FOR_ANOTHER if re.match(OF_ANOTHER, text[max(text.rfind("{{", 0, at + 2), 0) :]) is not None else ""


TEXT, DATE, NUMBER, LIST, BOOL = "text", "date", "number", "list", "true or false"
_TEXTS = ("ds", "ds_nodash", "ts", "ts_nodash", "ts_nodash_with_tz", "run_id", "task_instance_key_str")
_DATES = ("logical_date", "data_interval_start", "data_interval_end")
MACROS = frozenset(
    {
        *("datetime", "datetime_diff_for_humans", "dateutil", "ds_add", "ds_format", "ds_format_locale"),
        *("json", "random", "time", "timedelta", "uuid", "yaml"),
    }
)
"""Airflow's own (`airflow.sdk.execution_time.macros`); plugins add theirs."""
OF_RUN = frozenset(
    {
        *("clear_number", "conf", "consumed_asset_events", "dag_id", "data_interval_end", "data_interval_start"),
        *("end_date", "logical_date", "note", "partition_date", "partition_key", "run_after", "run_id", "run_type"),
        *("start_date", "state", "team_name", "triggering_user_name"),
    }
)
"""What a run has in a task (`airflow.sdk`'s DagRun)."""
MOMENTS_OF_RUN = ("data_interval_end", "data_interval_start", "logical_date", "run_after", "start_date")
"""Of these, too, which are Python's dates and not pendulum's."""
OF_TI = frozenset(
    {
        *("xcom_pull", "xcom_push", "dag_id", "end_date", "hostname", "id", "is_mapped", "log_url", "map_index"),
        *("mark_success_url", "max_tries", "queue", "rendered_map_index", "run_id", "start_date", "state", "task"),
        *("task_id", "try_number", "get_dag", "get_dagrun_state", "get_dr_count", "get_first_reschedule_date"),
        *("get_previous_dagrun", "get_previous_ti", "get_relevant_upstream_map_indexes", "get_task_breadcrumbs"),
        *("get_task_states", "get_template_context", "get_ti_count", "axcom_pull", "axcom_push", "bundle_instance"),
        *("context_carrier", "dag_version_id", "render_templates", "sentry_integration", "stats_tags"),
    }
)
"""What a task instance has, but for what pydantic gives to each model."""
OF_DAG = frozenset(
    {
        *("access_control", "add_result", "add_task", "add_tasks", "allowed_run_types", "auto_register", "catchup"),
        *("check_cycle", "cli", "dag_display_name", "dag_id", "dagrun_timeout", "deadline", "default_args"),
        *("description", "disable_bundle_versioning", "doc_md", "edge_info", "end_date", "fail_fast", "fileloc"),
        *("folder", "get_edge_info", "get_serialized_fields", "get_task", "get_template_env", "has_task"),
        *("has_on_failure_callback", "has_on_success_callback", "has_task_group", "is_paused_upon_creation"),
        *("jinja_environment_kwargs", "last_loaded", "leaves", "max_active_runs", "max_active_tasks"),
        *("max_consecutive_failed_dag_runs", "on_failure_callback", "on_success_callback", "owner", "owner_links"),
        *("param", "params", "partial", "partial_subset", "relative_fileloc", "render_template_as_native_obj"),
        *("rerun_with_latest_version", "resolve_template_files", "roots", "schedule", "set_dependency"),
        *("set_edge_info", "sla_miss_callback", "start_date", "tags", "task", "task_dict", "task_group"),
        *("task_group_dict", "task_ids", "tasks", "tasks_upstream_of_teardowns", "teardowns", "template_searchpath"),
        *("template_undefined", "test", "timetable", "timezone", "topological_sort", "user_defined_filters"),
        *("user_defined_macros", "validate", "validate_setup_teardown"),
    }
)
OF_TASK = ("task_id", "dag_id", "owner", "retries", "params", "upstream_task_ids", "downstream_task_ids", "task_type")
"""Of what a task has: each operator has its own."""
OF_DATE = frozenset(
    {
        *dir(datetime),
        *("EPOCH", "add", "age", "at", "average", "closest", "create", "day_of_week", "day_of_year"),
        *("days_in_month", "diff", "diff_for_humans", "end_of", "farthest", "first_of", "float_timestamp"),
        *("for_json", "format", "get_offset", "in_timezone", "in_tz", "instance", "int_timestamp"),
        *("is_anniversary", "is_birthday", "is_dst", "is_future", "is_leap_year", "is_local", "is_long_year"),
        *("is_past", "is_same_day", "is_utc", "last_of", "naive", "next", "nth_of", "offset", "offset_hours", "on"),
        *("previous", "quarter", "set", "start_of", "subtract", "timezone", "timezone_name", "tz"),
        *("week_of_month", "week_of_year", "to_atom_string", "to_cookie_string", "to_date_string"),
        *("to_datetime_string", "to_day_datetime_string", "to_formatted_date_string", "to_iso8601_string"),
        *("to_rfc1036_string", "to_rfc1123_string", "to_rfc2822_string", "to_rfc3339_string", "to_rfc822_string"),
        *("to_rfc850_string", "to_rss_string", "to_time_string", "to_w3c_string"),
    }
)
"""What pendulum's DateTime has."""
_OF_CONNECTION = (
    *("conn_id", "conn_type", "description", "host", "schema", "login", "password", "port", "extra"),
    *("extra_dejson", "get_uri", "get_hook", "get_extra_dejson", "to_dict", "as_json", "EXTRA_KEY"),
)
OF_DATEUTIL = frozenset({"easter", "parser", "relativedelta", "rrule", "tz", "utils", "zoneinfo"})
_OF_YAML = ("dump", "dump_all", "load", "load_all", "safe_dump", "safe_dump_all", "safe_load", "safe_load_all")
OF_LOOP = frozenset(
    {
        *("index", "index0", "revindex", "revindex0", "first", "last", "length", "depth", "depth0"),
        *("previtem", "nextitem", "cycle", "changed"),
    }
)
"""What Jinja's `loop` has."""

KINDS: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(_TEXTS, TEXT),
        **dict.fromkeys(_DATES, DATE),
        **{name: name for name in ("dag", "dag_run", "macros", "ti", "task", "var", "conn", "loop")},
        **{"task_instance": "ti", "1": NUMBER},
        # Of what a value has, or a call of it or a filter gives.
        **{f"macros.{name}": f"macros.{name}" for name in MACROS},
        **{f"macros.{name}()": TEXT for name in ("ds_add", "ds_format", "ds_format_locale")},
        **{f"macros.datetime.{name}()": "datetime" for name in ("now", "today", "utcnow", "strptime", "fromisoformat")},
        **{"macros.timedelta()": "timedelta", "ti.start_date": "datetime"},
        **dict.fromkeys((f"dag_run.{name}" for name in MOMENTS_OF_RUN), "datetime"),
        **{f"{owner}_id": TEXT for owner in ("dag.dag", "dag_run.dag", "dag_run.run", "ti.dag", "ti.task", "ti.run")},
        **{
            "conn.*": "connection",
            "conn.get()": "connection",
            "connection.extra": TEXT,
            "ti.task": "task",
            "ti.try_number": NUMBER,
        },
        **{f"text.{name}()": TEXT for name in ("replace", "upper", "lower", "strip", "title", "join", "format")},
        **{"text.split()": LIST, "text|split": LIST},
        **{f"text|{name}": TEXT for name in ("upper", "lower", "replace", "trim", "string", "title", "e", "escape")},
        **{f"date|{name}": TEXT for name in ("ds", "ds_nodash", "ts", "ts_nodash", "ts_nodash_with_tz", "string")},
        **{f"{date}.{name}()": TEXT for date in (DATE, "datetime") for name in ("strftime", "isoformat", "ctime")},
        **{f"date.{name}()": TEXT for name in OF_DATE if name.startswith("to_") or name == "format"},
        **{f"date.{name}()": DATE for name in ("add", "subtract", "start_of", "end_of", "in_timezone", "in_tz", "set")},
        **{f"date.{name}()": DATE for name in ("first_of", "last_of", "next", "previous", "replace", "astimezone")},
    }
)
"""Of names, and of what is behind them: `*` is any name, and a kind stands for all of its values."""
ALL: Mapping[str, Collection[str]] = MappingProxyType(
    {
        **{
            TEXT: frozenset(dir(str)),
            NUMBER: frozenset((*dir(int), *dir(float))),
            LIST: frozenset(dir(list)),
            BOOL: frozenset(dir(bool)),
        },
        **{DATE: OF_DATE, "datetime": frozenset(dir(datetime)), "timedelta": frozenset(dir(timedelta))},
        **{"dag": OF_DAG, "var": ("value", "json"), "connection": _OF_CONNECTION},
        **{"dag_run": OF_RUN.union(dir(BaseModel)), "ti": OF_TI.union(dir(BaseModel))},
        **{"loop": OF_LOOP, "macros.datetime": frozenset(dir(datetime)), "macros.timedelta": frozenset(dir(timedelta))},
        **{
            "macros.json": frozenset(dir(json)),
            "macros.time": frozenset(dir(time)),
            "macros.uuid": frozenset(dir(uuid)),
        },
        **{"macros.dateutil": OF_DATEUTIL, "macros.random": ()},
        **{f"macros.{name}": () for name in ("ds_add", "ds_format", "ds_format_locale")},
    }
)
"""What values of a kind have, and nothing else."""
SOME: Mapping[str, Collection[str]] = MappingProxyType({"macros": MACROS, "task": OF_TASK, "macros.yaml": _OF_YAML})
"""Of these there may be more."""
_PERIODS = ("years", "months", "weeks", "days", "hours", "minutes", "seconds", "microseconds")
KEYWORDS: Mapping[str, Collection[str]] = MappingProxyType(
    {
        "ti.xcom_pull": ("task_ids", "dag_id", "key", "include_prior_dates", "map_indexes", "default", "run_id"),
        **{"date.add": _PERIODS, "date.subtract": _PERIODS},
        "macros.timedelta": ("days", "seconds", "microseconds", "milliseconds", "minutes", "hours", "weeks"),
        **{"macros.ds_add": ("ds", "days"), "macros.ds_format": ("ds", "input_format", "output_format")},
    }
)
"""The keywords of a call, all of them."""
NEEDED: Mapping[str, int] = MappingProxyType({"macros.ds_add": 2, "macros.ds_format": 3, "macros.ds_format_locale": 3})
"""Macros → how many arguments they need."""
NOT_CALLED = frozenset(
    f"macros.{name}" for name in ("time", "json", "uuid", "yaml", "dateutil", "dateutil.relativedelta")
)
"""Modules of Python among the macros."""
OTHER_WORDS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "ti.xcom_pull": {"task_id": "task_ids", "dag_ids": "dag_id", "keys": "key", "map_index": "map_indexes"},
        "connection": {"user": "login", "username": "login", "database": "schema", "db": "schema", "uri": "get_uri()"},
        "dag": {"id": "dag_id", "name": "dag_id", "schedule_interval": "schedule", "concurrency": "max_active_tasks"},
        "task": {"id": "task_id", "name": "task_id", "task_ids": "task_id"},
        "ti": {
            **dict.fromkeys(("execution_date", "exec_date", "logical_date"), "logical_date"),
            **{"name": "task_id", "dag_run": "dag_run", "xcom_get": "xcom_pull", "tries": "try_number"},
            **{"get_dagrun": "dag_run", "pool": "task.pool", "operator": "task.task_type"},
        },
        "dag_run": {
            **{"execution_date": "logical_date", "id": "run_id", "config": "conf"},
            "external_trigger": "run_type == 'manual'",
        },
        DATE: {
            **{"minus": "subtract", "plus": "add", "yesterday": "subtract(days=1)", "tomorrow": "add(days=1)"},
            **{"plusDays": "add(days=…)", "minusDays": "subtract(days=…)", "to_date": "date"},
        },
        "datetime": {
            **{name: f"logical_date.{name}" for name in ("add", "subtract", "start_of", "end_of", "in_timezone")},
            **{"format": "strftime", "in_tz": "astimezone", "to_date_string": "date"},
        },
        "macros": {
            "relativedelta": "dateutil.relativedelta.relativedelta",
            **{"pendulum": "datetime", "date": "datetime", "parse": "dateutil.parser.parse", "uuid4": "uuid.uuid4"},
        },
        "macros.datetime": {"datetime": "datetime", "timedelta": "timedelta"},
        "macros.dateutil": {"parse": "parser.parse"},
        "macros.time": {"now": "time"},
        "macros.yaml": {"loads": "safe_load", "dumps": "safe_dump"},
        "macros.json": {"parse": "loads", "stringify": "dumps"},
        TEXT: {
            **{"startsWith": "startswith", "endsWith": "endswith", "toUpperCase": "upper", "toLowerCase": "lower"},
            **{"trim": "strip", "includes": "find", "contains": "find", "replaceAll": "replace"},
        },
    }
)
"""What people write → what it is."""
INSTEAD: Mapping[str, str] = MappingProxyType(
    {
        **{"len": "… | length", "str": "… | string", "int": "… | int", "float": "… | float", "sorted": "… | sort"},
        **{"sum": "… | sum", "round": "… | round", "abs": "… | abs", "min": "… | min", "max": "… | max"},
        **{"list": "… | list", "xcom_pull": "ti.xcom_pull", "Variable": "var.value.NAME", "os": "${env.NAME}"},
        **{"variable": "var.value.NAME", "variables": "var.value.NAME", "connection": "conn.NAME"},
        **dict.fromkeys(("now", "today", "utcnow", "current_date"), "dag_run.run_after"),
        **{"config": "params", "conf": "dag_run.conf", "param": "params.NAME", "xcom": "ti.xcom_pull"},
        **{"dag_id": "dag.dag_id", "task_id": "task.task_id", "dagrun": "dag_run", "null": "none", "nil": "none"},
        **{"connections": "conn.NAME", "secrets": "conn.NAME.password", "inputs": "params.NAME"},
        **dict.fromkeys(("getenv", "env_var", "environ"), "${env.NAME}"),
    }
)
"""Functions of Python and words of other tools → what templates have."""

_TYPES_OF_KINDS: Mapping[str, type] = MappingProxyType({TEXT: str, LIST: list, DATE: datetime, "datetime": datetime})
_LIST_IN = r"(?i)\bin\s*\(?\s*(?P<part>\{\{-?\s*params(?:\.(?P<name>\w+)|\[['\"](?P<key>\w+)['\"]\])\s*-?\}\})"

NO_DS = ("ds_nodash", "ts", "ts_nodash")
"""Texts of dates that are not written as `ds` is."""


def printed_function(text: str, kind: str, path: str, end: int) -> Iterator[tuple[str, str]]:
    """What to say of a method at the end of a tag that is not called, and what to write."""
    name = path.rpartition(".")[2]
    is_method = callable(getattr(_TYPES_OF_KINDS.get(kind), name, None)) or f"{kind}.{name}()" in KINDS
    is_method = is_method or (kind, name) == ("ti", "xcom_pull")
    if is_method and text[end:].lstrip().startswith(("}}", "-}}", "|")):
        yield f"`{path}` is the function, not what it returns", f"write `{name}()`"


def lists_in_text(text: str, params: Mapping[str, object]) -> Iterator[tuple[str, tuple[int, int], str]]:
    """`in ({{ params.regions }})` of a param that is a list, as people write it for SQL and for a shell's `for`."""
    for match in re.finditer(_LIST_IN, text) if "params" in text else ():
        param, name = params.get(match["name"] or match["key"]), match["name"] or match["key"]
        value = param.get("default") if isinstance(param, dict) else param
        if isinstance(value, list) or (isinstance(param, dict) and param.get("type") == "array"):
            help_text = f"join the items: `('{{{{ params.{name} | join(\"', '\") }}}}')` in SQL"
            help_text += f", `{{{{ params.{name} | join(' ') }}}}` in a shell"
            yield f"`params.{name}` is a list, whose text is Python's `{value}`", match.span("part"), help_text


def dashed_name(text: str, at: int, params: Collection[str]) -> str | None:
    """What to write for a name with a `-` of which Jinja reads what is at `at` as a name of its own."""
    for dashed in re.finditer(r"\b(?P<of>params|conn|var\.(?:value|json))\.(?P<name>\w+(?:-\w+)+)", text):
        of, whole = dashed["of"], dashed["name"]
        if dashed.start("name") < at < dashed.end() and (of != "params" or whole in params):
            return f"params['{whole}']" if of == "params" else f"{of}.get('{whole}')"
    return None


def call_of(module: str) -> str:
    """A call of a function of one of Python's modules that macros have."""
    functions = {"time": "time.time()", "uuid": "uuid.uuid4()", "json": "json.dumps(…)", "yaml": "yaml.safe_dump(…)"}
    functions["relativedelta"] = "dateutil.relativedelta.relativedelta(…)"
    return f"macros.{functions.get(module, 'dateutil.parser.parse(…)')}"


def is_rendered(subject: Subject, path: DataPath, reader: SourceReader) -> bool:
    """Whether Airflow is known to render the text at a path."""
    task = subject.entry_at(path)
    if task is None or task.uses is None:
        return False
    if path[-1] in CONDITIONS:
        return True
    if len(path) <= len(task.with_path) or path[: len(task.with_path)] != task.with_path:
        return False
    argument = path[len(task.with_path)]
    if task.uses in BUILT_INS:
        return argument in built_in(task.uses).templated
    found = reader.find(task.uses)
    if isinstance(found, Class):
        return found.template_fields is not None and argument in found.template_fields
    return isinstance(found, Function)
