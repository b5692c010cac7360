"""A pipeline: what one YAML file says, in Airflow's words (airflow.sdk.DAG, 3.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import ConfigDict, Field, PlainValidator, WithJsonSchema

from schemas.expressions.reading import WORD
from schemas.model.fields import Count, Link, Matrix, Model, PlainValue, PositiveCount, PythonObject
from schemas.model.notifications import Deadline, RunNotifications
from schemas.model.schedule import Schedule
from schemas.model.settings import TaskSettings
from schemas.model.task import Task
from schemas.model.times import Date, PositiveDuration

LATE_POLL = WithJsonSchema({"$comment": "Poll"})
"""Marks where `Poll` is, which is imported for a file that has one."""

if TYPE_CHECKING:
    from schemas.model.http import Poll
else:

    def _polled(value: Any) -> Any:
        from schemas.model.http import Poll  # noqa: PLC0415 # it is half of the language, and few files poll

        return Poll.model_validate(value)

    Poll = Annotated[Any, PlainValidator(_polled), LATE_POLL]

DAG_ID_PATTERN = rf"^(?:{WORD}|\.)+$"
"""Letters and digits of any script, `_`, `-` and `.`: Airflow's KEY_REGEX."""

RunType = Literal["backfill", "scheduled", "manual", "operator_triggered", "asset_triggered", "asset_materialization"]


class Pipeline(Model):
    """One file, one DAG."""

    model_config = ConfigDict(defer_build=False)

    schema_: str | None = Field(default=None, alias="$schema")
    """Address of this schema, for editors; ignored."""
    dag_id: Annotated[str, Field(pattern=DAG_ID_PATTERN, max_length=250)] | None = None
    """Name of the DAG. Default: the file's path below `pipelines/`, without its ending, `/` as `.`."""
    dag_display_name: str | None = None
    """Name shown in the UI instead of the id."""
    description: str | None = None
    """One line, shown on the DAG's page in Airflow."""
    doc_md: str | None = None
    """Markdown shown with the DAG."""
    owner: str | None = None
    """Owner of the tasks that have no `owner`."""
    tags: list[Annotated[str, Field(min_length=1, max_length=100)]] = []
    """Labels to find the DAG by."""
    schedule: Schedule = None
    """When it runs: a cron expression or preset in quotes, `null` (only when triggered), or a mapping."""
    timezone: str = "UTC"
    """IANA time zone for cron expressions and for dates without offset, such as `Asia/Seoul`."""
    start_date: Date | None = None
    """First date the DAG runs for, in quotes or plain: `2026-01-01`. Without it, it runs from now on."""
    end_date: Date | None = None
    """No run starts after this date. `2026-12-31` is the start of that day, so of its slots only midnight counts."""
    catchup: bool = False
    """`true`: also run for the slots between `start_date` and now."""
    is_paused_upon_creation: bool = False
    """`true`: a new DAG is paused until somebody unpauses it."""
    max_active_runs: PositiveCount | None = None
    """How many runs may be active at once."""
    max_active_tasks: PositiveCount | None = None
    """How many tasks may be active at once, over all runs."""
    max_consecutive_failed_dag_runs: Count | None = None
    """Pause the DAG after this many failed runs in a row; 0 means never."""
    dagrun_timeout: PositiveDuration | None = None
    """Longest time a run may take; then it fails."""
    notifications: RunNotifications | None = None
    """Who is notified when a run fails or succeeds: `on_failure`, `on_success`. For tasks, set `notifications` in
    `default_args`, in a group or in a task."""
    deadline: Deadline | Annotated[list[Deadline], Field(min_length=1)] | None = None
    """When a run is late, and who is notified: `{from: queued_at, within: 45m, notify: [..]}`, or a list of these."""
    fail_fast: bool | None = None
    """The first failed task stops the run."""
    render_template_as_native_obj: bool | None = None
    """Templates give Python values instead of text."""
    params: dict[str, PlainValue] | None = None
    """Values asked for when the DAG is triggered, by name: a default, or a JSON Schema mapping with `default`."""
    allowed_run_types: Annotated[list[RunType], Field(min_length=1)] | None = None
    """What may start a run, such as `[scheduled]` so that nobody can trigger it manually. Default: anything."""
    access_control: dict[str, list[str] | dict[str, list[str]]] | None = None
    """What each role may do with the DAG, if Airflow's auth manager has roles: `{analyst: [can_read]}`."""
    disable_bundle_versioning: bool | None = None
    """`true`: a task uses the newest files, even if its run started with older ones."""
    rerun_with_latest_version: bool | None = None
    """`true`: cleared tasks run again with the newest files. Default: Airflow's setting."""
    user_defined_macros: dict[str, PlainValue] | None = None
    """Names for templates: values, or functions as `{$object: module.function}`, called `{{ name(…) }}`."""
    user_defined_filters: dict[str, PythonObject] | None = None
    """Filters for templates, used `{{ x | name }}`: functions as `{$object: module.function}`."""
    jinja_environment_kwargs: dict[str, PlainValue] | None = None
    """Options of the template environment (jinja2.Environment), such as `{trim_blocks: true}`."""
    template_undefined: PythonObject | None = None
    """How templates treat unknown names: a class such as `{$object: jinja2.ChainableUndefined}`.
    Default: the task fails."""
    owner_links: dict[str, Link] | None = None
    """Link for each owner: `https://…` or `mailto:…`."""
    default_args: TaskSettings | None = None
    """Settings for every task of the file."""
    vars: dict[str, PlainValue] | None = None
    """Named values for the rest of the file: `${vars.name}`. They may use `${env.NAME}` and each other."""
    environments: dict[str, dict[str, PlainValue] | None] | None = None
    """What is different in an environment, by its name: any keys of a pipeline. They override the rest when that
    environment is chosen (`PIPELINE_ENVIRONMENT`, `--environment`)."""
    matrix: Matrix | None = None
    """One DAG for each combination of these lists; `${matrix.key}` is the DAG's own value of the list `key`."""
    poll: Poll | None = None
    """A URL that is requested at the start of every run."""
    tasks: Annotated[list[Task], Field(min_length=1)] | None = None
    """What a run does."""
