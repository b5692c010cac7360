"""When a pipeline runs."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Discriminator, Field, Tag

from schemas.durations import PositiveDuration
from schemas.model import Model

CRON_PRESETS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@quarterly": "0 0 1 */3 *",
    "@yearly": "0 0 1 1 *",
}
"""Airflow's presets that are cron expressions (airflow.timetables._cron)."""

SPECIAL_PRESETS = ("@once", "@continuous")


class CronSchedule(Model):
    """Runs at the times of a cron expression."""

    cron: str = Field(examples=["0 6 * * *", "*/15 * * * 1-5", *CRON_PRESETS])
    """Five fields: minute, hour, day of month, month, day of week; or a preset such as `@daily`."""
    timezone: str | None = Field(default=None, examples=["Asia/Seoul", "Europe/Berlin", "UTC"])
    """IANA time zone of the expression, such as `Asia/Seoul`. Default: the pipeline's `timezone`."""
    data_interval: bool = False
    """`true`: a run covers the time since the previous slot (`data_interval_start` to `data_interval_end`)."""


class EverySchedule(Model):
    """Runs again and again after a fixed time, not aligned to the clock."""

    every: PositiveDuration
    """Time between two runs, such as `15m`."""
    data_interval: bool = False
    """`true`: a run covers the time since the previous one."""


def _shape(value: Any) -> str:
    if value is None:
        return "<none>"
    if isinstance(value, EverySchedule) or (isinstance(value, dict) and "every" in value):
        return "<every>"
    if isinstance(value, CronSchedule | dict):
        return "<cron>"
    return "<text>"


Schedule = Annotated[
    Annotated[str, Tag("<text>"), Field(title="cron expression or preset")]
    | Annotated[None, Tag("<none>")]
    | Annotated[CronSchedule, Tag("<cron>")]
    | Annotated[EverySchedule, Tag("<every>")],
    Discriminator(_shape),
]
"""Tags stand in `< >`: an error's location holds them, and no key of a document looks like that."""
