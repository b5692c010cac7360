"""The operators behind the built-ins `train`, `predict` and `chart`, and the button that opens what was drawn."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar
from urllib.parse import quote

from airflow.sdk import BaseOperator, BaseOperatorLink, Context
from airflow.sdk.configuration import conf
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from factory.data import without_rows
from factory.data.chart import PREFIX, ChartError, draw
from factory.data.features import ModelError, Unknown
from factory.data.models import Training, predict, train
from factory.data.places import all_csv
from factory.data.row_files import RowFileError, TooManyRowsError, limited, plain_rows, read_rows
from factory.data.sql import SqlError, database_hook, run_sql, write_rows
from factory.reporters.text import counted

UNKNOWN_VALUES = "unknown_values"
"""XCom entry beside the output of `predict`."""
_MOST_ROWS = 100_000
"""More than this no chart shows, and no browser opens."""


class TrainOperator(BaseOperator):
    """Trains a model on rows and stores it with its metrics.

    :param target: column to predict
    :param estimator: dotted path of a class with scikit-learn's interface
    :param to: folder for `model.skops` and `model.json` (templated)
    :param rows: list of mappings (templated)
    :param file: in place of `rows`: a path, a list of paths or a pattern (templated)
    :param features: columns to predict from; None: all others
    :param estimator_arguments: arguments of the class
    :param test_size: share of the rows to measure with
    :param random_state: decides which rows these are
    :param metrics: names of scikit-learn's scorers

    The output is `{"model": folder, "metrics": …, "rows": …}`.
    """

    template_fields: Sequence[str] = ("rows", "file", "to")
    overwrite_rtif_after_execution = True  # so that Airflow has the whole path, by which the page *Pipelines* finds it
    ui_color = "#e8eafd"

    def __init__(  # noqa: PLR0913 # the keys of `with`
        self,
        *,
        target: str,
        estimator: str,
        to: str,
        rows: Sequence[Mapping[str, Any]] | None = None,
        file: str | Sequence[str] | None = None,
        features: Sequence[str] | None = None,
        estimator_arguments: Mapping[str, Any] | None = None,
        test_size: float = 0.2,
        random_state: int = 0,
        metrics: Sequence[str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.target = target
        self.estimator = estimator
        self.to = to
        self.rows = rows
        self.file = file
        self.features = features
        self.estimator_arguments = estimator_arguments
        self.test_size = test_size
        self.random_state = random_state
        self.metrics = metrics

    def execute(self, context: Context) -> dict[str, Any]:
        """Train it. Raises AirflowException where the rows or the estimator do not fit."""
        ti: Any = context["ti"]
        training = Training(
            self.target,
            self.estimator,
            self.estimator_arguments or {},
            self.features,
            self.test_size,
            self.random_state,
            self.metrics,
        )
        run = {"dag_id": ti.dag_id, "run_id": ti.run_id, "task_id": ti.task_id}
        try:
            rows = list(_given(self))
            is_csv = self.rows is None and all_csv(self.file)
            output = train(rows, training, self.to, run, lambda text: self.log.warning("%s", text), is_csv=is_csv)
        except (ModelError, RowFileError) as error:
            raise AirflowException(str(error)) from None
        self.log.info("trained on %s: %s", counted(output["rows"], "row"), output["metrics"])
        self.to = output["model"]
        return output


class PredictOperator(BaseOperator):
    """Adds a trained model's prediction to rows.

    :param model: folder that `train` wrote (templated)
    :param rows: list of mappings (templated)
    :param file: in place of `rows`: a path, a list of paths or a pattern (templated)
    :param column: name of the column with the prediction
    :param trusted: types inside the model that may be loaded besides the usual ones
    :param max_rows: most rows that are handed on
    :param to: file for the rows, whose path is then the output (templated)

    Where the model was not trained with values that the rows have, the XCom entry `unknown_values` says how many of
    which columns.
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

    def execute(self, context: Context) -> list[dict[str, Any]] | str:
        """Predict; return the rows, or the file's path."""
        unknown = Unknown()
        try:
            given = self._without_prediction(_given(self))
            predicted = predict(given, self.model, self.column, self.trusted, unknown)
            if self.to is not None:
                output: list[dict[str, Any]] | str = write_rows(predicted, self.to, self.max_rows)
            else:
                output = limited(plain_rows(predicted), self.max_rows)
        except TooManyRowsError as error:
            raise AirflowFailException(str(error)) from None
        except (ModelError, RowFileError) as error:
            raise AirflowException(str(error)) from None
        for text in unknown.said():
            self.log.warning("%s", text)
        if unknown.counts and self.do_xcom_push:
            context["ti"].xcom_push(key=UNKNOWN_VALUES, value=unknown.counts)
        return output

    def _without_prediction(self, rows: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
        for row in rows:
            if self.column in row:
                raise ModelError(
                    f"the rows have a column `{self.column}` already, which the prediction would replace: "
                    "give it another name with `column`"
                )
            yield row


def _given(task: TrainOperator | PredictOperator) -> Iterable[Mapping[str, Any]]:
    if task.rows is None and task.file is None:
        raise without_rows(task)
    return task.rows if task.rows is not None else read_rows(task.file or ())


class OpenTheChart(BaseOperatorLink):
    """The chart, shown by Airflow's API server."""

    name = "Open the chart"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """Airflow asks for it in the task's process, when the task is over; empty where nothing was drawn."""
        if not operator.drawn:
            return ""
        base = conf.get("api", "base_url", fallback="").rstrip("/")
        parts = (ti_key.dag_id, ti_key.run_id, ti_key.task_id, ti_key.map_index)
        return f"{base}{PREFIX}/{'/'.join(quote(str(part), safe='') for part in parts)}"


class ChartOperator(BaseOperator):
    """Draws rows, by Vega-Lite.

    :param spec: Vega-Lite's mapping without `data`, or the name of a `.vl.json` or `.vl.yaml` file (templated)
    :param to: `.html`, `.svg`, `.png` or `.pdf` file (templated)
    :param rows: list of mappings (templated)
    :param file: in place of `rows`: a path, a list of paths or a pattern (templated)
    :param conn_id: in place of both: Airflow connection of a database (templated)
    :param sql: the query that it is asked (templated)
    :param title: title of the chart (templated)

    The output is the file's path.
    """

    template_fields: Sequence[str] = ("rows", "file", "conn_id", "sql", "spec", "to", "title")
    template_ext: Sequence[str] = (".sql", ".vl.json", ".vl.yaml", ".vl.yml")
    template_fields_renderers: ClassVar[dict[str, str]] = {"sql": "sql", "spec": "json"}
    overwrite_rtif_after_execution = True  # so that Airflow has the whole path, by which the page *Pipelines* finds it
    operator_extra_links: Sequence[BaseOperatorLink] = (OpenTheChart(),)
    ui_color = "#f3e8fd"

    def __init__(
        self,
        *,
        spec: Mapping[str, Any] | str,
        to: str,
        rows: Sequence[Mapping[str, Any]] | None = None,
        file: str | Sequence[str] | None = None,
        conn_id: str | None = None,
        sql: str | None = None,
        title: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.spec = spec
        self.to = to
        self.rows = rows
        self.file = file
        self.conn_id = conn_id
        self.sql = sql
        self.title = title
        self.drawn = ""

    def execute(self, context: Context) -> str:  # noqa: ARG002 # Airflow's signature
        """Draw it; return the path."""
        try:
            rows = self._read()
            self.drawn, left_out = draw(self.spec, rows, self.to, self.title)
        except (ChartError, RowFileError, SqlError) as error:
            raise AirflowException(str(error)) from None
        if rows:
            self.log.info("%s in %s", counted(len(rows), "row"), self.drawn)
        else:
            self.log.warning("There are no rows: %s says so and shows nothing else.", self.drawn)
        for text in left_out:
            self.log.warning("%s", text)
        self.to = self.drawn
        return self.drawn

    def _read(self) -> list[Mapping[str, Any]]:
        if self.rows is not None:
            return list(self.rows)
        if self.file is not None:
            return list(read_rows(self.file))
        if self.conn_id is None:
            raise without_rows(self)
        try:
            found: list[Mapping[str, Any]] = run_sql(
                database_hook(self.conn_id), str(self.sql), fetch="rows", max_rows=_MOST_ROWS
            )
        except SqlError as error:
            raise SqlError(f"{self.conn_id}: {error}") from None
        return found
