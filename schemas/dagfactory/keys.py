"""The keys of dag-factory 1.1 and what it does with each on Airflow 3.3 (`dagfactory.dagbuilder`)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

BOOL = "true or false"
COUNT = "a whole number"
MAPPING = "a mapping"
TEXT = "text"
TEXTS = "a list of text"
SEVERAL = "several shapes"
"""Checked by a rule of its own."""

CALLBACKS = (
    "on_execute_callback",
    "on_success_callback",
    "on_failure_callback",
    "on_retry_callback",
    "on_skipped_callback",
)
"""Of tasks, and of `default_args`."""
DAG_CALLBACKS = ("on_success_callback", "on_failure_callback")
OBJECT_KEYS = frozenset({"__type__", "__and__", "__or__", "__join__"})
"""A mapping with one of these is an object or text, and is never merged."""


def _with_files(callbacks: tuple[str, ...]) -> dict[str, str]:
    kinds = dict.fromkeys(callbacks, SEVERAL)
    return kinds | {f"{callback}{part}": TEXT for callback in callbacks for part in ("_name", "_file")}


DAG_KEYS: Mapping[str, str] = {
    "access_control": MAPPING,
    "catchup": BOOL,
    "concurrency": COUNT,
    "dag_display_name": TEXT,
    "dagrun_timeout": SEVERAL,
    "default_args": MAPPING,
    "description": TEXT,
    "doc_md": TEXT,
    "doc_md_file_path": TEXT,
    "doc_md_python_arguments": MAPPING,
    "doc_md_python_callable_file": TEXT,
    "doc_md_python_callable_name": TEXT,
    "end_date": SEVERAL,
    "is_paused_upon_creation": BOOL,
    "max_active_runs": COUNT,
    "max_active_tasks": COUNT,
    "params": MAPPING,
    "render_template_as_native_obj": BOOL,
    "schedule": SEVERAL,
    "start_date": SEVERAL,
    "tags": TEXTS,
    "task_groups": SEVERAL,
    "tasks": SEVERAL,
    "template_searchpath": SEVERAL,
    "timezone": TEXT,
    "user_defined_macros": MAPPING,
    **_with_files(DAG_CALLBACKS),
}
"""The keys of a DAG, each with the kind of its value."""

TASKS_ONLY = "dag-factory reads it from tasks only: write it in `default_args`"
DROPPED = "dag-factory does not pass it to Airflow; it works in this project's own language"

DEADLINE = "remove it; in this project's own language a DAG has a `deadline`"

_IN_SECONDS = ("dagrun_timeout_sec", "execution_delta_secs", "execution_timeout_secs", "retry_delay_sec", "sla_secs")
"""Keys of dag-factory before 1.0."""
SECONDS: Mapping[str, str] = {
    f"{key.rpartition('_')[0]}_{unit}": key.rpartition("_")[0]
    for key in _IN_SECONDS
    for unit in ("sec", "secs", "seconds")
}
"""These, also as they are misremembered, and what replaced them."""


def is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def seconds(value: object) -> str:
    """The duration object for a number of seconds; for anything else an example of one."""
    return f"{{__type__: datetime.timedelta, seconds: {value if is_number(value) else 300}}}"


def in_seconds(key: str, value: object, beside: Collection[str]) -> str:
    """What to write for a key of `SECONDS` and its value, which is beside other keys."""
    if SECONDS[key] in beside:
        return f"remove it: `{SECONDS[key]}` is there"
    new = instead(key, value)
    removed = "dag-factory 1.0 removed it: " if key in _IN_SECONDS else ""
    return f"{removed}write `{new}`" if new else "Airflow 3 has no such setting: remove it"


def instead(key: str, value: object) -> str:
    """The entry that replaces one with a key of `SECONDS`; empty for one that is to be removed."""
    if SECONDS[key] == "sla":
        return ""
    if SECONDS[key] == "execution_delta":
        return f"execution_delta: {value} seconds"
    return f"{SECONDS[key]}: {seconds(value)}"


IGNORED_DAG_KEYS: Mapping[str, str] = {
    **dict.fromkeys(_with_files(("on_execute_callback", "on_retry_callback", "on_skipped_callback")), TASKS_ONLY),
    **dict.fromkeys(_with_files(("sla_miss_callback",)), "Airflow 3.1 removed it: remove it here, too"),
    **dict.fromkeys(("default_view", "orientation"), "Airflow 3 has no such setting: remove it"),
    **dict.fromkeys(("fail_fast", "max_consecutive_failed_dag_runs", "owner_links", "deadline"), DROPPED),
    **dict.fromkeys(
        (
            "allowed_run_types",
            "auto_register",
            "disable_bundle_versioning",
            "jinja_environment_kwargs",
            "template_undefined",
            "user_defined_filters",
        ),
        "dag-factory does not pass it to Airflow",
    ),
    "dag_id": "the id of a DAG is its key",
}
"""What dag-factory silently ignores, and what to do about it."""

TASK_KEYS = frozenset({"operator", "decorator", "dependencies", "task_id", "task_group_name", "expand", "partial"})
"""The keys of a task that dag-factory reads itself; all others go to the operator."""

NOT_MAPPED = frozenset(
    {
        *("task_id", "dag", "task_group", "allow_nested_operators", "depends_on_past", "ignore_first_depends_on_past"),
        *("email_on_failure", "email_on_retry", "execution_timeout", "executor_config", "inlets", "outlets", "owner"),
        *("map_index_template", *CALLBACKS, "pool_slots", "priority_weight", "queue", "retries", "retry_delay"),
        *("max_retry_delay", "retry_exponential_backoff", "retry_policy", "trigger_rule", "weight_rule"),
        *("wait_for_downstream", "wait_for_past_depends_before_skipping"),
    }
)
"""Arguments of every operator that Airflow gives a value before it maps a task (`airflow.sdk.BaseOperator.partial`)."""

OTHER_WORDS: Mapping[str, str] = {
    **dict.fromkeys(("depends_on", "needs", "upstream", "upstream_tasks"), "dependencies"),
    "group": "task_group_name",
    "task_group": "task_group_name",
}
"""What other tools call keys of a task."""

FILE_PARTS: tuple[tuple[str, str], ...] = (
    ("python_callable_name", "python_callable_file"),
    ("execution_date_fn_name", "execution_date_fn_file"),
    ("response_check_name", "response_check_file"),
    ("success_check_name", "success_check_file"),
    ("failure_check_name", "failure_check_file"),
    *((f"{callback}_name", f"{callback}_file") for callback in CALLBACKS),
)
"""A function of a file: its name and the file, which go together."""

DOCUMENTATION_FILE = "doc_md_file_path"
DOCUMENTATION_FUNCTION = ("doc_md_python_callable_name", "doc_md_python_callable_file")
FILE_KEYS = frozenset({*(file for _, file in FILE_PARTS), DOCUMENTATION_FILE, DOCUMENTATION_FUNCTION[1]})
"""What names a file, which dag-factory accepts by its absolute path only."""

MADE_FROM: Mapping[str, tuple[str, ...]] = {
    "python_callable": ("python_callable_name",),
    "execution_date_fn": ("execution_date_fn_name",),
    "response_check": ("response_check_name", "response_check_lambda"),
    "success": ("success_check_name", "success_check_lambda"),
    "failure": ("failure_check_name", "failure_check_lambda"),
    **{callback: (f"{callback}_name",) for callback in CALLBACKS},
}
"""Arguments of operators that dag-factory makes from keys of its own."""

OWN_ARGUMENTS = frozenset(
    {
        *(key for pair in FILE_PARTS for key in pair),
        *(key for keys in MADE_FROM.values() for key in keys),
        "variables_as_arguments",
        "parent_group_name",
    }
)
"""Keys of a task that the operator gets under another name, or not at all."""

LAMBDAS = ("response_check_lambda", "success_check_lambda", "failure_check_lambda")
RESOURCES = frozenset({"cpus", "ram", "disk", "gpus"})
"""The keys of a task's `resources`."""

GROUP_KEYS: Mapping[str, str] = {
    "add_suffix_on_collision": BOOL,
    "default_args": MAPPING,
    "dependencies": SEVERAL,
    "doc_md": TEXT,
    "group_display_name": TEXT,
    "parent_group_name": TEXT,
    "prefix_group_id": BOOL,
    "tooltip": TEXT,
    "ui_color": TEXT,
    "ui_fgcolor": TEXT,
}
"""The keys of a task group (`airflow.sdk.TaskGroup`)."""


class Parameters(NamedTuple):
    """The parameters of a class that is written in C, so that its source does not show them."""

    names: tuple[str, ...]
    required: int = 0
    by_name_only: tuple[str, ...] = ()


_TIME = ("hour", "minute", "second", "microsecond", "tzinfo")
C_PARAMETERS: Mapping[str, Parameters] = {
    "datetime.date": Parameters(("year", "month", "day"), required=3),
    "datetime.datetime": Parameters(("year", "month", "day", *_TIME), required=3, by_name_only=("fold",)),
    "datetime.time": Parameters(_TIME, by_name_only=("fold",)),
    "datetime.timedelta": Parameters(
        ("days", "seconds", "microseconds", "milliseconds", "minutes", "hours", "weeks"),
    ),
}
