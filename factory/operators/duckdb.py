"""The operator behind the built-in `duckdb`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from airflow.sdk import BaseOperator, Context
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from factory.data import refuse_null_tables
from factory.data.duckdb import DuckdbError, Query, run_query
from factory.data.row_files import RowFileError, TooManyRowsError
from factory.data.sql import SqlError
from factory.reporters.text import counted


class DuckdbOperator(BaseOperator):
    """Runs SQL over rows and files.

    :param sql: a query, a list of statements, or the name of a `.sql` file (templated)
    :param tables: rows, paths or patterns, by the name of the table (templated)
    :param database: file of a DuckDB database (templated)
    :param memory_limit: such as `2GB`
    :param threads: most threads
    :param external_access: whether the query may reach other files
    :param max_rows: most rows that are handed on
    :param to: file for the rows, whose path is then the output (templated)

    Raises AirflowException with DuckDB's own words.
    """

    template_fields: Sequence[str] = ("sql", "tables", "database", "to")
    template_ext: Sequence[str] = (".sql",)
    template_fields_renderers: ClassVar[dict[str, str]] = {"sql": "sql", "tables": "json"}
    ui_color = "#fff4cc"

    def __init__(  # the keys of `with`
        self,
        *,
        sql: str | Sequence[str],
        tables: Mapping[str, Any] | None = None,
        database: str | None = None,
        memory_limit: str | None = None,
        threads: int | None = None,
        external_access: bool = False,
        max_rows: int | None = None,
        to: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.sql = sql
        self.tables = tables
        self.database = database
        self.memory_limit = memory_limit
        self.threads = threads
        self.external_access = external_access
        self.max_rows = max_rows
        self.to = to

    def execute(self, context: Context) -> list[dict[str, Any]] | str:  # noqa: ARG002 # Airflow's signature
        """Run it; return the rows, or the file's path."""
        refuse_null_tables(self)
        query = Query(
            [self.sql] if isinstance(self.sql, str) else list(self.sql),
            self.tables or {},
            self.database,
            self.memory_limit,
            self.threads,
            self.external_access,
        )
        for statement in query.sql:
            self.log.info("%s", statement.strip())
        try:
            output = run_query(query, max_rows=self.max_rows, to=self.to)
        except TooManyRowsError as error:
            raise AirflowFailException(str(error)) from None
        except (DuckdbError, RowFileError, SqlError) as error:
            raise AirflowException(str(error)) from None
        for text in query.aside:
            self.log.warning("%s", text)
        self.log.info("%s", output if isinstance(output, str) else counted(len(output), "row"))
        return output
