"""The database that `load` writes to, through dlt's clients: what a table has, what is added to it, and how staged rows
become its rows in one transaction.

Rows are staged in a table of their own first, so that a load that ends early leaves nothing behind that anybody reads.
dlt's own ways of writing are not used for the rest: it adds its columns to the table, checks contracts against what it
remembers and not against the table, and appends one file after the other.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from types import MappingProxyType
from typing import Any

from factory.data import imported
from factory.data.columns import ANY_DECIMAL, DIGITS, FLOAT_DIGITS, SCALE, ColumnType, Declared, as_declared, differs
from factory.data.destinations import Target
from factory.data.load_errors import LoadError, patiently, reason
from factory.data.sql import know_moments, text_literal

LOADS = "_pipeline_loads"
"""Table with the loads that were appended: `factory.data.load.Memory`."""
STAGED = "_load_"
"""How the names of tables with staged rows begin."""
_ARROW_TYPES: Mapping[str, Callable[[Any], Any]] = MappingProxyType(
    {
        "bigint": lambda arrow: arrow.int64(),
        "double": lambda arrow: arrow.float64(),
        "text": lambda arrow: arrow.string(),
        "json": lambda arrow: arrow.string(),
        "bool": lambda arrow: arrow.bool_(),
        "date": lambda arrow: arrow.date32(),
        "time": lambda arrow: arrow.time64("us"),
        "binary": lambda arrow: arrow.binary(),
    }
)


class Database:
    """One open connection for one load. `name` is the load's own, for what it leaves in dlt's tables until it ends."""

    def __init__(self, target: Target, name: str) -> None:
        self.target = target
        self.schema = imported("dlt", task="load", extra="load").Schema(name)
        configuration = target.destination.spec()
        configuration._bind_dataset_name(target.schema, name)  # dlt's pipelines call it too
        self._client = target.destination.client(self.schema, configuration)
        self._sql = self._client.sql_client
        self._is_sqlalchemy = hasattr(self._sql, "engine")

    @contextmanager
    def opened(self) -> Iterator[Database]:
        """With its connection. Raises LoadError."""
        with ExitStack() as stack:
            patiently(lambda: stack.enter_context(self._client))
            if not self._client.is_storage_initialized():
                raise LoadError(f"the database has no schema `{self.target.schema}`: create it, or correct `table`")
            yield self

    def columns(self, table: str) -> dict[str, ColumnType | None]:
        """The columns of a table, empty where there is none. A column that takes any type is None."""
        try:
            ((_, found),) = self._client.get_storage_tables([table])
        except Exception as error:  # a type that dlt does not know
            raise LoadError(f"the table `{table}` cannot be read: {reason(error)}") from None
        types: dict[str, ColumnType | None] = {}
        declared = self.declared(table) if found else {}
        for reflected, column in found.items():
            # SQLAlchemy leaves names as SHOW CREATE TABLE writes them.
            name = reflected.replace("``", "`") if self.is_mysql else reflected
            data_type, scale = column.get("data_type", "text"), column.get("scale")
            zoned = column.get("timezone", True) is not False
            if self.target.types.get(data_type) == "text" and data_type == "decimal":
                # A NUMERIC that somebody else has made: SQLite keeps it as a float.
                data_type, scale = "double", None
            data_type = "decimal" if data_type == "wei" else data_type
            precision = min(column.get("precision") or 0, 76) or None if data_type == "decimal" else None
            types[name] = as_declared(ColumnType(data_type, precision, scale, zoned), declared.get(name, Declared()))
        for name in self._without_type(table):
            types[name] = None
        return types

    def add(self, table: str, columns: Mapping[str, ColumnType]) -> None:
        """Make a table with these columns, or add them to it."""
        from dlt.common.schema.utils import new_table  # noqa: PLC0415

        hints = [{"name": name, "nullable": True, **self.hints(kind)} for name, kind in columns.items()]
        self.schema.update_table(new_table(table, columns=hints))
        self._apply(table)

    def name(self, written: str) -> str:
        """The name of a table or column as it is written, but for signs that dlt allows nowhere, such as quotes; one
        that is too long ends with a hash."""
        name = str(self.schema.naming.normalize_identifier(written))
        if self.is_mysql:  # its names have no emoji
            name = re.sub(r"[^\0-\uffff]", lambda sign: f"_{ord(sign[0]):x}", name)
        longest = int(self._client.capabilities.max_column_identifier_length or 255)
        if len(name.encode()) <= longest:
            return name
        ending = "_" + hashlib.sha256(written.encode()).hexdigest()[:8]
        return name.encode()[: longest - len(ending)].decode(errors="ignore") + ending

    def folded(self, name: str) -> str:
        """A name as this database tells it from others. SQLite folds no letters but those of ASCII, and MySQL each by
        itself; in DuckDB dlt takes `ß` for `ss`."""
        if self.target.is_exact_about_case:
            return name
        if self.is_sqlite:
            return name.encode(errors="replace").lower().decode()
        return name.lower() if self.is_mysql else name.casefold()

    def kept_type(self, kind: ColumnType) -> ColumnType:
        """The type as this database keeps it, so that no digit is lost."""
        kept = "text" if kind == ANY_DECIMAL else self.target.types.get(kind.data_type)
        is_short = kind.data_type == "decimal" and (kind.precision or DIGITS) <= FLOAT_DIGITS
        return kind if kept is None else ColumnType("double" if is_short else kept)

    def keeps(self, wanted: ColumnType, kind: ColumnType) -> bool:
        """Whether a column of one type is what this database makes of another."""
        if self.target.has_no_decimals and wanted.data_type == "decimal":
            return kind.data_type in ("double", "text")
        return not differs(self.kept_type(wanted), kind)

    def array(self, values: Sequence[Any], kind: ColumnType) -> Any:
        """Values that fit `kind`, as staged."""
        if kind.data_type == "decimal" and (kept := self.kept_type(kind).data_type) != "decimal":
            is_text = kept == "text"
            values = [one if one is None else format(one, "f") if is_text else float(one) for one in values]
        return imported("pyarrow", task="load", extra="load").array(values, self.arrow_type(kind))

    def arrow_type(self, kind: ColumnType) -> Any:
        """The Arrow type of staged values."""
        arrow = imported("pyarrow", task="load", extra="load")
        kind = self.kept_type(kind)
        if kind.data_type == "decimal":
            digits, scale = kind.precision or DIGITS, SCALE if kind.scale is None else kind.scale
            return arrow.decimal128(digits, scale) if digits <= DIGITS else arrow.decimal256(digits, scale)
        if kind.data_type == "timestamp":
            return arrow.timestamp("us", "UTC" if kind.zoned else None)
        return _ARROW_TYPES[kind.data_type](arrow)

    def hints(self, kind: ColumnType) -> dict[str, Any]:
        """A new column of the table, in dlt's words."""
        return self.kept_type(kind).hints() if kind.data_type == "decimal" else kind.hints()

    def staged_hints(self, kind: ColumnType) -> dict[str, Any]:
        """A column of the staged rows, in dlt's words."""
        return self.kept_type(kind).hints()

    def prepare(self, *, remembers: bool) -> None:
        """Make the tables that dlt writes to, and the one of loads; two loads that do so at once take turns."""
        from dlt.common.schema.utils import new_table  # noqa: PLC0415

        if remembers and not self.columns(LOADS):
            columns = [
                {"name": "load_id", "data_type": "text", "precision": 64, "nullable": False, "unique": True},
                {"name": "rows_loaded", "data_type": "bigint", "nullable": False},
            ]
            self.schema.update_table(new_table(LOADS, columns=columns))
            self._apply(LOADS)
        else:
            self._apply()

    def table(self, name: str) -> str:
        """A table's name as SQL writes it, with its schema."""
        return self._unescaped(str(self._sql.make_qualified_table_name(name)))

    def column(self, name: str) -> str:
        """A column's name as SQL writes it."""
        return self._unescaped(str(self._sql.escape_column_name(name)))

    def append(self, table: str, staged: str, columns: Sequence[str], remembered: str) -> int:
        """Add the staged rows and run what remembers that; return how many rows the table took."""
        return self.together([remembered, self._insert(table, staged, columns)])

    def replace(self, table: str, staged: str | None, columns: Sequence[str]) -> int:
        """Let the staged rows be all that the table has; return how many it took."""
        statements = [*self.target.alone(self.table(table)), f"DELETE FROM {self.table(table)}"]
        if staged is not None:
            statements.append(self._insert(table, staged, columns))
        return self.together(statements)

    def know_moments(self) -> None:
        """Let SQLite have the function of `factory.data.sql.know_moments`."""
        know_moments(self._sql.native_connection.connection.driver_connection)

    def forget(self, staged: str) -> None:
        """Remove the staged rows, and what dlt has noted about them."""
        names = self.schema.version_table_name, self.schema.loads_table_name
        notes = [f"DELETE FROM {self.table(one)} WHERE schema_name = '{self.schema.name}'" for one in names]
        self.together([*notes, f"DROP TABLE IF EXISTS {self.table(staged)}"])

    def forget_other_tries(self, name: str) -> None:
        """Remove what earlier tries of a load have staged. One that still runs then fails, or has already arrived."""
        for (table,) in self.run(self.tables()):
            if table.startswith(name):
                self.together([f"DROP TABLE IF EXISTS {self.table(table)}"])

    def tables(self) -> str:
        """The query of the names of all tables."""
        if self.is_sqlite:
            return "SELECT name FROM sqlite_master WHERE type = 'table'"
        return (
            f"SELECT table_name FROM information_schema.tables WHERE table_schema = {text_literal(self.target.schema)}"
        )

    def _insert(self, table: str, staged: str, columns: Sequence[str]) -> str:
        listed = ", ".join(map(self.column, columns))
        return f"INSERT INTO {self.table(table)} ({listed}) SELECT {listed} FROM {self.table(staged)}"

    def together(self, statements: Sequence[str], *, counted: int = 1) -> int:
        """Run statements in one transaction; return how many rows the last ones changed. Raises LoadError."""

        def run() -> int:
            changed = []
            if self.target.setting is not None:
                self._sql.execute_sql(self.target.setting)
            with self._sql.begin_transaction():
                for statement in statements:
                    with self._sql.execute_query(self._escaped(statement)) as cursor:
                        changed.append(int(cursor.native_cursor.rowcount))
            return sum(changed[-counted:])

        return patiently(run, "\n".join(statements))

    def run(self, statement: str) -> Any:
        """The rows that a query gives. Raises LoadError."""
        return patiently(lambda: self._sql.execute_sql(self._escaped(statement)), statement)

    def _unescaped(self, name: str) -> str:
        # SQLAlchemy doubles `%` in names for drivers that fill in parameters, and again in the whole statement.
        return name.replace("%%", "%") if self._is_sqlalchemy else name

    @property
    def is_sqlite(self) -> bool:
        return self._is_sqlalchemy and self._sql.dialect_name == "sqlite"

    @property
    def is_mysql(self) -> bool:
        return self._is_sqlalchemy and self._sql.dialect_name == "mysql"

    @property
    def is_postgres(self) -> bool:
        return str(self.target.destination.destination_name) == "postgres"

    def _escaped(self, statement: str) -> str:
        # SQLAlchemy takes `:name` for a parameter, also inside a quoted name.
        return statement.replace(":", "\\:") if self._is_sqlalchemy else statement

    def _apply(self, *tables: str) -> None:
        self.schema._bump_version()  # what its error message advises where there is no stored schema
        own = [self.schema.version_table_name, self.schema.loads_table_name]
        patiently(lambda: self._client.update_stored_schema(only_tables=[*own, *tables], force=True))

    def declared(self, table: str) -> dict[str, Declared]:
        """The columns of a table as the database declares them; none in SQLite, which keeps what it is given."""
        if not self.target.declared:
            return {}
        place = f"table_schema = {text_literal(self.target.schema)} AND table_name = {text_literal(table)}"
        rows = self.run(f"SELECT {self.target.declared} FROM information_schema.columns WHERE {place}")
        found = {str(column): Declared(*declared) for column, *declared in rows}
        if self.is_mysql and self._sql.engine.dialect.is_mariadb:  # its JSON is a text with a constraint
            asked = "SELECT constraint_name FROM information_schema.check_constraints"
            place = place.replace("table_schema", "constraint_schema")
            for (column,) in self.run(f"{asked} WHERE {place} AND lower(check_clause) LIKE 'json_valid(%'"):
                found[str(column)] = Declared("json")
        return found

    def _without_type(self, table: str) -> list[str]:
        """The columns that are declared without a type, which SQLite allows."""
        if not self.is_sqlite:
            return []
        rows = self.run(f"SELECT name FROM pragma_table_info({text_literal(table)}) WHERE type = ''")
        return [str(name) for (name,) in rows]
