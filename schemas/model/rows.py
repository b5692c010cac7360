"""What tasks take rows from: the output of another task, or a file that one wrote."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from schemas.model.base import Model
from schemas.model.fields import OrTaskOutput, PlainValue

Path = Annotated[str, Field(min_length=1)]
Rows = OrTaskOutput[list[dict[str, PlainValue]]]
Files = Path | Annotated[list[Path], Field(min_length=1)]
Name = Annotated[str, Field(min_length=1)]
Names = Name | Annotated[list[Name], Field(min_length=1)]


class RowsSource(Model):
    """Rows as a value, or from a file."""

    rows: Rows | None = None
    """The rows: a list of mappings, or a task's output."""
    file: Files | None = None
    """In place of `rows`: a file of rows, a list of files, or a pattern such as `lake/orders/*.parquet`. Files end in
    `.jsonl`, `.json`, `.csv` (also with `.gz`) or `.parquet`, and are local or in an object store: `s3://CONN_ID@bucket/…`."""
