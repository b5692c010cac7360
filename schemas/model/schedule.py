"""When a pipeline runs: `schedule`, and the assets that it may wait for."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Discriminator, Field, Tag

from schemas.expressions.reading import DOTTED_PATH_PATTERN
from schemas.findings.suggestions import written_or_meant
from schemas.model.fields import Model, PlainValue, PythonObject
from schemas.model.times import PositiveDuration

LONGEST_NAME = 1500
"""Characters of a name, a URI or a group; Airflow accepts no more."""

AssetText = Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)]


class AssetWatcher(Model):
    """Creates events of an asset from what a trigger reports (airflow.sdk.AssetWatcher)."""

    name: str
    """Name of the watcher, unique for the asset."""
    trigger: PythonObject
    """Event trigger that runs in the triggerer, such as a message queue's: `{$object: …, with: {…}}`."""


class AssetAccessControl(Model):
    """Which teams may write and read events of the asset, if Airflow has teams."""

    producer_teams: list[str] = []
    """Teams whose events count. Default: the DAG's own."""
    consumer_teams: list[str] | None = None
    """Teams whose DAGs its events start. Default: all."""
    allow_global: bool = True
    """Whether events that come from no team count."""


class Asset(Model):
    """An asset with more than its name. `name` or `uri` is required; each is the default of the other."""

    name: AssetText | None = None
    """Name of the asset, unique in Airflow."""
    uri: AssetText | None = None
    """Where the data is, such as `s3://bucket/orders`."""
    group: Annotated[str, Field(max_length=LONGEST_NAME)] | None = None
    """Group that the asset belongs to. Default: `asset`."""
    extra: dict[str, PlainValue] | None = None
    """More about it, as JSON; shown in Airflow."""
    watchers: list[AssetWatcher] | None = None
    """What creates its events from outside of Airflow."""
    access_control: AssetAccessControl | None = None
    """Which teams it is for."""


class AssetAlias(Model):
    """A name under which a task adds assets while it runs."""

    alias: AssetText
    """Name of the alias."""
    group: Annotated[str, Field(max_length=LONGEST_NAME)] | None = None
    """Group that the alias belongs to. Default: `asset`."""


class AssetAny(Model):
    """An event of one of them is enough."""

    any: Annotated[list[AssetCondition], Field(min_length=1)]
    """Assets and conditions, of which one is enough."""


class AssetAll(Model):
    """An event of each of them is required."""

    all: Annotated[list[AssetCondition], Field(min_length=1)]
    """Assets and conditions, all of which are required."""


def _assets_shape(value: Any) -> str:
    return _shape_of(value, ("any", "all", "alias"))


def _shape_of(value: Any, deciding: tuple[str, ...]) -> str:
    if not isinstance(value, dict):
        return "<text>"
    keys = set(deciding) & value.keys()
    if not keys and not Asset.model_fields.keys() & value.keys():
        keys = written_or_meant(value, deciding)
    return next((f"<{key}>" for key in deciding if key in keys), "<asset>")


AssetCondition = Annotated[
    Annotated[AssetText, Tag("<text>"), Field(title="name or URI")]
    | Annotated[AssetAny, Tag("<any>")]
    | Annotated[AssetAll, Tag("<all>")]
    | Annotated[AssetAlias, Tag("<alias>")]
    | Annotated[Asset, Tag("<asset>")],
    Discriminator(_assets_shape),
]
"""What a schedule waits for."""


def _reference_shape(value: Any) -> str:
    return _shape_of(value, ("alias",))


AssetReference = Annotated[
    Annotated[AssetText, Tag("<text>"), Field(title="name or URI")]
    | Annotated[AssetAlias, Tag("<alias>")]
    | Annotated[Asset, Tag("<asset>")],
    Discriminator(_reference_shape),
]
"""What a task reads (`inlets`) or writes (`outlets`)."""


CRON_PRESETS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@quarterly": "0 0 1 */3 *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
"""Airflow's presets that are cron expressions (airflow.timetables._cron), and cron's own names of two of them."""

SPECIAL_PRESETS = ("@once", "@continuous")


Cron = Annotated[str, Field(examples=["0 6 * * *", "*/15 * * * 1-5", *CRON_PRESETS])]


class CronSchedule(Model):
    """Runs at the times of a cron expression, or of several."""

    cron: Cron | Annotated[list[Cron], Field(min_length=1)]
    """Five fields: minute, hour, day of month, month, day of week; or a preset such as `@daily`. With a list, a run
    starts at the times of each."""
    timezone: str | None = Field(default=None, examples=["Asia/Seoul", "Europe/Berlin", "UTC"])
    """IANA time zone of the expression, such as `Asia/Seoul`. Default: the pipeline's `timezone`."""
    data_interval: bool = False
    """`true`: a run covers the time since the previous slot (`data_interval_start` to `data_interval_end`)."""


class EverySchedule(Model):
    """Runs repeatedly after a fixed time, not aligned to the clock."""

    every: PositiveDuration
    """Time between two runs, such as `15m`."""
    data_interval: bool = False
    """`true`: a run covers the time since the previous one."""


class AssetSchedule(Model):
    """Runs when assets have changed, whoever changes them."""

    assets: AssetCondition
    """An asset by its name or URI, or `{any: [..]}` or `{all: [..]}` of several; these nest."""
    default_partition_mapper: PythonObject | None = None
    """Makes runs by partition: converts the partition key of an asset's event to that of the run, such as
    `{$object: airflow.sdk.StartOfDayMapper, with: {}}`."""
    partition_mapper_config: dict[str, PythonObject] | None = None
    """Partition mappers for single assets, by the asset's name or URI."""


class AssetOrTimeSchedule(Model):
    """Runs when assets have changed, and also by cron."""

    assets: AssetCondition
    """An asset by its name or URI, or `{any: [..]}` or `{all: [..]}` of several; these nest."""
    cron: Cron | Annotated[list[Cron], Field(min_length=1)]
    """When it runs without a change too: a cron expression or preset, or a list of them."""
    timezone: str | None = Field(default=None, examples=["Asia/Seoul", "Europe/Berlin", "UTC"])
    """IANA time zone of the expression. Default: the pipeline's `timezone`."""
    data_interval: bool = False
    """`true`: a run by cron covers the time since the previous slot."""


class TimetableSchedule(Model):
    """Runs as a timetable class says."""

    timetable: str = Field(pattern=DOTTED_PATH_PATTERN, examples=["airflow.sdk.EventsTimetable"])
    """Dotted path of a timetable that Airflow ships or that an installed plugin registers."""
    with_: dict[str, PlainValue] = Field(default={}, alias="with")
    """Its arguments, by name. Text becomes a duration or a date if the timetable takes one; without a `timezone` it
    gets the pipeline's."""


_DECIDING = ("timetable", "assets", "cron", "every")


def _shape(value: Any) -> str:
    if value is None:
        return "<none>"
    if not isinstance(value, dict):
        return "<text>"
    keys = written_or_meant(value, _DECIDING)
    if "timetable" in keys:
        return "<timetable>"
    if "assets" in keys:
        return "<assets-or-time>" if "cron" in keys else "<assets>"
    return "<every>" if "every" in keys else "<cron>"


Schedule = Annotated[
    Annotated[str, Tag("<text>"), Field(title="cron expression or preset")]
    | Annotated[None, Tag("<none>")]
    | Annotated[TimetableSchedule, Tag("<timetable>")]
    | Annotated[AssetOrTimeSchedule, Tag("<assets-or-time>")]
    | Annotated[AssetSchedule, Tag("<assets>")]
    | Annotated[EverySchedule, Tag("<every>")]
    | Annotated[CronSchedule, Tag("<cron>")],
    Discriminator(_shape),
]
"""Tags are in `< >`: an error's location contains them, and no key of a document looks like that."""
