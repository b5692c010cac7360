"""`schedule` and time zones: cron fields, presets, names of zones, and Airflow's own timetables."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from schemas.compose.env_values import EnvText
from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic, typo_fix
from schemas.findings.meant_times import meant_duration
from schemas.findings.paths import DataPath
from schemas.findings.suggestions import did_you_mean, meant, nearest
from schemas.model.cron import CronProblem, cron_problems, expanded
from schemas.model.cron_surprises import ranges_read_otherwise, steps_without_effect, surprises
from schemas.model.schedule import CRON_PRESETS, SPECIAL_PRESETS
from schemas.rules.arguments import Arguments, argument_findings, written_at
from schemas.rules.dotted_paths import look_up
from schemas.rules.expressions import has_expression
from schemas.rules.subject import Subject
from schemas.source import Class, NameMissing, SourceReader, Undecidable

_OFFSET = r"(?i)(?:UTC|GMT|[A-Z]{3,4})?\s?(?P<sign>[+-])(?P<hours>0?\d|1[0-4])(?::?(?P<minutes>[0-5]\d))?"
_PLACES = {
    **{"KST": "Asia/Seoul", "JST": "Asia/Tokyo", "BST": "Europe/London", "CEST": "Europe/Berlin"},
    **{"PST": "America/Los_Angeles", "PDT": "America/Los_Angeles", "EDT": "America/New_York"},
    **{"MDT": "America/Denver", "CDT": "America/Chicago"},
}
"""Where people mean that are known by an abbreviation which the IANA database does not have."""
_WEEKS = {"1-7": "first", "8-14": "second", "15-21": "third", "22-28": "fourth", "24-30": "last", "25-31": "last"}
_WITHOUT_SUMMER_TIME = {"EST": "America/New_York", "MST": "America/Denver", "HST": "Pacific/Honolulu"}
_NO_ZONES = frozenset({"localtime", "posixrules", "Factory"})
_INSTEAD = {
    **dict.fromkeys(("@none", "@never", "@manual"), "null"),
    **dict.fromkeys(("@weekday", "@weekdays", "@workdays"), '"0 0 * * 1-5"'),
    **{"@fortnightly": "{every: 14d}", "@biweekly": "{every: 14d}", "@reboot": '"@once"'},
    **dict.fromkeys(("@minutely", "@minute"), '"* * * * *"'),
    **dict.fromkeys(("@weekend", "@weekends"), '"0 0 * * 0,6"'),
}
"""Presets of other tools, and words that look like one of Airflow's → what to write."""

MAX_CRONS = 256  # as many as rows of a matrix


def _short_months(expression: str) -> Iterator[CronProblem]:
    """A day that some months do not have, where every month is meant."""
    fields = expression.split()
    if len(fields) == 5 and fields[2] in ("30", "31") and fields[3:] == ["*", "*"]:
        start = expression.index(fields[2], len(fields[0]) + len(fields[1]))
        without = "five months have" if fields[2] == "31" else "February has"
        message = f"{without} no day {fields[2]}, and no run then"
        yield CronProblem(message, start, start + 2, "the last day of a month is `L`")


_ODD_CRONS = (
    (Code.STEP_WITHOUT_EFFECT, steps_without_effect),
    (Code.RANGE_OF_ONE, ranges_read_otherwise),
    (Code.SURPRISING_SCHEDULE, surprises),
    (Code.SURPRISING_SCHEDULE, _short_months),
)


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Findings in `schedule` and `timezone`."""
    schedule = subject.data.get("schedule")
    if isinstance(schedule, str):
        yield from cron_findings(subject, ("schedule",), schedule, special=True)
        if schedule == "@continuous":
            yield from _continuous(subject)
    elif isinstance(schedule, dict):
        for path, cron in crons(schedule):
            yield from cron_findings(subject, path, cron, special=False)
        if _are_too_many(schedule.get("cron")):
            message = f"a schedule has at most {MAX_CRONS} cron expressions"
            yield subject.finding(Code.BAD_CRON, ("schedule", "cron"), message, at_key=True)
        if isinstance(schedule.get("cron"), list) and schedule.get("data_interval") is True:
            yield subject.finding(
                Code.INTERVAL_OF_SEVERAL,
                ("schedule", "data_interval"),
                "runs by several crons cover no time in Airflow",
                help="write one cron, or remove `data_interval`",
            )
        yield from timezone_findings(subject, ("schedule", "timezone"), schedule.get("timezone"))
    yield from timezone_findings(subject, ("timezone",), subject.data.get("timezone"))


def crons(schedule: Mapping[str, Any]) -> list[tuple[DataPath, str]]:
    """The cron expressions of a `schedule` that is a mapping, each with its path; none where they are too many."""
    cron = schedule.get("cron")
    if isinstance(cron, str):
        return [(("schedule", "cron"), cron)]
    written = enumerate(cron if isinstance(cron, list) and not _are_too_many(cron) else [])
    return [(("schedule", "cron", index), one) for index, one in written if isinstance(one, str)]


def _are_too_many(cron: object) -> bool:
    return isinstance(cron, list) and len(cron) > MAX_CRONS


def cron_findings(subject: Subject, path: DataPath, text: str, *, special: bool) -> Iterator[Diagnostic]:
    """What is wrong with a cron expression or a preset; `special`: `@once` and its like are allowed."""
    if has_expression(subject, path):
        return
    if "{{" in text:
        message = "a template is not allowed in `schedule`, which must be known from the file alone"
        yield subject.finding(Code.BAD_CRON, path, message)
        return
    if text.startswith("@"):
        every = meant_duration(text.removeprefix("@every "))
        instead = _INSTEAD.get(text.strip().lower())
        presets = (*CRON_PRESETS, *(SPECIAL_PRESETS if special else ()))
        if text not in presets:
            yield subject.finding(
                Code.UNKNOWN_PRESET,
                path,
                f"there is no preset `{text}`",
                caret=f"write {instead}" if instead else meant(text.strip(), presets),
                help=f"for a run every {every} write {{every: {every}}}" if every is not None else "",
                allowed=presets,
                fix=typo_fix(text, presets) if not instead else None,
            )
        return
    problems = list(cron_problems(text))
    near = nearest(f"@{text}", (*CRON_PRESETS, *(SPECIAL_PRESETS if special else ()))) if text.isalpha() else None
    near = None if f"@{text}".lower() in _INSTEAD else near
    for problem in problems:
        yield subject.finding(
            Code.BAD_CRON,
            path,
            problem.message,
            caret=f'did you mean "{near}"?' if near is not None else "",
            help=problem.help,
            part=(problem.start, problem.end) if problem.end > problem.start else None,
        )
    if problems:
        return
    for code, find in _ODD_CRONS:
        for odd in find(text):
            help_text = odd.help or _for_both_days(text)
            yield subject.finding(code, path, odd.message, help=help_text, part=(odd.start, odd.end))


def _for_both_days(text: str) -> str:
    """What to write where a day of the month is meant together with a day of the week."""
    minute, hour, day, month, weekday = text.split()
    if day == "*/1":
        return f'`*/1` is every day: write "{minute} {hour} * {month} {weekday}"'
    week, days = _WEEKS.get(day, ""), (expanded(text) or ((),))[-1]
    if week and len(days) == 1:
        nth = f"L{days[0]}" if week == "last" else f"{days[0]}#{int(day[:2].rstrip('-')) // 7 + 1}"
        return f'for the {week} such day of the month write "{minute} {hour} * {month} {nth}"'
    return "cron has no way to name the days that are both: use one, and `run_if` for the other"


def _continuous(subject: Subject) -> Iterator[Diagnostic]:
    runs = subject.data.get("max_active_runs")
    if isinstance(runs, int | float) and runs > 1:
        yield subject.finding(
            Code.WRONG_VALUE,
            ("max_active_runs",),
            "`@continuous` allows one run at a time: `max_active_runs` must be 1",
        )


def timezone_findings(subject: Subject, path: DataPath, name: object) -> Iterator[Diagnostic]:
    """What is wrong with the name of a time zone; what is no text is left to others."""
    if not isinstance(name, str) or (not isinstance(name, EnvText) and has_expression(subject, path)):
        return
    if name in _WITHOUT_SUMMER_TIME:
        message = f"`{name}` has no summer time"
        help_text = f"for the local time of a place write `{_WITHOUT_SUMMER_TIME[name]}`"
        yield subject.finding(Code.SURPRISING_SCHEDULE, path, message, help=help_text)
    if _is_zone(name):
        return
    help_text = "write an IANA name such as `Asia/Seoul`, `Europe/Berlin` or `UTC`"
    if isinstance(name, EnvText):
        message = f"the value of `{name.expression}` is not a time zone"
        yield subject.finding(Code.UNKNOWN_TIMEZONE, path, message, help=help_text)
        return
    offset = re.fullmatch(_OFFSET, name)
    if offset is not None and (offset["minutes"] or "00") == "00":
        hours, turned = int(offset["hours"]), "-" if offset["sign"] == "+" else "+"
        fixed = f"UTC{offset['sign']}{hours} is `Etc/GMT{turned}{hours}`"
        help_text = f"write the place, which also knows summer time; {fixed}"
    yield subject.finding(
        Code.UNKNOWN_TIMEZONE,
        path,
        f"there is no time zone `{name}`",
        caret="" if offset else did_you_mean(_PLACES.get(name) or nearest(name, _known_zones())),
        fix=None if offset else typo_fix(name, available_timezones()),
        help=help_text,
    )


def _known_zones() -> set[str]:
    return available_timezones() - _NO_ZONES


def _is_zone(name: str) -> bool:
    """Whether the IANA database has the name. Listing all of them is costly, opening one is not."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    # The database's folder also holds a machine's own settings and copies under other rules for leap seconds.
    return name not in _NO_ZONES and not name.startswith(("posix/", "right/"))


_SHIPPED = ("airflow.sdk.definitions.timetables.", "airflow.timetables.")
"""Where Airflow's own are defined (airflow.serialization.encoders)."""
NAMES = (
    "airflow.sdk.AssetOrTimeSchedule",
    "airflow.sdk.CronDataIntervalTimetable",
    "airflow.sdk.CronPartitionTimetable",
    "airflow.sdk.CronTriggerTimetable",
    "airflow.sdk.DeltaDataIntervalTimetable",
    "airflow.sdk.DeltaTriggerTimetable",
    "airflow.sdk.EventsTimetable",
    "airflow.sdk.MultipleCronTriggerTimetable",
    "airflow.sdk.PartitionedAssetTimetable",
    "airflow.sdk.PartitionedAtRuntime",
)
"""By the names that Airflow gives to users."""
_TIMETABLE = ("schedule", "timetable")
_SOME_DATE = datetime(2026, 12, 30, 23, 59, 59, tzinfo=UTC)
_NOT_IN_A_RUN_ID = r"[^A-Za-z0-9_.~:+-]"
"""`allowed_run_id_pattern` of Airflow's `[scheduler]`, as it is shipped."""


def check_timetable(subject: Subject, reader: SourceReader) -> Iterator[Diagnostic]:
    """A path that names nothing, a class that Airflow cannot store, arguments it does not take.

    An installed class outside of Airflow may be registered by a plugin: the build asks Airflow.
    """
    schedule = subject.data.get("schedule")
    timetable = schedule.get("timetable") if isinstance(schedule, dict) else None
    if not isinstance(timetable, str) or "." not in timetable:
        return
    if isinstance(reader.find(timetable), Undecidable | NameMissing) and timetable.startswith("airflow."):
        if timetable not in NAMES and nearest(timetable, NAMES):
            yield _unknown_timetable(subject, timetable, meant(timetable, NAMES))
        return
    found, findings = look_up(subject, _TIMETABLE, timetable, reader)
    yield from findings
    if isinstance(found, Class) and found.path.startswith(_SHIPPED):
        yield from _timetable_arguments(subject, found)
    elif isinstance(found, Class):
        if found.local or found.path.startswith("airflow."):
            yield _unknown_timetable(subject, timetable, local=found.local)
    elif found is not None:
        yield _unknown_timetable(subject, timetable)


def _unknown_timetable(subject: Subject, timetable: str, caret: str = "", *, local: bool = False) -> Diagnostic:
    return subject.finding(
        Code.UNKNOWN_TIMETABLE,
        _TIMETABLE,
        f"Airflow has no timetable `{timetable}`",
        caret=caret,
        help="a plugin must register a timetable of your own; a class below `pipelines/` is not one" if local else "",
        allowed=NAMES,
    )


def _timetable_arguments(subject: Subject, timetable: Class) -> Iterator[Diagnostic]:
    written = subject.data["schedule"].get("with", {})
    if isinstance(written, dict) and timetable.parameters is not None:
        by_us = frozenset({"timezone"})
        places = written_at(("schedule", "with"), written)
        arguments = Arguments(f"`{timetable.path}`", places, _TIMETABLE, filled=by_us)
        yield from argument_findings(subject, arguments, timetable.parameters)
    if isinstance(written, dict) and timetable.path.endswith(".CronPartitionTimetable"):
        yield from _key_format(subject, written.get("key_format"))


def _key_format(subject: Subject, key_format: object) -> Iterator[Diagnostic]:
    """The key becomes part of the run's id: with another character Airflow makes no run, and only logs why."""
    if not isinstance(key_format, str) or "${" in key_format:
        return
    key = _SOME_DATE.strftime(key_format)
    wrong = "".join(dict.fromkeys(re.findall(_NOT_IN_A_RUN_ID, key)))
    if wrong:
        yield subject.finding(
            Code.WRONG_ARGUMENT,
            ("schedule", "with", "key_format"),
            f"`key_format` gives keys such as `{key}`, and a run's id cannot contain {_named(wrong)}",
            help="letters, digits and `_ . ~ : + -` are allowed",
        )


def _named(characters: str) -> str:
    return ", ".join("a space" if character == " " else f"`{character}`" for character in characters)
