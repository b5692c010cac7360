"""`watch`: polls without a schedule, from Airflow's triggerer."""

from __future__ import annotations

from schemas.durations import PositiveDuration
from schemas.model import Model


class Watch(Model):
    """Asks again and again without a worker, and starts a run when the answer has changed."""

    every: PositiveDuration
    """Time between the end of one request and the start of the next, such as `10s`."""
