"""Durations and dates: the forms of the language, the forms people also write, and the types operators want.

Durations are `30s`, `5m`, `2h`, `1d`, or ISO 8601 without years and months, which have no fixed length. Dates are ISO
8601 text, a day or a time of a day; one without offset is in the pipeline's `timezone`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Collection, Iterator
from datetime import UTC, datetime, time, timedelta, tzinfo
from functools import lru_cache
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BeforeValidator, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from schemas.expressions.reading import run_references

_N = "[0-9]{1,8}"
"""Up to 8 digits: whatever is added up stays below Python's longest timedelta."""
_SHORT = rf"{_N}[smhd]"
_ISO = (
    rf"P(?:{_N}W|(?=[0-9T])(?:{_N}D)?"
    rf"(?:T(?=[0-9])(?:{_N}H)?(?:{_N}M)?(?:{_N}(?:\.[0-9]{{1,6}})?S)?)?)"
)
DURATION_PATTERN = rf"^(?:{_SHORT}|{_ISO})$"
POSITIVE_DURATION_PATTERN = rf"^(?=.*[1-9])(?:{_SHORT}|{_ISO})$"
_DURATION = re.compile(DURATION_PATTERN)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_ISO_PARTS = r"(?P<number>[0-9]+(?:\.[0-9]+)?)(?P<unit>[WDHMS])"
_ISO_UNITS = {"W": "weeks", "D": "days", "H": "hours", "M": "minutes", "S": "seconds"}
_WRITTEN_ZONE = r"%[HMSfpTXR]\s?\(?(?P<zone>Z|UTC?|GMT|[+-][0-9]{2}:?[0-9]{2})\)?\s*$"
DURATION_FORMS = "30s, 5m, 2h, 1d, or ISO 8601 such as PT90M"


@lru_cache(maxsize=256)  # the files of a repository have few different ones
def parse_duration(text: str) -> timedelta:
    """Raises ValueError for what is not a duration."""
    if _DURATION.fullmatch(text) is None:
        raise ValueError(text)
    if not text.startswith("P"):
        return timedelta(**{_UNITS[text[-1]]: int(text[:-1])})
    return timedelta(**{_ISO_UNITS[m["unit"]]: float(m["number"]) for m in re.finditer(_ISO_PARTS, text)})


def _read_duration(value: Any) -> timedelta:
    if isinstance(value, timedelta):
        return value
    if not isinstance(value, str):
        raise PydanticCustomError("duration_type", "expected a duration ({allowed})", {"allowed": DURATION_FORMS})
    try:
        return parse_duration(value)
    except ValueError:
        raise PydanticCustomError("duration", "expected a duration ({allowed})", {"allowed": DURATION_FORMS}) from None


def _positive(duration: timedelta) -> timedelta:
    if duration <= timedelta(0):
        raise PydanticCustomError("duration_zero", "expected a duration longer than zero")
    return duration


_EXAMPLES = ["30s", "5m", "2h", "1d", "PT90M"]

Duration = Annotated[
    timedelta,
    BeforeValidator(_read_duration),
    WithJsonSchema({"type": "string", "pattern": DURATION_PATTERN, "examples": _EXAMPLES}),
]
PositiveDuration = Annotated[
    timedelta,
    BeforeValidator(_read_duration),
    AfterValidator(_positive),
    WithJsonSchema({"type": "string", "pattern": POSITIVE_DURATION_PATTERN, "examples": _EXAMPLES}),
]
"""For values that cannot be zero: an interval, a timeout."""


DATE_PATTERN = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?(?:Z|[+-][0-9]{2}:[0-9]{2})?)?$"
)
_DATE = re.compile(DATE_PATTERN)
FIRST_YEAR, LAST_YEAR = 1970, 9998
"""Every time zone has every moment of these: Python ends at the years 1 and 9999. Nothing is scheduled before 1970, the
start of Unix time; a year such as 0206 is a typo."""
DATE_FORMS = "2026-01-31, 2026-01-31T06:00 or 2026-01-31T06:00:00+09:00"


class DateRangeError(ValueError):
    """A date of the calendar whose year is not allowed."""


def parse_date(text: str) -> datetime:
    """Raises ValueError for other forms, for days and times that do not exist, and for years out of range."""
    if _DATE.fullmatch(text) is None:
        raise ValueError(f"expected a date ({DATE_FORMS})")
    date = datetime.fromisoformat(text)
    if not FIRST_YEAR <= date.year <= LAST_YEAR:
        raise DateRangeError(f"the year must be from {FIRST_YEAR} to {LAST_YEAR}")
    return date


def read_date(value: Any, allowed: str = DATE_FORMS) -> datetime:
    """The date that a value is; raises pydantic's errors, of which `date` and `date_type` name the allowed forms."""
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str):
        raise PydanticCustomError("date_type", "expected a date ({allowed})", {"allowed": allowed})
    if _DATE.fullmatch(value) is None:
        raise PydanticCustomError("date", "expected a date ({allowed})", {"allowed": allowed})
    try:
        return parse_date(value)
    except DateRangeError as error:
        raise PydanticCustomError("date_range", "{reason}", {"reason": str(error)}) from None
    except ValueError as error:
        raise PydanticCustomError("no_such_date", "no such date: {reason}", {"reason": str(error)}) from None


Date = Annotated[
    datetime,
    BeforeValidator(read_date),
    WithJsonSchema(
        {"type": "string", "pattern": DATE_PATTERN, "examples": ["2026-01-01", "2026-01-01T06:00:00+09:00"]}
    ),
]


_TIME_PATTERN = r"(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9])?"
_TEMPLATE_PATTERN = r"\{\{|\{%"
DATE_OR_TEMPLATE_PATTERN = rf"{_TEMPLATE_PATTERN}|\$\{{(?:tasks|expand)\.|{DATE_PATTERN}"
MOMENT_PATTERN = rf"{_TEMPLATE_PATTERN}|\$\{{(?:tasks|expand)\.|^{_TIME_PATTERN}$|{DATE_PATTERN}"
TIME_FORMS = "06:30 or 06:30:15"
_TEMPLATE = re.compile(_TEMPLATE_PATTERN)
DATE_OR_TEMPLATE_ALLOWED = "2026-01-31T06:00, 2026-01-31T06:00:00+09:00 or a template"
MOMENT_ALLOWED = "2026-01-31T06:00, 2026-01-31T06:00:00+09:00, 06:30 or a template"


def parse_time(text: str) -> time:
    """Raises ValueError for what is not a time of day."""
    if re.fullmatch(_TIME_PATTERN, text) is None:
        raise ValueError(text)
    return time.fromisoformat(text)


def _date_or_template(value: Any) -> datetime | str:
    return _read_date_or_template(value, DATE_OR_TEMPLATE_ALLOWED)


def _moment(value: Any) -> datetime | time | str:
    if isinstance(value, str) and re.fullmatch(_TIME_PATTERN, value) is not None:
        return parse_time(value)
    return _read_date_or_template(value, MOMENT_ALLOWED)


def _read_date_or_template(value: Any, allowed: str) -> datetime | str:
    is_later = isinstance(value, str) and (_TEMPLATE.search(value) is not None or any(run_references(value)))
    return str(value) if is_later else read_date(value, allowed)


DateOrTemplate = Annotated[
    datetime | str,
    PlainValidator(_date_or_template),
    WithJsonSchema(
        {"type": "string", "pattern": DATE_OR_TEMPLATE_PATTERN, "examples": ["2026-01-01T06:00", "{{ ds }}"]}
    ),
]
Moment = Annotated[
    datetime | time | str,
    PlainValidator(_moment),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": MOMENT_PATTERN,
            "examples": ["06:30", "2026-01-01T06:00", "{{ data_interval_end.add(hours=1) }}"],
        }
    ),
]
"""A time of day is a `time`; a template and a task's output stay text."""


TRACE = ("\ue000", "\ue001", "\ue002")
"""Around the name of the environment variable that the text before came from, and before its default."""


def untraced(text: str) -> str:
    """A text without what traces where it came from: only text keeps that."""
    return re.sub(f"{TRACE[0]}[^{TRACE[1]}]*{TRACE[1]}", "", text) if TRACE[0] in text else text


T = TypeVar("T")

_DURATIONS = frozenset({"timedelta", "Duration"})
_DATES = frozenset({"datetime", "DateTime"})
_TIMES = frozenset({"time", "Time"})


@lru_cache(maxsize=1024)  # operators share most of their annotations
def type_names(annotation: str) -> frozenset[str]:
    """The last parts of the type names in a union that is written as an annotation."""
    return frozenset(_names(annotation))


def names_duration(types: Collection[str]) -> bool:
    """Whether a text must be a duration there."""
    return "str" not in types and not _DURATIONS.isdisjoint(types)


def fitted(types: Collection[str], text: str) -> str | timedelta | datetime | time:
    """The duration, date or time of day that a text must be; the text itself if text is allowed, or if it is a
    template.

    Raises ValueError with words that follow the argument's name.
    """
    if "str" in types or "{{" in text or "{%" in text:
        return text
    if names_duration(types):
        return _parsed(parse_duration, text, f"a duration ({DURATION_FORMS})")
    takes_time, takes_date = not _TIMES.isdisjoint(types), not _DATES.isdisjoint(types)
    if takes_time and (re.fullmatch(_TIME_PATTERN, text) is not None or not takes_date):
        return _parsed(parse_time, text, f"a time of day ({TIME_FORMS})")
    wanted = f"a date ({DATE_FORMS})" + (f" or a time of day ({TIME_FORMS})" if takes_time else "")
    return _parsed(parse_date, text, wanted) if takes_date else text


def _parsed(parse: Callable[[str], T], text: str, wanted: str) -> T:
    try:
        return parse(untraced(text))
    except ValueError:
        raise ValueError(f"is {wanted}, not `{text}`") from None


def _names(annotation: str) -> Iterator[str]:
    try:
        pending: list[ast.expr] = [ast.parse(annotation, mode="eval").body]
    except SyntaxError:
        return
    while pending:
        match pending.pop():
            case ast.BinOp(left=left, op=ast.BitOr(), right=right):
                pending += [left, right]
            case ast.Subscript(
                value=ast.Name(id="Optional" | "Union") | ast.Attribute(attr="Optional" | "Union"),
                slice=inner,
            ):
                pending += inner.elts if isinstance(inner, ast.Tuple) else [inner]
            case ast.Name(id=name) | ast.Attribute(attr=name):
                yield name
            case ast.Constant(value=str() as quoted):
                yield from _names(quoted)
            case _:
                continue


def mail_moment(text: str) -> datetime:
    """As `parsedate_to_datetime`, where `-0000` is a moment in UTC (RFC 5322, section 3.3), as Python itself writes it,
    and no name of a zone is ignored. Raises ValueError."""
    from email.utils import parsedate_to_datetime  # noqa: PLC0415 # few files have such a time

    moment = parsedate_to_datetime(text)
    if moment.tzinfo is None and "-0000" in text:
        return moment.replace(tzinfo=UTC)
    if moment.tzinfo is None and re.search(r":[0-9]{2}\s*$", text) is None:
        raise ValueError(text)
    return moment


def zone_in(pattern: str) -> tzinfo | None:
    """The zone that a pattern of strptime has as plain text behind the time of the day."""
    match = re.search(_WRITTEN_ZONE, pattern)
    if match is None:
        return None
    return UTC if match["zone"][0] in "ZUG" else datetime.strptime(match["zone"], "%z").tzinfo


def pattern_problem(name: str) -> str | None:
    """What is wrong with a strptime pattern of dates; None if nothing is."""
    if re.search(r"(?<!%)(?:%%)*%I", name) is not None and "%p" not in name:
        return "`%I` counts hours to 12, and without `%p` it is not said which half of the day it is"
    try:
        moment = datetime(2026, 11, 29, 13, 5, 59, tzinfo=UTC)
        again = datetime.strptime(moment.strftime(name), name)  # only its date counts
    except ValueError as error:
        return f"it is not a pattern of dates: {error}"
    return None if again.date() == moment.date() else "it does not hold year, month and day"
