"""Values of any shape: `__type__` → `$object`, `__join__` → text, durations → `5m`, dates → ISO 8601."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from schemas.dagfactory.convert.conversion import Conversion, Converted, UnquotedText
from schemas.dagfactory.keys import C_PARAMETERS
from schemas.dagfactory.reading import VARIABLE, list_from
from schemas.dagfactory.rules.schedule import TIME_OF_DAY, read_date
from schemas.findings.codes import Code
from schemas.findings.paths import DataPath
from schemas.model.fields import OBJECT
from schemas.model.times import parse_duration
from schemas.source import Class

DATES = ("start_date", "end_date")
_TIMEDELTA = "datetime.timedelta"
_MOMENTS = frozenset({"datetime.date", "datetime.datetime", "pendulum.datetime"})
_ZONES = frozenset({"pendulum.timezone", "pendulum.tz.timezone", "zoneinfo.ZoneInfo"})
_MOMENT_PARTS = ("year", "month", "day", "hour", "minute", "second", "microsecond")
_WORDS = re.compile(
    r"((?P<hours>\d+?)\s+hour)?((?P<minutes>\d+?)\s+minute)?((?P<seconds>\d+?)\s+second)?((?P<days>\d+?)\s+day)?",
    re.IGNORECASE,
)
"""What dag-factory takes from the start of a text (`dagfactory.utils.get_time_delta`)."""
_LONGEST = 100
_FILE_ENDINGS = (".sh", ".bash", ".sql", ".html")
_OF_FILES = frozenset({"bash_command", "command", "html_content", "query", "sql"})
"""Arguments of an unknown operator whose text may be the name of a template file, told by its ending."""


def value(conversion: Conversion, path: DataPath, given: Any) -> Converted:
    """Any value, with the objects in it."""
    if isinstance(given, str):
        items = list_from(conversion.expanded(given), given) if VARIABLE.fullmatch(given) else given
        if isinstance(items, str):
            return Converted(conversion.text(path, given), path)
        conversion.lost(path, f"`{path[-1]}` accepts no list from a variable: its current value is written")
        return Converted([Converted(str(item) if isinstance(item, str) else item) for item in items], path, flow=True)
    if isinstance(given, date):
        kind = "datetime.datetime" if isinstance(given, datetime) else "datetime.date"
        parts = {n: getattr(given, n) for n in C_PARAMETERS[kind].names if isinstance(getattr(given, n), int)}
        arguments = {name: Converted(part) for name, part in parts.items() if part}
        return Converted({OBJECT: Converted(kind), "with": Converted(arguments)}, path)
    if isinstance(given, list):
        items = [value(conversion, (*path, index), item) for index, item in enumerate(given)]
        return Converted.listed(items, path)
    if not isinstance(given, dict):
        return Converted(given, path)
    if isinstance(given.get("__join__"), list):
        return Converted(_joined(conversion, (*path, "__join__"), given["__join__"]), path)
    for key, sign in (("__and__", " & "), ("__or__", " | ")):
        if key in given:
            return _combined(conversion, path, key, given[key], sign)
    if "__type__" in given:
        return _object(conversion, path, given)
    if OBJECT in given:
        conversion.lost(path, f"a mapping with the key `{OBJECT}` makes an object here")
        return Converted(None, path)
    return Converted({str(key): value(conversion, (*path, key), child) for key, child in given.items()}, path)


def has_objects(given: Any) -> bool:
    """Whether a value holds an object, so that it is not plain data."""
    if isinstance(given, dict):
        is_object = "__type__" in given and given["__type__"] != "builtins.list"
        return is_object or any(map(has_objects, given.values()))
    return any(map(has_objects, given)) if isinstance(given, list) else isinstance(given, date)


def _joined(conversion: Conversion, path: DataPath, items: list[Any]) -> str:
    parts = []
    for index, item in enumerate(items):
        made = value(conversion, (*path, index), item).value
        if isinstance(made, dict | list):
            conversion.lost((*path, index), "only text and numbers can be joined here", at_key=False)
        else:
            parts.append(str(made))
    return "".join(parts)


def _combined(conversion: Conversion, path: DataPath, key: str, items: Any, sign: str) -> Converted:
    if isinstance(items, list) and all(isinstance(item, str) for item in items):
        texts = [conversion.text((*path, key, index), item) for index, item in enumerate(items)]
        return Converted(f"({sign.join(texts)})", path)
    conversion.lost((*path, key), f"`{key}` of objects has no equivalent here")
    return Converted(None, path)


def _object(conversion: Conversion, path: DataPath, given: dict[str, Any]) -> Converted:
    kind = conversion.fixed_text((*path, "__type__"), str(given["__type__"]))
    if kind == "builtins.list" and "items" in given:
        return value(conversion, (*path, "items"), given["items"])
    before = len(conversion.findings)
    arguments = named_arguments(conversion, path, kind, given)
    if any(d.code is Code.NOT_CONVERTED for d in conversion.findings[before:]):
        return Converted(None, path)  # half an object would be another one
    return Converted({OBJECT: Converted(kind, (*path, "__type__")), "with": Converted(arguments)}, path)


def named_arguments(conversion: Conversion, path: DataPath, kind: str, given: dict[str, Any]) -> dict[str, Converted]:
    """All arguments of an object by name; reports those whose name is not known."""
    positional = given.get("__args__") or []
    arguments: dict[str, Converted] = {}
    if isinstance(positional, list) and positional:
        names = C_PARAMETERS[kind].names if kind in C_PARAMETERS else conversion.positional_names(kind)
        if len(names) < len(positional):
            message = f"the parameters of `{kind}` are not known here, and arguments have names in this language"
            conversion.lost((*path, "__args__"), message, help="write the arguments by name")
        for index, (name, item) in enumerate(zip(names, positional, strict=False)):
            arguments[name] = value(conversion, (*path, "__args__", index), item)
    for key, child in given.items():
        if key not in ("__type__", "__args__"):
            arguments[key] = value(conversion, (*path, key), child)
    return arguments


def duration(conversion: Conversion, path: DataPath, given: Any) -> Converted:
    """A duration where the value is one; otherwise as `value`."""
    found = duration_of_object(given)
    if found is None and isinstance(given, int | float) and not isinstance(given, bool):
        found = timedelta(seconds=given)
    return value(conversion, path, given) if found is None else Converted(written_duration(found), path)


def duration_of_words(text: str) -> timedelta | None:
    """The duration of `1 day` and the like; None for other text."""
    match = _WORDS.match(text[:_LONGEST])
    parts = {unit: int(number) for unit, number in match.groupdict().items() if number} if match is not None else {}
    return timedelta(**parts) if parts else None


def duration_of_object(given: Any) -> timedelta | None:
    """The duration that `{__type__: datetime.timedelta, …}` builds; None for other values."""
    arguments = given.get("__args__", []) if isinstance(given, dict) and given.get("__type__") == _TIMEDELTA else None
    names = C_PARAMETERS[_TIMEDELTA].names
    if not isinstance(arguments, list) or len(arguments) > len(names):
        return None
    parts = {**dict(zip(names, arguments, strict=False)), **given}
    parts = {key: number for key, number in parts.items() if key not in ("__type__", "__args__")}
    is_known = all(key in names and isinstance(number, int | float) for key, number in parts.items())
    return timedelta(**parts) if is_known else None


def written_duration(duration: timedelta) -> str:
    """The shortest text for a duration: `30s`, `5m`, `2h`, `1d`."""
    seconds = duration.total_seconds()
    if seconds != int(seconds):
        return f"PT{seconds:.6f}".rstrip("0") + "S"
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds and seconds % size == 0:
            return f"{int(seconds // size)}{unit}"
    return f"{int(seconds)}s"


def has_marks(value: Any) -> bool:
    """Whether a value has keys that Airflow 3.4 takes for marks."""
    if isinstance(value, dict):
        return any(key.startswith("$") or has_marks(child) for key, child in value.items())
    return any(map(has_marks, value)) if isinstance(value, list) else False


def short_duration(given: Any) -> Any:
    """A duration in the short form, which Airflow 3.4 reads, too; all else as it is."""
    try:
        return written_duration(parse_duration(given)) if isinstance(given, str) and given.startswith("P") else given
    except ValueError:
        return given


def with_offset(text: str, zone: str) -> str:
    """A moment of a time zone with its offset; a time that clocks skip an hour back, as the build moves it."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo:
        return text
    local = moment.replace(tzinfo=ZoneInfo(zone))
    is_skipped = local.astimezone(UTC).astimezone(local.tzinfo).replace(tzinfo=None) != moment
    return (local.replace(fold=1) if is_skipped else local).isoformat()


def pipeline_timezone(conversion: Conversion) -> tuple[str, DataPath | None]:
    """The time zone that Airflow gives the DAG, and its path: that of its `start_date`, else of the one in
    `default_args` (`airflow.sdk.DAG`)."""
    data = conversion.dag.data
    for path, mapping in (((), data), (("default_args",), data.get("default_args"))):
        if isinstance(mapping, dict) and mapping.get("start_date") is not None:
            zone = mapping.get("timezone")
            return (zone, (*path, "timezone")) if isinstance(zone, str) else ("UTC", None)
    return "UTC", None


def moment(conversion: Conversion, path: DataPath, given: Any, zone: Any, around: str) -> Converted:
    """A date that dag-factory reads in the time zone `zone`, in a pipeline of the time zone `around`."""
    zone = zone if isinstance(zone, str) else "UTC"
    if isinstance(given, str):
        read = _moment_of_text(conversion, path, given, zone)
        if read is None:
            return Converted(conversion.text(path, given), path)
        given = read
    at = _moment_of_object(given)
    if at is None:
        conversion.lost(path, "this date cannot be written as text")
        return Converted(None, path)
    at = at.replace(tzinfo=None)  # dag-factory drops the offset
    if zone != around:
        return Converted(UnquotedText(at.replace(tzinfo=ZoneInfo(zone)).isoformat()), path)
    return Converted(UnquotedText(at.date().isoformat() if at.time() == time.min else at.isoformat()), path)


def moment_of_task(conversion: Conversion, path: DataPath, given: Any) -> Converted:
    """A date that dag-factory hands to Airflow as it is; Airflow reads one without offset as UTC."""
    at = given if isinstance(given, datetime) else _aware_moment(given)
    if at is None:
        conversion.lost(path, "this date cannot be written as text")
        return Converted(None, path)
    return Converted(UnquotedText((at if at.tzinfo is not None else at.replace(tzinfo=UTC)).isoformat()), path)


def _aware_moment(given: Any) -> datetime | None:
    """The moment of an object with its time zone; None where that is neither a plain name nor a fixed offset."""
    at = _moment_of_object(given) if isinstance(given, dict) else None
    zone = given.get("tzinfo", given.get("tz", "UTC")) if at is not None else None
    if at is None or (fixed := _fixed_offset(zone)) is not None:
        return at.replace(tzinfo=fixed) if at is not None else None
    if isinstance(zone, dict) and str(zone.get("__type__")) in _ZONES:
        zone = next(iter([*zone.get("__args__", ()), *(v for k, v in zone.items() if k in ("key", "name"))]), None)
    try:
        return at.replace(tzinfo=ZoneInfo(zone)) if isinstance(zone, str) else None
    except (ValueError, OSError):
        return None


def _fixed_offset(zone: Any) -> timezone | None:
    """`datetime.timezone` with a duration of plain numbers."""
    if not isinstance(zone, dict) or zone.get("__type__") != "datetime.timezone":
        return None
    written = zone.get("offset", next(iter(zone.get("__args__") or ()), None))
    numbers = written if isinstance(written, dict) else {}
    try:
        named = {name: number for name, number in numbers.items() if name not in ("__type__", "__args__")}
        return timezone(timedelta(*numbers.get("__args__", ()), **named))
    except (TypeError, ValueError, OverflowError):
        return None


def _moment_of_object(given: Any) -> datetime | None:
    """The moment of a date, or of an object of plain numbers without its time zone; None for other values."""
    if isinstance(given, date):
        return given if isinstance(given, datetime) else datetime.combine(given, time.min)
    arguments = (given.get("__args__") or []) if isinstance(given, dict) else None
    if not isinstance(arguments, list) or given.get("__type__") not in _MOMENTS:
        return None
    named = {**dict(zip(_MOMENT_PARTS, arguments, strict=False)), **{k: given[k] for k in _MOMENT_PARTS if k in given}}
    try:
        return datetime(**named)
    except (TypeError, ValueError, OverflowError):
        return None


def _moment_of_text(conversion: Conversion, path: DataPath, text: str, zone: str) -> date | None:
    if "$" in text:
        return None
    found = read_date(text)
    clock = TIME_OF_DAY.fullmatch(text)
    ago = -timedelta(hours=int(clock[1]), minutes=int(clock[2])) if clock is not None else duration_of_words(text)
    if found is not None or (ago is None and text != "now"):
        return found
    conversion.lost(path, f"`{text}` moves every day; the date of today is written", at_key=False)
    return datetime.combine(datetime.now(ZoneInfo(zone)).date(), time.min) - (ago or timedelta())


class Rendering(NamedTuple):
    """What Airflow does with the texts in an argument: whether it renders them, and those with which `endings` it takes
    for names of template files."""

    is_rendered: bool
    endings: tuple[str, ...]


def rendering(found: object, argument: str) -> Rendering:
    """Of an argument of an operator, as far as its source tells."""
    if not isinstance(found, Class) or found.template_fields is None:
        return Rendering(True, _FILE_ENDINGS if argument in _OF_FILES else ())
    if argument not in found.template_fields:
        return Rendering(False, ())
    return Rendering(True, found.template_ext)
