"""Files of rows: how a task hands on more rows than a value should hold, and how the next one takes them.

The ending of a path says the format: `.jsonl`, `.json`, `.csv` (each also with `.gz`) or `.parquet`. A path is local or
one that Airflow's `ObjectStoragePath` reads, such as `s3://CONN_ID@bucket/orders.jsonl`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Any, Self

from factory.data.places import NewFile, RowFileError, found, opened_to_read
from factory.data.row_formats import format_of, rows_in, sink

__all__ = ["RowFileError", "RowFileWriter", "read_rows"]


class RowFileWriter:
    """Writes rows to a file that shows up whole when the block ends, and not at all where it raises.

    `path` is then the absolute path, and `rows` the number of rows written. A file that is there already is replaced.

        with RowFileWriter("/data/orders.jsonl") as file:
            file.write([{"id": 1}])

    Raises RowFileError.
    """

    def __init__(self, path: str) -> None:
        format_of(path)
        self._new = NewFile(path)
        self.path = self._new.path
        self.rows = 0
        try:
            self._sink = sink(self.path, self._new.part)
        except RowFileError:
            self._new.discard()
            raise

    def write(self, rows: Sequence[Any]) -> None:
        """Add rows. JSON takes any value for a row, CSV and Parquet take mappings."""
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
        try:
            self._sink.abandon()
        finally:
            self._new.discard()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if kind is None:
            self.close()
        else:
            self.abandon()


def read_rows(path: str | Sequence[str]) -> Iterator[dict[str, Any]]:
    """The rows of a file, of several, or of those that a pattern such as `/data/*.jsonl` matches, one after the other.

    CSV has text only: what was null is empty. Raises RowFileError.
    """
    for pattern in [path] if isinstance(path, str) else path:
        for one in found(pattern):
            with opened_to_read(one) as file:
                yield from rows_in(one, file)
