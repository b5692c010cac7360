"""The built-in `wait_sql`, in the words of Airflow's SqlSensor."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from schemas.model.fields import FunctionPath, OrTaskOutput, PlainValue
from schemas.model.sensor import SensorArguments
from schemas.model.task_base import TaskBase


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
