"""One request for each row of another answer, or for each batch of rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from factory.http.placeholders import MissingValueError, filled
from factory.http.selection import search
from schemas.model.http import Each, HttpRequest


class EachError(Exception):
    """The rows cannot be asked for; the text says which and why."""


def requests_for(request: HttpRequest, each: Each, rows: Any) -> Iterator[tuple[HttpRequest, dict[str, Any]]]:
    """A request for each row, and what is put into each row that it brings. Raises EachError."""
    included = each.include if isinstance(each.include, dict) else {name: name for name in each.include}
    paths = {name: search(path) for name, path in included.items()}
    for number, values in enumerate(_batches(_all(rows), each.batch)):
        row = values if each.batch is None else _columns(values)
        try:
            yield (
                filled(request, "each", row if isinstance(row, Mapping) else {"value": row}),
                {name: value_of(row) for name, value_of in paths.items()} if each.batch is None else {},
            )
        except MissingValueError as error:
            what = "row" if each.batch is None else "batch"
            raise EachError(f"{what} {number} of `each`: {error}") from None


def with_included(rows: list[Any], included: Mapping[str, Any]) -> list[Any]:
    """The rows with what is included. Raises EachError where that would replace a value of a row."""
    if not included:
        return rows
    made = []
    for row in rows:
        if not isinstance(row, dict):
            raise EachError("`include` puts values into rows, and a row is no mapping")
        for name, value in included.items():
            if name in row and row[name] != value:
                raise EachError(
                    f"a row has `{name}` itself; `include: {{other_name: {name}}}` puts the value there under another "
                    "name"
                )
        made.append({**included, **row})
    return made


def _all(rows: Any) -> Iterable[Any]:
    if isinstance(rows, str):
        # Most polls read no files.
        from factory.data.row_files import read_rows  # noqa: PLC0415

        return read_rows(rows)
    if rows is None:
        return []
    if not isinstance(rows, list):
        raise EachError(f"`each.rows` must be a list, or the path of a file of rows, not {type(rows).__name__}")
    return rows


def _batches(rows: Iterable[Any], size: int | None) -> Iterator[Any]:
    if size is None:
        yield from rows
        return
    pending = iter(rows)
    while batch := list(islice(pending, size)):
        yield batch


def _columns(rows: list[Any]) -> dict[str, Any]:
    """The values of several rows, by name."""
    if not all(isinstance(row, dict) for row in rows):
        return {"value": rows}
    names = {name: None for row in rows for name in row}
    return {name: [row.get(name) for row in rows] for name in names}
