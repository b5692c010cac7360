"""Assets: data that one pipeline writes and that another one waits for (airflow.sdk.Asset, 3.3)."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Discriminator, Field, Tag

from schemas.findings.suggestions import written_or_meant
from schemas.model.fields import Model, PlainValue, PythonObject

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


def _shape(value: Any) -> str:
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
    Discriminator(_shape),
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
