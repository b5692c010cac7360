"""`schedule` and time zones: cron fields, presets, names of zones."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from schemas.compose.env_values import EnvText
from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic, typo_fix
from schemas.findings.paths import DataPath
from schemas.findings.suggestions import did_you_mean, meant, nearest
from schemas.model.cron import cron_problems, ranges_read_otherwise, steps_without_effect, surprises
from schemas.model.schedule import CRON_PRESETS, SPECIAL_PRESETS
from schemas.model.times import meant_duration
from schemas.rules.expressions import has_expression
from schemas.rules.subject import Subject

_OFFSET = re.compile(r"(?:UTC|GMT|[A-Z]{3,4})?\s?(?P<sign>[+-])(?P<hours>0?\d|1[0-4])(?::?00)?", re.IGNORECASE)
_PLACES = {
    **{"KST": "Asia/Seoul", "JST": "Asia/Tokyo", "BST": "Europe/London", "CEST": "Europe/Berlin"},
    **{"PST": "America/Los_Angeles", "PDT": "America/Los_Angeles", "EDT": "America/New_York"},
    **{"MDT": "America/Denver", "CDT": "America/Chicago"},
}
"""Where people mean that are known by an abbreviation which the IANA database does not have."""
_WITHOUT_SUMMER_TIME = {"EST": "America/New_York", "MST": "America/Denver", "HST": "Pacific/Honolulu"}
_NO_ZONES = frozenset({"localtime", "posixrules", "Factory"})

MAX_CRONS = 256
"""As many as rows of a matrix."""


_ODD_CRONS = (
    (Code.STEP_WITHOUT_EFFECT, steps_without_effect),
    (Code.RANGE_OF_ONE, ranges_read_otherwise),
    (Code.SURPRISING_SCHEDULE, surprises),
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
        presets = (*CRON_PRESETS, *(SPECIAL_PRESETS if special else ()))
        if text not in presets:
            yield subject.finding(
                Code.UNKNOWN_PRESET,
                path,
                f"there is no preset `{text}`",
                caret=meant(text, presets),
                help=f"for a run every {every} write {{every: {every}}}" if every is not None else "",
                allowed=presets,
                fix=typo_fix(text, presets),
            )
        return
    problems = list(cron_problems(text))
    near = nearest(f"@{text}", CRON_PRESETS) if text.isalpha() else None
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
            yield subject.finding(code, path, odd.message, help=odd.help, part=(odd.start, odd.end))


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
    offset = _OFFSET.fullmatch(name)
    if offset is not None:
        fixed = f"Etc/GMT{'-' if offset['sign'] == '+' else '+'}{int(offset['hours'])}"
        help_text = (
            f"write the place, which also knows summer time; UTC{offset['sign']}{int(offset['hours'])} is `{fixed}`"
        )
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
