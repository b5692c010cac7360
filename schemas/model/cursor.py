"""Cursors, by which an incremental poll knows what is new: how they are read, compared and written."""

from __future__ import annotations

import math
import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from email.utils import format_datetime
from typing import Any, Literal

from schemas.model.times import mail_moment, pattern_problem, zone_in

Cursor = int | float | str
CursorKind = Literal["number", "time", "text"]
Moment = int | float | Decimal | datetime | str
"""What a cursor is compared by: a number, a moment in UTC, or text."""

FORMATS = ("iso", "date", "rfc2822", "epoch", "epoch_ms", "number", "text")
"""Names of formats; any other has a `%` in it, as strptime takes it."""
_NUMBER = re.compile(r"-?[0-9]{1,40}(?P<fraction>\.[0-9]{1,40})?(?P<exponent>[eE][+-]?[0-9]{1,3})?")
_FIRST = datetime(1, 1, 2, tzinfo=UTC)  # the first day that is one in each zone
_EXACT = 2**53  # from here on, floats are whole numbers, and not all of them
_TIME = re.compile(
    r"(?P<day>[0-9]{4}(?P<dash>-?)[0-9]{2}(?P=dash)[0-9]{2})"
    r"(?:(?P<between>[T ])[0-9]{2}(?P<colon>:?)[0-9]{2}(?P<seconds>(?P=colon)[0-9]{2}(?:\.(?P<fraction>[0-9]{1,9}))?)?"
    r"(?P<zone> ?(?:Z|UTC|GMT|[+-][0-9]{2}(?::?[0-9]{2})?))?)?"
)
_RFC_2822 = re.compile(
    r"(?:[A-Z][a-z]{2}, ?)?[0-9]{1,2} [A-Z][a-z]{2} [0-9]{4} [0-9]{2}:[0-9]{2}(?::[0-9]{2})? "
    r"(?:[+-][0-9]{4}|GMT|UTC?|[ECMP][SD]T)"
)
_JSON_DATE = re.compile(r"/Date\((?P<milliseconds>-?[0-9]{1,15})(?P<offset>[+-][0-9]{4})?\)/")
_WORD, _DIGITS, _LONG_CODE = re.compile("[0-9A-Za-z]+"), re.compile("[0-9]+"), 5
_UNCLEAR_DATE = re.compile(
    # First dates as numbers, with what has more behind the date than a time; weeks, quarters, times of a day.
    r"[0-9]{1,2}([/.-])[0-9]{1,2}\1(?:[0-9]{2}|[0-9]{4})(?!\d).*|[0-9]{4}([/.-])[0-9]{1,2}\2[0-9]{1,2}(?!\d).*"
    r"|[0-9]{4}(?:[/.-](?:0[1-9]|1[0-2])|-?W[0-9]{2}(?:-?[1-7])?|[ -]?Q[1-4])|[0-9]{8}T.*"
    r"|(?:Q[1-4]|H[12]|[CK]?W ?[0-9]{1,2})[ /.,-]{1,2}[0-9]{4}|.*[0-9] ?[ap]\.?m\.?|[0-9]{1,2}:[0-9]{2}(?!\d).*"
    # Then names of months, of any language where they are between numbers.
    r"|(?:[^\W\d]{2,10}\.?,? )?[0-9]{1,2}[./ -]{1,2}[^\W\d]{3,10}[./, -]{1,2}(?:[0-9]{2}|[0-9]{4})(?!\d).*"
    r"|(?:[A-Za-z]{3,9},? |[0-9]{4}[ /.-])?(?:[0-9]{1,2}[. ] ?)?"
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    r"|nov(?:ember)?|dec(?:ember)?)[., /-].*[0-9].*"
    r"|(?:[0-9]{4}|[0-9]{2})[ /.,-]{1,2}(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?",
    re.IGNORECASE | re.DOTALL,
)


class CursorError(ValueError):
    """A value cannot be a cursor, or two cannot be compared; its text says why."""


@dataclass(frozen=True, slots=True)
class CursorForm:
    """How cursors are read and written. `format`: of `FORMATS`, a strptime pattern, or None, by the value itself."""

    format: str | None = None
    zone: tzinfo = UTC

    def kind(self, value: Any) -> CursorKind:
        """What a value is as a cursor. Raises CursorError for what is none, or can be read in several ways."""
        return _kind(self.moment(value))

    def moment(self, value: Any) -> Moment:
        """What the value is compared by; text that is a number is one: text puts 10 before 9. Raises CursorError."""
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise CursorError(f"a cursor is a number or text, not {_shown(value)}")
        if isinstance(value, float) and not math.isfinite(value):
            # JSON has none, but one that is too large becomes one, and nothing would ever come after it.
            raise CursorError(f"a cursor is a finite number, not {_shown(value)}")
        if has_lost_digits(value):
            raise CursorError(f"{_shown(value)} is a float, which may have lost digits; `decimals: text` keeps them")
        found = self._told(value) if self.format is None else self._formatted(value, self.format)
        return found.astimezone(UTC) if isinstance(found, datetime) else found

    def zone_of(self, value: Cursor) -> tzinfo:
        """The zone that a time is written in: its own, or `zone` where it has none. Raises CursorError."""
        found = self._told(value) if self.format is None else self._formatted(value, self.format)
        return (found.tzinfo if isinstance(found, datetime) else None) or self.zone

    def comes_twice(self, value: Cursor) -> bool:
        """Whether a value is a time without offset from the hour in which clocks are set back."""
        try:
            found = self._told(value) if self.format is None else self._formatted(value, self.format)
        except CursorError:
            return False
        if not isinstance(found, datetime) or found.tzinfo is not self.zone:
            return False
        return found.replace(fold=0).utcoffset() != found.replace(fold=1).utcoffset()

    def is_later(self, value: Cursor, other: Cursor) -> bool:
        """Whether `value` comes after `other`, a day by its start. Raises CursorError for two of different kinds."""
        return self.is_later_moment(self.moment(value), self.moment(other))

    def is_later_moment(self, one: Moment, other: Moment) -> bool:
        """As `is_later`, for what cursors are compared by."""
        if _kind(one) != _kind(other):
            kinds = f"{_shown(one)} is a {_kind(one)} and {_shown(other)} is a {_kind(other)}"
            raise CursorError(f"{kinds}: neither comes first; `cursor_format: text` compares all as text")
        if self.format is None and type(one) is type(other):
            _refuse_numbered(one, other)
        return bool(one > other)  # type: ignore[operator] # both are numbers, moments or text

    def before(self, value: Cursor, lag: timedelta | int) -> Cursor:
        """The cursor that is `lag` before `value`, written as that is, rounded down. Raises CursorError."""
        moment = self.moment(value)
        if isinstance(lag, timedelta):
            if not isinstance(moment, datetime):
                raise CursorError(f"`lag` is a duration and the cursor {_shown(value)} is a {self.kind(value)}")
            return self.written(moment - min(lag, max(moment - _FIRST, timedelta())), value)
        if isinstance(moment, datetime | str):
            raise CursorError(f"`lag` is a number and the cursor {_shown(value)} is a {self.kind(value)}")
        moved = moment - int(lag)
        return str(moved) if isinstance(value, str) or isinstance(moved, Decimal) else moved

    def written(self, moment: datetime, like: Cursor | None = None) -> Cursor:
        """A moment in this form; where the form is to be told from values, as `like` is written, else ISO 8601."""
        if self.format is None and isinstance(like, str):
            if _RFC_2822.fullmatch(like):
                return format_datetime(moment.astimezone(UTC), usegmt=True)
            if (date := _JSON_DATE.fullmatch(like)) is not None:
                return f"/Date({math.floor(moment.timestamp() * 1000)}{date['offset'] or ''})/"
        match self.format:
            case None | "iso" | "date":
                pattern = like if isinstance(like, str) and _TIME.fullmatch(like) else None
                default = "2026-01-01" if self.format == "date" else "2026-01-01T00:00:00Z"
                return self._iso(moment, pattern or default)
            case "rfc2822":
                return format_datetime(moment.astimezone(UTC), usegmt=True)
            case "epoch" | "epoch_ms":
                number = math.floor(moment.timestamp() * (1000 if self.format == "epoch_ms" else 1))
                return str(number) if isinstance(like, str) else number
            case "number" | "text":
                raise CursorError(f"a moment cannot be written as `{self.format}`")
            case pattern:
                # A name of a zone is read back only where it is that of UTC, or of the machine.
                own = UTC if "%Z" in pattern else self.zone
                if isinstance(like, str) and "%z" in pattern.lower():
                    own = self.zone_of(like)
                return moment.astimezone(zone_in(pattern) or own).strftime(pattern)

    def converted(self, value: Cursor, to: CursorForm) -> Cursor:
        """A cursor of this form, written in another one. Raises CursorError."""
        moment = self.moment(value)
        if isinstance(moment, datetime):
            return to.written(moment)
        if to.format in (None, "number", "text"):
            return str(value) if to.format == "text" else value
        raise CursorError(f"the cursor {_shown(value)} is a {self.kind(value)}, which `{to.format}` cannot write")

    def _told(self, value: Cursor) -> Moment:
        if not isinstance(value, str):
            return value
        if (number := _number(value)) is not None:
            if value.isalnum() and not value.isdecimal():  # `1e9`, also a hexadecimal number
                raise CursorError(
                    f"{_shown(value)} may be a number or a code; `cursor_format` says it: `number`, `text`"
                )
            return number
        if _TIME.fullmatch(value) and (moment := self._parsed(_iso_moment, value)) is not None:
            return moment
        if (date := _JSON_DATE.fullmatch(value)) is not None:
            since = self._since_1970(int(date["milliseconds"]), "epoch_ms")
            if since is not None:
                return since
        if _RFC_2822.fullmatch(value) and (moment := self._parsed(mail_moment, value)) is not None:
            return moment
        if _UNCLEAR_DATE.fullmatch(value):
            raise CursorError(
                f"{_shown(value)} looks like a date that can be read in several ways; `cursor_format` says how, such "
                "as `%d/%m/%Y`, or `text` where it is no date"
            )
        return value

    def _formatted(self, value: Cursor, name: str) -> Moment:
        found: Moment | None = None
        match name:
            case "text":
                found = str(value)
            case "number" | "epoch" | "epoch_ms":
                number = value if not isinstance(value, str) else _number(value)
                found = number if name == "number" or number is None else self._since_1970(number, name)
            case "rfc2822":
                found = self._parsed(mail_moment, str(value))
            case "iso" | "date":
                found = self._parsed(_iso_moment, str(value))
            case pattern:
                found = self._parsed(lambda text: self._by_pattern(text, pattern), str(value))
        if found is None:
            raise CursorError(f"{_shown(value)} does not fit `cursor_format: {name}`")
        return found

    def _parsed(self, parse: Any, text: str) -> datetime | None:
        try:
            moment: datetime = parse(text)
            moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=self.zone)
            moment.astimezone(UTC)  # near the first and the last year it has no moment there
        except (ValueError, OverflowError, TypeError, IndexError):
            return None
        return moment

    def _by_pattern(self, text: str, pattern: str) -> datetime:
        moment = datetime.strptime(text, pattern)
        if moment.tzinfo is not None:
            return moment
        zone = zone_in(pattern)
        if zone is None and "%Z" in pattern:
            # `datetime` reads the name, and forgets it.
            name = time.strptime(text, pattern).tm_zone
            zone = UTC if name.upper() in ("UTC", "GMT") else self.zone
            if zone is self.zone and moment.replace(tzinfo=zone).tzname() != name:
                raise ValueError(name)
        return moment.replace(tzinfo=zone)

    @staticmethod
    def _since_1970(number: int | float | Decimal, name: str) -> datetime | None:
        try:
            return datetime.fromtimestamp(float(number) / (1000 if name == "epoch_ms" else 1), UTC)
        except (ValueError, OverflowError, OSError):
            return None

    def _iso(self, moment: datetime, pattern: str) -> str:
        match = _TIME.fullmatch(pattern)
        if match is None:
            raise CursorError(f"{_shown(pattern)} is no time")
        own = _iso_moment(pattern).tzinfo if match["zone"] else self.zone
        moment = moment.astimezone(own)
        day = moment.date().isoformat().replace("-", match["dash"])
        if match["between"] is None:
            return day
        digits = len(match["fraction"] or "")
        timespec = "milliseconds" if 0 < digits <= 3 else "microseconds" if digits else "seconds"
        if match["seconds"] is None:
            timespec = "minutes"
        time = moment.time().isoformat(timespec)
        return day + match["between"] + (time if match["colon"] else time.replace(":", "")) + (match["zone"] or "")


def format_problem(name: str) -> str | None:
    """What is wrong with a `cursor_format`; None if nothing is."""
    if "%" not in name:
        return None if name in FORMATS else "it is neither one of the formats nor a pattern with `%`"
    return pattern_problem(name)


def _iso_moment(text: str) -> datetime:
    """As `datetime.fromisoformat`, also with a space before the offset and with `UTC`."""
    match = _TIME.fullmatch(text)
    zone = match["zone"] if match is not None else None
    if zone is None:
        return datetime.fromisoformat(text)
    return datetime.fromisoformat(text[: -len(zone)] + ("Z" if zone.strip() in ("UTC", "GMT") else zone.strip()))


def _kind(moment: Moment) -> CursorKind:
    return "time" if isinstance(moment, datetime) else "text" if isinstance(moment, str) else "number"


def has_lost_digits(value: Any) -> bool:
    """Whether a number that is to tell rows apart may be another one than the server sent."""
    return isinstance(value, float) and abs(value) >= _EXACT


def _number(text: str) -> int | Decimal | None:
    found = _NUMBER.fullmatch(text)
    return None if found is None else Decimal(text) if found["fraction"] or found["exponent"] else int(text)


def _refuse_numbered(one: Moment, other: Moment) -> None:
    """What sorts in two ways: `v9` and `v10`, `ff` and `10a` by their text or length, `1.9` and `1.10` as versions."""
    is_clear = True
    if isinstance(one, Decimal) and isinstance(other, Decimal) and one != other:
        (start, _, part), (end, _, rest) = (f"{number:f}".partition(".") for number in (one, other))
        # Seconds since 1970 are no versions: these begin with few digits.
        is_clear = start != end or len(start) > 4 or (one > other) == (int(part or 0) > int(rest or 0))
    elif isinstance(one, str) and isinstance(other, str) and one != other:
        at = next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
        words, numbers = (
            [next((m.group() for m in kind.finditer(text) if m.start() <= at <= m.end()), "") for text in (one, other)]
            for kind in (_WORD, _DIGITS)
        )
        # Codes of one length sort by their text, where they are no short names with a number in them.
        parts = numbers if len(words[0]) == len(words[1]) and len(words[0]) < _LONG_CODE and all(numbers) else words
        is_longer, has_digit = len(parts[0]) - len(parts[1]), re.search("[0-9]", "".join(parts)) is not None
        is_clear = not is_longer or not has_digit or (one > other) == (is_longer > 0)
    if not is_clear:
        name = "number" if isinstance(one, Decimal) else "text"
        what = "hold numbers of different lengths, which text sorts otherwise than they count; write `cursor_format:"
        raise CursorError(f"{_shown(str(one))} and {_shown(str(other))} {what} {name}` if the API sorts them as {name}")


def _shown(value: Any) -> str:
    plain = value.isoformat() if isinstance(value, datetime) else value
    text = str(value) if isinstance(value, Decimal) else repr(plain)
    return text if len(text) <= 60 else f"{text[:60]}…"
