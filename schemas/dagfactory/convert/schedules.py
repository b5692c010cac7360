"""`schedule` → cron, assets or a timetable; `inlets` and `outlets`."""

from __future__ import annotations

from typing import Any

from schemas.dagfactory.convert.conversion import Conversion, Converted
from schemas.dagfactory.convert.values import duration_of_object, named_arguments, written_duration
from schemas.findings.paths import DataPath

_ASSETS = frozenset(
    {
        *("airflow.sdk.Asset", "airflow.sdk.Dataset", "airflow.sdk.definitions.asset.Asset"),
        *("airflow.datasets.Dataset", "airflow.assets.Asset"),
    }
)
_ASSET_KEYS = frozenset({"name", "uri", "group", "extra"})
_PRESETS = {"@annually": "@yearly", "@midnight": "@daily"}
_FIELDS = 5
_CRON = "CronTriggerTimetable"
_CRONS = "MultipleCronTriggerTimetable"
_INTERVAL = "CronDataIntervalTimetable"
_OR_TIME = "AssetOrTimeSchedule"


def schedule(conversion: Conversion, given: Any) -> Converted:
    """The schedule of a DAG; reports one that this language cannot express."""
    path = ("schedule",)
    if not given or (isinstance(given, str) and given.strip().lower() == "none"):
        return Converted(None, path)
    if isinstance(given, str):
        text = conversion.fixed_text(path, given)
        if len(text.split()) > _FIELDS:
            conversion.lost(path, "a cron expression has no seconds here")
            text = " ".join(text.split()[:_FIELDS])
        return Converted(_PRESETS.get(text, text), path)
    if isinstance(given, dict) and given.get("__type__") == "builtins.list" and "items" in given:
        given = given["items"]
    every = duration_of_object(given)
    if every is not None:
        return Converted({"every": Converted(written_duration(every), path)}, path)
    condition = _condition(conversion, path, given)
    made = {"assets": condition} if condition is not None else None
    if made is None and isinstance(given, dict) and "__type__" in given:
        made = _timetable(conversion, path, given)
    if made is None:
        conversion.lost(path, "this schedule has no equivalent here")
    return Converted(made, path)


def _timetable(conversion: Conversion, path: DataPath, given: dict[str, Any]) -> dict[str, Converted] | None:
    """None for a combination that this language cannot express."""
    kind = conversion.fixed_text((*path, "__type__"), str(given["__type__"]))
    short = kind.rpartition(".")[2]
    if short == _OR_TIME:
        return _assets_or_time(conversion, path, given)
    if short in (_CRON, _CRONS, _INTERVAL) and kind.startswith("airflow."):
        cron = _cron(conversion, path, given)
        if cron is not None:
            return cron
    arguments = named_arguments(conversion, path, kind, given)
    return {"timetable": Converted(kind, (*path, "__type__")), "with": Converted(arguments)}


def _cron(conversion: Conversion, path: DataPath, given: dict[str, Any]) -> dict[str, Converted] | None:
    """The timetable as `cron`, `timezone` and `data_interval`; None where it has other arguments."""
    arguments = given.get("__args__") or []
    rest = {key: child for key, child in given.items() if key not in ("__type__", "__args__")}
    if not isinstance(arguments, list) or not rest.keys() <= {"cron", "timezone"}:
        return None
    places: dict[DataPath, Any] = {(*path, "__args__", index): cron for index, cron in enumerate(arguments)}
    if "cron" in rest:
        places[(*path, "cron")] = rest["cron"]
    several = str(given["__type__"]).endswith(_CRONS)
    if not (places if several else len(places) == 1) or not all(isinstance(cron, str) for cron in places.values()):
        return None
    crons = [Converted(conversion.fixed_text(place, cron), place) for place, cron in places.items()]
    found = {"cron": Converted(crons, (*path, "__args__")) if several else crons[0]}
    if isinstance(rest.get("timezone"), str):
        place = (*path, "timezone")
        found["timezone"] = Converted(conversion.fixed_text(place, rest["timezone"]), place)
    if str(given["__type__"]).endswith(_INTERVAL):
        found["data_interval"] = Converted(True)
    return found


def _assets_or_time(conversion: Conversion, path: DataPath, given: dict[str, Any]) -> dict[str, Converted] | None:
    timetable = given.get("timetable")
    kind = str(timetable.get("__type__")) if isinstance(timetable, dict) else ""
    if "__args__" in given or not isinstance(timetable, dict) or kind.rpartition(".")[2] != _CRON:
        return None
    cron = _cron(conversion, (*path, "timetable"), timetable)
    condition = _condition(conversion, (*path, "assets"), given.get("assets"))
    return None if cron is None or condition is None else {"assets": condition, **cron}


def _condition(conversion: Conversion, path: DataPath, given: Any) -> Converted | None:
    """A condition on assets; None for other values."""
    if isinstance(given, list):
        return _all_of(conversion, path, "all", [((*path, index), item) for index, item in enumerate(given) if item])
    for key, word in (("__and__", "all"), ("__or__", "any")):
        if isinstance(given, dict) and isinstance(given.get(key), list):
            place = (*path, key)
            return _all_of(conversion, path, word, [((*place, index), item) for index, item in enumerate(given[key])])
    return _asset(conversion, path, given)


def _all_of(conversion: Conversion, path: DataPath, word: str, items: list[tuple[DataPath, Any]]) -> Converted | None:
    found = [_condition(conversion, place, item) for place, item in items]
    if None in found:
        return None
    place = items[0][0][:-1] if items else path
    return Converted({word: Converted(found, place)}, path)


def _asset(conversion: Conversion, path: DataPath, given: Any) -> Converted | None:
    """One asset; None for other values. A schedule accepts no variables."""
    text = conversion.fixed_text if path[0] == "schedule" else conversion.text
    if isinstance(given, str):
        return Converted(text(path, given.strip()), path)
    if not isinstance(given, dict) or given.get("__type__") not in _ASSETS:
        return None
    if path[0] == "schedule":
        given = {k: text((*path, k), v) if isinstance(v, str) else v for k, v in given.items()}
    parts = named_arguments(conversion, path, "airflow.sdk.Asset", given)
    if parts.keys() == {"uri"} or parts.keys() == {"name"}:
        (only,) = parts.values()
        return Converted(only.value, path)
    for name in sorted(parts.keys() - _ASSET_KEYS):
        conversion.lost((*path, name), f"`{name}` of an asset cannot be converted")
        del parts[name]
    return Converted(parts, path)


def assets(conversion: Conversion, path: DataPath, given: Any) -> Converted:
    """`inlets` or `outlets`."""
    if not isinstance(given, list):
        conversion.lost(path, f"`{path[-1]}` is not a list of assets")
        return Converted([], path)
    items = []
    for index, one in enumerate(given):
        made = _asset(conversion, (*path, index), one)
        if made is None:
            conversion.lost((*path, index), f"`{path[-1]}` accepts assets only", at_key=False)
        else:
            items.append(made)
    return Converted(items, path, flow=all(isinstance(item.value, str) for item in items))
