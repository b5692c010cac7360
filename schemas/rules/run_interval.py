"""Templates that ask for a run's data interval where runs cover no time."""

from __future__ import annotations

import re
from collections.abc import Iterator

from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic
from schemas.rules.subject import Subject

_MARK = "data_interval_"
_INTERVAL = re.compile(r"\bdata_interval_(?:start|end)\b")


def check(subject: Subject) -> Iterator[Diagnostic]:
    """`data_interval_start` or `_end` in a template of a pipeline by cron or `every` without `data_interval: true`.

    Airflow's CronTriggerTimetable gives both the same instant; other schedules are left alone.
    """
    if not subject.may_hold(_MARK):
        return
    schedule = subject.data.get("schedule")
    if isinstance(schedule, dict):
        if not schedule.keys() & {"cron", "every"} or schedule.get("data_interval", False) is not False:
            return
        how = "add `data_interval: true` to `schedule`"
    elif isinstance(schedule, str) and schedule not in ("@once", "@continuous"):
        how = f'write schedule: {{cron: "{schedule}", data_interval: true}}'
    else:
        return
    for path, text in subject.template_texts:
        if _MARK not in text or "{{" not in text:
            continue
        found = _INTERVAL.search(text, text.index("{{"))
        if found is not None:
            yield subject.finding(
                Code.NO_DATA_INTERVAL,
                path,
                f"`{found.group()}`: runs of this schedule cover no time, so start and end are the same instant",
                help=f"{how}, and each run covers the time since the slot before it",
                part=found.span(),
            )
