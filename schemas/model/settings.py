"""The settings that every Airflow task has, in Airflow's own words (airflow.sdk.BaseOperator, 3.3)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, NonNegativeFloat, Tag

from schemas.expressions.reading import EXCEPTION_PATTERN
from schemas.model.fields import Count, Model, PlainValue, PositiveCount, PythonObject, Weight
from schemas.model.notifications import TaskNotifications
from schemas.model.schedule import AssetReference
from schemas.model.times import Date, Duration, PositiveDuration

RetryAction = Literal["retry", "fail", "default"]
ExceptionName = Annotated[
    str, Field(pattern=EXCEPTION_PATTERN, examples=["TimeoutError", "requests.exceptions.HTTPError"])
]


class RetryRule(Model):
    """What to do after an exception."""

    exception: ExceptionName | Annotated[list[ExceptionName], Field(min_length=1)]
    """One of Python's own exceptions by its name, another one by its dotted path, or a list."""
    action: RetryAction = "retry"
    """`retry` tries again while there are `retries`, `fail` fails at once, `default` does what the task would do."""
    retry_delay: Duration | None = None
    """Time until the next try, instead of the task's `retry_delay`."""
    reason: str | None = None
    """Why, for the log."""
    match_subclasses: bool = True
    """Also apply to exceptions derived from it."""


class RetryPolicy(Model):
    """What a failed task does, by its exception (Airflow's ExceptionRetryPolicy); the first rule that fits decides."""

    rules: Annotated[list[RetryRule], Field(min_length=1)]
    """What to do after which exception."""
    default: RetryAction = "default"
    """What to do if no rule fits."""


TriggerRule = Literal[
    "all_success",
    "all_failed",
    "all_done",
    "all_done_min_one_success",
    "all_done_setup_success",
    "one_success",
    "one_failed",
    "one_done",
    "none_failed",
    "none_skipped",
    "always",
    "none_failed_min_one_success",
    "all_skipped",
]


def _weight_rule_shape(value: Any) -> str:
    return "<object>" if isinstance(value, dict) else "<none>" if value is None else "<word>"


WeightRule = Annotated[
    Annotated[Literal["downstream", "upstream", "absolute"], Tag("<word>")]
    | Annotated[PythonObject, Tag("<object>")]
    | Annotated[None, Tag("<none>")],
    Discriminator(_weight_rule_shape),
]


class Resources(Model):
    """The resources that a task requests (airflow.sdk Resources)."""

    cpus: Count | None = None
    """Processor cores."""
    ram: Count | None = None
    """Memory, in MB."""
    disk: Count | None = None
    """Disk space, in MB."""
    gpus: Count | None = None
    """Graphics processors."""


class TaskSettings(Model):
    """Go beside `uses`, never inside `with`; in `default_args` they apply to every task of the file."""

    owner: str | None = None
    """Who is responsible for the task; shown in Airflow's lists."""
    retries: Count | None = None
    """How often a failed task is retried. Default: 0."""
    retry_delay: Duration | None = None
    """Time between two tries. Default: `5m`."""
    retry_exponential_backoff: NonNegativeFloat | None = None
    """Factor by which the delay grows from try to try: with 2 it doubles, 0 keeps it as it is."""
    max_retry_delay: Duration | None = None
    """Longest time between two tries."""
    retry_policy: RetryPolicy | None = None
    """What to do after which exception: `{rules: [{exception: TimeoutError, retry_delay: 1m}]}`."""
    notifications: TaskNotifications | None = None
    """Who is notified about the task: `on_failure`, `on_success`, `on_retry`, `on_skipped`, `on_execute`."""
    execution_timeout: PositiveDuration | None = None
    """Longest time a try may take; then it fails."""
    trigger_rule: TriggerRule | None = None
    """Which states of the tasks before it let the task start. Default: `all_success`; `all_done` runs it in any case,
    `one_failed` as soon as one has failed, `none_failed` also when some were skipped."""
    depends_on_past: bool | None = None
    """Start only when the task succeeded in the previous run."""
    ignore_first_depends_on_past: bool | None = None
    """Let the first run start despite `depends_on_past`."""
    wait_for_past_depends_before_skipping: bool | None = None
    """Wait for `depends_on_past` before the task may be skipped."""
    wait_for_downstream: bool | None = None
    """Also wait for the tasks directly downstream of it in the previous run."""
    pool: str | None = None
    """Airflow pool whose slots the task uses; create it in Airflow (Admin, Pools). Default: `default_pool`."""
    pool_slots: PositiveCount | None = None
    """How many slots of the pool it uses."""
    priority_weight: Weight | None = None
    """When slots are short, the task with the higher number goes first. Default: 1."""
    weight_rule: WeightRule = None
    """Which tasks' weights are added to its own: those after it (`downstream`, the default), those before it
    (`upstream`), or none (`absolute`); or a plugin's strategy, `{$object: …, with: {…}}`."""
    queue: str | None = None
    """Queue of the executor, such as a Celery queue."""
    executor: str | None = None
    """Executor that runs it, if Airflow has several."""
    executor_config: dict[str, PlainValue] | None = None
    """Settings for the executor, such as `{pod_override: {$object: kubernetes.client.V1Pod, with: {…}}}`."""
    max_active_tis_per_dag: PositiveCount | None = None
    """How many of its runs may be active at once, over all runs of the DAG."""
    max_active_tis_per_dagrun: PositiveCount | None = None
    """How many of its mapped tasks may be active at once in one run."""
    start_date: Date | None = None
    """First date the task runs for."""
    end_date: Date | None = None
    """The task does not run after this date; a day means its start."""
    do_xcom_push: bool | None = None
    """Keep what the task returns as its output. Default: `true`; with `false` nothing can refer to it."""
    multiple_outputs: bool | None = None
    """Keep each key of a returned mapping as an XCom of its own."""
    run_as_user: str | None = None
    """Operating system user that runs it."""
    map_index_template: str | None = None
    """Template of the name shown for a mapped task."""
    task_display_name: str | None = None
    """Name shown in the UI instead of the id."""
    doc: str | None = None
    """Plain text shown with the task."""
    doc_md: str | None = None
    """Markdown shown with the task."""
    doc_json: str | None = None
    """JSON text shown with the task."""
    doc_yaml: str | None = None
    """YAML text shown with the task."""
    doc_rst: str | None = None
    """reStructuredText shown with the task."""
    logger_name: str | None = None
    """Name of the task's logger."""
    allow_nested_operators: bool | None = None
    """Let the task call other operators' `execute` without a warning."""
    render_template_as_native_obj: bool | None = None
    """Templates give Python values instead of text."""
    inlets: list[AssetReference] | None = None
    """Assets that the task reads: names, URIs, or mappings."""
    outlets: list[AssetReference] | None = None
    """Assets that it writes: its success is an event of each, for which schedules by `assets` wait."""
    pre_execute: PythonObject | None = None
    """Function that is called with the context before each try: `{$object: module.function}`."""
    post_execute: PythonObject | None = None
    """Function that is called with the context and the result after each try that succeeded."""
    resources: Resources | None = None
    """Resources it asks for, if the executor supports them: `cpus`, `ram`, `disk`, `gpus`."""


SETTING_KEYS = frozenset(TaskSettings.model_fields)
