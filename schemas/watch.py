"""`watch`: polls without a schedule, from Airflow's triggerer."""

from __future__ import annotations

from schemas.durations import PositiveDuration
from schemas.model import Model


class Watch(Model):
    """Asks again and again without a worker, and starts a run when the answer has changed: by its `hash`,
    unless `change_detection` says otherwise."""

    every: PositiveDuration
    """Time from one request to the next, such as `10s`."""
