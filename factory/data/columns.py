"""Types of columns: which type the values of a column have, and values as a type takes them, without losing a digit.

The types are dlt's: `bigint`, `double`, `decimal`, `text`, `bool`, `timestamp`, `date`, `time`, `json` and `binary`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Any
from uuid import UUID

from factory.data.row_formats import json_value

DIGITS = 38
"""Most digits of a `decimal`."""
SCALE = 9
"""Digits behind the point of a `decimal` of which nothing is known; dlt's own."""
_WHOLE = 2**63
_FLOAT_DIGITS = 15
"""Significant digits that a 64-bit float always keeps."""
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d:?\d\d)", re.ASCII)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_INTEGER = re.compile(r"-?(?:0|[1-9]\d*)", re.ASCII)
_DECIMAL = re.compile(r"-?(?:0|[1-9]\d*)\.\d+", re.ASCII)


class MisfitError(ValueError):
    """A value that a type does not take without losing something."""


@dataclass(frozen=True, slots=True)
class ColumnType:
    """`precision` and `scale` are the digits of a `decimal`; `zoned`: whether a `timestamp` is a moment."""

    data_type: str
    precision: int | None = None
    scale: int | None = None
    zoned: bool = True

    def hints(self) -> dict[str, Any]:
        """As dlt takes it."""
        found: dict[str, Any] = {"data_type": self.data_type}
        if self.precision is not None:
            found["precision"] = self.precision
        if self.data_type == "decimal" and self.scale is not None:
            found["scale"] = self.scale
        if self.data_type == "timestamp":
            found["timezone"] = self.zoned
        return found


@dataclass(slots=True)
class Seen:
    """What the values of a column have been so far. `reads_text`: they come from CSV, where all is text."""

    reads_text: bool = False
    types: set[type] = field(default_factory=set)
    whole: int = 0
    """Digits before the point."""
    scale: int = 0
    integer: int = 0
    """Digits of whole numbers."""
    longest: int = 0
    """Characters of the longest text."""
    kinds: set[str] = field(default_factory=set)
    """What texts can be besides."""
    zoned: set[bool] = field(default_factory=set)

    def add(self, values: Iterable[Any]) -> None:
        """Take more values into account."""
        values = [value for value in values if value is not None]
        types = set(map(type, values))
        self.types |= types
        if int in types:
            self._integers([value for value in values if type(value) is int])
        if float in types:
            self._floats([value for value in values if type(value) is float])
        if Decimal in types:
            for value in values:
                if isinstance(value, Decimal):
                    self._decimal(value)
        if datetime in types:
            self.zoned |= {value.tzinfo is not None for value in values if isinstance(value, datetime)}
        if str in types:
            self._texts([value for value in values if type(value) is str])

    def _integers(self, values: list[int]) -> None:
        self.integer = max(self.integer, len(str(abs(min(values)))), len(str(abs(max(values)))))
        self.whole = max(self.whole, self.integer)
        if min(values) < -_WHOLE or max(values) >= _WHOLE:
            self.kinds.add("large")

    def _floats(self, values: list[float]) -> None:
        for text in map(repr, values):
            whole, _, after = text.partition(".")
            if after.isdigit():
                self.whole = max(self.whole, len(whole.lstrip("-")))
                self.scale = max(self.scale, len(after))
            else:  # an exponent, or not a finite number
                self._decimal(Decimal(text))

    def _decimal(self, value: Decimal) -> None:
        if not value.is_finite():
            self.kinds.add("not finite")
            return
        _, digits, exponent = value.as_tuple()
        self.scale = max(self.scale, -int(exponent))
        self.whole = max(self.whole, len(digits) + int(exponent))

    def _texts(self, values: list[str]) -> None:
        self.longest = max(self.longest, *map(len, values))
        if self.kinds >= {"text"}:
            return
        for value in values:
            kind = text_kind(value, is_csv=self.reads_text)
            self.kinds.add(kind)
            if kind == "text":
                return
            if kind in ("integer", "decimal"):
                self._decimal(Decimal(value))

    def column_type(self) -> ColumnType | None:
        """The type that takes all of the values; None where there is no value."""
        if not self.types:
            return None
        for test, kind in _BY_TYPES:
            if all(issubclass(one, test) for one in self.types):
                return kind(self)
        if dict in self.types or list in self.types:
            return ColumnType("json")
        return ColumnType("text")

    def number(self) -> ColumnType:
        """Of whole numbers, floats and decimals."""
        if self.types <= {int} and "large" not in self.kinds:
            return ColumnType("bigint")
        if Decimal not in self.types and float in self.types and self.integer <= _FLOAT_DIGITS:
            return ColumnType("double")
        return self.decimal()

    def decimal(self) -> ColumnType:
        scale = max(SCALE, self.scale)
        if self.whole + scale > DIGITS:
            scale = self.scale
        if self.whole + scale > DIGITS or "not finite" in self.kinds:
            return ColumnType("text")
        return ColumnType("decimal", DIGITS, scale)

    def text(self) -> ColumnType:
        if self.kinds == {"instant"}:
            return ColumnType("timestamp")
        if self.kinds == {"integer"} and self.whole < 19:
            return ColumnType("bigint")
        if self.kinds and self.kinds <= {"integer", "decimal"}:
            return self.decimal()
        if self.kinds == {"day"}:
            return ColumnType("date")
        return ColumnType("bool" if self.kinds == {"bool"} else "text")

    def timestamp(self) -> ColumnType:
        return ColumnType("timestamp", zoned=True in self.zoned) if len(self.zoned) == 1 else ColumnType("text")


_BY_TYPES: tuple[tuple[Any, Callable[[Seen], ColumnType]], ...] = (
    (bool, lambda _: ColumnType("bool")),
    ((int, float, Decimal), Seen.number),
    (str, Seen.text),
    (datetime, Seen.timestamp),
    (date, lambda _: ColumnType("date")),
    (time, lambda _: ColumnType("time")),
    ((bytes, bytearray, memoryview), lambda _: ColumnType("binary")),
    ((dict, list, tuple), lambda _: ColumnType("json")),
)
"""The first that all types of a column are counts. `bool` is an `int` and a `datetime` a `date`: they go first."""


def text_kind(value: str, *, is_csv: bool) -> str:
    """What a text is besides text. Of JSON only a moment with its zone counts; of CSV, where all is text, also numbers
    and dates, where they are written as they would be written back."""
    if _INSTANT.fullmatch(value) and _moment(value) is not None:
        return "instant"
    if not is_csv:
        return "text"
    if _INTEGER.fullmatch(value):
        return "integer"
    if _DECIMAL.fullmatch(value):
        return "decimal"
    if _DAY.fullmatch(value):
        return "day"
    return "bool" if value in ("true", "false") else "text"


def fitted(value: Any, kind: ColumnType) -> Any:
    """The value as `kind` takes it. Raises MisfitError where it would not be the same any more."""
    if value is None:
        return None
    try:
        return _FITTED[kind.data_type](value, kind)
    except (ValueError, InvalidOperation, OverflowError, TypeError):
        raise MisfitError(f"{type(value).__name__}") from None


def fits_as_it_is(types: set[type], kind: ColumnType) -> bool:
    """Whether values of these Python types need no conversion, and always fit."""
    return types <= _AS_IT_IS.get(kind.data_type, frozenset())


_AS_IT_IS: Mapping[str, frozenset[type]] = MappingProxyType(
    {
        "double": frozenset({float, type(None)}),
        "text": frozenset({str, type(None)}),
        "bool": frozenset({bool, type(None)}),
        "binary": frozenset({bytes, type(None)}),
        "time": frozenset({time, type(None)}),
    }
)


def _bigint(value: Any, _: ColumnType) -> int:
    if isinstance(value, str) and not _INTEGER.fullmatch(value):
        raise ValueError
    if not isinstance(value, int | float | Decimal | str):
        raise TypeError
    number = int(value)
    if number != (int(value) if isinstance(value, str) else value) or not -_WHOLE <= number < _WHOLE:
        raise ValueError
    return number


def _double(value: Any, _: ColumnType) -> float:
    if isinstance(value, float):
        return value
    if not isinstance(value, int | Decimal | str):
        raise TypeError
    exact, near = Decimal(value), float(value)
    if Decimal(repr(near)) != exact:
        raise ValueError
    return near


def _decimal(value: Any, kind: ColumnType) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        raise TypeError
    exact = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    if not exact.is_finite():
        raise ValueError
    digits, scale = kind.precision or DIGITS, SCALE if kind.scale is None else kind.scale
    _, figures, exponent = exact.normalize().as_tuple()
    if -int(exponent) > scale or len(figures) + int(exponent) > digits - scale:
        raise ValueError
    return exact


def _text(value: Any, _: ColumnType) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list | tuple):
        return as_json(value)
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, int | Decimal | UUID):
        return str(value)
    if isinstance(value, float):
        return repr(value)
    raise TypeError


def _bool(value: Any, _: ColumnType) -> bool:
    if isinstance(value, str | int):
        for one, meant in (("true", True), ("false", False), (1, True), (0, False)):
            if value == one:
                return meant
    raise TypeError


def _timestamp(value: Any, kind: ColumnType) -> datetime:
    moment = _moment(value) if isinstance(value, str) else value
    if isinstance(moment, date) and not isinstance(moment, datetime):
        moment = datetime(moment.year, moment.month, moment.day)  # its zone is settled below
    if not isinstance(moment, datetime):
        raise TypeError
    if not kind.zoned:
        return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo is not None else moment
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _moment(value: str) -> datetime | None:
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        return None


def _date(value: Any, _: ColumnType) -> date:
    if isinstance(value, str):
        if not _DAY.fullmatch(value):
            raise ValueError
        return date.fromisoformat(value)
    if isinstance(value, datetime):
        if value.tzinfo is not None or value.time() != time():
            raise ValueError
        return value.date()
    if not isinstance(value, date):
        raise TypeError
    return value


def _time(value: Any, _: ColumnType) -> time:
    if isinstance(value, str):
        return time.fromisoformat(value)
    if not isinstance(value, time):
        raise TypeError
    return value


def _binary(value: Any, _: ColumnType) -> bytes:
    if not isinstance(value, bytes | bytearray | memoryview):
        raise TypeError
    return bytes(value)


def as_json(value: Any) -> str:
    """A nested value as JSON text."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=json_value)


_FITTED: Mapping[str, Callable[[Any, ColumnType], Any]] = MappingProxyType(
    {
        "bigint": _bigint,
        "double": _double,
        "decimal": _decimal,
        "text": _text,
        "bool": _bool,
        "timestamp": _timestamp,
        "date": _date,
        "time": _time,
        "binary": _binary,
        "json": lambda value, _: as_json(value),
    }
)
