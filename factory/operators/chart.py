"""The operator behind the built-in `chart`, and the button that opens what it drew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar
from urllib.parse import quote

from airflow.sdk import BaseOperator, BaseOperatorLink, Context
from airflow.sdk.configuration import conf
from airflow.sdk.exceptions import AirflowException

from factory.data import without_rows
from factory.data.chart import PREFIX, ChartError, draw
from factory.data.row_files import RowFileError, read_rows
from factory.data.sql import SqlError, database_hook, run_sql
from factory.reporters.text import counted

_MOST_ROWS = 100_000
"""More than this no chart shows, and no browser opens."""


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
