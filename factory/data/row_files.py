"""Files of rows: how a task hands on more rows than a value should hold, and how the next one takes them; and values in
the form of JSON, without losing digits.

The ending of a path says the format: `.jsonl`, `.json`, `.csv` (each also with `.gz`) or `.parquet`. A path is local or
one that Airflow's `ObjectStoragePath` reads, such as `s3://CONN_ID@bucket/orders.jsonl`.
"""

from __future__ import annotations

import base64
import csv
import gzip
import io
import json
import re
import sys
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import chain
from types import TracebackType
from typing import IO, Any, Self, cast
from uuid import UUID

from factory.data.columns import FLOAT_DIGITS
from factory.data.csv_headers import csv_delimiter
from factory.data.parquet_rows import parquet_rows, twice
from factory.data.places import (
    NewFile,
    RowFileError,
    format_of,
    found,
    kind_said,
    opened_to_read,
)
from factory.data.row_formats import row_mapping, sink
from factory.data.values import exact_number

MOST_ROWS = 10_000
"""Rows that a task hands on as a value where nothing else is said; more belong into a file."""


class TooManyRowsError(Exception):
    """There are more rows than the task may hand on."""

    def __init__(self, most: int, *, is_default: bool) -> None:
        more = "write them to a file with `to`, or raise `max_rows`" if is_default else "that is its `max_rows`"
        super().__init__(f"the task has more than {most} rows to hand on: {more}")


def limited(rows: Iterable[Any], max_rows: int | None) -> list[Any]:
    """The rows as a list. Raises TooManyRowsError where they are more than `max_rows`, or than the default."""
    most = MOST_ROWS if max_rows is None else max_rows
    kept: list[Any] = []
    for row in rows:
        if len(kept) == most:
            raise TooManyRowsError(most, is_default=max_rows is None)
        kept.append(row)
    return kept


def plain_rows(rows: Iterable[Mapping[str, Any]]) -> Iterable[dict[str, Any]]:
    """The rows with plain values."""
    return ({name: plain_value(value) for name, value in row.items()} for row in rows)


def plain_value(value: Any) -> Any:
    """Times as ISO 8601 text; decimals as numbers, as text only where a float would lose digits; bytes in Base64."""
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, Decimal):
        return _plain_decimal(value)
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): plain_value(one) for key, one in value.items()}
    if isinstance(value, bytes | bytearray | memoryview):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, Sequence | set | frozenset):
        return [plain_value(one) for one in value]
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, UUID):
        return str(value)
    if hasattr(value, "item"):  # a NumPy number
        return plain_value(value.item())
    return str(value)


def _plain_decimal(value: Decimal) -> int | float | str:
    if not value.is_finite():
        return str(value)
    if value == value.to_integral_value() and value.as_tuple().exponent == 0:
        return int(value)
    near = float(value)
    return near if Decimal(repr(near)) == value else str(value)


__all__ = ["RowFileError", "RowFileWriter", "read_rows"]


class RowFileWriter:
    """Writes rows to a file that shows up whole when the block ends, and not at all where it raises.

    `path` is then the absolute path, and `rows` the number of rows written. A file that is there already is replaced.
    After `abandon` inside the block it stays as it is. `is_plain`: values are those of JSON, which is faster.
    `columns`: what CSV and Parquet have where there are no rows.

        with RowFileWriter("/data/orders.jsonl") as file:
            file.write([{"id": 1}])

    Raises RowFileError.
    """

    def __init__(self, path: str, *, is_plain: bool = False, columns: Sequence[str] = ()) -> None:
        format_of(path)
        self._new = NewFile(path)
        self.path = self._new.path
        self.rows = 0
        self._is_over = False
        try:
            self._sink = sink(self.path, self._new.part, is_plain=is_plain, columns=columns)
        except RowFileError:
            self._new.discard()
            raise

    def write(self, rows: Sequence[Any]) -> None:
        """Add rows, which are mappings of column names."""
        self._sink.write(rows)
        self.rows += len(rows)

    def close(self) -> None:
        """Let the file show up."""
        try:
            self._sink.close()
        except BaseException:
            self._new.discard()
            raise
        self._new.publish()

    def abandon(self) -> None:
        """Write nothing."""
        self._is_over = True
        try:
            self._sink.abandon()
        finally:
            self._new.discard()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._is_over:
            return
        if kind is None:
            self.close()
        else:
            self.abandon()


def read_rows(path: str | Sequence[str]) -> Iterator[dict[str, Any]]:
    """The rows of a file, of several, or of those that a pattern such as `/data/*.jsonl` matches, one after the other.

    CSV has text only: what was null is empty. Raises RowFileError.
    """
    if not isinstance(path, Sequence):
        raise RowFileError(f"`file` is {kind_said(path)}, not a path")
    for number, pattern in enumerate([path] if isinstance(path, str) else path, start=1):
        if not isinstance(pattern, str):
            raise RowFileError(f"entry {number} of `file` is {kind_said(pattern)}, not a path")
        for one in found(pattern):
            with opened_to_read(one) as file:
                yield from _rows_in(one, file)


def unzipped(path: str, file: IO[bytes]) -> IO[bytes]:
    return cast(IO[bytes], gzip.GzipFile(fileobj=file)) if format_of(path)[1] else file


_SIGNS = bytes(48 if sign in b"0123456789." else 101 if sign in b"eE" else sign for sign in range(256))
_ODD_NUMBERS = (b"0" * (FLOAT_DIGITS + 1), b"e000", b"e+000", b"e-000")
_NULL_ROW = re.compile(rb"[\[,]\s*null\b")


def may_be_odd(path: str) -> bool:
    """Whether a text file may have a number that a float does not keep, or in JSON null for a row, by a quick look.

    Raises RowFileError.
    """
    is_list = format_of(path)[0] == "json"
    with opened_to_read(path) as file:
        end = b"\n"
        try:
            data = unzipped(path, file)
            while piece := data.read(1 << 20):
                text = end + piece
                numbers = text.translate(_SIGNS)
                if any(odd in numbers for odd in _ODD_NUMBERS) or b"\nnull" in text:
                    return True
                if is_list and _NULL_ROW.search(text):
                    return True
                end = text[-FLOAT_DIGITS:]
        except (EOFError, OSError, zlib.error) as error:
            raise RowFileError(f"`{path}` cannot be read: {error}") from None
    return False


def _rows_in(path: str, file: IO[bytes]) -> Iterator[dict[str, Any]]:
    """The rows of an opened file, piece by piece but for `.json`."""
    kind, zipped = format_of(path)
    if kind == "parquet":
        yield from parquet_rows(path, file)
        return
    data = unzipped(path, file)
    try:
        if kind == "csv":
            yield from _csv_rows(path, data)
        elif kind == "jsonl":
            decoder = json.JSONDecoder(parse_float=exact_number)
            for number, line in enumerate(data, 1):
                text = line.decode("utf-8-sig" if number == 1 else "utf-8", "surrogatepass").strip(" \t\r\n")
                if text:
                    value, end = decoder.raw_decode(text)
                    if end != len(text):
                        decoder.decode(text)  # which says so; it takes twice the time for a row
                    yield row_mapping(value, f"`{path}`, line {number}")
        else:
            value = json.load(data, parse_float=exact_number)
            for number, row in enumerate(value if isinstance(value, list) else [value], 1):
                yield row_mapping(row, f"`{path}`, row {number}")
    except UnicodeDecodeError as error:
        wanted = "save it as UTF-8, which Excel calls `CSV UTF-8`" if kind == "csv" else "save it as UTF-8"
        raise RowFileError(f"`{path}` is no UTF-8 ({error.reason} at byte {error.start:,}): {wanted}") from None
    except (ValueError, csv.Error, EOFError, OSError, zlib.error) as error:
        raise RowFileError(f"`{path}` is not {kind}{' in gzip' if zipped else ''}: {error}") from None


def _csv_rows(path: str, data: IO[bytes]) -> Iterator[dict[str, Any]]:
    """An empty field is no value, as it is to DuckDB: CSV has no other sign for that. In a file of one column, an empty
    line is such a row."""
    csv.field_size_limit(sys.maxsize)  # what bounds the file bounds its fields
    lines = io.TextIOWrapper(data, "utf-8-sig", newline="")
    if not (head := lines.readline()).strip() and not any(map(str.strip, lines)):
        return  # of a poll, say, that has brought no rows, and so knows no columns
    reader = csv.reader(chain([head], lines), delimiter=csv_delimiter(path, head), strict=True)
    columns = next(reader)
    if (nameless := next((at for at, name in enumerate(columns, 1) if not name.strip()), None)) is not None:
        raise RowFileError(
            f"`{path}`: column {nameless} has no name: give it one (in pandas, write with `index=False`), "
            "select the others in a `duckdb` task, or remove what is above the header"
        )
    if (second := twice(columns)) is not None:
        raise RowFileError(f"`{path}`: two columns are named `{second}`")
    width = len(columns)
    for number, fields in enumerate(reader, 1):
        if not fields:
            yield from [{columns[0]: None}] * (width == 1)
            continue
        if len(fields) != width:
            more = "more" if len(fields) > width else "fewer"
            raise RowFileError(f"`{path}`, row {number}: it has {more} fields than there are columns")
        yield {column: field or None for column, field in zip(columns, fields, strict=True)}
