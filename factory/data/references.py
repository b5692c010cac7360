"""Foreign keys that point to a table: rows of others name its rows, which must not go and come again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from factory.data.database import Database
from factory.data.load_errors import LoadError
from factory.data.sql import text_literal


class Reference(NamedTuple):
    """A foreign key of `table`, and what becomes of its rows when the row goes that they name; empty for an error.
    `is_own`: it is one of the table that it points to, as in a tree."""

    table: str
    action: str
    is_own: bool


_POSTGRES = """SELECT conrelid::regclass::text,
CASE confdeltype WHEN 'c' THEN 'CASCADE' WHEN 'n' THEN 'SET NULL' WHEN 'd' THEN 'SET DEFAULT' ELSE '' END,
conrelid = confrelid
FROM pg_catalog.pg_constraint WHERE contype = 'f' AND confrelid = {}::regclass"""
_MYSQL = """SELECT table_name,
CASE WHEN delete_rule IN ('CASCADE', 'SET NULL', 'SET DEFAULT') THEN delete_rule ELSE '' END,
constraint_schema = unique_constraint_schema AND table_name = referenced_table_name
FROM information_schema.referential_constraints
WHERE unique_constraint_schema = {} AND referenced_table_name = {}"""
_EMPTIED = """SELECT column_name FROM information_schema.columns WHERE table_schema = {} AND table_name = {}
AND is_nullable = 'YES' AND coalesce(column_default, 'NULL') = 'NULL' AND {}"""


def references_to(database: Database, table: str) -> list[Reference]:
    """The foreign keys that point to a table. SQLite does not enforce them; DuckDB lets no row go that one names."""
    if database.is_mysql:
        asked = _MYSQL.format(text_literal(database.target.schema), text_literal(table))
    elif database.is_postgres:
        asked = _POSTGRES.format(text_literal(database.table(table)))
    else:
        return []
    return [Reference(str(name), str(action), bool(is_own)) for name, action, is_own in database.run(asked)]


def refuse_lost_rows(database: Database, table: str) -> None:
    """Raise LoadError where other tables would lose rows or links, because `replace` deletes all rows first."""
    for other, action, is_own in references_to(database, table):
        if action and not is_own:
            raise LoadError(
                f"`{other}` has a foreign key to `{table}` with ON DELETE {action}, and `replace` deletes every row "
                "first, also those that come again: write `write_disposition: merge`"
            )


def changing(
    database: Database, table: str, columns: Sequence[str], key: Sequence[str], rows: str, same: str
) -> list[str]:
    """The statements that give rows which are there the values of those that come again, and add the others.

    `rows`: the query of those that come, `s` in `same`, the condition of one key.
    """
    own, listed = database.table(table), ", ".join(map(database.column, columns))
    values = {database.column(one): f"s.{database.column(one)}" for one in columns if one not in key}
    values |= {database.column(one): "NULL" for one in _emptied(database, table) if one not in columns}
    values = values or {database.column(key[0]): f"s.{database.column(key[0])}"}  # which counts them
    is_new = f"NOT EXISTS (SELECT 1 FROM {own} WHERE {same})"  # noqa: S608 # quoted
    added = f"INSERT INTO {own} ({listed}) SELECT {listed} FROM ({rows}) s WHERE {is_new}"  # noqa: S608 # quoted
    if database.is_mysql:
        given = ", ".join(f"{own}.{name} = {value}" for name, value in values.items())
        return [f"UPDATE {own} JOIN ({rows}) s ON {same} SET {given}", added]  # noqa: S608 # quoted
    given = ", ".join(f"{name} = {value}" for name, value in values.items())
    return [f"UPDATE {own} SET {given} FROM ({rows}) s WHERE {same}", added]  # noqa: S608 # quoted


def _emptied(database: Database, table: str) -> list[str]:
    """The columns of a table that a new row has null in where nobody says anything."""
    made = "extra NOT LIKE '%GENERATED%'" if database.is_mysql else "is_identity = 'NO' AND is_generated = 'NEVER'"
    names = text_literal(database.target.schema), text_literal(table)
    return [str(name) for (name,) in database.run(_EMPTIED.format(*names, made))]
