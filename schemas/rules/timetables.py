"""`schedule: {timetable: dotted.path, with: {…}}` against Airflow's own timetables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic
from schemas.findings.suggestions import meant, nearest
from schemas.rules.arguments import Arguments, argument_findings, written_at
from schemas.rules.dotted_paths import look_up
from schemas.rules.subject import Subject
from schemas.source import Class, SourceReader, Undecidable

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
_PATH = ("schedule", "timetable")
_SOME_DATE = datetime(2026, 12, 30, 23, 59, 59, tzinfo=UTC)
_NOT_IN_A_RUN_ID = re.compile(r"[^A-Za-z0-9_.~:+-]")
"""`allowed_run_id_pattern` of Airflow's `[scheduler]`, as it is shipped."""


def check(subject: Subject, reader: SourceReader) -> Iterator[Diagnostic]:
    """A path that names nothing, a class that Airflow cannot store, arguments it does not take.

    An installed class outside of Airflow may be registered by a plugin: the build asks Airflow.
    """
    schedule = subject.data.get("schedule")
    timetable = schedule.get("timetable") if isinstance(schedule, dict) else None
    if not isinstance(timetable, str) or "." not in timetable:
        return
    if isinstance(reader.find(timetable), Undecidable):
        # `airflow.sdk` finds its names when they are asked for, so reading cannot tell a typo from a name.
        if timetable not in NAMES and nearest(timetable, NAMES):
            yield _unknown(subject, timetable, meant(timetable, NAMES))
        return
    found, findings = look_up(subject, _PATH, timetable, reader)
    yield from findings
    if isinstance(found, Class) and found.path.startswith(_SHIPPED):
        yield from _arguments(subject, found)
    elif isinstance(found, Class):
        if found.local or found.path.startswith("airflow."):
            yield _unknown(subject, timetable, local=found.local)
    elif found is not None:
        yield _unknown(subject, timetable)


def _unknown(subject: Subject, timetable: str, caret: str = "", *, local: bool = False) -> Diagnostic:
    return subject.finding(
        Code.UNKNOWN_TIMETABLE,
        _PATH,
        f"Airflow has no timetable `{timetable}`",
        caret=caret,
        help="a plugin must register a timetable of your own; a class below `pipelines/` is not one" if local else "",
        allowed=NAMES,
    )


def _arguments(subject: Subject, timetable: Class) -> Iterator[Diagnostic]:
    written = subject.data["schedule"].get("with", {})
    if isinstance(written, dict) and timetable.parameters is not None:
        by_us = frozenset({"timezone"})
        places = written_at(("schedule", "with"), written)
        arguments = Arguments(f"`{timetable.path}`", places, _PATH, filled=by_us)
        yield from argument_findings(subject, arguments, timetable.parameters)
    if isinstance(written, dict) and timetable.path.endswith(".CronPartitionTimetable"):
        yield from _key_format(subject, written.get("key_format"))


def _key_format(subject: Subject, key_format: object) -> Iterator[Diagnostic]:
    """The key becomes part of the run's id: with another character Airflow makes no run, and only logs why."""
    if not isinstance(key_format, str) or "${" in key_format:
        return
    key = _SOME_DATE.strftime(key_format)
    wrong = "".join(dict.fromkeys(_NOT_IN_A_RUN_ID.findall(key)))
    if wrong:
        yield subject.finding(
            Code.WRONG_ARGUMENT,
            ("schedule", "with", "key_format"),
            f"`key_format` gives keys such as `{key}`, and a run's id cannot contain {_named(wrong)}",
            help="letters, digits and `_ . ~ : + -` are allowed",
        )


def _named(characters: str) -> str:
    return ", ".join("a space" if character == " " else f"`{character}`" for character in characters)
