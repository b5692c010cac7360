"""Types of columns: which type the values of a column have.

The types are dlt's: `bigint`, `double`, `decimal`, `text`, `bool`, `timestamp`, `date`, `time`, `json` and `binary`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

DIGITS = 38
"""Most digits of a `decimal`."""
SCALE = 9
"""Digits behind the point of a `decimal` of which nothing is known; dlt's own."""
WHOLE = 2**63
FLOAT_DIGITS = 15
"""Significant digits that a 64-bit float always keeps."""
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d:?\d\d)", re.ASCII)
DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
INTEGER = re.compile(r"-?(?:0|[1-9]\d*)", re.ASCII)
_DECIMAL = re.compile(r"-?(?:0|[1-9]\d*)\.\d+", re.ASCII)


@dataclass(frozen=True, slots=True)
class ColumnType:
    """`precision` and `scale` are the digits of a `decimal`; `zoned`: whether a `timestamp` is a moment.

    A `precision` of a `double` is that of a 32-bit float; that of a `timestamp` or a `time` is the digits behind the
    second, where a column keeps fewer than six.
    """

    data_type: str
    precision: int | None = None
    scale: int | None = None
    zoned: bool = True

    def hints(self) -> dict[str, Any]:
        """As dlt takes it."""
        found: dict[str, Any] = {"data_type": self.data_type}
        if self.precision is not None and self.data_type != "double":
            found["precision"] = self.precision
        if self.data_type == "decimal" and self.scale is not None:
            found["scale"] = self.scale
        if self.data_type == "timestamp":
            found["timezone"] = self.zoned
        return found


SINGLE = ColumnType("double", 6)
"""A float of 32 bits."""


def as_declared(kind: ColumnType, declared: str, second_digits: int | None) -> ColumnType:
    """The type of a column that somebody else has made. dlt tells neither that a column is of single precision or keeps
    no fractions of seconds, nor DuckDB's whole numbers without a sign: the database would round, and say nothing. Nor
    does it tell MariaDB's JSON from text, which the database would refuse."""
    if declared in ("real", "float"):
        return SINGLE
    if declared == "json":
        return ColumnType("json")
    if declared in ("utinyint", "usmallint", "uinteger", "ubigint", "uhugeint"):
        return ColumnType("bigint")
    digits = {"timestamp_s": 0, "timestamp_ms": 3}.get(declared, second_digits)
    narrow = digits is not None and digits < 6 and kind.data_type in ("timestamp", "time")
    return replace(kind, precision=digits) if narrow else kind


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
        if datetime in types or time in types:
            self.zoned |= {value.tzinfo is not None for value in values if isinstance(value, datetime | time)}
        if str in types:
            self._texts([value for value in values if type(value) is str])

    def _integers(self, values: list[int]) -> None:
        self.integer = max(self.integer, len(str(abs(min(values)))), len(str(abs(max(values)))))
        self.whole = max(self.whole, self.integer)
        if min(values) < -WHOLE or max(values) >= WHOLE:
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
        # A `bool` is an `int` and a `datetime` a `date`: beside these, they are something else.
        kinds = {next((kind for test, kind in _BY_TYPES if issubclass(one, test)), None) for one in self.types}
        if len(kinds) == 1 and (only := kinds.pop()) is not None:
            return only(self)
        if dict in self.types or list in self.types:
            return ColumnType("json")
        return ColumnType("text")

    def number(self) -> ColumnType:
        """Of whole numbers, floats and decimals."""
        if self.types <= {int} and "large" not in self.kinds:
            return ColumnType("bigint")
        if Decimal not in self.types and float in self.types and self.integer <= FLOAT_DIGITS:
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
    (time, lambda seen: ColumnType("text" if True in seen.zoned else "time")),
    ((bytes, bytearray, memoryview), lambda _: ColumnType("binary")),
    ((dict, list, tuple), lambda _: ColumnType("json")),
)
"""The first that a type is counts: `bool` and `datetime` go first."""


def text_kind(value: str, *, is_csv: bool) -> str:
    """What a text is besides text. Of JSON only a moment with its zone counts; of CSV, where all is text, also numbers
    and dates, where they are written as they would be written back."""
    if _INSTANT.fullmatch(value) and moment_of(value) is not None:
        return "instant"
    if not is_csv:
        return "text"
    if INTEGER.fullmatch(value):
        return "integer"
    if _DECIMAL.fullmatch(value):
        return "decimal"
    if DAY.fullmatch(value):
        return "day"
    return "bool" if value in ("true", "false") else "text"


def moment_of(value: str) -> datetime | None:
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        return None
