"""The built-in `check`: rules for rows or a table, in the words of common.sql's SQLColumnCheckOperator and
SQLTableCheckOperator."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from schemas.model.base import Model
from schemas.model.fields import WholeNumber
from schemas.model.rows import RowsSource
from schemas.model.task_base import TaskBase
from schemas.model.times import PositiveDuration

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
    """Longest time since the newest row."""


class CheckArguments(RowsSource):
    """Rows or a table, and the rules that they must meet."""

    conn_id: str | None = Field(default=None, min_length=1)
    """In place of `rows` and `file`: Airflow connection of the database that has `table`."""
    table: str | None = Field(default=None, min_length=1)
    """Table to check, with `conn_id`."""
    columns: dict[str, ColumnChecks] | None = Field(
        default=None, examples=[{"price": {"null_check": {"equal_to": 0}, "min": {"geq_to": 0}}}]
    )
    """Rules for columns, by name."""
    checks: dict[str, TableCheck] | None = Field(
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
