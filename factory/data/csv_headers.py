"""The first lines of CSV files: what is between their columns, and which columns they have."""

from __future__ import annotations

import csv
import gzip
import io
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from typing import Any, BinaryIO, TextIO, cast

from factory.data.places import RowFileError, format_of, found, opened_to_read


def first_line(path: str) -> str:
    """The first line of a text file, unpacked. Raises RowFileError."""
    with _lines(path) as lines:
        return lines.readline()


@contextmanager
def _lines(path: str) -> Iterator[TextIO]:
    with opened_to_read(path) as file:
        data = cast(BinaryIO, gzip.GzipFile(fileobj=file) if format_of(path)[1] else file)
        try:
            yield io.TextIOWrapper(data, "utf-8-sig", "replace", newline="")
        except (EOFError, OSError, zlib.error) as error:
            raise RowFileError(f"`{path}` cannot be read: {error}") from None


_MARKUP = re.compile(r"\s*<(?:(?:!doctype|html|head|body|title|meta|script|table|div|h1|p|\?xml)\b|!--)", re.IGNORECASE)


def csv_delimiter(path: str, head: str) -> str:
    """What is between the columns of a CSV, by its first line: a comma, a semicolon, a tab or `|`.

    Raises RowFileError.
    """
    if not head.strip():  # nothing that an export ends with, not even without rows
        raise RowFileError(
            f"`{path}` has no header: a CSV begins with the names of its columns. Rows of an API, which may be none, "
            "belong into .jsonl"
        )
    if re.fullmatch("sep=.?\\s*", head):
        raise RowFileError(f"`{path}` begins with Excel's line `{head.strip()}` in place of its header: remove that")
    if _MARKUP.match(head):
        raise RowFileError(f"`{path}` is a page of HTML or XML and no CSV: it begins with `{head.strip()[:40]}`")
    return max(",;\t|", key=re.sub('"[^"]*"', "", head).count)


def different_columns(file: Any) -> list[str]:
    """What is said of CSV files that are read together and do not have the same columns. Raises RowFileError."""
    paths = _csv_files(file)
    heads = {path: _columns_of(path) for path in paths} if len(paths) > 1 else {}
    said: list[str] = []
    for name in dict.fromkeys(chain.from_iterable(heads.values())):
        without = [path for path, head in heads.items() if name not in head]
        if without:
            files = f"{len(without)} of {len(heads)} files, such as `{without[0].rpartition('/')[2]}`"
            said.append(f"the column `{name}` is not in {files}: it is null in their rows")
    return said


def headers(file: Any) -> dict[str, list[str]]:
    """The columns of CSV files by path. Raises RowFileError."""
    return {path: _columns_of(path) for path in _csv_files(file)}


def _csv_files(file: Any) -> list[str]:
    patterns = [one for one in ([file] if isinstance(file, str) else file or ()) if isinstance(one, str)]
    return [path for pattern in patterns for path in found(pattern) if format_of(path)[0] == "csv"]


def _columns_of(path: str) -> list[str]:
    """Of the header, which may be several lines: a name in quotes may have breaks."""
    with _lines(path) as lines:
        head = lines.readline()
        delimiter = csv_delimiter(path, head) if head.strip() else ","
        return next(csv.reader(chain([head], lines), delimiter=delimiter), []) if head.strip() else []
