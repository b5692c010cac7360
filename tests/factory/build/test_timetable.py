"""`schedule` → timetable, whatever Airflow's configuration says."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from airflow.serialization.serialized_objects import DagSerialization

from factory.build.errors import PipelineBuildError

from .built_dags import built, built_unchecked

ASSET = {"__type": "asset", "group": "asset", "extra": {}}
ORDERS = ASSET | {"name": "orders", "uri": "orders"}
SINCE: dict[str, Any] = {"since": None}
CRON = SINCE | {"interval": 0.0, "run_immediately": False}


@pytest.fixture(params=["True", "False"], autouse=True)
def intervals_by_configuration(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__SCHEDULER__CREATE_CRON_DATA_INTERVALS", request.param)
    monkeypatch.setenv("AIRFLOW__SCHEDULER__CREATE_DELTA_DATA_INTERVALS", request.param)


@pytest.mark.parametrize(
    ("schedule", "kind", "values"),
    [
        (
            "'0 6 * * 1'",
            "factory.operators.timetables.Cron",
            CRON | {"expression": "0 6 * * 1", "timezone": "Asia/Seoul"},
        ),
        *(
            (f"'{preset}'", "factory.operators.timetables.Cron", CRON | {"expression": cron, "timezone": "Asia/Seoul"})
            for preset, cron in {"@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@annually": "0 0 1 1 *"}.items()
        ),
        (
            "{cron: '@daily', timezone: UTC}",
            "factory.operators.timetables.Cron",
            CRON | {"expression": "0 0 * * *", "timezone": "UTC"},
        ),
        (
            "{cron: '0 6 * * *', data_interval: true}",
            "factory.operators.timetables.CronInterval",
            SINCE | {"expression": "0 6 * * *", "timezone": "Asia/Seoul"},
        ),
        ("{every: 15m}", "factory.operators.timetables.Every", SINCE | {"delta": 900.0, "interval": 0.0}),
        ("{every: 15m, data_interval: true}", "factory.operators.timetables.EveryInterval", SINCE | {"delta": 900.0}),
        ("'@once'", "simple.OnceTimetable", {}),
        ("'@continuous'", "simple.ContinuousTimetable", {}),
        ("null", "simple.NullTimetable", {}),
        (
            "{cron: ['0 6 * * 1', '@midnight']}",
            "factory.operators.timetables.Crons",
            CRON | {"expressions": ["0 6 * * 1", "0 0 * * *"], "timezone": "Asia/Seoul"},
        ),
        ("{assets: orders}", "simple.AssetTriggeredTimetable", {"asset_condition": ORDERS}),
        (
            "{assets: {all: [orders, {any: [{alias: files}, {uri: s3://b/k, name: k, extra: {a: 1}, group: g}]}]}}",
            "simple.AssetTriggeredTimetable",
            {
                "asset_condition": {
                    "__type": "asset_all",
                    "objects": [
                        ORDERS,
                        {
                            "__type": "asset_any",
                            "objects": [
                                {"__type": "asset_alias", "name": "files", "group": "asset"},
                                ASSET | {"name": "k", "uri": "s3://b/k", "group": "g", "extra": {"a": 1}},
                            ],
                        },
                    ],
                }
            },
        ),
        (
            "{assets: orders, cron: '0 6 * * 1'}",
            "assets.AssetOrTimeSchedule",
            {
                "asset_condition": ORDERS,
                "timetable": {
                    "__type": "factory.operators.timetables.Cron",
                    "__var": CRON | {"expression": "0 6 * * 1", "timezone": "Asia/Seoul"},
                },
            },
        ),
        (
            "{timetable: airflow.sdk.EventsTimetable, with: {event_dates: ['2026-05-01T06:00', 2026-12-24]}}",
            "events.EventsTimetable",
            {
                "event_dates": ["2026-05-01T06:00:00+09:00", "2026-12-24T00:00:00+09:00"],
                "restrict_to_events": False,
                "_summary": "2 events",
                "description": "2 events between 2026-05-01T06:00:00+09:00 and 2026-12-24T00:00:00+09:00",
            },
        ),
        (
            "{timetable: airflow.sdk.CronPartitionTimetable, with: {cron: '0 * * * *', key_format: '%H'}}",
            "trigger.CronPartitionTimetable",
            {
                "expression": "0 * * * *",
                "timezone": "Asia/Seoul",
                "run_immediately": False,
                "run_offset": None,
                "key_format": "%H",
            },
        ),
        (
            "{timetable: airflow.timetables.trigger.DeltaTriggerTimetable, with: {delta: 90m}}",
            "trigger.DeltaTriggerTimetable",
            {"delta": 5400.0, "interval": 0.0},
        ),
        ("{timetable: airflow.sdk.PartitionedAtRuntime}", "simple.PartitionedAtRuntime", {}),
    ],
)
def test_timetable(schedule: str, kind: str, values: dict[str, Any]) -> None:
    dag = built(f"schedule: {schedule}\ntimezone: Asia/Seoul\nstart_date: 2026-01-01\ntasks: [{{id: a, uses: empty}}]")
    serialized = DagSerialization.to_dict(dag)["dag"]["timetable"]
    assert serialized == {
        "__type": kind if kind.startswith("factory.") else f"airflow.timetables.{kind}",
        "__var": values,
    }
    assert DagSerialization.deserialize_dag(DagSerialization.to_dict(dag)["dag"]).timetable.summary


def test_continuous_is_one_run_at_a_time() -> None:
    assert built("schedule: '@continuous'\nstart_date: 2026-01-01\ntasks: [{id: a, uses: empty}]").max_active_runs == 1


def test_durations_are_exact() -> None:
    dag = built("schedule: {every: P1DT12H}\ntasks: [{id: a, uses: empty}]")
    assert dag.timetable.serialize()["delta"] == timedelta(hours=36).total_seconds()


def test_partitions_of_assets() -> None:
    dag = built("""
        schedule:
          assets: {all: [orders, {name: stock, uri: s3://b/stock}]}
          default_partition_mapper: {$object: airflow.sdk.StartOfDayMapper, with: {}}
          partition_mapper_config:
            stock: {$object: airflow.sdk.FixedKeyMapper, with: {downstream_key: all}}
        tasks: [{id: a, uses: empty}]
        """)
    encoded = DagSerialization.to_dict(dag)["dag"]
    timetable: Any = DagSerialization.deserialize_dag(encoded).timetable
    mappers = [
        type(timetable.get_partition_mapper(name=name, uri=uri)).__name__
        for name, uri in (("orders", "orders"), ("stock", "s3://b/stock"))
    ]
    assert timetable.partitioned
    assert mappers == ["StartOfDayMapper", "FixedKeyMapper"]


@pytest.mark.parametrize(
    ("schedule", "path", "message"),
    [
        ("{timetable: airflow.sdk.EventsTimetabel}", ("schedule", "timetable"), "has no `EventsTimetabel`"),
        (
            "{timetable: airflow.sdk.EventsTimetable, with: {event_dates: [x]}}",
            ("schedule", "with", "event_dates"),
            "is a date",
        ),
        ("{timetable: airflow.sdk.CronTriggerTimetable}", ("schedule", "timetable"), "'expression'"),
        ("{timetable: datetime.timedelta, with: {days: 1}}", ("schedule", "timetable"), "cannot store `timedelta`"),
        (
            "{assets: a, default_partition_mapper: {$object: airflow.sdk.Identity, with: {}}}",
            ("schedule", "default_partition_mapper", "$object"),
            "has no `Identity`",
        ),
    ],
)
def test_what_airflow_refuses_is_said_at_its_place(schedule: str, path: tuple[str, ...], message: str) -> None:
    with pytest.raises(PipelineBuildError) as raised:
        built_unchecked(f"schedule: {schedule}\ntasks: [{{id: a, uses: empty}}]")
    (error,) = raised.value.errors
    assert error.path == path
    assert message in error.message
