"""The arguments of every Airflow sensor (airflow.sdk.BaseSensorOperator, 3.3): how it waits, and for how long."""

from __future__ import annotations

from typing import Literal

from schemas.model.base import Model
from schemas.model.times import Duration, PositiveDuration


class SensorArguments(Model):
    """The arguments that sensors have in common."""

    poke_interval: PositiveDuration | None = None
    """Time between two checks. Default: `60s`."""
    timeout: PositiveDuration | None = None
    """Longest wait in total; then the task fails. Default: Airflow's, 7 days."""
    soft_fail: bool = False
    """Skip the task instead of failing it when the wait is over or a check fails."""
    never_fail: bool = False
    """Skip the task also when a check ends in an error of any kind."""
    silent_fail: bool = False
    """Log the error of a check and check again."""
    mode: Literal["poke", "reschedule"] | None = None
    """How it waits without `deferrable`: `poke` keeps its worker, `reschedule` releases it between two checks."""
    exponential_backoff: bool = False
    """Increase the time between two checks each time."""
    max_wait: Duration | None = None
    """Longest time between two checks, with `exponential_backoff`."""


class DeferrableSensorArguments(SensorArguments):
    """The arguments of a sensor that can wait in the triggerer, without a worker."""

    deferrable: bool | None = None
    """Wait in the triggerer, which uses no worker. Default: `true`, unless a setting that the triggerer ignores is set
    (`mode`, `exponential_backoff`, `max_wait`, `silent_fail`)."""


LOOKING = ("mode", "exponential_backoff", "max_wait", "silent_fail")
"""How often and how a worker checks. The triggerer ignores these: it checks in its own way."""
