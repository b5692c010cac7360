"""Durations, dates and schedules as people and other tools write them."""

from __future__ import annotations

import pytest

from schemas.findings.meant_times import meant_by_cron, meant_date, meant_duration
from schemas.model.cron import cron_problem
from schemas.model.times import parse_date, parse_duration


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


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("0 00 16 ? * 6L", "00 16 * * L5"),
        ("0 0 0 ? * SUN *", "0 0 * * SUN"),
        ("0 0 12 ? * 2-6", "0 12 * * 1-5"),
        ("0 0 12 ? * 2#1", "0 12 * * 1#1"),
        ("cron(0/15 10 ? * MON-FRI *)", "0/15 10 * * MON-FRI"),
        ("cron(0 10 15 * ? *)", "0 10 15 * *"),
    ],
)
def test_the_cron_expressions_of_quartz_and_aws(written: str, meant: str) -> None:
    assert meant_by_cron(written, len(written.split())).startswith(f'write "{meant}": ')
    assert cron_problem(meant) is None


@pytest.mark.parametrize(
    ("written", "help_text"),
    [
        ("0 0 12 15W * ?", "write minute, hour, "),
        ("30 0 12 ? * MON", "write minute, hour, "),
        ("0 6, 18 * * *", "remove the space after the comma: `0 6,18 * * *`"),
        ('CronTriggerTimetable("30 14 * * *", timezone="UTC")', 'write {cron: "30 14 * * *", timezone: UTC}'),
        ("CronDataIntervalTimetable('@daily')", 'write {cron: "@daily"}'),
        ('Asset("s3://shop/orders")', 'for a run at each update of the asset write {assets: ["s3://shop/orders"]}'),
    ],
)
def test_what_is_no_cron_expression(written: str, help_text: str) -> None:
    assert meant_by_cron(written, len(written.split())).startswith(help_text)
