"""How far the rows of an incremental poll take its watermark."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from factory.http.selection import absent_key, named, search
from factory.http.window import LATE, Forms, Window
from schemas.model.cursor import Cursor, CursorError, Moment
from schemas.model.polling import Incremental

_ID = r"(?:^|[^A-Za-z])(?:id|no)|I[dD]"
_NUMBER = "number|seq|sequence|offset|position|rowid|oid|pk|serial|ordinal|index"
_COUNTS = re.compile(rf"(?:{_ID}|(?i:{_NUMBER}|version|revision))\"?$")
"""Names of what numbers rows, so that none is a moment."""
_KEPT = re.compile(rf"(?:{_ID}|(?i:{_NUMBER}))\"?$")
"""Of these, what a row has for good: it gets no later one by a change, as it gets a later `version`."""
_NONE = re.compile(r"\s*|0{2,4}([-/.])00\1(?:00){1,2}(?:[T ][0:.]+)?(?:Z|[+-][0:]+)?")
"""Texts by which a row has no cursor: nothing, as CSV has it, and the zero date of MySQL."""


class RowProgress:
    """Follows the rows of a run: the latest cursor, and whether the window is over. `log` gets what looks wrong.

    A cursor after the window's end does not count: the watermark is never later than the moment of asking, or nothing
    would arrive any more. Nor does one on a later page that is later than the moment at which the first was asked for:
    a row of a page that was read before may have got an earlier one since. Where cursors are no times, that is so of
    all that are above those of the first page, unless rows come in the order of their cursors.
    """

    def __init__(self, incremental: Incremental, forms: Forms, window: Window, log: Callable[[str], None]) -> None:
        self._incremental = incremental
        self._forms, self._form = forms, forms.rows
        self._window = window
        self._log = log
        self._path = str(incremental.cursor_path)
        self._cursor_of = search(self._path)
        self._start = None if window.start is None else self._form.moment(window.start)
        self._latest: tuple[Moment, Cursor] | None = None
        self._before_latest: tuple[Moment, Cursor] | None = None
        self._before: Moment | None = None
        self._server_time: datetime | None = None
        self._asked_at = window.until
        self._first: tuple[Moment, Cursor] | None = None
        self._is_later_page = self._has_no_times = False
        self._ascends = True
        self._number = 0
        self._missing = self._old = self._future = self._meanwhile = 0
        self._is_over = self._is_stopped = False

    def began(self, server_time: datetime | None, seconds: float) -> None:
        """The first page has come, `seconds` after it was asked for. `server_time`: when, by the server's clock."""
        self._server_time = server_time
        if server_time is not None:
            self._asked_at = min(self._asked_at, server_time - timedelta(seconds=seconds))

    def take(self, rows: list[Any]) -> list[Any]:
        """The rows to hand on. Raises CursorError for a row without a cursor, for cursors of several kinds, and for
        rows in another order than `row_order` says."""
        kept = []
        for row in rows:
            cursor = self._cursor(row)
            if cursor is None and self._incremental.on_missing_cursor != "fail":
                self._missing += 1
                if self._incremental.on_missing_cursor == "keep":
                    kept.append(row)
            else:
                try:
                    if self._is_wanted(cursor):
                        kept.append(row)
                except CursorError as error:
                    raise self._refused(row, cursor, error) from None
            self._number += 1
        if rows and self._before is not None:
            self._is_over = self._is_behind(self._before)
        if not self._is_later_page:
            self._is_later_page, self._first = True, self._latest
        return kept

    def restart(self) -> None:
        """The rows come once more from the first on."""
        self._before, self._is_over = None, False
        self._number = self._missing = self._old = self._future = self._meanwhile = 0

    def is_over(self) -> bool:
        """Whether no later page can hold rows of the window: by `row_order`, the rows have come to its other end."""
        return self._is_over

    def version(self, row: Any) -> Moment | None:
        """What a row that comes again is compared by; None for one without a cursor."""
        cursor = self._cursor(row)
        return None if cursor is None else self._form.moment(cursor)

    def is_later(self, one: Moment, other: Moment) -> bool:
        """Of what `version` gives."""
        return self._form.is_later_moment(one, other)

    def stop(self) -> bool:
        """The rest of the rows is for the next run, those with the last cursor, too: more of them may follow. Whether
        the rows are past where the last run came to."""
        self._latest, self._is_stopped = self._before_latest, True
        before, reached = self._window.watermark, self._reached()
        return reached is not None and (
            before is None or self._form.is_later_moment(reached[0], self._form.moment(before))
        )

    def so_far(self) -> str:
        """The watermark before and after these rows."""
        before, reached = self._window.watermark, self._reached()
        return f"watermark {before!r} → {before if reached is None else reached[1]!r}"

    def watermark(self) -> Cursor | None:
        """How far the rows have come; with `step`, at least to just before the end of the window, where that is over by
        the server's clock, too. None: nowhere."""
        for number, what in (
            (self._future, f"have a cursor after {self._end()}; the watermark does not move there"),
            (self._meanwhile, "changed while the pages were read; the watermark does not move there"),
            (self._missing, "have no cursor"),
            (self._old, "were there before and are left out (`filter: client`)"),
        ):
            if number:
                self._log(f"{number:,} rows {what}")
        reached = self._reached()
        if self._latest is not None and reached != self._latest:
            self._log(
                f"later pages have cursors up to {self._latest[1]!r}, but the watermark moves only as far as the first "
                "page, since rows that it had may have changed meanwhile; where the API sorts by the cursor, "
                "`row_order: asc` says so"
            )
        latest = None if reached is None else reached[1]
        if not self._window.is_step or self._is_stopped:
            return latest
        if self._server_time is not None and self._window.until >= self._server_time - LATE:
            self._log(f"by the server's clock it is {self._server_time:%Y-%m-%d %H:%M:%S} UTC, so the step is not over")
            return latest
        end = self._forms.passed(self._window.until, self._window.start)
        return end if latest is None or self._form.is_later(end, latest) else latest

    def _reached(self) -> tuple[Moment, Cursor] | None:
        """The latest cursor that no row before it can have missed."""
        is_in_order = self._incremental.row_order is not None or (self._ascends and _KEPT.search(self._path))
        if self._latest is None or not self._is_later_page or not self._has_no_times or is_in_order:
            return self._latest
        is_first = self._first is None or self._form.is_later_moment(self._latest[0], self._first[0])
        return self._first if is_first else self._latest

    def _cursor(self, row: Any) -> Any:
        cursor: Any = self._cursor_of(row)
        is_none = isinstance(cursor, str) and self._form.format != "text" and _NONE.fullmatch(cursor) is not None
        return None if is_none else cursor

    def _is_wanted(self, cursor: Any) -> bool:
        """Take a cursor in; whether its row is to be handed on."""
        moment, before, order = self._form.moment(cursor), self._before, self._incremental.row_order
        if before is not None and order is not None:
            one, other = (moment, before) if order == "desc" else (before, moment)
            if self._form.is_later_moment(one, other) and not self._form.comes_twice(cursor):
                raise CursorError(f"{cursor!r} is not in the order that `row_order: {order}` says")
        self._before = moment
        self._count(moment, cursor)
        with suppress(CursorError):  # of two kinds: that is said of the latest
            self._ascends = self._ascends and (before is None or not self._form.is_later_moment(before, moment))
        start = self._start if self._incremental.filter == "client" else None
        if start is not None and self._form.is_later_moment(start, moment):
            self._old += 1
            return False
        return True

    def _count(self, moment: Moment, cursor: Cursor) -> None:
        """Take a cursor in as the latest, where it is that and counts."""
        times = self._times(moment, cursor)
        self._has_no_times = self._has_no_times or not times
        may_be_passed = self._is_later_page and self._incremental.row_order != "asc"
        if any(at > self._window.until for at in times):
            self._future += 1
        elif may_be_passed and any(at > self._asked_at for at in times):
            self._meanwhile += 1
        elif self._latest is None or self._form.is_later_moment(moment, self._latest[0]):
            self._latest, self._before_latest = (moment, cursor), self._latest

    def _times(self, moment: Moment, cursor: Cursor) -> list[datetime]:
        """The moments that a cursor may be: none for text, and for a number that counts. Raises CursorError for a
        number that may be a moment in the future, and may be none."""
        if isinstance(moment, str) or self._form.format == "number":
            return []
        if isinstance(moment, datetime):
            return [moment]
        read = [] if _COUNTS.search(self._path) else list(_as_moments(moment))
        late = [at for _, at in read if at > self._window.until + timedelta(days=1)]  # clocks differ
        if late:
            names = "".join(f"`{name}` or " for name, _ in read if name is not None)
            raise CursorError(
                f"{cursor!r} may be a moment in the future ({late[0].date()}) or a number; `cursor_format` says which: "
                f"{names}`number`"
            )
        return [at for _, at in read]

    def _end(self) -> str:
        until = self._window.until
        return f"the end of the step ({until.isoformat()})" if self._window.is_step else "the moment of asking"

    def _is_behind(self, last: Moment) -> bool:
        if self._incremental.row_order == "desc":
            return self._start is not None and self._form.is_later_moment(self._start, last)
        has_end = self._incremental.end_param is not None or self._incremental.step is not None
        asc = self._incremental.row_order == "asc" and has_end
        return asc and isinstance(last, datetime) and last > self._window.until

    def _refused(self, row: Any, cursor: Any, error: CursorError) -> CursorError:
        absent = absent_key(row, self._path) if cursor is None else None
        if cursor is None and (text := self._cursor_of(row)) is not None:
            hint = "`on_missing_cursor: keep` hands such rows on each time, `skip` leaves them out"
            return CursorError(f"row {self._number} at `{self._path}`: {text!r} is no cursor; {hint}")
        if absent is not None and absent.keys is not None:
            where = f"row {self._number}" + (f" at `{absent.parent}`" if absent.parent else "")
            return CursorError(f"{where} has no `{absent.key}`; it has {named(absent.keys)}")
        return CursorError(f"row {self._number} at `{self._path}`: {error}")


_DIGITS = {
    6: "%Y%m",
    8: "%Y%m%d",
    10: "%Y%m%d%H",
    12: "%Y%m%d%H%M",
    14: "%Y%m%d%H%M%S",
    17: "%Y%m%d%H%M%S%f",
}
_SINCE_1970 = (("epoch", 1), ("epoch_ms", 1000), (None, 1_000_000), (None, 1_000_000_000))
_PLAUSIBLE = range(2000, 2200)
"""Years, for numbers that may as well be something else."""


def _as_moments(number: float | Decimal) -> Iterator[tuple[str | None, datetime]]:
    """What a number may be as a moment from 2000 to 9999, each with the `cursor_format` for it; of microseconds and
    nanoseconds there is none."""
    pattern = _DIGITS.get(len(str(int(number)))) if number == int(number) else None
    written: datetime | None = None
    if pattern is not None:
        with suppress(ValueError):
            written = datetime.strptime(str(int(number)), pattern).replace(tzinfo=UTC)
    is_plausible = written is not None and written.year in _PLAUSIBLE
    if written is not None and (is_plausible or pattern in ("%Y%m%d", "%Y%m%d%H%M%S")):
        yield pattern, written
    for name, factor in _SINCE_1970:
        if 946_684_800 * factor <= number <= 253_402_300_799 * factor:
            since = datetime.fromtimestamp(float(number) / factor, UTC)
            if since.year in _PLAUSIBLE or not is_plausible:
                yield name, since
