"""How rows are written in a file: JSON Lines, JSON, CSV and Parquet, piece by piece, in memory of the same size."""

from __future__ import annotations

import csv
import gzip
import io
import json
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import IO, Any, Protocol, cast

from pydantic_core import to_json

from factory.data.forms import all_came_back, arrow, arrow_kinds, is_without_fields, loses_in_arrow, types_said
from factory.data.places import RowFileError, format_of
from factory.data.values import json_value

ROWS_AT_ONCE = 20_000
"""Rows of a Parquet row group."""


class Sink(Protocol):
    """Takes rows into a local file."""

    def write(self, rows: Sequence[Any]) -> None: ...
    def close(self) -> None: ...
    def abandon(self) -> None: ...


def sink(path: str, part: str, *, is_plain: bool = False, columns: Sequence[str] = ()) -> Sink:
    """What writes rows to the local file `part` in the format of `path`. `is_plain`: values are those of JSON.
    `columns`: those of a file that gets no rows."""
    kind, zipped = format_of(path)
    if kind == "parquet":
        return _Parquet(path, part, columns)
    if kind == "csv":
        return _Csv(path, part, zipped, columns)
    return _JsonLines(path, part, zipped, is_plain) if kind == "jsonl" else _Json(path, part, zipped)


def row_mapping(row: Any, where: str) -> dict[str, Any]:
    """A row as what it must be. Raises RowFileError."""
    if type(row) is not dict and not isinstance(row, Mapping):
        raise RowFileError(f"{where}: a row must be a mapping of column names, not {type(row).__name__}")
    return cast(dict[str, Any], row)


_OF_JSON = frozenset({str, int, float, bool, type(None)})
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=json_value)
_ASCII = json.JSONEncoder(separators=(",", ":"), allow_nan=False, default=json_value)


def _opened(part: str, zipped: bool) -> IO[bytes]:
    # Without a name and a time in it, the same rows are the same bytes.
    raw = Path(part).open("wb")  # noqa: SIM115 # its sink closes it
    return cast(IO[bytes], gzip.GzipFile("", "wb", fileobj=raw, mtime=0, compresslevel=6)) if zipped else raw


class _JsonLines:
    def __init__(self, path: str, part: str, zipped: bool, is_plain: bool = False) -> None:
        self._path, self._is_plain, self._file = path, is_plain, _opened(part, zipped)

    def write(self, rows: Sequence[Any]) -> None:
        with suppress(ValueError):  # half of a surrogate pair
            if all(
                type(row) is dict and (self._is_plain or _OF_JSON.issuperset(map(type, row.values()))) for row in rows
            ):  # a third of the time
                lines = b"\n".join([*map(to_json, rows), b""])
                if b"NaN" not in lines and b"Infinity" not in lines:  # numbers or text: the others refuse numbers
                    self._file.write(lines)
                    return
        self._file.write(b"".join(self._line(row) + b"\n" for row in rows))

    def _line(self, row: Any) -> bytes:
        row_mapping(row, f"`{self._path}`")
        try:
            return _ENCODER.encode(row).encode()
        except UnicodeEncodeError:
            return _ASCII.encode(row).encode()  # half of a surrogate pair can only be written as an escape
        except (TypeError, ValueError) as error:
            raise RowFileError(f"`{self._path}`: a row cannot be written as JSON: {error}") from None

    def close(self) -> None:
        _close(self._file)

    abandon = close


class _Json(_JsonLines):
    """A list; its rows are on lines of their own."""

    _is_empty = True

    def write(self, rows: Sequence[Any]) -> None:
        for row in rows:
            self._file.write((b"[\n" if self._is_empty else b",\n") + self._line(row))
            self._is_empty = False

    def close(self) -> None:
        self._file.write(b"[]\n" if self._is_empty else b"\n]\n")
        super().close()


def _close(file: IO[bytes]) -> None:
    raw = getattr(file, "fileobj", None)
    file.close()
    if raw is not None:
        raw.close()


class _CsvLines:
    """A CSV writer of lines that end with a line feed. Python's own would leave a carriage return without quotes then,
    at which each reader ends the row."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._text = io.TextIOWrapper(file, "utf-8", newline="")
        self.writer = csv.writer(self, lineterminator="\r\n")

    def write(self, line: str) -> None:
        self._text.write(line[:-2] + "\n")

    def close(self) -> None:
        self._text.detach()
        _close(self._file)


class _Csv:
    """Columns in the order in which they first come. A column that later rows bring is put behind the others: the rows
    before it get an empty field when the file is closed."""

    def __init__(self, path: str, part: str, zipped: bool, columns: Sequence[str]) -> None:
        self._path, self._part, self._zipped = path, part, zipped
        self._columns = dict.fromkeys(columns)
        self._headed: list[str] = []
        self._unheaded = 0
        self._lines = _CsvLines(_opened(part, zipped))

    def write(self, rows: Sequence[Any]) -> None:
        for row in rows:
            self._columns |= dict.fromkeys(row_mapping(row, f"`{self._path}`"))
        if not self._columns:
            self._unheaded += len(rows)
            return
        write = self._lines.writer.writerows
        try:
            if not self._headed:
                self._headed = list(self._columns)
                write([self._headed, *[[None] * len(self._headed)] * self._unheaded])
            write([_field(row.get(column)) for column in self._columns] for row in rows)
        except (UnicodeEncodeError, TypeError, ValueError) as error:
            raise RowFileError(f"`{self._path}`: a row cannot be written as CSV: {error}") from None

    def close(self) -> None:
        if self._columns and not self._headed:
            self.write(())
        self._lines.close()
        if self._unheaded and not self._headed:
            raise RowFileError(f"`{self._path}`: its {self._unheaded:,} rows have no columns, which CSV cannot say")
        if len(self._columns) != len(self._headed):
            self._widen()

    def abandon(self) -> None:
        self._lines.close()

    def _widen(self) -> None:
        wider, width = f"{self._part}.wider", len(self._columns)
        opened: Any = gzip.open if self._zipped else open
        with opened(self._part, "rt", encoding="utf-8", newline="") as before:
            csv.field_size_limit(sys.maxsize)  # what bounds the file bounds its fields
            lines = csv.reader(before)
            next(lines)
            after = _CsvLines(_opened(wider, self._zipped))
            after.writer.writerow(self._columns)
            after.writer.writerows(line + [""] * (width - len(line)) for line in lines)
            after.close()
        shutil.move(wider, self._part)


def _field(value: Any) -> Any:
    """A CSV field: nothing for null, JSON for lists and mappings."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return _ENCODER.encode(value)
    return value if value is None or isinstance(value, str | int | float | Decimal) else json_value(value)


class _Parquet:
    """Types are those of the values. Where later rows bring a column or a wider type, what was written is written
    again with it; a column of values that have no type in common is an error."""

    def __init__(self, path: str, part: str, columns: Sequence[str]) -> None:
        self._arrow = arrow()
        self._path, self._part, self._of_no_rows = path, part, columns
        self._rows: list[Any] = []
        self._schema: Any = None
        self._writer: Any = None

    def write(self, rows: Sequence[Any]) -> None:
        self._rows += [row_mapping(row, f"`{self._path}`") for row in rows]
        while len(self._rows) >= ROWS_AT_ONCE:
            self._flush(self._rows[:ROWS_AT_ONCE])
            del self._rows[:ROWS_AT_ONCE]

    def close(self) -> None:
        if self._rows:
            self._flush(self._rows)
        if self._writer is None:
            self._start(self._arrow.schema([(name, self._arrow.null()) for name in self._of_no_rows]))
        self._writer.close()

    def abandon(self) -> None:
        if self._writer is not None:
            self._writer.close()

    def _flush(self, rows: Sequence[Mapping[str, Any]]) -> None:
        table = self._table(rows)
        if self._writer is None:
            self._start(table.schema)
        elif table.schema != self._schema:
            self._widen(table.schema)
        self._writer.write_table(self._fitted(table))

    def _start(self, schema: Any) -> None:
        import pyarrow.parquet  # noqa: PLC0415

        self._schema = schema
        self._writer = pyarrow.parquet.ParquetWriter(self._part, schema)

    def _table(self, rows: Sequence[Mapping[str, Any]]) -> Any:
        columns: dict[str, None] = {}
        for row in rows:
            columns |= dict.fromkeys(row)
        arrays = {}
        for column in columns:
            values = [row.get(column) for row in rows]
            try:
                arrays[column] = self._arrow.array(values)
            except UnicodeEncodeError:
                raise self._unkept(column, "text with half of a surrogate pair") from None
            except (self._arrow.ArrowException, OverflowError, TypeError):  # whose texts have values
                raise self._unkept(column, f"values of types ({types_said(values)})") from None
            if is_without_fields(arrays[column].type):
                raise self._unkept(column, "nothing but empty mappings")
            if not all_came_back(values, arrays[column].to_pylist):
                raise self._unkept(column, f"values of types ({types_said(values)})")
        return self._arrow.table(arrays)

    def _fitted(self, table: Any) -> Any:
        columns = []
        for field in self._schema:
            if field.name not in table.schema.names:
                columns.append(self._arrow.nulls(table.num_rows, field.type))
                continue
            try:
                columns.append(table.column(field.name).cast(field.type))
            except self._arrow.ArrowException:
                raise self._several(field.name, [table.schema.field(field.name), field]) from None
        return self._arrow.Table.from_arrays(columns, schema=self._schema)

    def _widen(self, schema: Any) -> None:
        if (both := self._united(schema)) == self._schema:
            return
        self._writer.close()
        narrow = f"{self._part}.narrow"
        shutil.move(self._part, narrow)
        try:
            self._start(both)
            with self._arrow.parquet.ParquetFile(narrow) as before:
                for batch in before.iter_batches(ROWS_AT_ONCE):
                    self._writer.write_table(self._fitted(self._arrow.Table.from_batches([batch])))
        finally:
            Path(narrow).unlink()

    def _unkept(self, column: str, what: str) -> RowFileError:
        return RowFileError(f"`{self._path}`: the column `{column}` has {what}, which Parquet cannot keep")

    def _united(self, other: Any) -> Any:
        """The schema with another one's columns and wider types. Raises RowFileError."""
        fields: list[Any] = []
        for name in dict.fromkeys((*self._schema.names, *other.names)):
            both = [schema.field(name) for schema in (self._schema, other) if name in schema.names]
            try:
                alone = [self._arrow.schema([one]) for one in both]
                fields += self._arrow.unify_schemas(alone, promote_options="permissive")
            except self._arrow.ArrowException:
                raise self._several(name, both) from None
            if any(loses_in_arrow(one.type, fields[-1].type) for one in both):
                raise self._several(name, both)
        return self._arrow.schema(fields)

    def _several(self, column: str, fields: Iterable[Any]) -> RowFileError:
        kinds = ", ".join(sorted(set().union(*(arrow_kinds(field.type) for field in fields))))
        return self._unkept(column, f"values of types ({kinds})")
