"""What the bundle tells Airflow's metrics (StatsD, OpenTelemetry); docs/roll-out.md has an alert for each."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

PREFIX = "pipeline_factory"


@contextmanager
def timed(name: str, bundle: str, *, in_task: bool = False) -> Iterator[None]:
    """Send how many milliseconds a step took as `NAME`; where it raises, count `NAME_failed` in its place."""
    began = time.monotonic()
    try:
        yield
    except Exception:
        _stats(in_task).incr(f"{PREFIX}.{name}_failed", tags={"bundle": bundle})
        raise
    _stats(in_task).timing(f"{PREFIX}.{name}", (time.monotonic() - began) * 1000, tags={"bundle": bundle})


def gauge(name: str, value: float, bundle: str) -> None:
    """Send a value, from the dag-processor."""
    _stats(False).gauge(f"{PREFIX}.{name}", value, tags={"bundle": bundle})


def _stats(in_task: bool):  # type: ignore[no-untyped-def] # two classes of one text, one for each kind of process
    # A task's process initializes the SDK's metrics, and servers Airflow's own.
    if in_task:
        from airflow.sdk.observability.stats import Stats  # noqa: PLC0415 # each process needs one of them

        return Stats
    from airflow.observability.stats import Stats as ServerStats  # noqa: PLC0415 # as above

    return ServerStats
