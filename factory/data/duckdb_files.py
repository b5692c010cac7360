"""The files that a table of DuckDB is read from: local ones, and of a form that DuckDB reads."""

from __future__ import annotations

import codecs
import re
import shutil
import tempfile
import zlib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from factory.data.duckdb_tables import DuckdbError
from factory.data.places import RowFileError, format_of, found, kind_said, local_copy, opened_to_read, place_of_copy
from factory.data.row_files import RowFileWriter, read_rows, unzipped


def local_files(name: str, value: Any, folder: Path, copies: dict[str, str]) -> list[str]:
    """Local files with the rows of a table; those of an object store are copied here, through fsspec. `copies` gets
    which file each copy is of."""
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list):
        raise DuckdbError(f"the table `{name}` is {kind_said(value)}, not rows or a path")
    kind, wanted = (str, "a path") if value and isinstance(value[0], str) else (Mapping, "a row")
    for number, one in enumerate(value, start=1):
        if not isinstance(one, kind):
            raise DuckdbError(f"entry {number} of the table `{name}` is {kind_said(one)}, not {wanted}")
    if kind is str:
        paths = [path for pattern in value for path in found(pattern)]
        return [_readable(_copy(path, local_copy(path, folder), copies), folder, copies) for path in paths]
    path = str(Path(tempfile.mkdtemp(dir=folder)) / "rows.jsonl")
    try:
        with RowFileWriter(path) as file:
            file.write(value)
    except RowFileError as error:
        raise DuckdbError(str(error).replace(f"`{path}`", f"the table `{name}`")) from None
    return [path]


def _copy(path: str, copy: str, copies: dict[str, str]) -> str:
    if copy != path:
        copies[copy] = path
    return copy


def _readable(path: str, folder: Path, copies: dict[str, str]) -> str:
    """The file, or a copy of one that `load` reads and DuckDB does not: JSON that begins with a byte order mark, an
    empty file that should be zipped, CSV whose lines end in two ways."""
    kind = format_of(path)[0]
    copy = place_of_copy(re.sub(r"(?i)\.gz$", "", path), folder)
    if kind == "csv" and _ends_in_two_ways(path):
        for _ in read_rows(path):  # whose errors name the file itself
            pass
        with opened_to_read(path) as file, unzipped(path, file) as data, copy.open("wb") as other:
            quotes = 0
            for line in data:
                quotes += line.count(b'"')
                is_end = line.endswith(b"\r\n") and quotes % 2 == 0
                other.write(line[:-2] + b"\n" if is_end else line)
        return _copy(path, str(copy), copies)
    if kind in ("parquet", "csv"):
        return path
    with opened_to_read(path) as file, unzipped(path, file) as data:
        try:
            head = data.read(3)
        except (EOFError, OSError, zlib.error) as error:
            raise RowFileError(f"`{path}` is not {kind} in gzip: {error}") from None
        if kind == "json" and not head.lstrip().startswith(b"["):
            list(read_rows(path))  # of one row: which refuses none, and more, as `load` does
        if head not in (b"", codecs.BOM_UTF8):
            return path
        with copy.open("wb") as other:
            shutil.copyfileobj(data, other)
    return _copy(path, str(copy), copies)


def _ends_in_two_ways(path: str) -> bool:
    """Whether some lines end as on Windows, and some as elsewhere."""
    windows = lines = 0
    with opened_to_read(path) as file, unzipped(path, file) as data, suppress(EOFError, OSError, zlib.error):
        before = b""
        while piece := data.read(1 << 20):
            lines += piece.count(b"\n")
            windows += (before + piece).count(b"\r\n")
            before = piece[-1:]
    return 0 < windows < lines
