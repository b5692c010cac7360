"""Types of values: those that files have a form for, those of Arrow in which values would become others, and those that
a text is written in."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence, Set
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from factory.data.places import RowFileError
from pipeline_factory import requirement

OF_FILES = frozenset({type(None), str, bool, int, float, Decimal, datetime, date, UUID, bytes, memoryview})
"""Types of values that drivers give and that files have a form for."""


def written(value: Any) -> Any:
    """What a driver gives as files have it: addresses, ranges and times with a zone as text, as where a task hands them
    on as a value, keys of mappings, too, and a TIME of MySQL, which drivers give as a span, as it writes it."""
    if type(value) in OF_FILES or isinstance(value, str | int | float):
        return value
    if isinstance(value, Mapping):
        return {str(key): written(one) for key, one in value.items()}
    if isinstance(value, timedelta):
        minutes, seconds = divmod(abs(value) // timedelta(seconds=1), 60)
        fraction = f".{abs(value).microseconds:06}" if value.microseconds else ""
        return f"{'-' * (value < timedelta())}{minutes // 60:02}:{minutes % 60:02}:{seconds:02}{fraction}"
    if isinstance(value, time):
        return value if value.tzinfo is None else value.isoformat()
    if isinstance(value, Sequence | Set):
        return [str(one) if isinstance(one, UUID) else written(one) for one in value]
    return written(value.item()) if hasattr(value, "item") else str(value)


_ALONE = frozenset({str, int, float, bool, bytes, date, Decimal, UUID})
"""Types of which any values go together in a file with types."""


def all_came_back(values: Sequence[Any], kept: Callable[[], Sequence[Any]]) -> bool:
    """Whether values go together in a column of a file with types: what it has `kept` is looked at where they may
    not."""
    types = set(map(type, values)) - {type(None)}
    if types == {datetime} and len({value.tzinfo is None for value in values if value is not None}) == 1:
        return True
    return types <= {int, float} or (len(types) == 1 and types <= _ALONE) or all(map(came_back, values, kept()))


def came_back(value: Any, kept: Any) -> bool:
    """Whether what a file has kept is the value: a time without its zone, a date for a time, bytes for text are not."""
    if isinstance(value, Mapping):
        return isinstance(kept, Mapping) and all(came_back(one, kept.get(key)) for key, one in value.items())
    if isinstance(value, list | tuple | set | frozenset):
        return isinstance(kept, list) and all(map(came_back, value, kept))
    return bool(value == kept or value != value)  # noqa: PLR0124 # NaN


def types_said(values: Sequence[Any]) -> str:
    """The types of values, nested ones too, for a message."""
    found: set[str] = set()
    for value in values:
        if isinstance(value, Mapping | list | tuple | set | frozenset):
            found |= {
                type(value).__name__,
                *types_said(list(value.values() if isinstance(value, Mapping) else value)).split(", "),
            }
        elif value is not None:
            more = " with a zone" if getattr(value, "tzinfo", None) is not None else ""
            more = " of more than 64 bits" if isinstance(value, int) and not -(2**63) <= value < 2**63 else more
            found.add(f"{type(value).__name__}{more}")
    return ", ".join(sorted(found - {""}))


def arrow_kinds(kind: Any) -> set[str]:
    """The names of a type of Arrow and of those inside it, without the keys of mappings."""
    return {str(kind).partition("<")[0]}.union(*(arrow_kinds(kind.field(at).type) for at in range(kind.num_fields)))


def is_without_fields(kind: Any) -> bool:
    """Whether a type of Arrow is, or holds, a mapping without keys."""
    if kind.num_fields == 0:
        return str(kind) == "struct<>"
    return any(is_without_fields(kind.field(at).type) for at in range(kind.num_fields))


def loses_in_arrow(narrow: Any, wide: Any) -> bool:
    """Whether values of a type would become others: text becomes bytes, and a decimal a float."""
    if narrow.num_fields and narrow.num_fields == wide.num_fields:
        return any(loses_in_arrow(narrow.field(at).type, wide.field(at).type) for at in range(narrow.num_fields))
    return (str(narrow).rstrip("()0123456789, "), str(wide)) in (("string", "binary"), ("decimal", "double"))


def arrow() -> Any:
    """pyarrow. Raises RowFileError where it is not installed."""
    try:
        import pyarrow  # noqa: PLC0415
    except ImportError:
        raise RowFileError(
            f"Parquet needs pyarrow, which is not installed: pip install {requirement('parquet')}"
        ) from None
    return pyarrow


def refuse_intervals(path: str, schema: Any) -> None:
    """Raise RowFileError where a column of a Parquet file is, or holds, an INTERVAL: Arrow takes its twelve bytes for
    bytes."""
    for column in map(schema.column, range(len(schema))):
        if column.converted_type == "INTERVAL":
            name = column.path.partition(".")[0]
            raise RowFileError(
                f"`{path}`: the column `{name}` has values of type INTERVAL: write them as text (VARCHAR)"
            )


_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(Z|[+-]\d\d(?::?\d\d)?)?", re.ASCII)
_CLOCK = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,6})?", re.ASCII)
DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
INTEGER = re.compile(r"-?(?:0|[1-9]\d*)", re.ASCII)
_DECIMAL = re.compile(r"-?(?:0|[1-9]\d*)\.\d+", re.ASCII)


def text_kind(value: str) -> str:
    """What a text is besides text, where it is written as it would be written back."""
    if (moment := _INSTANT.fullmatch(value)) and moment_of(value) is not None:
        return "instant" if moment[1] else "moment"
    if INTEGER.fullmatch(value):
        return "integer"
    if _DECIMAL.fullmatch(value):
        return "decimal"
    if DAY.fullmatch(value) and moment_of(value) is not None:
        return "day"
    if _CLOCK.fullmatch(value):
        return "clock"
    return "bool" if value in ("true", "false") else "text"


def moment_of(value: str) -> datetime | None:
    with suppress(ValueError):
        return datetime.fromisoformat(value)
    return None
