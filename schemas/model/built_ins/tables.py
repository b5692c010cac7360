"""The built-ins for tables: `sql`, `load`, `duckdb` and `check`."""

from __future__ import annotations

import re
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from schemas.model.fields import Model, Names, OrTaskOutput, PlainValue, PositiveCount, RowsSource, WholeNumber
from schemas.model.task_base import TaskBase
from schemas.model.times import PositiveDuration

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
    to: str | None = Field(default=None, min_length=1, examples=["lake/revenue/{{ dag_run.run_after | ds }}.parquet"])
    """File for the rows; the output is then its path. It ends in `.jsonl`, `.json`, `.csv` or `.parquet`."""


class SqlTask(TaskBase):
    """Runs SQL on a database."""

    templated: ClassVar[frozenset[str]] = frozenset({"conn_id", "sql", "parameters", "database", "to"})
    mappable: ClassVar[frozenset[str]] = templated

    uses: Literal["sql"]
    """The built-in that runs SQL."""
    with_: SqlArguments = Field(alias="with")
    """The statements."""


TABLE_PATTERN = r"^(?:[^.{]+\.)?[^.{]+$|\{"
_TABLE = re.compile(TABLE_PATTERN)


def _table(text: str) -> str:
    if _TABLE.search(text) is None:
        raise PydanticCustomError("table", "expected `table` or `schema.table`")
    return text


_LoadedTable = Annotated[str, AfterValidator(_table), WithJsonSchema({"type": "string", "pattern": TABLE_PATTERN})]
ColumnType = Literal["text", "bigint", "double", "decimal", "bool", "timestamp", "date", "time", "json", "binary"]


class LoadColumn(Model):
    """The type of a column."""

    data_type: ColumnType
    """Type, by dlt's name."""
    precision: PositiveCount | None = None
    """Digits of a `decimal`."""
    scale: Annotated[WholeNumber, Field(ge=0)] | None = None
    """Digits of a `decimal` behind the point."""


class LoadArguments(RowsSource):
    """Rows and the table they go into."""

    conn_id: str = Field(min_length=1)
    """Airflow connection of the database."""
    table: _LoadedTable = Field(examples=["orders", "shop.orders"])
    """Table, `table` or `schema.table`. A schema must be there already."""
    write_disposition: Literal["append", "replace", "merge"] = "append"
    """`append`: add the rows. `replace`: the table then holds these rows and no others. `merge`: rows take the place of
    those with the same `primary_key`, the rest stays."""
    primary_key: Names | None = None
    """Column, or list of columns, by which `merge` finds the row to replace."""
    schema_contract: Literal["evolve", "freeze", "discard_row", "discard_value"] = "evolve"
    """What happens to values for which the table has no column, or one of another type. `evolve`: add a column.
    `freeze`: fail. `discard_row`: leave the row out. `discard_value`: leave the value out. The output counts what is
    left out."""
    columns: dict[str, ColumnType | LoadColumn] | None = Field(default=None, examples=[{"price": "decimal"}])
    """Types of columns, by name, where the values do not tell them."""
    create: bool = True
    """Create the table where there is none. `false`: fail."""


class LoadTask(TaskBase):
    """Loads rows into a table."""

    templated: ClassVar[frozenset[str]] = frozenset({"rows", "file", "conn_id", "table"})
    mappable: ClassVar[frozenset[str]] = templated
    exclusive: ClassVar[tuple[tuple[str, str], ...]] = (("rows", "file"),)

    uses: Literal["load"]
    """The built-in that loads rows into a table."""
    with_: LoadArguments = Field(alias="with")
    """The rows and the table."""


_Query = Annotated[str, Field(min_length=1)]
_Table = Annotated[str, Field(min_length=1)] | list[PlainValue]
SIZE_PATTERN = r"^\d+(?:\.\d+)? ?[KMGTkmgt][iI]?[Bb]$"
_SIZE = re.compile(SIZE_PATTERN)


def _size(text: str) -> str:
    if _SIZE.search(text) is None:
        raise PydanticCustomError("size", "expected a size, such as `2GB`")
    return text


Size = Annotated[str, AfterValidator(_size), WithJsonSchema({"type": "string", "pattern": SIZE_PATTERN})]


class DuckdbArguments(Model):
    """A query, and the tables that it reads."""

    sql: _Query | Annotated[list[_Query], Field(min_length=1)] = Field(
        examples=["SELECT customer, sum(price) AS total FROM orders GROUP BY customer"]
    )
    """The query, a list of statements, or a file that ends in `.sql`. The last statement gives the output."""
    tables: dict[Annotated[str, Field(min_length=1)], _Table] | None = Field(
        default=None, examples=[{"orders": "${tasks.poll.output}", "days": "lake/days/*.parquet"}]
    )
    """Tables of the query, by name: rows that a task gives, or files: a path, a list of paths or a pattern."""
    database: str | None = Field(default=None, min_length=1)
    """Database file that the query works in. Default: none; nothing is kept."""
    memory_limit: Size | None = Field(default=None, examples=["2GB"])
    """Most memory that the query takes. Default: DuckDB's, 80 % of the machine's."""
    threads: PositiveCount | None = None
    """Most threads that the query takes. Default: one for each processor."""
    external_access: bool = False
    """`true`: the query may read and write any file. `false`: it reads what `tables` names, and nothing else."""
    max_rows: PositiveCount | None = None
    """The task fails when there are more rows. Default: 10000; with `to` there is no limit."""
    to: str | None = Field(default=None, min_length=1, examples=["lake/totals/{{ dag_run.run_after | ds }}.parquet"])
    """File for the rows; the output is then its path. It ends in `.jsonl`, `.json`, `.csv` or `.parquet`."""


class DuckdbTask(TaskBase):
    """Runs SQL over rows and files."""

    templated: ClassVar[frozenset[str]] = frozenset({"sql", "tables", "database", "to"})
    mappable: ClassVar[frozenset[str]] = templated

    uses: Literal["duckdb"]
    """The built-in that runs SQL over rows and files."""
    with_: DuckdbArguments = Field(alias="with")
    """The query."""


_Number = float | int


class Expected(Model):
    """What a figure must be; all of it must hold."""

    equal_to: _Number | None = None
    """Exactly this."""
    greater_than: _Number | None = None
    """More than this."""
    geq_to: _Number | None = None
    """This or more."""
    less_than: _Number | None = None
    """Less than this."""
    leq_to: _Number | None = None
    """This or less."""
    tolerance: Annotated[_Number, Field(ge=0)] | None = None
    """Share by which the figure may be off: `0.1` is 10 %."""


class ColumnChecks(Model):
    """Rules for one column."""

    null_check: Expected | None = None
    """How many rows have no value."""
    unique_check: Expected | None = None
    """How many rows have a value that an earlier one has."""
    distinct_check: Expected | None = None
    """How many different values there are."""
    min: Expected | None = None
    """The smallest value."""
    max: Expected | None = None
    """The largest value."""


class TableCheck(Model):
    """A rule in SQL."""

    check_statement: str = Field(min_length=1, examples=["price >= 0", "count(*) > 10"])
    """Condition that must hold for each row, or for all of them (`sum(price) > 0`)."""
    partition_clause: str | None = Field(default=None, min_length=1)
    """Condition that chooses the rows that this rule is for."""


class Freshness(Model):
    """How old the newest row may be."""

    column: str = Field(min_length=1)
    """Column with the row's time."""
    within: PositiveDuration
    """Longest time since the newest row. A newest time in the future breaks the rule, too."""


class CheckArguments(RowsSource):
    """Rows or a table, and the rules that they must meet."""

    conn_id: str | None = Field(default=None, min_length=1)
    """In place of `rows` and `file`: Airflow connection of the database that has `table`."""
    table: str | None = Field(default=None, min_length=1)
    """Table to check, with `conn_id`."""
    columns: Annotated[dict[str, ColumnChecks], Field(min_length=1)] | None = Field(
        default=None, examples=[{"price": {"null_check": {"equal_to": 0}, "min": {"geq_to": 0}}}]
    )
    """Rules for columns, by name."""
    checks: Annotated[dict[str, TableCheck], Field(min_length=1)] | None = Field(
        default=None, examples=[{"sent_after_ordered": {"check_statement": "sent >= ordered"}}]
    )
    """Rules in SQL, by a name of your choice."""
    row_count: Expected | None = Field(default=None, examples=[{"geq_to": 1}])
    """How many rows there are."""
    freshness: Freshness | None = Field(default=None, examples=[{"column": "updated_at", "within": "1d"}])
    """How old the newest row may be."""
    partition_clause: str | None = Field(default=None, min_length=1, examples=["day = '{{ ds }}'"])
    """Condition that chooses the rows to check. Default: all."""
    severity: Literal["error", "warning"] = "error"
    """`error`: the task fails when a rule is broken. `warning`: it says so in its log, and succeeds."""
    sample_rows: Annotated[WholeNumber, Field(ge=0, le=5)] = 5
    """How many rows that break a rule the log shows with it. `0`: none, for data that nobody should read there."""


class CheckTask(TaskBase):
    """Checks rows or a table."""

    templated: ClassVar[frozenset[str]] = frozenset({"rows", "file", "conn_id", "table", "partition_clause", "checks"})
    mappable: ClassVar[frozenset[str]] = frozenset({"rows", "file", "conn_id", "table", "partition_clause"})
    exclusive: ClassVar[tuple[tuple[str, str], ...]] = (
        ("rows", "file"),
        ("rows", "conn_id"),
        ("file", "conn_id"),
        ("rows", "table"),
        ("file", "table"),
    )

    uses: Literal["check"]
    """The built-in that checks rows or a table."""
    with_: CheckArguments = Field(alias="with")
    """The rules."""
