"""Scheduled runs that start later than their slot: after a pause, a stop, or for a `start_date` in the past."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from factory.local.api import AirflowClient
from factory.local.finished_tasks import OVERLAP
from factory.local.terminal import Event, in_columns

LATE = timedelta(seconds=60)


class LateRuns:
    """Asks for what changed since the last time, and tells each run once."""

    def __init__(self, client: AirflowClient, since: datetime) -> None:
        self._client = client
        self._start = since
        self._since = since
        self._told: set[tuple[str, str]] = set()

    def poll(self) -> list[Event]:
        """One event for each DAG with new late runs. Raises ApiUnavailableError."""
        begin = datetime.now(UTC)
        runs = self._client.scheduled_runs(self._since)
        late = [run for run in runs if self._is_late(run)]
        self._told = {_key(run) for run in runs}
        self._since = max(self._since, begin - OVERLAP)
        return late_events(late)

    def _is_late(self, run: Mapping[str, Any]) -> bool:
        queued = datetime.fromisoformat(run["queued_at"]) if run["queued_at"] else None
        is_new = queued is not None and queued >= self._start and _key(run) not in self._told
        return is_new and queued is not None and queued - datetime.fromisoformat(run["run_after"]) > LATE


def late_events(runs: Iterable[Mapping[str, Any]]) -> list[Event]:
    """`started  orders  runs now for 22:00`, in this machine's time."""
    slots: defaultdict[str, list[datetime]] = defaultdict(list)
    for run in runs:
        slots[run["dag_id"]].append(datetime.fromisoformat(run["run_after"]).astimezone())
    events = []
    for dag_id, moments in sorted(slots.items()):
        last = max(moments)
        form = "%H:%M" if last.date() == datetime.now().astimezone().date() else "%d %b %H:%M"
        more = f" and {len(moments) - 1} earlier slots" if len(moments) > 1 else ""
        events.append(Event(in_columns("started", dag_id), f"runs now for {last.strftime(form)}{more}"))
    return events


def _key(run: Mapping[str, Any]) -> tuple[str, str]:
    return run["dag_id"], run["dag_run_id"]
