"""`schedule` → timetable.

Airflow's own reading of a cron string or a timedelta depends on `[scheduler] create_cron_data_intervals` and
`create_delta_data_intervals` (`airflow.sdk.definitions.dag._create_timetable`), so the timetable is always named here.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

from airflow.sdk import (
    Asset,
    AssetOrTimeSchedule,
    EventsTimetable,
    PartitionedAssetTimetable,
)
from airflow.sdk.bases.timetable import BaseTimetable
from airflow.sdk.definitions.asset import AssetBooleanCondition, BaseAsset
from airflow.sdk.definitions.timetables.assets import AssetTriggeredTimetable
from airflow.sdk.definitions.timetables.simple import ContinuousTimetable, NullTimetable, OnceTimetable
from airflow.timetables.base import Timetable

from factory.build.assets import build_condition
from factory.build.errors import BuildError, one_line
from factory.build.objects import ObjectBuilder
from factory.operators.timetables import Cron, CronInterval, Crons, Every, EveryInterval
from schemas.findings.codes import Code
from schemas.findings.paths import DataPath
from schemas.model import schedule as written

AnyTimetable = BaseTimetable | Timetable
"""Of Airflow's SDK, or of its core, as ours and those of plug-ins are."""

_PATH: DataPath = ("schedule",)
_NAME: DataPath = ("schedule", "timetable")


def build_timetable(schedule: written.Schedule, objects: ObjectBuilder) -> AnyTimetable:
    """The timetable of a `schedule`; the pipeline's time zone holds where the schedule names none.

    Raises BuildError, or an ExceptionGroup of them.
    """
    if schedule is None:
        return NullTimetable()
    if isinstance(schedule, str):
        return _from_text(schedule, objects.timezone)
    if isinstance(schedule, written.EverySchedule):
        return EveryInterval(schedule.every) if schedule.data_interval else Every(schedule.every)
    if isinstance(schedule, written.TimetableSchedule):
        return _named(schedule, objects)
    if isinstance(schedule, written.CronSchedule):
        return _from_cron(schedule, objects.timezone)
    assets = build_condition(schedule.assets, (*_PATH, "assets"), objects)
    if isinstance(schedule, written.AssetOrTimeSchedule):
        timetable: Any = _from_cron(schedule, objects.timezone)  # Airflow takes its core's, too
        return AssetOrTimeSchedule(assets=assets, timetable=timetable)
    return _from_assets(schedule, assets, objects)


def _from_text(text: str, timezone: str) -> AnyTimetable:
    if text == "@once":
        return OnceTimetable()
    if text == "@continuous":
        return ContinuousTimetable()
    return Cron(text, timezone=timezone)


def _from_cron(schedule: written.CronSchedule | written.AssetOrTimeSchedule, timezone: str) -> AnyTimetable:
    zone = schedule.timezone or timezone
    if isinstance(schedule.cron, list):
        return Crons(*schedule.cron, timezone=zone)
    if schedule.data_interval:
        return CronInterval(schedule.cron, timezone=zone)
    return Cron(schedule.cron, timezone=zone)


def _from_assets(schedule: written.AssetSchedule, assets: BaseAsset, objects: ObjectBuilder) -> AnyTimetable:
    default, config = schedule.default_partition_mapper, schedule.partition_mapper_config
    if default is None and config is None:
        return AssetTriggeredTimetable(assets=assets)
    known = {name: asset for asset in _assets_in(assets) for name in (asset.uri, asset.name)}
    arguments: dict[str, Any] = {
        "partition_mapper_config": {
            known[name]: objects.value(mapper, (*_PATH, "partition_mapper_config", name))
            for name, mapper in (config or {}).items()
        }
    }
    if default is not None:
        arguments["default_partition_mapper"] = objects.value(default, (*_PATH, "default_partition_mapper"))
    return _stored(PartitionedAssetTimetable(assets=assets, **arguments), _PATH)


def _assets_in(condition: BaseAsset) -> Iterator[Asset]:
    if isinstance(condition, AssetBooleanCondition):
        for inner in condition.objects:
            yield from _assets_in(inner)
    elif isinstance(condition, Asset):
        yield condition


def _named(schedule: written.TimetableSchedule, objects: ObjectBuilder) -> AnyTimetable:
    dotted = schedule.timetable
    if objects.named(dotted, _NAME) is EventsTimetable:
        # Airflow 3.3 cannot read back what it stores of this one (`_summary` is missing); of its core's it can.
        dotted = "airflow.timetables.events.EventsTimetable"
    arguments = dict(schedule.with_)
    if _takes_timezone(objects.named(dotted, _NAME)):
        arguments.setdefault("timezone", objects.timezone)
    made: AnyTimetable = objects.called(dotted, arguments, (*_PATH, "with"), _NAME)
    return _stored(made, _NAME)


def _takes_timezone(timetable: Any) -> bool:
    try:
        return "timezone" in inspect.signature(timetable).parameters
    except (TypeError, ValueError):  # no callable, or one of C
        return False


def _stored(timetable: AnyTimetable, path: DataPath) -> AnyTimetable:
    """The timetable, if Airflow can store it and read it back: its own, or a plugin's."""
    # Costly to import, and only few pipelines ask.
    from airflow.serialization.decoders import decode_timetable  # noqa: PLC0415
    from airflow.serialization.encoders import encode_timetable  # noqa: PLC0415

    try:
        decode_timetable(encode_timetable(timetable))
    except Exception as error:  # a plugin's own `serialize` raises anything
        kind = type(timetable).__name__
        why = f"Airflow cannot store `{kind}`: {one_line(error)}"
        raise BuildError(path, why, Code.UNKNOWN_TIMETABLE) from error
    return timetable
