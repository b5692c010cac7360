"""Values as the type of a column takes them, without losing a digit."""

from __future__ import annotations

import base64
import json
import math
import re
import struct
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime, time
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, Context, Decimal, InvalidOperation
from types import MappingProxyType
from typing import Any
from uuid import UUID

from factory.data.columns import DIGITS, FLOAT_DIGITS, SCALE, WHOLE, ColumnType, Seen
from factory.data.forms import DAY, INTEGER, moment_of
from factory.data.lost_digits import FINE_TIME


class MisfitError(ValueError):
    """A value that a type does not take without losing something."""


def fitted(value: Any, kind: ColumnType) -> Any:
    """The value as `kind` takes it. Raises MisfitError where it would not be the same any more."""
    if value is None:
        return None
    try:
        return _FITTED[kind.data_type](value, kind)
    except (ValueError, InvalidOperation, OverflowError, TypeError):
        raise MisfitError(f"{type(value).__name__}") from None


def as_float_keeps(kind: ColumnType, seen: Seen) -> ColumnType:
    """A decimal of no more digits than a float keeps, where those of all values are so few."""
    before, after = max(seen.whole, 0), seen.scale
    if kind.data_type != "decimal" or before + after > FLOAT_DIGITS:
        return kind
    most = (kind.precision or DIGITS) - (SCALE if kind.scale is None else kind.scale)
    return ColumnType("decimal", max(min(FLOAT_DIGITS, most + after), 1), after)


def divided(values: Sequence[Any], kind: ColumnType) -> tuple[list[Any], list[Any] | None]:
    """The values as the type takes them, and those that it does not take; both with None in the other's places."""
    if kind.precision is None and set(map(type, values)) <= _AS_IT_IS.get(kind.data_type, frozenset()):
        return list(values), None
    fit: list[Any] = []
    others: list[Any] | None = None
    for place, value in enumerate(values):
        try:
            fit.append(fitted(value, kind))
        except MisfitError:
            fit.append(None)
            others = others if others is not None else [None] * len(values)
            others[place] = value
    return fit, others


NUMBER_TEXT = re.compile(rf"{INTEGER.pattern}(?:\.\d+)?(?:[eE][+-]?\d+)?|nan|NaN|-?inf", re.ASCII)
"""Text that is a number, as JSON and Python write them."""
_SMALLEST_SINGLE = 2.0**-126
"""Below it, a float of 32 bits keeps fewer digits."""
_EXACT = Context(MAX_PREC, Emin=MIN_EMIN, Emax=MAX_EMAX)
"""Python's own context rounds at 28 digits."""
_AS_IT_IS: Mapping[str, frozenset[type]] = MappingProxyType(
    {
        "double": frozenset({float, type(None)}),
        "text": frozenset({str, type(None)}),
        "bool": frozenset({bool, type(None)}),
        "binary": frozenset({bytes, type(None)}),
    }
)


def _number(value: Any, form: re.Pattern[str]) -> Any:
    if isinstance(value, str) and not form.fullmatch(value):
        raise ValueError  # Python also reads ` 1_0 `
    if not isinstance(value, int | float | Decimal | str):
        raise TypeError
    return value


def _bigint(value: Any, kind: ColumnType) -> int:
    number = int(_number(value, INTEGER))
    if number != (int(value) if isinstance(value, str) else value) or not -WHOLE <= number < WHOLE:
        raise ValueError
    if kind.precision is not None:
        most = 1 << (kind.precision - kind.signed)
        if not -most * kind.signed <= number < most:
            raise ValueError
    return number


def _double(value: Any, kind: ColumnType) -> float:
    near = float(_number(value, NUMBER_TEXT))
    is_same = isinstance(value, float) or math.isnan(near) or Decimal(repr(near)) == Decimal(value)
    if not is_same or (kind.precision is not None and not _is_single(near, kind.precision)):
        raise ValueError
    return near


def _is_single(number: float, digits: int) -> bool:
    """Whether a float of 32 bits, which always keeps so many digits, keeps those of a number."""
    (single,) = struct.unpack("f", struct.pack("f", number))
    is_short = len(Decimal(repr(number)).normalize().as_tuple().digits) <= digits
    return single == number or math.isnan(number) or (is_short and abs(single) >= _SMALLEST_SINGLE)


def _decimal(value: Any, kind: ColumnType) -> Decimal:
    if isinstance(value, bool):
        raise TypeError
    exact = Decimal(repr(value)) if isinstance(value, float) else Decimal(_number(value, NUMBER_TEXT))
    if not exact.is_finite():
        raise ValueError
    digits, scale = kind.precision or DIGITS, SCALE if kind.scale is None else kind.scale
    _, figures, exponent = exact.normalize(_EXACT).as_tuple()
    if -int(exponent) > scale or len(figures) + int(exponent) > digits - scale:
        raise ValueError
    return exact


def _text(value: Any, kind: ColumnType) -> str:
    text = _as_text(value)
    if kind.precision is not None and len(text) > kind.precision:
        raise ValueError
    return text


def _as_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list | tuple):
        return as_json(value)
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, int | float | Decimal | UUID):
        return str(value)
    raise TypeError


def _bool(value: Any, _: ColumnType) -> bool:
    if isinstance(value, str | int):
        for one, meant in (("true", True), ("false", False), (1, True), (0, False)):
            if value == one:
                return meant
    raise TypeError


def _second_fits(value: Any, moment: datetime | time, kind: ColumnType) -> None:
    if isinstance(value, str) and re.search(FINE_TIME, value):
        raise ValueError
    if kind.precision is not None and moment.microsecond % 10 ** max(6 - kind.precision, 0):
        raise ValueError


def _timestamp(value: Any, kind: ColumnType) -> datetime:
    moment = moment_of(value) if isinstance(value, str) else value
    if isinstance(moment, date) and not isinstance(moment, datetime):
        moment = datetime(moment.year, moment.month, moment.day)  # its zone is settled below
    if not isinstance(moment, datetime):
        raise TypeError
    _second_fits(value, moment, kind)
    if not kind.zoned:
        return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo is not None else moment
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _date(value: Any, _: ColumnType) -> date:
    if isinstance(value, str):
        if not DAY.fullmatch(value):
            raise ValueError
        return date.fromisoformat(value)
    if isinstance(value, datetime):
        if value.tzinfo is not None or value.time() != time():
            raise ValueError
        return value.date()
    if not isinstance(value, date):
        raise TypeError
    return value


def _time(value: Any, kind: ColumnType) -> time:
    moment = time.fromisoformat(value) if isinstance(value, str) else value
    if not isinstance(moment, time) or moment.tzinfo is not None:
        raise TypeError
    _second_fits(value, moment, kind)
    return moment


def _binary(value: Any, _: ColumnType) -> bytes:
    if not isinstance(value, bytes | bytearray | memoryview):
        raise TypeError
    return bytes(value)


def _json(value: Any, _: ColumnType) -> str:
    """Text that is JSON is that, as most databases and CSV have it. PostgreSQL hands on the text `5` as `5`, too."""
    if isinstance(value, str) and value.strip()[:1] in ("{", "[", '"'):
        with suppress(ValueError, RecursionError):
            json.loads(value, parse_float=str, parse_int=str, parse_constant=int)  # `NaN` is no JSON
            return value
    if isinstance(value, bytes | bytearray | memoryview):
        raise TypeError
    return as_json(value)


def unkept_said(value: Any) -> str:
    """What a value is that no type takes."""
    if isinstance(value, Mapping | list):
        return "a nested value that JSON has no form for, such as NaN"
    if isinstance(value, str | datetime):
        return "a moment that is before the year 1 or after the year 9999 in UTC"
    return f"a value of Python's type {type(value).__name__}"


def exact_number(text: str) -> float | Decimal:
    """A number of JSON with all of its digits: a decimal where a float would lose some."""
    near = float(text)
    if (len(text) <= FLOAT_DIGITS and "e" not in text and "E" not in text) or Decimal(repr(near)) == (
        exact := Decimal(text)
    ):
        return near
    return exact


def json_value(value: Any) -> Any:
    """What JSON has no form for: times as ISO 8601, decimals as text where a float loses digits, bytes in Base64."""
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, Decimal):
        near = float(value)
        return near if Decimal(repr(near)) == value else str(value)
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, set | frozenset):
        return sorted(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return base64.b64encode(value).decode("ascii")
    raise TypeError(f"a value of type {type(value).__name__} has no form in JSON")


def as_json(value: Any) -> str:
    """A nested value as JSON text. Raises ValueError, TypeError where JSON has no form for it, such as NaN."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=json_value)


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
        "json": _json,
    }
)
