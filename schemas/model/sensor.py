"""What every Airflow sensor takes (airflow.sdk.BaseSensorOperator, 3.3): how it waits, and for how long."""

from __future__ import annotations

from typing import Literal

from schemas.model.base import Model
from schemas.model.times import Duration, PositiveDuration


class SensorArguments(Model):
    """The arguments that sensors have in common."""

    poke_interval: PositiveDuration | None = None
    """Time between two looks. Default: `60s`."""
    timeout: PositiveDuration | None = None
    """Longest wait, over all looks; then the task fails. Default: Airflow's, 7 days."""
    soft_fail: bool = False
    """Skip the task in place of failing it when the wait is over or a look fails."""
    never_fail: bool = False
    """Skip the task also where a look ends in an error of any kind."""
    silent_fail: bool = False
    """Log an error of a look and look again."""
    mode: Literal["poke", "reschedule"] | None = None
    """How it waits without `deferrable`: `poke` keeps its worker, `reschedule` gives it back between two looks."""
    exponential_backoff: bool = False
    """Make the time between two looks longer and longer."""
    max_wait: Duration | None = None
    """Longest time between two looks, with `exponential_backoff`."""


class DeferrableSensorArguments(SensorArguments):
    """Of a sensor that the triggerer can wait for, without a worker."""

    deferrable: bool | None = None
    """Wait in the triggerer, which takes no worker. Default: `true`, unless a setting of looking is written (`mode`,
    `exponential_backoff`, `max_wait`, `silent_fail`), which the triggerer does not know."""


LOOKING = ("mode", "exponential_backoff", "max_wait", "silent_fail")
"""Settings of looking again and again, which the triggerer does not know: it looks in its own way."""
