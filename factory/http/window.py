"""What a run of an incremental poll asks for, and how far the rows take it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from factory.http.selection import absent_key, named, search
from schemas.model.cursor import Cursor, CursorError, CursorForm, Moment
from schemas.model.polling import Incremental

_COUNTS = re.compile(
    r"(?:(?:^|[^A-Za-z])(?:id|no)|I[dD]|(?i:number|seq|sequence|version|revision|offset|position))\"?$"
)
"""Names of what numbers rows, so that none is a moment."""


_NONE = re.compile(r"\s*|0{2,4}([-/.])00\1(?:00){1,2}(?:[T ][0:.]+)?(?:Z|[+-][0:]+)?")
"""Texts by which a row has no cursor: nothing, as CSV has it, and the zero date of MySQL."""
_LATE = timedelta(minutes=15)
"""So much later a row may arrive, by another clock or a slow transaction, than its cursor says: a step that ends less
than this ago is not over."""


class Forms:
    """How rows write their cursors, and how the request takes them."""

    def __init__(self, incremental: Incremental, timezone: str) -> None:
        zone = ZoneInfo(timezone)
        self.rows = CursorForm(incremental.cursor_format, zone)
        self._param = CursorForm(incremental.param_format, zone)
        self._converts = incremental.param_format is not None

    def asked(self, cursor: Cursor) -> Cursor:
        """A cursor as the request takes it. Raises CursorError."""
        return self.rows.converted(cursor, self._form(cursor, min)) if self._converts else cursor

    def asked_moment(self, moment: datetime, like: Cursor | None) -> Cursor:
        """A moment as the request takes it."""
        return self._form(like, max).written(moment) if self._converts else self.rows.written(moment, like)

    def passed(self, end: datetime, like: Cursor | None) -> Cursor:
        """The watermark behind a window up to `end`, whose rows may not have reached it: what comes before the end that
        was sent. An API may leave out both ends, and then no window would have the rows between two."""
        sent = self.asked_moment(end, like)
        moment = (self._form(like, max) if self._converts else self.rows).moment(sent)
        assert isinstance(moment, datetime)  # noqa: S101 # it was written from one
        return self.rows.written(moment - timedelta(microseconds=1), like)

    def _form(self, cursor: Cursor | None, pick: Callable[..., Any]) -> CursorForm:
        """The form of the request. What it writes may have no zone, and which one the API then means is not known: that
        of its own times, or the pipeline's. The earlier start and the later end leave no rows out."""
        if cursor is None or not isinstance(moment := self.rows.moment(cursor), datetime):
            return self._param
        zones = (self._param.zone, self.rows.zone_of(cursor))
        return replace(self._param, zone=pick(zones, key=lambda zone: moment.astimezone(zone).replace(tzinfo=None)))


@dataclass(frozen=True, slots=True)
class Window:
    """From a cursor, or from the beginning, to a moment: that of asking, or with `step` an earlier one (`is_step`).
    `watermark`: the one that was there, from which `start` may be a lag away."""

    start: Cursor | None
    until: datetime
    is_step: bool = False
    watermark: Cursor | None = None

    @classmethod
    def after(cls, incremental: Incremental, forms: Forms, watermark: Cursor | None) -> Window:
        """The window of a run that starts now. Raises CursorError where the lag or the step does not fit."""
        start = incremental.initial_value if watermark is None else watermark
        now = datetime.now(UTC)
        until = now
        if incremental.step is not None and start is not None:
            moment = forms.rows.moment(start)
            if not isinstance(moment, datetime):
                raise CursorError(f"`step` is a duration and the cursor {start!r} is a {forms.rows.kind(start)}")
            until = moment + incremental.step
            # A cursor may be too coarse for the step, as a date is for hours: then it would never come further.
            while until < now and not forms.rows.is_later(forms.passed(until, start), start):
                until += until - moment
            until = min(now, until)
        if watermark is not None and incremental.lag is not None:
            start = forms.rows.before(watermark, incremental.lag)
        if isinstance(start, str) and forms.rows.comes_twice(start):
            # Where clocks were set back, later rows have earlier times.
            start = forms.rows.before(start, timedelta(hours=1))
        return cls(start, until, until < now - _LATE, watermark)

    @classmethod
    def stored(cls, record: Mapping[str, Any]) -> Window:
        """The window that a run fixed when it first started."""
        until = record.get("until")
        moment = datetime.fromisoformat(until) if until is not None else datetime.now(UTC)
        return cls(record.get("start"), moment, bool(record.get("is_step")), record.get("watermark"))

    def record(self) -> dict[str, Any]:
        """What `stored` takes."""
        record = {"start": self.start, "until": self.until.isoformat(), "is_step": self.is_step}
        return record if self.watermark is None else {**record, "watermark": self.watermark}


class RowProgress:
    """Follows the rows of a run: the latest cursor, and whether the window is over. `log` gets what looks wrong.

    A cursor after the window's end does not count: the watermark is never later than the moment of asking, or nothing
    would arrive any more.
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
        self._number = 0
        self._missing = self._old = self._future = 0
        self._is_over = self._is_stopped = False

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
        return kept

    def restart(self) -> None:
        """The rows come once more from the first on."""
        self._before, self._is_over = None, False
        self._number = self._missing = self._old = self._future = 0

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
        before = self._window.watermark
        return self._latest is not None and (
            before is None or self._form.is_later_moment(self._latest[0], self._form.moment(before))
        )

    def so_far(self) -> str:
        """The watermark before and after these rows."""
        before = self._window.watermark
        return f"watermark {before!r} → {before if self._latest is None else self._latest[1]!r}"

    def watermark(self, server_time: datetime | None = None) -> Cursor | None:
        """How far the rows have come; with `step`, at least to just before the end of the window, where that is over by
        the server's clock, too. None: nowhere."""
        for number, what in (
            (self._future, f"have a cursor after {self._end()}; the watermark does not move there"),
            (self._missing, "have no cursor"),
            (self._old, "were there before and are left out (`filter: client`)"),
        ):
            if number:
                self._log(f"{number:,} rows {what}")
        latest = None if self._latest is None else self._latest[1]
        if not self._window.is_step or self._is_stopped:
            return latest
        if server_time is not None and self._window.until >= server_time - _LATE:
            self._log(f"by the server's clock it is {server_time:%Y-%m-%d %H:%M:%S} UTC, so the step is not over")
            return latest
        end = self._forms.passed(self._window.until, self._window.start)
        return end if latest is None or self._form.is_later(end, latest) else latest

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
        if self._is_future(moment, cursor):
            self._future += 1
        elif self._latest is None or self._form.is_later_moment(moment, self._latest[0]):
            self._latest, self._before_latest = (moment, cursor), self._latest
        start = self._start if self._incremental.filter == "client" else None
        if start is not None and self._form.is_later_moment(start, moment):
            self._old += 1
            return False
        return True

    def _is_future(self, moment: Moment, cursor: Cursor) -> bool:
        """Raises CursorError for a number that may be a moment in the future, and may be none."""
        if isinstance(moment, str) or self._form.format == "number":
            return False
        if isinstance(moment, datetime):
            return moment > self._window.until
        read = [] if _COUNTS.search(self._path) else list(_as_moments(moment))
        late = [at for _, at in read if at > self._window.until + timedelta(days=1)]
        if late:
            names = "".join(f"`{name}` or " for name, _ in read if name is not None)
            raise CursorError(
                f"{cursor!r} may be a moment in the future ({late[0].date()}) or a number; `cursor_format` says which: "
                f"{names}`number`"
            )
        return any(at > self._window.until for _, at in read)  # clocks differ

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
