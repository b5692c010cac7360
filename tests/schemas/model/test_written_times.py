"""Durations and dates as people also write them, in the form of the language, or not where they could mean two."""

from __future__ import annotations

import pytest

from schemas.model.times import meant_date, meant_duration, parse_date, parse_duration


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("6 hours", "6h"),
        ("10 sec", "10s"),
        ("1 Hour", "1h"),
        ("1h30m", "90m"),
        ("1 h, 5 min and 1 s", "3901s"),
        ("2 weeks", "14d"),
        ("01:30:00", "90m"),
        ("timedelta(minutes=5)", "5m"),
        ("datetime.timedelta(hours=1, minutes=5)", "65m"),
        ("500ms", None),
        ("1:30", None),
        ("5 months", None),
        ("timedelta(years=1)", None),
        ("soon", None),
        ("", None),
    ],
)
def test_a_duration_in_another_form(written: str, meant: str | None) -> None:
    assert meant_duration(written) == meant
    if meant is not None:
        parse_duration(meant)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2026-1-5", "2026-01-05"),
        ("2026/01/31", "2026-01-31"),
        ("20260131", "2026-01-31"),
        ("31.1.2026", "2026-01-31"),
        ("1/31/2026", "2026-01-31"),
        ("31/1/2026", "2026-01-31"),
        ("2/2/2026", "2026-02-02"),
        ("1/2/2026", None),
        ("31.2.2026", None),
        ("yesterday", None),
    ],
)
def test_a_date_in_another_form(written: str, meant: str | None) -> None:
    assert meant_date(written) == meant
    if meant is not None:
        parse_date(meant)
