"""How staged rows take the place of those with the same key, in each of the databases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from factory.data.columns import ColumnType
from factory.data.database import Database
from factory.data.references import changing, references_to
from factory.data.sql import MOMENT

ROW, RANK = "_load_row", "_load_rank"
"""Columns of the staged rows: their order, and their place among those with one key, of which the last counts."""
_BYTES = "CAST(CONVERT({} USING utf8mb4) AS BINARY)"
_INDEXED, _INDEX_COLUMNS = 190, 16
"""Characters of a text, and columns, that each engine of MySQL takes into an index; the rest it compares."""


def merge(
    database: Database, table: str, staged: str, columns: Sequence[str], key: Mapping[str, ColumnType | None]
) -> tuple[int, int]:
    """Let staged rows take the place of those with the same key; return how many the table took, and how many had the
    key of a later one. Those that rows of other tables name are changed in their place."""
    names, own, staging = [database.column(one) for one in key], database.table(table), database.table(staged)
    # MySQL takes texts that differ by case, accents or emoji for the same, and has its index for these.
    forms = [_BYTES if database.is_mysql and kind and kind.data_type == "text" else "{}" for kind in key.values()]
    ((total,),) = database.run(f"SELECT count(*) FROM {staging}")
    keys = ", ".join(form.format(one) for form, one in zip(forms, names, strict=True))
    ((different,),) = database.run(f"SELECT count(*) FROM (SELECT 1 FROM {staging} GROUP BY {keys}) k")
    if database.is_sqlite or database.is_mysql:  # the others join tables by hashes
        database.together([_index(database, staged, list(key))])
    same = " AND ".join(
        f"s.{one} = {MOMENT}({own}.{one})"
        if database.is_sqlite and kind and kind.data_type == "timestamp"
        else f"s.{one} = {own}.{one} AND {form.format(f's.{one}')} = {form.format(f'{own}.{one}')}"
        for one, form, kind in zip(names, forms, key.values(), strict=True)
    )
    if database.is_sqlite:
        database.know_moments()
    listed = ", ".join(map(database.column, columns))
    last = f"ROW_NUMBER() OVER (PARTITION BY {keys} ORDER BY {database.column(ROW)} DESC)"
    ranked = f"SELECT {listed}, {last} AS {database.column(RANK)} FROM {staging}"
    rows = f"SELECT {listed} FROM ({ranked}) r WHERE {database.column(RANK)} = 1"
    if references_to(database, table):
        changes = changing(database, table, columns, list(key), rows, same)
        taken = database.together([*database.target.alone(own), *changes], counted=len(changes))
    else:
        gone = f"DELETE FROM {own} WHERE EXISTS (SELECT 1 FROM {staging} s WHERE {same})"
        taken = database.together([*database.target.alone(own), gone, f"INSERT INTO {own} ({listed}) {rows}"])
    return taken, int(total) - int(different)


def _index(database: Database, staged: str, key: Sequence[str]) -> str:
    """The statement for an index of staged rows by their key, without which the database looks through all of them for
    each row of the table."""
    name, columns = database.column(f"{staged}_key"), list(map(database.column, key))
    if database.is_sqlite:  # where the schema stands before the index's name
        place = f"{database.column(database.target.schema)}.{name} ON {database.column(staged)}"
        return f"CREATE INDEX {place} ({', '.join(columns)})"
    kinds, most = database.declared(staged), min(_INDEXED, 4 * _INDEXED // len(key))
    for at, one in enumerate(key):
        if (kinds[one].characters or 0) > most:
            columns[at] += f"({most})"
    return f"CREATE INDEX {name} ON {database.table(staged)} ({', '.join(columns[:_INDEX_COLUMNS])})"
