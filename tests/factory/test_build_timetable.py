"""`schedule` → timetable, whatever Airflow's configuration says."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from airflow.serialization.serialized_objects import DagSerialization

from .built_dags import built

CRON = {"interval": 0.0, "run_immediately": False}


@pytest.fixture(params=["True", "False"], autouse=True)
def intervals_by_configuration(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__SCHEDULER__CREATE_CRON_DATA_INTERVALS", request.param)
    monkeypatch.setenv("AIRFLOW__SCHEDULER__CREATE_DELTA_DATA_INTERVALS", request.param)


@pytest.mark.parametrize(
    ("schedule", "kind", "values"),
    [
        ("'0 6 * * 1'", "trigger.CronTriggerTimetable", CRON | {"expression": "0 6 * * 1", "timezone": "Asia/Seoul"}),
        ("'@daily'", "trigger.CronTriggerTimetable", CRON | {"expression": "0 0 * * *", "timezone": "Asia/Seoul"}),
        (
            "{cron: '@daily', timezone: UTC}",
            "trigger.CronTriggerTimetable",
            CRON | {"expression": "0 0 * * *", "timezone": "UTC"},
        ),
        (
            "{cron: '0 6 * * *', data_interval: true}",
            "interval.CronDataIntervalTimetable",
            {"expression": "0 6 * * *", "timezone": "Asia/Seoul"},
        ),
        ("{every: 15m}", "trigger.DeltaTriggerTimetable", {"delta": 900.0, "interval": 0.0}),
        ("{every: 15m, data_interval: true}", "interval.DeltaDataIntervalTimetable", {"delta": 900.0}),
        ("'@once'", "simple.OnceTimetable", {}),
        ("'@continuous'", "simple.ContinuousTimetable", {}),
        ("null", "simple.NullTimetable", {}),
    ],
)
def test_timetable(schedule: str, kind: str, values: dict[str, Any]) -> None:
    dag = built(f"schedule: {schedule}\ntimezone: Asia/Seoul\nstart_date: 2026-01-01\ntasks: [{{id: a, uses: empty}}]")
    serialized = DagSerialization.to_dict(dag)["dag"]["timetable"]
    assert serialized == {"__type": f"airflow.timetables.{kind}", "__var": values}
    assert DagSerialization.deserialize_dag(DagSerialization.to_dict(dag)["dag"]).timetable.summary


def test_continuous_is_one_run_at_a_time() -> None:
    assert built("schedule: '@continuous'\nstart_date: 2026-01-01\ntasks: [{id: a, uses: empty}]").max_active_runs == 1


def test_durations_are_exact() -> None:
    dag = built("schedule: {every: P1DT12H}\ntasks: [{id: a, uses: empty}]")
    assert dag.timetable.delta == timedelta(hours=36)
