"""The operator behind the built-in `predict`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from airflow.sdk import BaseOperator, Context
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from factory.data.models import ModelError, predict
from factory.data.row_files import RowFileError, read_rows
from factory.data.sql import write_rows
from factory.data.values import TooManyRowsError, limited, plain_rows


class PredictOperator(BaseOperator):
    """Adds a trained model's prediction to rows.

    :param model: folder that `train` wrote (templated)
    :param rows: list of mappings (templated)
    :param file: in place of `rows`: a path, a list of paths or a pattern (templated)
    :param column: name of the column with the prediction
    :param trusted: types inside the model that may be loaded besides the usual ones
    :param max_rows: most rows that are handed on
    :param to: file for the rows, whose path is then the output (templated)
    """

    template_fields: Sequence[str] = ("model", "rows", "file", "to")
    ui_color = "#e8eafd"

    def __init__(
        self,
        *,
        model: str,
        rows: Sequence[Mapping[str, Any]] | None = None,
        file: str | Sequence[str] | None = None,
        column: str = "prediction",
        trusted: Sequence[str] = (),
        max_rows: int | None = None,
        to: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.model = model
        self.rows = rows
        self.file = file
        self.column = column
        self.trusted = trusted
        self.max_rows = max_rows
        self.to = to

    def execute(self, context: Context) -> list[dict[str, Any]] | str:  # noqa: ARG002 # Airflow's signature
        """Predict; return the rows, or the file's path."""
        try:
            rows = iter(self.rows) if self.rows is not None else read_rows(self.file or ())
            predicted = predict(rows, self.model, self.column, self.trusted)
            if self.to is not None:
                return write_rows(predicted, self.to, self.max_rows)
            return limited(plain_rows(predicted), self.max_rows)
        except TooManyRowsError as error:
            raise AirflowFailException(str(error)) from None
        except (ModelError, RowFileError) as error:
            raise AirflowException(str(error)) from None
