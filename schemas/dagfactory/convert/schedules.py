"""`schedule` → cron, assets or a timetable."""

from __future__ import annotations

from typing import Any

from schemas.dagfactory.convert import durations
from schemas.dagfactory.convert.assets import condition
from schemas.dagfactory.convert.context import Conversion
from schemas.dagfactory.convert.objects import named_arguments
from schemas.dagfactory.convert.texts import fixed
from schemas.dagfactory.convert.written import Written
from schemas.findings.paths import DataPath

_CRON = "CronTriggerTimetable"
_CRONS = "MultipleCronTriggerTimetable"
_INTERVAL = "CronDataIntervalTimetable"
_OR_TIME = "AssetOrTimeSchedule"


def schedule(conversion: Conversion, given: Any) -> Written:
    """The schedule of a DAG; what it says that this language cannot say is lost, and said so."""
    path = ("schedule",)
    if given is None or (isinstance(given, str) and given.strip().lower() == "none"):
        return Written(None, path)
    if isinstance(given, str):
        return Written(fixed(conversion, path, given), path)
    if isinstance(given, dict) and "__type__" in given:
        made = _object(conversion, path, given)
    elif isinstance(given, list) and not given:
        return Written(None, path)
    else:
        assets = condition(conversion, path, given)
        made = None if assets is None else Written({"assets": assets}, path)
    if made is None:
        conversion.lost(path, "this schedule has no like here")
        return Written(None, path)
    return made


def _object(conversion: Conversion, path: DataPath, given: dict[str, Any]) -> Written | None:
    kind = fixed(conversion, (*path, "__type__"), str(given["__type__"]))
    short = kind.rpartition(".")[2]
    duration = durations.from_object(given)
    if duration is not None:
        return Written({"every": Written(durations.written(duration), path)}, path)
    assets = condition(conversion, path, given)
    if assets is not None:
        return Written({"assets": assets}, path)
    if short == _OR_TIME:
        return _assets_or_time(conversion, path, given)
    if short in (_CRON, _CRONS, _INTERVAL) and kind.startswith("airflow."):
        cron = _cron(conversion, path, given)
        if cron is not None:
            return Written(cron, path)
    arguments = named_arguments(conversion, path, kind, given)
    return Written({"timetable": Written(kind, (*path, "__type__")), "with": Written(arguments)}, path)


def _cron(conversion: Conversion, path: DataPath, given: dict[str, Any]) -> dict[str, Written] | None:
    """The timetable as `cron` and what goes with it; None where it says more."""
    arguments = given.get("__args__") or []
    rest = {key: child for key, child in given.items() if key not in ("__type__", "__args__")}
    if not isinstance(arguments, list) or not rest.keys() <= {"cron", "timezone"}:
        return None
    places = {(*path, "__args__", index): cron for index, cron in enumerate(arguments)}
    if "cron" in rest:
        places[(*path, "cron")] = rest["cron"]
    several = str(given["__type__"]).endswith(_CRONS)
    if not (places if several else len(places) == 1) or not all(isinstance(cron, str) for cron in places.values()):
        return None
    crons = [Written(fixed(conversion, place, cron), place) for place, cron in places.items()]
    found = {"cron": Written(crons, (*path, "__args__")) if several else crons[0]}
    if isinstance(rest.get("timezone"), str):
        found["timezone"] = Written(fixed(conversion, (*path, "timezone"), rest["timezone"]), (*path, "timezone"))
    if str(given["__type__"]).endswith(_INTERVAL):
        found["data_interval"] = Written(True)
    return found


def _assets_or_time(conversion: Conversion, path: DataPath, given: dict[str, Any]) -> Written | None:
    timetable = given.get("timetable")
    if (
        "__args__" in given
        or not isinstance(timetable, dict)
        or str(timetable.get("__type__")).rpartition(".")[2] != _CRON
    ):
        return None
    cron = _cron(conversion, (*path, "timetable"), timetable)
    assets = condition(conversion, (*path, "assets"), given.get("assets"))
    return None if cron is None or assets is None else Written({"assets": assets, **cron}, path)
