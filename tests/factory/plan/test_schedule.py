"""Next runs are those that Airflow's own timetable gives, clock changes included."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from airflow.sdk import timezone as airflow_timezone
from airflow.timetables.base import TimeRestriction
from airflow.timetables.trigger import CronTriggerTimetable
from hypothesis import given, settings
from hypothesis import strategies as st

from factory.plan.schedule import timing

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Seoul", "Australia/Lord_Howe", "America/Santiago")
CRONS = (
    "* * * * *",
    "*/15 * * * *",
    "30 2 * * *",
    "0 */2 * * *",
    "0 6 1-7 * 1",
    "15 1,2,3 * * 0",
    "@weekly",
    "@yearly",
)


def airflows(cron: str, zone: str, after: datetime, count: int) -> list[datetime]:
    timetable = CronTriggerTimetable(cron, timezone=zone)
    found: list[datetime] = []
    last = None
    earliest = airflow_timezone.convert_to_utc(after + timedelta(seconds=1))
    restriction = TimeRestriction(earliest=earliest, latest=None, catchup=True)
    while len(found) < count:
        info = timetable.next_dagrun_info(last_automated_data_interval=last, restriction=restriction)
        assert info is not None
        last = info.data_interval
        found.append(info.run_after)
    return found


@settings(max_examples=150)
@given(
    st.sampled_from(CRONS),
    st.sampled_from(ZONES),
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC)),
)
def test_next_runs_are_those_of_airflow(cron: str, zone: str, after: datetime) -> None:
    after = after.replace(second=0, microsecond=0)

    ours = timing({"schedule": cron, "timezone": zone}).next_runs(after, 4)

    assert ours == airflows(cron, zone, after, 4)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({}, "only when triggered"),
        ({"schedule": "0 6 * * 1-5", "timezone": "Asia/Seoul"}, "at 06:00, Monday through Friday (Asia/Seoul)"),
        ({"schedule": {"cron": ["0 6 * * *", "@hourly"]}}, "at 06:00; or every hour"),
        ({"schedule": {"every": "90m"}}, "every 90m, counted from the last run"),
        ({"schedule": {"assets": {"all": ["orders", {"any": ["a", "b"]}]}}}, "when (orders and (a or b)) changed"),
        ({"schedule": {"assets": "orders", "cron": "0 22 * * *"}}, "at 22:00; or when orders changed"),
        ({"schedule": {"timetable": "airflow.sdk.EventsTimetable"}}, "as EventsTimetable says"),
        ({"schedule": "@once"}, "once"),
        ({"poll": {"watch": {"every": "10s"}}}, "when the polled answer changes, asked every 10s"),
    ],
)
def test_a_schedule_is_said_in_words(data: dict[str, Any], words: str) -> None:
    assert timing(data).words() == words


def test_a_clock_change_is_named() -> None:
    when = timing({"schedule": "30 2 * * *", "timezone": "Europe/Berlin"})

    assert when.clock_changes(datetime(2026, 1, 1, tzinfo=UTC)) == [
        "2026-03-29 02:30 does not exist: the clock changes",
        "2026-10-25 02:30 comes twice: the clock changes",
    ]


def test_runs_end_with_the_pipeline() -> None:
    when = timing({"schedule": "@daily", "start_date": "2026-01-03", "end_date": "2026-01-05"})

    assert [run.day for run in when.next_runs(datetime(2026, 1, 1, tzinfo=UTC), 9)] == [3, 4, 5]


def test_runs_end_with_the_last_year() -> None:
    when = timing({"schedule": "0 0 1 1 *", "start_date": "9998-06-01"})

    assert [run.year for run in when.next_runs(datetime(2026, 1, 1, tzinfo=UTC), 9)] == [9999]


def test_catchup_counts_what_it_makes() -> None:
    when = timing({"schedule": "@hourly", "start_date": "2026-01-01", "catchup": True})

    assert when.missed(datetime(2026, 1, 2, tzinfo=UTC), 10_000) == 25
