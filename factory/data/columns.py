"""Types of columns: which type the values of a column have.

The types are dlt's: `bigint`, `double`, `decimal`, `text`, `bool`, `timestamp`, `date`, `time`, `json` and `binary`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from decimal import Decimal
from types import MappingProxyType
from typing import Any, NamedTuple

from factory.data.forms import text_kind

DIGITS = 38
SCALE = 9
"""Most digits of a `decimal`, and those behind the point where nothing is known of it; dlt's own."""
WHOLE = 2**63
FLOAT_DIGITS = 15
"""Significant digits that a 64-bit float always keeps."""
_SAMPLE = 1_000
"""Texts of a batch that are looked at where the column is one of text."""


@dataclass(frozen=True, slots=True)
class ColumnType:
    """`precision` and `scale` are the digits of a `decimal`; `zoned`: whether a `timestamp` is a moment.

    A `precision` of a `double` is that of a 32-bit float; that of a `timestamp` or a `time` is the digits behind the
    second, where a column keeps fewer than six; that of a `text` its characters, that of a `bigint` its bits, of which
    none is for a sign where `signed` is false."""

    data_type: str
    precision: int | None = None
    scale: int | None = None
    zoned: bool = True
    signed: bool = True

    def __str__(self) -> str:
        digits = [str(one) for one in (self.precision, self.scale) if one is not None]
        return f"{self.data_type}({', '.join(digits)})" if digits and self.data_type == "decimal" else self.data_type

    def hints(self) -> dict[str, Any]:
        """As dlt takes it."""
        found: dict[str, Any] = {"data_type": self.data_type}
        if self.precision is not None and self.data_type not in ("double", "bigint"):
            found["precision"] = self.precision
        if self.data_type == "decimal" and self.scale is not None:
            found["scale"] = self.scale
        if self.data_type == "timestamp":
            found["timezone"] = self.zoned
        return found


def differs(wanted: ColumnType, kind: ColumnType) -> bool:
    """Whether a column is of another type than the wanted one. Digits that are not written are of no interest."""
    if (wanted.data_type, kind.data_type) == ("bool", "bigint"):  # which MySQL makes of it
        return False
    if wanted.data_type != kind.data_type or wanted.data_type != "decimal" or wanted.precision is None:
        return wanted.data_type != kind.data_type
    return wanted.precision != kind.precision or wanted.scale not in (None, kind.scale or 0)


SINGLE = ColumnType("double", 6)
"""A float of 32 bits."""
ANY_DECIMAL = ColumnType("decimal", 131_072 + 16_383, 16_383)
"""A `numeric` of PostgreSQL that is declared without digits."""


@dataclass(slots=True)
class Column:
    """What becomes of one key of the rows. `kind` is the type of the column `name`, None where there is none: its
    values are left out. `variant` is the column that takes the values that do not fit, by name and type."""

    name: str
    kind: ColumnType | None
    variant: tuple[str, ColumnType] | None = None


class Declared(NamedTuple):
    """A type as the database names it, its digits behind the second, its characters, how SQL writes it, without digits
    and with them, and PostgreSQL's sort of it, or of its elements: `d` for a domain, `c` for a composite type."""

    name: str = ""
    second_digits: int | None = None
    characters: int | None = None
    written: str = ""
    full: str = ""
    sort: str = ""


_KNOWN = MappingProxyType({"real": SINGLE, "float": SINGLE, "json": ColumnType("json"), "any numeric": ANY_DECIMAL})
_BITS = MappingProxyType({"tinyint": 8, "smallint": 16, "mediumint": 24, "integer": 32, "int": 32})
_UNSIGNED = MappingProxyType({"utinyint": 8, "usmallint": 16, "uinteger": 32, "ubigint": 64, "uhugeint": 128})
_SHORT_TEXTS = ("varchar", "char", "character varying", "character")


def as_declared(kind: ColumnType, declared: Declared) -> ColumnType:
    """The type of a column that somebody else has made. dlt does not tell how many digits, characters or bits a column
    keeps, nor MariaDB's JSON from text: the database would round, and say nothing, or name no column."""
    name = declared.name
    if scaled := re.fullmatch(r"(?:double|float)\((\d+),(\d+)\).*", declared.written):  # MySQL's
        return ColumnType("decimal", int(scaled[1]), int(scaled[2]))
    if name in _KNOWN or name.endswith("]"):  # a list of DuckDB's, which dlt may take for one of its values
        return _KNOWN.get(name, ColumnType("text"))
    if bits := _UNSIGNED.get(name):
        return ColumnType("bigint", bits, signed=False)
    if kind.data_type == "bigint":
        return replace(kind, precision=_BITS.get(name))
    if kind.data_type == "text":
        return replace(kind, precision=declared.characters if name in _SHORT_TEXTS else None)
    digits = {"timestamp_s": 0, "timestamp_ms": 3}.get(
        name, 6 if declared.second_digits is None else declared.second_digits
    )
    return replace(kind, precision=digits) if digits < 6 and kind.data_type in ("timestamp", "time") else kind


@dataclass(slots=True)
class Seen:
    """What the values of a column have been so far. `reads_text`: they come from CSV, where all is text; `whole`: their
    digits before the point; `longest`: characters of the longest text."""

    reads_text: bool = False
    types: set[type] = field(default_factory=set)
    whole: int = 0
    scale: int = 0
    integer: int = 0
    """Digits of whole numbers."""
    longest: int = 0
    kinds: set[str] = field(default_factory=set)
    """What texts can be besides."""
    looked_at: int = 0
    numbers: int = 0
    """Texts of CSV, and those of them that are numbers."""
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
        least, most = min(values), max(values)
        self.integer = max(self.integer, len(str(abs(least))), len(str(abs(most))))
        self.whole = max(self.whole, self.integer)
        if least < -WHOLE or most >= WHOLE:
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
            values = values[:_SAMPLE] if self.reads_text else []
        for value in values:
            kind = text_kind(value)
            self.kinds.add(kind := "text" if kind == "integer" and not self.reads_text else kind)  # an id, most often
            self.looked_at += 1
            if kind == "text" and not self.reads_text:
                return
            if kind in ("integer", "decimal") and self.reads_text:
                self.numbers += 1
                self._decimal(Decimal(value))

    def is_mostly_numbers(self) -> bool:
        """Whether more than half of the texts of CSV are numbers, as far as these are looked at."""
        return 2 * self.numbers > self.looked_at

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
        scale = self.scale if self.whole + scale > DIGITS else scale
        if self.whole + scale > DIGITS or "not finite" in self.kinds:
            return ColumnType("text")
        return ColumnType("decimal", DIGITS, scale)

    def text(self) -> ColumnType:
        if self.kinds == {"instant"}:
            return ColumnType("timestamp")
        if not self.reads_text:  # JSON has types of its own
            return ColumnType("text")
        if self.kinds == {"integer"} and self.whole < 19:
            return ColumnType("bigint")
        if self.kinds and self.kinds <= {"integer", "decimal"}:
            return self.decimal()
        only = next(iter(self.kinds)) if len(self.kinds) == 1 else ""
        return ColumnType({"day": "date", "bool": "bool"}.get(only, "text"))

    def timestamp(self) -> ColumnType:
        return ColumnType("timestamp", zoned=True in self.zoned) if len(self.zoned) == 1 else ColumnType("text")


@dataclass(slots=True)
class Misfits:
    """The values that a column does not take. `first`: the row of the first one, from 1."""

    seen: Seen
    count: int = 0
    first: int = 0

    def add(self, values: Iterable[Any], before: int) -> None:
        """Of a batch of rows those that do not fit, None in the others' places. `before`: rows of earlier batches."""
        for place, value in enumerate(values):
            if value is not None:
                self.count += 1
                self.first = self.first or before + place + 1
        self.seen.add(values)

    def column_type(self) -> ColumnType:
        return self.seen.column_type() or ColumnType("text")

    def variant(
        self, name: str, named: Callable[[str], str], existing: Mapping[str, ColumnType | None]
    ) -> tuple[str, ColumnType]:
        """The column for them beside the one called `name`, and its type: text where the one of their type that is
        there has no room for their digits."""
        kind = self.column_type()
        there = existing.get(variant := named(f"{name}__v_{kind.data_type}"))
        scale, digits = (there.scale or 0, there.precision or DIGITS) if there is not None else (0, 0)
        is_decimal = there is not None and there.data_type == "decimal"
        if is_decimal and (self.seen.scale > scale or self.seen.whole > digits - scale):
            variant, kind = named(f"{name}__v_text"), ColumnType("text")
            there = existing.get(variant)
        return variant, there or kind

    def said(self, name: str, kind: ColumnType) -> str:
        """What does not fit, how often and where."""
        where = f"row {self.first}" if self.count == 1 else f"{self.count:,} rows, first in row {self.first}"
        other = self.column_type().data_type
        is_number = kind.data_type == "decimal" and other in ("bigint", "double")
        if kind.data_type != other and not is_number:
            return f"`{name}` is of type {kind.data_type}, and has values of type {other} in {where}"
        if kind.data_type == "text":
            return f"`{name}` keeps {kind.precision} characters, and has longer values in {where}"
        if kind.data_type == "bigint":
            return f"`{name}` is a whole number of {kind.precision} bits, and has other values in {where}"
        return f"`{name}` is of type {kind}, and has values with more digits than it keeps in {where}"


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
