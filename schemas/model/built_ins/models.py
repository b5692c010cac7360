"""The built-ins that make something of rows: `train`, `predict` and `chart`."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from schemas.expressions.reading import DOTTED_PATH_PATTERN
from schemas.model.fields import Count, PlainValue, PositiveCount, RowsSource
from schemas.model.task_base import TaskBase

_Column = Annotated[str, Field(min_length=1)]


class TrainArguments(RowsSource):
    """Rows to learn from, and the estimator that learns."""

    target: _Column
    """Column to predict."""
    features: Annotated[list[_Column], Field(min_length=1)] | None = None
    """Columns to predict it from. Default: all others."""
    estimator: str = Field(pattern=DOTTED_PATH_PATTERN, examples=["sklearn.ensemble.RandomForestClassifier"])
    """Class with scikit-learn's interface (`fit`, `predict`), by its dotted path."""
    with_: dict[str, PlainValue] = Field(default={}, alias="with", examples=[{"n_estimators": 200}])
    """Arguments of the estimator, by name."""
    test_size: Annotated[float, Field(gt=0, lt=1)] = 0.2
    """Share of the rows that is kept back to measure with."""
    random_state: Count = 0
    """Number that decides which rows are kept back, so that the same rows give the same model."""
    metrics: Annotated[list[_Column], Field(min_length=1)] | None = Field(default=None, examples=[["accuracy", "f1"]])
    """What is measured, by scikit-learn's names of scorers. Default: `accuracy` for classifiers, `r2` and
    `neg_mean_absolute_error` for regressors."""
    to: str = Field(min_length=1, examples=["models/churn/{{ dag_run.run_after | ds }}"])
    """Folder for the model: `model.skops`, and `model.json` with what it was made from."""


class TrainTask(TaskBase):
    """Trains a model."""

    templated: ClassVar[frozenset[str]] = frozenset({"rows", "file", "to"})
    mappable: ClassVar[frozenset[str]] = templated
    exclusive: ClassVar[tuple[tuple[str, str], ...]] = (("rows", "file"),)

    uses: Literal["train"]
    """The built-in that trains a model."""
    with_: TrainArguments = Field(alias="with")
    """The rows and the estimator."""


class PredictArguments(RowsSource):
    """A model, and rows to predict for."""

    model: str = Field(min_length=1, examples=["models/churn/{{ dag_run.run_after | ds }}"])
    """Folder that `train` wrote."""
    column: str = Field(default="prediction", min_length=1)
    """Name of the column with the prediction; one that the rows do not have."""
    trusted: list[Annotated[str, Field(min_length=1)]] = Field(default=[], examples=[["xgboost.sklearn.XGBClassifier"]])
    """Types inside the model that may be loaded besides those of scikit-learn, NumPy and SciPy, by dotted path."""
    max_rows: PositiveCount | None = None
    """The task fails when there are more rows. Default: 10000; with `to` there is no limit."""
    to: str | None = Field(default=None, min_length=1, examples=["lake/churn/{{ dag_run.run_after | ds }}.parquet"])
    """File for the rows; the output is then its path. It ends in `.jsonl`, `.json`, `.csv` or `.parquet`."""


class PredictTask(TaskBase):
    """Predicts with a trained model."""

    templated: ClassVar[frozenset[str]] = frozenset({"rows", "file", "model", "to"})
    mappable: ClassVar[frozenset[str]] = templated
    exclusive: ClassVar[tuple[tuple[str, str], ...]] = (("rows", "file"),)

    uses: Literal["predict"]
    """The built-in that predicts with a trained model."""
    with_: PredictArguments = Field(alias="with")
    """The model and the rows."""


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
    to: str = Field(min_length=1, examples=["charts/orders-{{ dag_run.run_after | ds }}.html"])
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
