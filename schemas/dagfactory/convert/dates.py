"""`start_date`, `end_date` and `timezone`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from schemas.dagfactory.convert import durations
from schemas.dagfactory.convert.context import Conversion
from schemas.dagfactory.convert.texts import converted
from schemas.dagfactory.convert.written import PlainText, Written
from schemas.findings.paths import DataPath

_MOMENTS = frozenset({"datetime.date", "datetime.datetime", "pendulum.datetime"})
_PARTS = ("year", "month", "day", "hour", "minute", "second", "microsecond")
DATES = ("start_date", "end_date")


def pipeline_timezone(conversion: Conversion) -> tuple[str, DataPath | None]:
    """The time zone that Airflow gives the DAG, and where it is written: that of its `start_date`, else of the one in
    `default_args` (`airflow.sdk.DAG`)."""
    data = conversion.dag.data
    default_args = data.get("default_args") if isinstance(data.get("default_args"), dict) else {}
    for path, mapping in (((), data), (("default_args",), default_args)):
        zone = mapping.get("timezone")  # type: ignore[union-attr] # both are mappings
        if mapping.get("start_date") is not None:  # type: ignore[union-attr]
            return (zone, (*path, "timezone")) if isinstance(zone, str) else ("UTC", None)
    return "UTC", None


def moment(conversion: Conversion, path: DataPath, given: Any, zone: Any, around: str) -> Written:
    """A date that dag-factory reads in the time zone `zone`, in a pipeline of the time zone `around`."""
    zone = zone if isinstance(zone, str) else "UTC"
    if isinstance(given, str):
        read = _read(conversion, path, given, zone)
        if read is None:
            return Written(converted(conversion, path, given), path)
        given = read
    if isinstance(given, dict):
        given = _of_object(given)
    if not isinstance(given, date):
        conversion.lost(path, "this is no date that can be written down")
        return Written(None, path)
    if not isinstance(given, datetime):
        given = datetime.combine(given, time.min)
    # dag-factory takes away whatever offset is written.
    at = given.replace(tzinfo=None)
    if zone != around:
        return Written(PlainText(at.replace(tzinfo=ZoneInfo(zone)).isoformat()), path)
    return Written(PlainText(at.date().isoformat() if at.time() == time.min else at.isoformat()), path)


def of_task(conversion: Conversion, path: DataPath, given: Any) -> Written:
    """A date that dag-factory hands to Airflow as it is, which reads one without offset as UTC."""
    if not isinstance(given, datetime):
        conversion.lost(path, "this is no date that can be written down")
        return Written(None, path)
    at = given if given.tzinfo is not None else given.replace(tzinfo=UTC)
    return Written(PlainText(at.isoformat()), path)


def _of_object(given: Mapping[str, Any]) -> datetime | None:
    """The moment that an object of plain numbers stands for, without its time zone, which dag-factory takes away."""
    arguments = given.get("__args__") or []
    if given.get("__type__") not in _MOMENTS or not isinstance(arguments, list):
        return None
    named = {**dict(zip(_PARTS, arguments, strict=False)), **{k: v for k, v in given.items() if k in _PARTS}}
    try:
        return datetime(**named)
    except (TypeError, ValueError, OverflowError):
        return None


def _read(conversion: Conversion, path: DataPath, text: str, zone: str) -> date | None:
    if "$" in text:
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        pass
    duration = durations.from_words(text)
    if duration is None:
        return None
    conversion.lost(path, f"`{text}` moves on every day; the date that it is today is written", at_key=False)
    return datetime.combine(datetime.now(ZoneInfo(zone)).date(), time.min) - duration
