"""The window of rows that a run asks for, and how far its rows bring the watermark."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from factory.operators.http_selection import absent_key, kind_of, named, search
from schemas.cursor import Cursor, CursorError, cursor_before, cursor_kind, is_later, now_like
from schemas.incremental import Incremental


@dataclass(frozen=True, slots=True)
class Window:
    """From a cursor, or from the beginning; to a moment, or open."""

    start: Cursor | None = None
    end: str | None = None

    @classmethod
    def after(cls, incremental: Incremental, watermark: Cursor | None) -> Window:
        """The window that a run asks for which starts now. Raises CursorError where the lag does not fit."""
        start = incremental.initial_value if watermark is None else watermark
        if watermark is not None and incremental.lag is not None:
            start = cursor_before(watermark, incremental.lag)
        end = None
        if incremental.end_param is not None:
            end = now_like(str(incremental.initial_value), datetime.now(UTC))
        return cls(start, end)

    def query(self, incremental: Incremental) -> dict[str, Any]:
        """The query parameters that ask for it."""
        query: dict[str, Any] = {}
        if self.start is not None:
            query[incremental.start_param] = self.start
        if self.end is not None and incremental.end_param is not None:
            query[incremental.end_param] = self.end
        return query

    def is_behind(self, rows: Sequence[Any], incremental: Incremental) -> bool:
        """Whether no later page can hold rows of the window: by `row_order`, these rows have come to its other end.

        Raises CursorError.
        """
        bound = {"desc": self.start, "asc": self.end}.get(incremental.row_order or "")
        if bound is None or not rows:
            return False
        last = search(incremental.cursor_path)(rows[-1])
        return is_later(bound, last) if incremental.row_order == "desc" else is_later(last, bound)


def latest_cursor(rows: Any, incremental: Incremental) -> Cursor | None:
    """The latest cursor of the rows; None where there are no rows.

    Raises CursorError for rows without cursor, and for cursors of several kinds.
    """
    if rows is None:
        return None
    if not isinstance(rows, list):
        raise CursorError(
            f"`incremental` takes a list of rows, and the answer is {kind_of(rows)}; `data_selector` selects one"
        )
    cursor_of = search(incremental.cursor_path)
    latest: Cursor | None = None
    for index, row in enumerate(rows):
        cursor = cursor_of(row)
        try:
            cursor_kind(cursor)
            if latest is None or is_later(cursor, latest):
                latest = cursor
        except CursorError as error:
            absent = absent_key(row, incremental.cursor_path) if cursor is None else None
            if absent is not None and absent.keys is not None:
                where = f"row {index}" + (f" at `{absent.parent}`" if absent.parent else "")
                raise CursorError(f"{where} has no `{absent.key}`; it has {named(absent.keys)}") from None
            raise CursorError(f"row {index} at `{incremental.cursor_path}`: {error}") from None
    return latest
