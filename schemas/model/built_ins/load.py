"""The built-in `load`: rows into a table of a database, in the words of dlt."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from schemas.model.base import Model
from schemas.model.fields import PositiveCount, WholeNumber
from schemas.model.rows import Names, RowsSource
from schemas.model.task_base import TaskBase

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
    table: str = Field(min_length=1, examples=["orders", "shop.orders"])
    """Table, `table` or `schema.table`."""
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
