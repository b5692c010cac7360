"""The built-in `sql`: statements on an Airflow connection, in the words of the common.sql provider."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from schemas.model.base import Model
from schemas.model.fields import OrTaskOutput, PlainValue, PositiveCount
from schemas.model.task_base import TaskBase

_Statement = Annotated[str, Field(min_length=1)]
MOST_ROWS = 10_000


class SqlArguments(Model):
    """SQL statements, and what of their result the task hands on."""

    conn_id: str = Field(min_length=1)
    """Airflow connection of the database."""
    sql: _Statement | Annotated[list[_Statement], Field(min_length=1)] = Field(
        examples=["DELETE FROM orders WHERE day = '{{ ds }}'", "sql/revenue.sql"]
    )
    """The statement, a list of statements, or a file that ends in `.sql`."""
    parameters: OrTaskOutput[dict[str, PlainValue] | list[PlainValue]] | None = None
    """Values for the placeholders of the statement, in the form that the database's driver takes."""
    split_statements: bool | None = None
    """`true`: run the statements of one text, separated by `;`, one after the other. Default: what the
    connection's hook does."""
    autocommit: bool = False
    """`true`: commit each statement by itself. `false`: all of them or none, where the database can."""
    database: str | None = Field(default=None, min_length=1)
    """Database instead of the connection's own."""
    fetch: Literal["none", "rows", "value"] | None = None
    """What of the last statement's result is the output: `rows` (a list of mappings by column name), `value` (the first
    column of the first row), or `none`. Default: `rows` with `to`, else `none`."""
    max_rows: PositiveCount | None = None
    """The task fails when there are more rows. Default: 10000; with `to` there is no limit."""
    to: str | None = Field(default=None, min_length=1, examples=["lake/revenue/{{ ds }}.parquet"])
    """File for the rows; the output is then its path. It ends in `.jsonl`, `.json`, `.csv` or `.parquet`."""


class SqlTask(TaskBase):
    """Runs SQL on a database."""

    templated: ClassVar[frozenset[str]] = frozenset({"conn_id", "sql", "parameters", "database", "to"})
    mappable: ClassVar[frozenset[str]] = templated

    uses: Literal["sql"]
    """The built-in that runs SQL."""
    with_: SqlArguments = Field(alias="with")
    """The statements."""
