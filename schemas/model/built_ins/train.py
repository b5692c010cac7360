"""The built-in `train`: rows → a stored model, on scikit-learn's interface."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from schemas.expressions.reading import DOTTED_PATH_PATTERN
from schemas.model.fields import Count, PlainValue
from schemas.model.rows import RowsSource
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
    to: str = Field(min_length=1, examples=["models/churn/{{ ds }}"])
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
