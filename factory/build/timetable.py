"""`schedule` → timetable, and assets → Airflow's."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from airflow.sdk import Asset as AirflowAsset
from airflow.sdk import AssetAccessControl as AirflowAssetAccessControl
from airflow.sdk import AssetAlias as AirflowAssetAlias
from airflow.sdk import AssetAll as AirflowAssetAll
from airflow.sdk import AssetAny as AirflowAssetAny
from airflow.sdk import AssetOrTimeSchedule, EventsTimetable, PartitionedAssetTimetable
from airflow.sdk import AssetWatcher as AirflowAssetWatcher
from airflow.sdk.bases.timetable import BaseTimetable
from airflow.sdk.definitions.asset import AssetBooleanCondition, BaseAsset
from airflow.sdk.definitions.timetables.assets import AssetTriggeredTimetable
from airflow.sdk.definitions.timetables.simple import ContinuousTimetable, NullTimetable, OnceTimetable
from airflow.timetables.base import Timetable

from factory.build.errors import BuildError, one_line
from factory.build.objects import ObjectBuilder
from factory.operators.timetables import Cron, CronInterval, Crons, Every, EveryInterval
from schemas.findings.codes import Code
from schemas.findings.paths import DataPath
from schemas.model import schedule as written
from schemas.model.schedule import Asset, AssetAlias, AssetAll, AssetAny, AssetCondition, AssetReference

PLAIN_TIMETABLES: Mapping[type, str | None] = MappingProxyType(
    {NullTimetable: None, OnceTimetable: "@once", ContinuousTimetable: "@continuous"}
)
TIMETABLES: Mapping[type, str] = MappingProxyType(
    {
        Cron: "CronTriggerTimetable",
        CronInterval: "CronDataIntervalTimetable",
        Crons: "MultipleCronTriggerTimetable",
        Every: "DeltaTriggerTimetable",
        EveryInterval: "DeltaDataIntervalTimetable",
    }
)
"""Our timetables, and Airflow's that they are."""


def build_condition(condition: AssetCondition, path: DataPath, objects: ObjectBuilder) -> BaseAsset:
    """What a schedule waits for. Raises BuildError, or an ExceptionGroup of them."""
    if isinstance(condition, AssetAny):
        inner = enumerate(condition.any)
        return AirflowAssetAny(*(build_condition(one, (*path, "any", index), objects) for index, one in inner))
    if isinstance(condition, AssetAll):
        inner = enumerate(condition.all)
        return AirflowAssetAll(*(build_condition(one, (*path, "all", index), objects) for index, one in inner))
    return build_asset(condition, path, objects)


def build_asset(asset: AssetReference, path: DataPath, objects: ObjectBuilder) -> AirflowAsset | AirflowAssetAlias:
    """An asset, or an alias of assets. Raises BuildError, or an ExceptionGroup of them."""
    try:
        if isinstance(asset, AssetAlias):
            group = {} if asset.group is None else {"group": str(asset.group)}
            return AirflowAssetAlias(str(asset.alias), **group)
        return _asset(asset, path, objects) if isinstance(asset, Asset) else AirflowAsset(str(asset))
    except (TypeError, ValueError) as error:
        raise BuildError.refused(path, error) from error


def _asset(asset: Asset, path: DataPath, objects: ObjectBuilder) -> AirflowAsset:
    watchers = [
        AirflowAssetWatcher(str(one.name), objects.value(one.trigger, (*path, "watchers", index, "trigger")))
        for index, one in enumerate(asset.watchers or ())
    ]
    access = asset.access_control
    return AirflowAsset(
        name=None if asset.name is None else str(asset.name),  # type: ignore[arg-type] # one of both is enough
        uri=None if asset.uri is None else str(asset.uri),  # type: ignore[arg-type]
        group=asset.group,  # type: ignore[arg-type] # None is its default
        extra=None if asset.extra is None else objects.value(asset.extra, (*path, "extra")),
        watchers=watchers,
        access_control=AirflowAssetAccessControl(**access.model_dump(exclude_unset=True))
        if access is not None
        else AirflowAssetAccessControl(),
    )


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
    return Cron(written.CRON_PRESETS.get(text, text), timezone=timezone)


def _from_cron(schedule: written.CronSchedule | written.AssetOrTimeSchedule, timezone: str) -> AnyTimetable:
    zone = schedule.timezone or timezone
    if isinstance(schedule.cron, list):
        return Crons(*(written.CRON_PRESETS.get(text, text) for text in schedule.cron), timezone=zone)
    if schedule.data_interval:
        return CronInterval(written.CRON_PRESETS.get(schedule.cron, schedule.cron), timezone=zone)
    return _from_text(schedule.cron, zone)


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


def _assets_in(condition: BaseAsset) -> Iterator[AirflowAsset]:
    if isinstance(condition, AssetBooleanCondition):
        for inner in condition.objects:
            yield from _assets_in(inner)
    elif isinstance(condition, AirflowAsset):
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
