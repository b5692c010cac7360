"""`schedule`, `inlets` and `outlets`: assets and conditions of them."""

from __future__ import annotations

from typing import Any

from schemas.dagfactory.convert.context import Conversion
from schemas.dagfactory.convert.objects import named_arguments
from schemas.dagfactory.convert.texts import converted, fixed
from schemas.dagfactory.convert.written import Written
from schemas.findings.paths import DataPath

ASSETS = frozenset(
    f"{module}.{name}"
    for module, name in (
        ("airflow.sdk", "Asset"),
        ("airflow.sdk", "Dataset"),
        ("airflow.sdk.definitions.asset", "Asset"),
        ("airflow.datasets", "Dataset"),
        ("airflow.assets", "Asset"),
    )
)
_TEXTS = {"name", "uri", "group"}


def condition(conversion: Conversion, path: DataPath, given: Any) -> Written | None:
    """What a schedule waits for; None where it is no condition of assets."""
    if isinstance(given, list):
        items = [asset(conversion, (*path, index), item) for index, item in enumerate(given) if item]
        known = [item for item in items if item is not None]
        return Written({"all": Written(known, path)}, path) if len(known) == len(items) else None
    if isinstance(given, dict):
        for key, word in (("__and__", "all"), ("__or__", "any")):
            if key in given and isinstance(given[key], list):
                found = [condition(conversion, (*path, key, i), item) for i, item in enumerate(given[key])]
                inner = [item for item in found if item is not None]
                return Written({word: Written(inner, (*path, key))}, path) if len(inner) == len(found) else None
    return asset(conversion, path, given)


def asset(conversion: Conversion, path: DataPath, given: Any) -> Written | None:
    """One asset; None where it is none."""
    text = fixed if path[0] == "schedule" else converted
    if isinstance(given, str):
        return Written(text(conversion, path, given.strip()), path)
    if not isinstance(given, dict) or given.get("__type__") not in ASSETS:
        return None
    if text is fixed:
        given = {k: fixed(conversion, (*path, k), v) if isinstance(v, str) else v for k, v in given.items()}
    parts = named_arguments(conversion, path, "airflow.sdk.Asset", given)
    if parts.keys() == {"uri"} or parts.keys() == {"name"}:
        (only,) = parts.values()
        return Written(only.value, path)
    other = parts.keys() - _TEXTS - {"extra"}
    for name in sorted(other):
        conversion.lost((*path, name), f"`{name}` of an asset cannot be carried over")
        del parts[name]
    return Written(dict(parts), path)


def assets(conversion: Conversion, path: DataPath, given: Any) -> Written:
    """`inlets` or `outlets`."""
    if not isinstance(given, list):
        conversion.lost(path, f"`{path[-1]}` is no list of assets")
        return Written([], path)
    items = []
    for index, one in enumerate(given):
        made = asset(conversion, (*path, index), one)
        if made is None:
            conversion.lost((*path, index), f"only assets can stand in `{path[-1]}`", at_key=False)
            continue
        items.append(made)
    return Written(items, path, flow=all(isinstance(item.value, str) for item in items))
