"""The built-ins that wait, in the words of Airflow's sensors."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from schemas.model.fields import FunctionPath, OrTaskOutput, PlainValue, TaskState
from schemas.model.http import STATUS_PATTERN, Method
from schemas.model.task_base import LOOKING, DeferrableSensorArguments, SensorArguments, TaskBase
from schemas.model.times import Duration, Moment


class WaitFileArguments(DeferrableSensorArguments):
    """A file, or a folder that contains one."""

    filepath: str = Field(min_length=1, examples=["/data/in/{{ ds }}/orders.csv", "/data/in/*.csv"])
    """The file, or a folder that must contain one; `*`, `?` and `[…]` match any characters. Absolute, or with
    `fs_conn_id` below the connection's path."""
    fs_conn_id: str | None = Field(default=None, min_length=1)
    """Airflow connection (File, path) with the folder that `filepath` is in."""
    recursive: bool = False
    """Let `**` in `filepath` match folders at any depth."""


class WaitFileTask(TaskBase):
    """Waits for a file."""

    templated: ClassVar[frozenset[str]] = frozenset({"filepath", "fs_conn_id"})
    looking: ClassVar[tuple[str, ...]] = LOOKING

    uses: Literal["wait_file"]
    """The built-in that waits for a file."""
    with_: WaitFileArguments = Field(alias="with")
    """The file."""


class WaitHttpArguments(DeferrableSensorArguments):
    """A request that is repeated until it succeeds; 404 means "not yet"."""

    endpoint: str = Field(examples=["/exports/{{ ds }}"])
    """What follows the connection's address."""
    http_conn_id: str = Field(default="http_default", min_length=1)
    """Airflow connection (HTTP) with the address and the credentials."""
    method: Method = "GET"
    """HTTP method, in capitals."""
    request_params: OrTaskOutput[dict[str, PlainValue]] | None = None
    """Query parameters of a `GET`, form fields of others."""
    headers: OrTaskOutput[dict[str, str]] | None = Field(default=None, examples=[{"Accept": "application/json"}])
    """Header fields of the request. Values are text: numbers in quotes."""
    response_error_codes_allowlist: list[Annotated[str, Field(pattern=STATUS_PATTERN)]] | None = None
    """Statuses that mean "not yet", as text. Default: `["404"]`. Any other error fails the task, a refused connection
    too. In the triggerer this applies only to the first request: later ones ignore all error statuses until
    `timeout`."""
    response_check: FunctionPath | None = None
    """Function that gets the answer (a requests.Response) and returns whether the wait is over."""
    extra_options: dict[str, PlainValue] | None = None
    """Options of the request in the words of `requests`: `timeout`, `verify`, …"""


class WaitHttpTask(TaskBase):
    """Waits until a URL answers with success."""

    templated: ClassVar[frozenset[str]] = frozenset({"endpoint", "request_params", "headers", "http_conn_id"})
    looking: ClassVar[tuple[str, ...]] = (*LOOKING, "response_check", "response_error_codes_allowlist")
    functions: ClassVar[frozenset[str]] = frozenset({"response_check"})

    uses: Literal["wait_http"]
    """The built-in that waits for a URL."""
    with_: WaitHttpArguments = Field(alias="with")
    """The request."""


class WaitSqlArguments(SensorArguments):
    """A query that is repeated until the first value of its first row is neither empty nor 0."""

    conn_id: str = Field(min_length=1)
    """Airflow connection of the database."""
    sql: str = Field(min_length=1, examples=["SELECT count(*) FROM orders WHERE day = '{{ ds }}'"])
    """The query, or a file that ends in `.sql`."""
    parameters: OrTaskOutput[dict[str, PlainValue] | list[PlainValue]] | None = None
    """Values for the query's placeholders."""
    success: FunctionPath | None = None
    """Function that gets the first value and returns whether the wait is over."""
    failure: FunctionPath | None = None
    """Function that gets the first value and returns whether the task fails; called before `success`."""
    selector: FunctionPath | None = None
    """Function that gets the first row and returns the value to check. Default: its first value."""
    fail_on_empty: bool = False
    """Fail if the query returns no row."""
    hook_params: OrTaskOutput[dict[str, PlainValue]] | None = None
    """Arguments for the connection's hook."""


class WaitSqlTask(TaskBase):
    """Waits until a query returns a value."""

    templated: ClassVar[frozenset[str]] = frozenset({"sql", "hook_params", "parameters", "conn_id"})
    functions: ClassVar[frozenset[str]] = frozenset({"success", "failure", "selector"})

    uses: Literal["wait_sql"]
    """The built-in that waits for a row."""
    with_: WaitSqlArguments = Field(alias="with")
    """The query."""


class WaitUntilArguments(DeferrableSensorArguments):
    """A moment."""

    target_time: Moment
    """A date with a time, a template that gives one, or a time of the day on which the task runs, such as `06:30`.
    Without an offset it is in the pipeline's `timezone`; the result of a template without one is in UTC."""


class WaitUntilTask(TaskBase):
    """Waits for a moment."""

    templated: ClassVar[frozenset[str]] = frozenset({"target_time"})
    looking: ClassVar[tuple[str, ...]] = LOOKING

    uses: Literal["wait_until"]
    """The built-in that waits for a moment."""
    with_: WaitUntilArguments = Field(alias="with")
    """The moment."""


_States = Annotated[list[TaskState], Field(min_length=1)]


class WaitDagArguments(DeferrableSensorArguments):
    """A run of another DAG, or tasks of it; by default the run of the same logical date."""

    external_dag_id: str = Field(min_length=1)
    """The DAG to wait for."""
    external_task_id: str | None = Field(default=None, min_length=1)
    """One task of it, instead of the whole run."""
    external_task_ids: OrTaskOutput[Annotated[list[str], Field(min_length=1)]] | None = None
    """Several tasks of it."""
    external_task_group_id: str | None = Field(default=None, min_length=1)
    """A task group of it."""
    execution_delta: Duration | None = None
    """How much earlier the other run's logical date is: `1d` waits for yesterday's."""
    execution_date_fn: FunctionPath | None = None
    """Function that gets the logical date and returns the date, or the dates, of the other DAG's runs."""
    allowed_states: _States | None = None
    """States that end the wait. Default: `[success]`. Of a DAG they are `queued`, `running`, `success` and `failed`."""
    failed_states: _States | None = None
    """States that fail the task. Default: none, so that it keeps waiting when the run fails."""
    skipped_states: _States | None = None
    """States that skip the task."""


class WaitDagTask(TaskBase):
    """Waits for another DAG."""

    templated: ClassVar[frozenset[str]] = frozenset(
        {"external_dag_id", "external_task_id", "external_task_ids", "external_task_group_id"}
    )
    looking: ClassVar[tuple[str, ...]] = LOOKING
    functions: ClassVar[frozenset[str]] = frozenset({"execution_date_fn"})
    exclusive: ClassVar[tuple[tuple[str, str], ...]] = (
        ("external_task_id", "external_task_ids"),
        ("external_task_id", "external_task_group_id"),
        ("external_task_ids", "external_task_group_id"),
        ("execution_delta", "execution_date_fn"),
    )

    uses: Literal["wait_dag"]
    """The built-in that waits for another DAG."""
    with_: WaitDagArguments = Field(alias="with")
    """The DAG."""
