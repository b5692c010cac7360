"""What `load` says of columns that somebody may not have meant, and would find out late."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, time
from decimal import Decimal
from types import MappingProxyType

from factory.data.columns import ColumnType
from factory.data.database import Database
from factory.data.load_plan import COLUMNS_CAN, LoadRequest, Plan


def said_of_columns(
    database: Database, plan: Plan, request: LoadRequest, existing: Mapping[str, ColumnType | None]
) -> Iterator[str]:
    """What somebody may not have meant, and would find out late."""
    filled = set(plan.targets())
    missing = [f"`{one}`" for one in existing if one not in filled] if request.write_disposition == "merge" else []
    if missing:
        become = "this becomes null where it has" if len(missing) == 1 else "these become null where they have"
        yield (
            f"the rows have no {', '.join(missing)}, which the table has: in the rows that `merge` replaces, "
            f"{become} no default"
        )
    for name in plan.added:
        others = [one for one in (*existing, *plan.added) if one != name and one.casefold() == name.casefold()]
        if others:
            yield f"the table has a column `{name}` beside `{others[0]}`, which differs by case: these are two columns"
    for key, column in plan.columns.items():
        types = plan.seen[key].types
        is_made = column.name in plan.added and key not in request.columns
        is_text = is_made and column.kind is not None and column.kind.data_type == "text"
        if is_text and (len(types) > 1 or types <= _WITH_TYPES):
            names = ", ".join(sorted(one.__name__ for one in types))
            yield (
                f"`{column.name}` is a column of text, since no other type takes all of its values ({names}). "
                f"{COLUMNS_CAN}"
            )
        elif is_made and column.kind == ColumnType("json") and not types <= {dict, list, tuple}:
            names = ", ".join(sorted(one.__name__ for one in types))
            yield (
                f"`{column.name}` is a column of JSON, since its values are of several types, some of them nested "
                f"({names}): its texts are in quotes there. {COLUMNS_CAN}"
            )
        elif is_text and plan.seen[key].is_mostly_numbers():
            yield (
                f"`{column.name}` is a column of text, since some of its values are no numbers, as `N/A` and `1,5` are "
                f"none. {COLUMNS_CAN}"
            )
        elif is_text and (alike := _LOOK_LIKE.get("".join(plan.seen[key].kinds))):
            yield (
                f"`{column.name}` is a column of text, and all of its values are {alike[0]}, written as text: "
                f"`columns: {{{key}: {alike[1]}}}` makes a new table's column one of that type"
            )
    yield from _decimals_as_text(database, request, existing, plan.added)


def said_of_folders(plan: Plan, folders: Mapping[str, str]) -> Iterator[str]:
    """What is said of values that only the names of folders have, as Spark and Hive write them."""
    for name, path in folders.items():
        if name not in plan.columns:
            yield (
                f"`{path}`: the name of its folder says what `{name}` is, and its rows do not, so `{name}` is left "
                "out: a `duckdb` task reads it as a column"
            )


_LOOK_LIKE = MappingProxyType(
    {
        "day": ("days", "date"),
        "moment": ("times without a zone", "timestamp"),
        "clock": ("times of day", "time"),
        "decimal": ("numbers", "decimal"),
    }
)
_WITH_TYPES = frozenset({int, float, Decimal, datetime, time})
"""Types of values that databases have columns for."""


def _decimals_as_text(
    database: Database,
    request: LoadRequest,
    existing: Mapping[str, ColumnType | None],
    added: Mapping[str, ColumnType],
) -> Iterator[str]:
    """What is said of columns of decimals that SQLite keeps as text: `price < 500` holds there for 1000.00."""
    if not database.target.has_no_decimals:
        return
    names = [one for one, kind in added.items() if kind.data_type == "decimal"]
    names = [one for one in names if database.kept_type(added[one]).data_type == "text"]
    wanted = [database.name(one) for one, kind in request.columns.items() if kind.data_type == "decimal"]
    names += [one for one in wanted if existing.get(one) == ColumnType("text")]
    for name in names:
        yield (
            f"SQLite keeps `{name}` as text, sign by sign, since a number there would lose digits: "
            f"write CAST({database.column(name)} AS REAL) where SQL compares, sorts or takes min() or max()"
        )
