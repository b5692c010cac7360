"""The operators behind the built-ins `sql` and `duckdb`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from airflow.sdk import BaseOperator, Context
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from factory.data import refuse_null_tables
from factory.data.duckdb import Query, run_query
from factory.data.duckdb_tables import DuckdbError
from factory.data.row_files import RowFileError, TooManyRowsError
from factory.data.sql import Fetch, SqlError, database_hook, run_sql
from factory.reporters.text import counted


class SqlOperator(BaseOperator):
    """Runs SQL on a connection's database.

    :param conn_id: Airflow connection (templated)
    :param sql: a statement, a list of them, or the name of a `.sql` file (templated)
    :param parameters: values for placeholders (templated)
    :param split_statements: run the statements of one text one after the other
    :param autocommit: commit each statement by itself
    :param database: in place of the connection's own (templated)
    :param fetch: `none`, `rows` or `value`; None: `rows` where there is `to`
    :param max_rows: most rows that are handed on
    :param to: file for the rows, whose path is then the output (templated)

    Raises AirflowException with the database's own words.
    """

    template_fields: Sequence[str] = ("conn_id", "sql", "parameters", "database", "to")
    template_ext: Sequence[str] = (".sql",)
    template_fields_renderers: ClassVar[dict[str, str]] = {"sql": "sql", "parameters": "json"}
    ui_color = "#e4f0fa"

    def __init__(  # noqa: PLR0913 # the keys of `with`
        self,
        *,
        conn_id: str,
        sql: str | Sequence[str],
        parameters: Mapping[str, Any] | Sequence[Any] | None = None,
        split_statements: bool | None = None,
        autocommit: bool = False,
        database: str | None = None,
        fetch: Fetch | None = None,
        max_rows: int | None = None,
        to: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.conn_id = conn_id
        self.sql = sql
        self.parameters = parameters
        self.split_statements = split_statements
        self.autocommit = autocommit
        self.database = database
        self.fetch = fetch
        self.max_rows = max_rows
        self.to = to

    def execute(self, context: Context) -> Any:  # noqa: ARG002 # Airflow's signature
        """Run it; return the rows, the value, the file's path, or nothing."""
        for statement in [self.sql] if isinstance(self.sql, str) else self.sql:
            self.log.info("%s: %s", self.conn_id, statement.strip())
        try:
            output = run_sql(
                database_hook(self.conn_id, self.database),
                self.sql,
                parameters=self.parameters,
                split_statements=self.split_statements,
                autocommit=self.autocommit,
                fetch=self.fetch or ("none" if self.to is None else "rows"),
                max_rows=self.max_rows,
                to=self.to,
            )
        except TooManyRowsError as error:
            raise AirflowFailException(str(error)) from None
        except (SqlError, RowFileError) as error:
            raise AirflowException(f"{self.conn_id}: {error}") from None
        if isinstance(output, list):
            self.log.info("%s", counted(len(output), "row"))
        return output


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
        for text in (*query.aside, *query.notes):
            self.log.warning("%s", text)
        self.log.info("%s", output if isinstance(output, str) else counted(len(output), "row"))
        return output
