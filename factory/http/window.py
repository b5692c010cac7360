"""What a run of an incremental poll asks for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from schemas.model.cursor import Cursor, CursorError, CursorForm
from schemas.model.polling import Incremental

LATE = timedelta(minutes=15)
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
        return cls(start, until, until < now - LATE, watermark)

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
