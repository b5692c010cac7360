"""Durations and dates: which texts are one, what they mean, and what people also write."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from schemas.model.times import Date, Duration, PositiveDuration, parse_date, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30s", 30),
        ("5m", 300),
        ("2h", 7200),
        ("1d", 86400),
        ("0s", 0),
        ("007s", 7),
        ("PT90M", 5400),
        ("P1DT2H3M4S", 93784),
        ("P2W", 14 * 86400),
        ("P1D", 86400),
        ("PT0.5S", 0.5),
        ("PT1H", 3600),
    ],
)
def test_texts_that_are_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text",
    [
        *("", "s", "5", "5 m", "5min", "1h30m", "1.5h", "-5m", "+5m", "5M", "5S", "5m\n", " 5m"),
        *("P", "PT", "P1", "P1Y", "P1M", "P1DT", "PT1.5H", "P1W2D", "pt5m", "PT5M ", "P-1D", "PT1S1M"),
        *("99999999999999999999d", "\u0665m"),
    ],
)
def test_texts_that_are_not(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        parse_duration(text)


@given(st.text(alphabet="0123456789.PTWDHMSsmhd-+ ", max_size=20))
def test_every_text_is_a_duration_or_refused(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert parse_duration(text) >= timedelta(0)


@pytest.mark.parametrize("value", [30, 1.5, None, True, ["5m"], {"minutes": 5}])
def test_what_is_not_text_is_refused(value: object) -> None:
    with pytest.raises(ValidationError, match="expected a duration"):
        TypeAdapter(Duration).validate_python(value)


def test_zero_is_refused_where_it_makes_no_sense() -> None:
    with pytest.raises(ValidationError, match="longer than zero"):
        TypeAdapter(PositiveDuration).validate_python("0s")


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
def test_texts_that_are_no_dates(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        parse_date(text)


@pytest.mark.parametrize("value", [20260131, None, True, ["2026-01-31"]])
def test_what_is_not_text_is_no_date(value: object) -> None:
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
