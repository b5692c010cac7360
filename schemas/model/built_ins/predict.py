"""The built-in `predict`: a stored model and rows → rows with a prediction."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from schemas.model.fields import PositiveCount
from schemas.model.rows import RowsSource
from schemas.model.task_base import TaskBase


class PredictArguments(RowsSource):
    """A model, and rows to predict for."""

    model: str = Field(min_length=1, examples=["models/churn/{{ ds }}"])
    """Folder that `train` wrote."""
    column: str = Field(default="prediction", min_length=1)
    """Name of the column with the prediction."""
    trusted: list[Annotated[str, Field(min_length=1)]] = Field(default=[], examples=[["xgboost.sklearn.XGBClassifier"]])
    """Types inside the model that may be loaded besides those of scikit-learn, NumPy and SciPy, by dotted path."""
    max_rows: PositiveCount | None = None
    """The task fails when there are more rows. Default: 10000; with `to` there is no limit."""
    to: str | None = Field(default=None, min_length=1, examples=["lake/churn/{{ ds }}.parquet"])
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
