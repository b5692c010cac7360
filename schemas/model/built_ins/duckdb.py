"""The built-in `duckdb`: SQL over rows and files, without a database server."""

from __future__ import annotations

import re
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from schemas.model.base import Model
from schemas.model.fields import PlainValue, PositiveCount
from schemas.model.task_base import TaskBase

_Statement = Annotated[str, Field(min_length=1)]
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

    sql: _Statement | Annotated[list[_Statement], Field(min_length=1)] = Field(
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
    to: str | None = Field(default=None, min_length=1, examples=["lake/totals/{{ ds }}.parquet"])
    """File for the rows; the output is then its path. It ends in `.jsonl`, `.json`, `.csv` or `.parquet`."""


class DuckdbTask(TaskBase):
    """Runs SQL over rows and files."""

    templated: ClassVar[frozenset[str]] = frozenset({"sql", "tables", "database", "to"})
    mappable: ClassVar[frozenset[str]] = templated

    uses: Literal["duckdb"]
    """The built-in that runs SQL over rows and files."""
    with_: DuckdbArguments = Field(alias="with")
    """The query."""
