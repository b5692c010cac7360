"""The rows of Parquet files as values that Python and JSON have: times of nanoseconds, and mappings."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import IO, Any, cast

from factory.data.forms import arrow, refuse_intervals, written
from factory.data.places import RowFileError
from factory.data.row_formats import ROWS_AT_ONCE


def parquet_rows(path: str, file: IO[bytes]) -> Iterator[dict[str, Any]]:
    """The rows of an opened file, piece by piece. Raises RowFileError."""
    error_of_arrow = arrow().ArrowException
    import pyarrow.parquet  # noqa: PLC0415

    try:
        with pyarrow.parquet.ParquetFile(file) as parquet:
            fields = parquet.schema_arrow
            if (second := twice(fields.names)) is not None:
                raise RowFileError(f"`{path}`: two columns are named `{second}`")
            refuse_intervals(path, parquet.schema)
            # Times of nanoseconds, and maps, of which Arrow makes lists of pairs.
            readers = {at: one for at, field in enumerate(fields) if (one := _reader(str(field.type))) is not None}
            for batch in parquet.iter_batches(ROWS_AT_ONCE):
                if not readers:
                    yield from batch.to_pylist()
                    continue
                columns = [
                    readers[at](path, batch, at) if at in readers else batch[at].to_pylist()
                    for at in range(len(fields))
                ]
                yield from (dict(zip(fields.names, row, strict=True)) for row in zip(*columns, strict=True))
    except error_of_arrow as error:
        raise RowFileError(f"`{path}` is not Parquet: {error}") from None
    except OverflowError:
        raise RowFileError(f"`{path}` has a date or time before the year 1 or after the year 9999") from None


def twice(names: Sequence[str]) -> str | None:
    """The first name that is there a second time."""
    return next((name for at, name in enumerate(names) if name in names[:at]), None)


def _reader(kind: str) -> Callable[[str, Any, int], list[Any]] | None:
    if re.search(r"(?:timestamp|time64)\[ns", kind):
        return _times
    return _maps if "map<" in kind else None


def _maps(path: str, batch: Any, at: int) -> list[Any]:
    try:
        return [written(one) for one in batch[at].to_pylist(maps_as_pydicts="strict")]
    except KeyError as error:
        raise RowFileError(f"`{path}`: a map in `{batch.schema.names[at]}` has a key twice: {error}") from None


def _times(path: str, batch: Any, at: int) -> list[Any]:
    """A column's times of nanoseconds as Python's, which keep microseconds; as text where these are not enough."""
    pyarrow, column = arrow(), batch[at]
    kind, coarse = column.type, _in_microseconds(column.type)
    try:
        return cast(list[Any], column.cast(coarse).to_pylist())
    except pyarrow.ArrowException:
        if pyarrow.types.is_nested(kind):
            name = batch.schema.names[at]
            raise RowFileError(f"`{path}`: the column `{name}` has nanoseconds inside nested values") from None
    numbers = column.cast(pyarrow.int64()).to_pylist()
    is_clock = pyarrow.types.is_time(kind)
    seconds = pyarrow.array([None if one is None else one // 10**9 for one in numbers], pyarrow.int64())
    whole = seconds.cast(pyarrow.int32()).cast(pyarrow.time32("s")) if is_clock else seconds.cast(_timestamp("s", kind))
    texts = [None if one is None else one.isoformat() for one in whole.to_pylist()]
    ends = len("00:00:00" if is_clock else "2026-01-01T00:00:00")
    return [
        value if text is None or number % 1000 == 0 else f"{text[:ends]}.{number % 10**9:09}{text[ends:]}"
        for value, number, text in zip(column.cast(coarse, safe=False).to_pylist(), numbers, texts, strict=True)
    ]


def _timestamp(unit: str, kind: Any) -> Any:
    return arrow().timestamp(unit, kind.tz)


def _in_microseconds(kind: Any) -> Any:
    """An Arrow type with microseconds in place of nanoseconds, inside it, too."""
    pyarrow = arrow()
    if pyarrow.types.is_timestamp(kind):
        return _timestamp("us", kind) if kind.unit == "ns" else kind
    if pyarrow.types.is_map(kind):
        return pyarrow.map_(kind.key_type, _in_microseconds(kind.item_type))
    if pyarrow.types.is_struct(kind):
        return pyarrow.struct([(field.name, _in_microseconds(field.type)) for field in kind])
    if pyarrow.types.is_nested(kind):  # a list
        return pyarrow.list_(_in_microseconds(kind.value_type))
    return pyarrow.time64("us") if kind == pyarrow.time64("ns") else kind
