"""What MySQL and MariaDB would make of rows, and say nothing: half a load, another member of a list, the present."""

from __future__ import annotations

from collections.abc import Iterable

from factory.data.columns import Declared
from factory.data.database import Database
from factory.data.load_errors import LoadError
from factory.data.sql import text_literal

_ENGINE = """SELECT t.engine FROM information_schema.tables t JOIN information_schema.engines e ON e.engine = t.engine
WHERE t.table_schema = {} AND t.table_name = {} AND coalesce(e.transactions, 'NO') <> 'YES'"""
_MOMENTS = """SELECT column_name FROM information_schema.columns
WHERE table_schema = {} AND table_name = {} AND data_type = 'timestamp' AND is_nullable = 'NO'"""


def refuse_half_loads(database: Database, table: str) -> None:
    """Raise LoadError for a table of an engine without transactions: a load that fails would leave half of its rows,
    and `replace` none of the old ones."""
    for (engine,) in database.run(_ENGINE.format(text_literal(database.target.schema), text_literal(table))):
        raise LoadError(
            f"`{table}` is a table of the engine {engine}, which has no transactions: a load that fails would leave "
            f"half of it. Run ALTER TABLE {database.table(table)} ENGINE = InnoDB"
        )


def refuse_places(database: Database, staged: str, name: str, kind: Declared) -> None:
    """Raise LoadError where a staged number is no member of an ENUM or a SET: the database would take the member at
    that place in the list. What are numbers becomes text first, for the same reason."""
    column, table = database.column(name), database.table(staged)
    database.together([f"ALTER TABLE {table} MODIFY {column} LONGTEXT"])
    members = kind.written[kind.written.index("(") : kind.written.rindex(")") + 1]
    asked = f"SELECT count(*) FROM {table} WHERE {column} REGEXP '^[[:space:]]*[0-9]+$' AND {column} NOT IN {members}"  # noqa: S608 # quoted
    ((rows,),) = database.run(asked)
    if rows:
        have = "row has a number that is" if rows == 1 else "rows have numbers that are"
        raise LoadError(f"`{name}` is a column of type {kind.name}{members}, and {rows:,} {have} none of these")


def refuse_null_moments(database: Database, table: str, staged: str, columns: Iterable[str]) -> None:
    """Raise LoadError where a staged row has no value for a TIMESTAMP that cannot be null: it would become the moment
    of the load."""
    found = database.run(_MOMENTS.format(text_literal(database.target.schema), text_literal(table)))
    for name in sorted({str(name) for (name,) in found} & set(columns)):
        asked = f"SELECT count(*) FROM {database.table(staged)} WHERE {database.column(name)} IS NULL"  # noqa: S608 # quoted
        ((rows,),) = database.run(asked)
        if rows:
            has = "row has" if rows == 1 else "rows have"
            raise LoadError(f"`{name}` cannot be null, and {rows:,} {has} no value: it would be the moment of the load")
