"""The built-in `chart`: rows as a picture or a page, from a Vega-Lite spec."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from schemas.model.fields import PlainValue
from schemas.model.rows import RowsSource
from schemas.model.task_base import TaskBase


class ChartArguments(RowsSource):
    """Rows, and how they are drawn."""

    conn_id: str | None = Field(default=None, min_length=1)
    """In place of `rows` and `file`: Airflow connection of the database that `sql` asks."""
    sql: str | None = Field(default=None, min_length=1)
    """Query that gives the rows, with `conn_id`; or a file that ends in `.sql`."""
    spec: Annotated[str, Field(min_length=1)] | dict[str, PlainValue] = Field(
        examples=[{"mark": "bar", "encoding": {"x": {"field": "day"}, "y": {"field": "total", "type": "quantitative"}}}]
    )
    """The chart in Vega-Lite's language, without its `data`; or a file beside the pipeline that ends in `.vl.json` or
    `.vl.yaml`."""
    to: str = Field(min_length=1, examples=["charts/orders-{{ ds }}.html"])
    """File for the chart: `.html` (a page that needs no network), `.svg`, `.png` or `.pdf`. The output is its path."""
    title: str | None = Field(default=None, min_length=1)
    """Title of the chart. Default: that of `spec`."""


class ChartTask(TaskBase):
    """Draws a chart."""

    templated: ClassVar[frozenset[str]] = frozenset({"rows", "file", "conn_id", "sql", "to", "title"})
    mappable: ClassVar[frozenset[str]] = templated
    exclusive: ClassVar[tuple[tuple[str, str], ...]] = (
        ("rows", "file"),
        ("rows", "conn_id"),
        ("file", "conn_id"),
        ("rows", "sql"),
        ("file", "sql"),
    )

    uses: Literal["chart"]
    """The built-in that draws a chart."""
    with_: ChartArguments = Field(alias="with")
    """The chart."""
