"""The operator behind the built-in `check`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache, partial
from typing import Any, ClassVar

from airflow.sdk import BaseOperator, Context
from airflow.sdk.exceptions import AirflowException

from factory.data import without_rows
from factory.data.check import (
    AS_NUMBER,
    Broken,
    Checked,
    CheckError,
    Rules,
    Unchecked,
    Unclear,
    findings,
    without_column,
)
from factory.data.database_words import database_words
from factory.data.duckdb import Query, opened
from factory.data.duckdb_tables import DuckdbError
from factory.data.row_files import RowFileError, plain_rows
from factory.data.sql import SqlError, columns_of, database_hook, result_rows, run_sql
from factory.reporters.text import counted

_NO_NUMBER = {
    "sqlite": "{0} <> CAST({0} AS NUMERIC)",  # which compares a text as a number only where all of it is one
    "mysql": "{0} NOT REGEXP '^[[:space:]]*[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?[[:space:]]*$'",
}
"""Type of connection → the condition of text that is no number, of those that make numbers of it by `CAST`."""
_AS_NUMBER = {
    **dict.fromkeys(("sqlite", "postgres"), "CAST({0} AS NUMERIC)"),
    "mysql": "CAST({0} AS DECIMAL(65, 30))",
}
"""Type of connection → SQL that makes a number of a text without rounding it."""
_IN_QUOTES = re.compile(
    r"""'(?:[^']|'')*'|`(?:[^`]|``)*`|\[[^\]]*\]|--[^\n]*|/\*.*?(?:\*/|$)|"(?P<name>(?:[^"]|"")*)\"""", re.DOTALL
)
_NO_COLUMN = re.compile(r"no such column: (.+)|column \"([^\"]+)\" does not exist|Unknown column '([^']+)'")


def with_names(sql: str) -> str:
    """SQL in which SQLite takes what is in double quotes for a name: where there is no such column, it takes it for a
    text otherwise, and a rule for a column that is misspelt holds."""

    def written(found: re.Match[str]) -> str:
        name = found["name"]
        return found[0] if name is None else "`" + name.replace('""', '"').replace("`", "``") + "`"

    return _IN_QUOTES.sub(written, sql)


class CheckOperator(BaseOperator):
    """Checks rows, files or a table; fails, or warns, where a rule does not hold.

    :param rows: list of mappings (templated)
    :param file: in place of `rows`: a path, a list of paths or a pattern (templated)
    :param conn_id: in place of both: Airflow connection of a database (templated)
    :param table: its table (templated)
    :param columns: rules by column: `{"price": {"null_check": {"equal_to": 0}}}`
    :param checks: rules in SQL by name: `{"sent": {"check_statement": "sent >= ordered"}}` (templated)
    :param row_count: what the number of rows must be
    :param freshness: `{"column": …, "within": timedelta}`
    :param partition_clause: condition that chooses the rows (templated)
    :param severity: `error` or `warning`
    :param sample_rows: how many rows that break a rule are shown

    The output says how many rows and rules there were, which rules are broken, and which found nothing to check.
    """

    template_fields: Sequence[str] = ("rows", "file", "conn_id", "table", "partition_clause", "checks")
    template_fields_renderers: ClassVar[dict[str, str]] = {"checks": "json"}
    ui_color = "#fde7e9"

    def __init__(  # noqa: PLR0913 # the keys of `with`
        self,
        *,
        rows: Sequence[Mapping[str, Any]] | None = None,
        file: str | Sequence[str] | None = None,
        conn_id: str | None = None,
        table: str | None = None,
        columns: Mapping[str, Any] | None = None,
        checks: Mapping[str, Any] | None = None,
        row_count: Mapping[str, Any] | None = None,
        freshness: Mapping[str, Any] | None = None,
        partition_clause: str | None = None,
        severity: str = "error",
        sample_rows: int = 5,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.rows = rows
        self.file = file
        self.conn_id = conn_id
        self.table = table
        self.columns = columns
        self.checks = checks
        self.row_count = row_count
        self.freshness = freshness
        self.partition_clause = partition_clause
        self.severity = severity
        self.sample_rows = sample_rows

    def execute(self, context: Context) -> dict[str, Any]:  # noqa: ARG002 # Airflow's signature
        """Check. Raises AirflowException with every broken rule, what was found, and rows that break it."""
        rules = Rules(self.columns or {}, self.checks or {}, self.row_count, self.freshness)
        try:
            with self._checked() as checked:
                count = checked.count()
                found = list(findings(checked, rules, count, datetime.now(UTC)))
        except (CheckError, SqlError, DuckdbError, RowFileError) as error:
            raise AirflowException(str(error)) from None
        broken = [one for one in found if isinstance(one, Broken)]
        unclear = [one for one in found if isinstance(one, Unclear)]
        unchecked = [one.rule for one in found if isinstance(one, Unchecked)]
        if unchecked:
            why = (
                "there are no rows; to fail then, add `row_count: {geq_to: 1}`" if count == 0 else "no row has a value"
            )
            self.log.warning(
                "%s of %s rules checked nothing (%s): %s", len(unchecked), len(rules), why, "; ".join(unchecked)
            )
        if broken or unclear:
            self._say(broken, unclear, len(rules), count)
        else:
            held = counted(len(rules) - len(unchecked), "rule holds", "rules hold")
            self.log.info("%s for %s", held, counted(count, "row"))
        return {
            "rows": count,
            "rules": len(rules),
            "broken": [{"rule": one.rule, "found": one.found, "expected": one.expected} for one in broken],
            "unchecked": unchecked,
        }

    def _say(self, broken: Sequence[Broken], unclear: Sequence[Unclear], rules: int, count: int) -> None:
        heads = [(broken, "is broken", "are broken"), (unclear, "cannot be checked", "cannot be checked")]
        said = " and ".join(
            f"{len(some)} of {counted(rules, 'rule')} {one if len(some) == 1 else more}"
            for some, one, more in heads
            if some
        )
        text = "\n".join([f"{said} ({counted(count, 'row')}):", *map(str, broken), *map(str, unclear)])
        if self.severity == "error" or unclear:
            raise AirflowException(text)
        self.log.warning("%s", text)

    @contextmanager
    def _checked(self) -> Iterator[Checked]:
        if self.conn_id is not None:
            yield self._table(self.conn_id)
            return
        if self.rows is None and self.file is None:
            raise without_rows(self)
        tables = {"rows": list(self.rows) if self.rows is not None else self.file}
        query = Query((), tables)
        with opened(query) as connection:
            for text in query.notes:
                self.log.warning("%s", text)
            if query.aside:
                raise CheckError(f"{query.aside[0]}: give it another name, so that a rule can tell them apart")

            def ask_rows(sql: str) -> list[dict[str, Any]]:
                try:
                    return list(plain_rows(result_rows(connection.execute(sql))))
                except connection_error() as error:
                    raise CheckError(database_words(error, sql)) from None

            yield Checked(
                ask_rows,
                '"rows"',
                lambda: [name for name, *_ in connection.execute('SELECT * FROM "rows" LIMIT 0').description],
                where=self.partition_clause,
                samples=self.sample_rows,
                no_number=f"{{0}} IS NOT NULL AND (TRY_{AS_NUMBER} IS NULL OR length(split_part({{0}}, '.', 2)) > 19)",
                has_columns=False,
            )

    def _table(self, conn_id: str) -> Checked:
        hook = database_hook(conn_id)
        quote = "`" if hook.conn_type == "mysql" else '"'
        table = ".".join(f"{quote}{part}{quote}" for part in str(self.table).split("."))

        names = cache(partial(columns_of, hook, table))

        def ask(sql: str) -> list[dict[str, Any]]:
            try:
                found: list[dict[str, Any]] = run_sql(
                    hook, with_names(sql) if hook.conn_type == "sqlite" else sql, fetch="rows"
                )
            except SqlError as error:
                column = next(filter(None, said.groups())) if (said := _NO_COLUMN.search(str(error))) else None
                if column is None or column in (known := names()):
                    raise CheckError(f"{conn_id}: {error}") from None
                is_text = hook.conn_type == "sqlite" and f'"{column}"' in sql
                raise CheckError(
                    without_column(column, known)
                    + (f" (a text is written in single quotes: '{column}')" if is_text else "")
                ) from None
            return found

        no_number = _NO_NUMBER.get(hook.conn_type)
        as_number = _AS_NUMBER.get(hook.conn_type, AS_NUMBER)
        return Checked(ask, table, names, quote, self.partition_clause, self.sample_rows, no_number, as_number)


def connection_error() -> type[Exception]:
    """What DuckDB raises; it is imported by then."""
    import duckdb  # noqa: PLC0415

    error: type[Exception] = duckdb.Error
    return error
