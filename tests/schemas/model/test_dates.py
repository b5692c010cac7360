"""Dates: ISO 8601 text, and days that exist."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from pydantic import TypeAdapter, ValidationError

from schemas.model.times import Date, parse_date

SEOUL = timezone(timedelta(hours=9))


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("2026-01-31", datetime(2026, 1, 31)),
        ("2024-02-29", datetime(2024, 2, 29)),
        ("2026-01-31T06:00", datetime(2026, 1, 31, 6)),
        ("2026-01-31 06:00:01", datetime(2026, 1, 31, 6, 0, 1)),
        ("2026-01-31T06:00:00.5", datetime(2026, 1, 31, 6, 0, 0, 500_000)),
        ("2026-01-31T06:00Z", datetime(2026, 1, 31, 6, tzinfo=UTC)),
        ("2026-01-31T06:00:00+09:00", datetime(2026, 1, 31, 6, tzinfo=SEOUL)),
    ],
)
def test_texts_that_are_dates(text: str, date: datetime) -> None:
    parsed = parse_date(text)

    assert parsed == date
    assert parsed.tzinfo == date.tzinfo


@pytest.mark.parametrize(
    "text",
    [
        *("", "2026", "2026-01", "20260131", "2026-1-31", "31.01.2026", "01/31/2026", "2026-W05-1", "today"),
        *("2026-01-31T06", "2026-01-31T06:00+09", "2026-01-31T06:00 +09:00", "2026-01-31 ", "2026-01-31\n"),
        *("2026-01-31T06:00:00.1234567", "\u0662026-01-31"),
        *("2026-02-30", "2025-02-29", "2026-13-01", "2026-00-10", "2026-01-01T24:01", "2026-01-01T12:60"),
        *("0001-01-01T00:00:00+09:00", "1969-12-31", "9999-01-01"),
        *("0000-01-01", "2026-01-01T00:00+25:00"),
    ],
)
def test_texts_that_are_not(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        parse_date(text)


@pytest.mark.parametrize("value", [20260131, None, True, ["2026-01-31"]])
def test_what_is_not_text_is_refused(value: object) -> None:
    with pytest.raises(ValidationError, match="expected a date"):
        TypeAdapter(Date).validate_python(value)


@pytest.mark.parametrize("text", ["1970-01-01T00:00+23:59", "9998-12-31T23:59:59-23:59"])
def test_every_zone_can_show_what_is_allowed(text: str) -> None:
    for hours in (-23, 0, 23):
        parse_date(text).astimezone(timezone(timedelta(hours=hours)))


def test_a_year_out_of_range_is_told_from_what_is_no_date() -> None:
    with pytest.raises(ValidationError, match="from 1970 to 9998") as error:
        TypeAdapter(Date).validate_python("0001-01-01T00:00:00+09:00")

    assert [e["type"] for e in error.value.errors()] == ["date_range"]


def test_a_day_that_does_not_exist_is_told_from_what_is_no_date() -> None:
    with pytest.raises(ValidationError) as error:
        TypeAdapter(Date).validate_python("2026-02-30")

    assert [e["type"] for e in error.value.errors()] == ["no_such_date"]
