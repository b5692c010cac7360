"""Durations: which texts are one, and how long they are."""

from __future__ import annotations

import contextlib
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from schemas.model.times import Duration, PositiveDuration, parse_duration


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
