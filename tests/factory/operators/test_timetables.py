"""The timetables' first moment, against Airflow's own rules, and how they are stored."""

from __future__ import annotations

from datetime import timedelta

import pendulum
import pytest
from airflow.serialization.decoders import decode_timetable
from airflow.serialization.encoders import encode_timetable
from airflow.timetables.base import DataInterval, TimeRestriction, Timetable

from factory.operators.timetables import Cron, CronInterval, Crons, Every, EveryInterval, start_after

NOW = pendulum.now("UTC")
PAST = NOW.subtract(minutes=10)


def daily(moment: pendulum.DateTime) -> str:
    return f"{moment.minute} {moment.hour} * * *"


def first_run(
    timetable: Timetable, last: pendulum.DateTime | None = None, start: pendulum.DateTime | None = None
) -> pendulum.DateTime:
    interval = None if last is None else DataInterval.exact(last)
    info = timetable.next_dagrun_info(
        last_automated_data_interval=interval, restriction=TimeRestriction(start, None, catchup=False)
    )
    assert info is not None
    return info.run_after


TIMETABLES = [
    Cron(daily(PAST), timezone="UTC"),
    Crons(daily(PAST), daily(PAST.subtract(minutes=3)), timezone="UTC"),
    CronInterval(daily(PAST), timezone="UTC"),
    EveryInterval(timedelta(days=1)),
]


@pytest.mark.parametrize("timetable", TIMETABLES, ids=lambda t: type(t).__name__)
def test_the_first_run_is_that_of_the_next_slot(timetable: Timetable) -> None:
    start_after(timetable, NOW)
    stored = decode_timetable(encode_timetable(timetable))
    assert type(stored) is type(timetable)
    for each in (timetable, stored):
        assert NOW < first_run(each) <= NOW.add(days=1)
        # Also for a DAG that ran by another schedule.
        assert NOW < first_run(each, last=NOW.subtract(days=2)) <= NOW.add(days=1)


def test_a_slot_that_was_missed_since_then_is_made_up_for() -> None:
    timetable = Cron(daily(PAST), timezone="UTC")
    start_after(timetable, NOW.subtract(days=2))
    assert first_run(timetable) == PAST.start_of("minute")


def test_a_start_date_overrules_it() -> None:
    timetable = Cron(daily(PAST), timezone="UTC")
    start_after(timetable, NOW)
    assert first_run(timetable, start=NOW.subtract(days=9)) == PAST.start_of("minute")


def test_what_has_no_slots_starts_at_once() -> None:
    timetable = Every(timedelta(hours=1))
    start_after(timetable, NOW)
    assert first_run(timetable) <= pendulum.now("UTC")


def test_the_zone_is_in_the_summary() -> None:
    assert Cron("0 7 * * *", timezone="Europe/Berlin").summary == "0 7 * * * Europe/Berlin"
    assert Crons("0 7 * * *", "0 9 * * 6", timezone="Asia/Seoul").summary == "0 7 * * *, 0 9 * * 6 Asia/Seoul"
    assert CronInterval("0 7 * * *", timezone="UTC").summary == "0 7 * * *"
