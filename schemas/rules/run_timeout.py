"""`dagrun_timeout` against the schedule: runs that may outlast the slots there are for them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice, pairwise

from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic
from schemas.findings.paths import DataPath
from schemas.model.cron import expanded, slots
from schemas.model.durations import parse_duration
from schemas.model.schedule import CRON_PRESETS
from schemas.rules.expressions import stands_at
from schemas.rules.subject import Subject

_SLOTS_LOOKED_AT = 60


def check(subject: Subject) -> Iterator[Diagnostic]:
    """A time limit longer than the longest interval times `max_active_runs`, where both keys are written."""
    if "dagrun_timeout" not in subject.data or "max_active_runs" not in subject.data:
        return
    runs, limit = subject.data["max_active_runs"], _duration(subject.data["dagrun_timeout"])
    interval = _interval(subject)
    if not isinstance(runs, int) or isinstance(runs, bool) or runs < 1 or limit is None or interval is None:
        return
    if limit / runs > interval:
        yield subject.finding(
            Code.TIMEOUT_BEYOND_SLOTS,
            ("dagrun_timeout",),
            f"runs that take this long pile up: there is a slot every {_words(interval)}, "
            f"and {runs} run{'s' if runs > 1 else ''} at once",
            help=f"at most {_words(interval * runs)}, or more `max_active_runs`",
        )


def _interval(subject: Subject) -> timedelta | None:
    """The longest time between two slots; None where the file does not say it."""
    cron = subject.data.get("schedule")
    path: DataPath = ("schedule",)
    if isinstance(cron, dict):
        if "every" in cron:
            return _duration(cron["every"])
        cron, path = cron.get("cron"), ("schedule", "cron")
    if not isinstance(cron, str) or stands_at(subject, path):
        return None
    cron = CRON_PRESETS.get(cron, cron)
    if cron.startswith("@") or expanded(cron) is None:
        return None
    times = islice(slots(cron, datetime(2026, 1, 1)), _SLOTS_LOOKED_AT)  # wall-clock time of any zone
    return max((later - earlier for earlier, later in pairwise(times)), default=None)


def _duration(value: object) -> timedelta | None:
    if not isinstance(value, str):
        return None
    try:
        return parse_duration(value)
    except ValueError:
        return None  # its shape is reported where the model is checked


def _words(duration: timedelta) -> str:
    seconds = int(duration.total_seconds())
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"
