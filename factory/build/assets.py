"""Assets of the document → Airflow's."""

from __future__ import annotations

from airflow.sdk import Asset as AirflowAsset
from airflow.sdk import AssetAccessControl as AirflowAssetAccessControl
from airflow.sdk import AssetAlias as AirflowAssetAlias
from airflow.sdk import AssetAll as AirflowAssetAll
from airflow.sdk import AssetAny as AirflowAssetAny
from airflow.sdk import AssetWatcher as AirflowAssetWatcher
from airflow.sdk.definitions.asset import BaseAsset

from factory.build.errors import BuildError
from factory.build.objects import ObjectBuilder
from schemas.findings.paths import DataPath
from schemas.model.schedule import Asset, AssetAlias, AssetAll, AssetAny, AssetCondition, AssetReference


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
