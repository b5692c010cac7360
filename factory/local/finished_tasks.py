"""Finished task instances and late runs as they come, each once."""

from __future__ import annotations

import re
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from factory.local.api import FINISHED, AirflowClient
from factory.local.logs import TaskLogs
from factory.local.terminal import Event, in_columns
from factory.reporters.text import counted, padded

OVERLAP = timedelta(seconds=60)
"""A row's time is taken before it is committed, so it may show up later than a younger row."""

REMEMBERED = 50_000
TELLING = {
    "HttpRequestOperator": "http",
    "StatefulHttpOperator": "http",
    "LoadOperator": "return_value",
    "CheckOperator": "return_value",
    "ChartOperator": "_link_OpenTheChart",
}
"""Operator → the XCom that says what it did: a request for each task of another kind would find nothing."""

ENDED_BY_SIGNAL = re.compile(r"SIGTERM|exit code -15\b|signal_code=15\b")
"""How tasks fail that are told to end, by their last error."""

Key = tuple[str, str, str, int, int]


@dataclass(frozen=True)
class FinishedTask:
    """One attempt. `seconds` is None for a task that never started."""

    dag_id: str
    task_id: str
    state: str
    seconds: float | None
    attempt: str
    """`try 1 of 3` for a task that has more than one, else empty."""
    done: str
    """What it did: of a poll its answer, of a load its rows, of a chart its address."""
    reason: str = ""
    """Of a failed attempt: the last error in its log, or where the log is."""
    unsent: Sequence[str] = ()
    """Why its notifications failed."""

    def events(self) -> list[Event]:
        """For the terminal."""
        failed = [Event(in_columns("not notified", self.dag_id) + f" {self.task_id}", why) for why in self.unsent]
        return [self._event(), *failed]

    def _event(self) -> Event:
        took = "" if self.seconds is None else f"{self.seconds:.1f} s"
        parts = [f"{in_columns(self.state, self.dag_id)} {padded(self.task_id, 20)} {took:>8}"]
        if self.attempt and self.state == "failed":
            parts.append(self.attempt)
        if self.done:
            parts.append(self.done)
        return Event("  ".join(parts), self.reason)


class FinishedTasks:
    """Asks for what changed since the last time. Where a call fails, the next one covers its time too."""

    def __init__(self, client: AirflowClient, since: datetime, logs: TaskLogs) -> None:
        self._client = client
        self._logs = logs
        self._start = since
        self._since = since
        self._seen: OrderedDict[Key, None] = OrderedDict()
        self._stopping: datetime | None = None

    def stopping(self) -> None:
        """From now on tasks end because the run stops."""
        self._stopping = datetime.now(UTC)

    def poll(self) -> list[FinishedTask]:
        """Attempts that ended since the last call, in the order of their end. Raises ApiUnavailableError."""
        begin = datetime.now(UTC)
        rows = [row for row in self._client.finished_tasks(self._since) if self._is_new(row)]
        earlier = [row for last in rows for row in self._missed(last)]
        described = [(row, self._describe(row)) for row in rows] + [(row, self._earlier(row)) for row in earlier]
        described.sort(key=lambda pair: pair[0]["end_date"] or pair[0]["scheduled_when"] or "")
        rows += earlier
        finished = [one for _, one in described]
        # Only now: whatever failed above is asked for again, and nothing was shown yet.
        self._remember(rows)
        self._since = max(self._since, begin - OVERLAP)
        return finished

    def _is_new(self, row: Mapping[str, Any]) -> bool:
        ended = datetime.fromisoformat(row["end_date"]) if row["end_date"] else None
        return _key(row) not in self._seen and (ended is None or ended >= self._start)

    def _missed(self, last: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Earlier attempts of a task that was tried again between two polls."""
        earlier = {(*_key(last)[:4], number) for number in range(1, last["try_number"])}
        if earlier <= self._seen.keys():
            return []
        attempts = self._client.attempts(last)
        # The history has a failed attempt as failed, also one that was repeated.
        return [
            {**row, "state": "up_for_retry"} if row["state"] == "failed" else row
            for row in attempts
            if _key(row) in earlier and row["state"] in FINISHED and row["end_date"] and self._is_new(row)
        ]

    def _earlier(self, row: Mapping[str, Any]) -> FinishedTask:
        """An attempt that another one followed: what the task left is of the last one."""
        if row["state"] != "up_for_retry" or not self._was_left_behind(row):
            return self._described(row, None)
        # Its end is the moment when the scheduler found it.
        reason = f"try {row['try_number']} was ended by the last stop, and the task ran again by itself"
        return FinishedTask(row["dag_id"], _name(row), "stopped", None, "", "", reason)

    def _was_left_behind(self, row: Mapping[str, Any]) -> bool:
        """Whether an attempt is from before this run: no process of that time is left. One that was deferred is queued
        once more, in this run."""
        queued = row["queued_when"] or row["start_date"] or row["scheduled_when"]
        return queued is not None and datetime.fromisoformat(queued) < self._start

    def _describe(self, row: Mapping[str, Any]) -> FinishedTask:
        key = TELLING.get(row["operator"] or "")
        return self._described(row, self._client.xcom(row, key) if key is not None else None)

    def _described(self, row: Mapping[str, Any], told: object) -> FinishedTask:
        state = "failed" if row["state"] == "up_for_retry" else row["state"]
        return FinishedTask(
            row["dag_id"],
            _name(row),
            state,
            _seconds(row),
            _attempt(row),
            _done(told),
            self._reason(row) if state == "failed" else "",
            self._logs.failed_notifications(row),
        )

    def _reason(self, row: Mapping[str, Any]) -> str:
        reason = self._logs.reason(row)
        ended = datetime.fromisoformat(row["end_date"]) if row["end_date"] else None
        if self._stopping is None or ended is None or ended < self._stopping or not ENDED_BY_SIGNAL.search(reason):
            return reason
        if row["state"] == "up_for_retry":
            return "ended by the stop; it is tried again after the next start"
        return "ended by the stop; to run it again, clear it in the UI after the next start (Clear Task Instance)"

    def _remember(self, rows: list[dict[str, Any]]) -> None:
        self._seen.update(dict.fromkeys(map(_key, rows)))
        while len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)


def _key(row: Mapping[str, Any]) -> Key:
    return row["dag_id"], row["dag_run_id"], row["task_id"], row["map_index"], row["try_number"]


def _seconds(row: Mapping[str, Any]) -> float | None:
    """Nothing of a task that was passed over: Airflow gives some of those a duration of zero."""
    passed_over = row["state"] in ("skipped", "upstream_failed") and not row["duration"]
    return None if passed_over else row["duration"]


def _name(row: Mapping[str, Any]) -> str:
    mapped = f"[{row['map_index']}]" if row["map_index"] >= 0 else ""
    return f"{row['task_id']}{mapped}"


def _attempt(row: Mapping[str, Any]) -> str:
    # An attempt that a stop ended takes a try, and is repeated also where there is none left.
    if row["max_tries"] < 1 or row["try_number"] > row["max_tries"] + 1:
        return ""
    text = f"try {row['try_number']} of {row['max_tries'] + 1}"
    # By a retry policy, a fail-fast run, AirflowFailException, or by hand.
    given_up = row["state"] == "failed" and row["try_number"] <= row["max_tries"]
    return f"{text}, not tried again" if given_up else text


def _done(told: object) -> str:
    """What a task left about what it did, in short."""
    if isinstance(told, str):
        return told
    if not isinstance(told, Mapping):
        return ""
    if "status" in told:
        return f"{told['status']}, {_size(told.get('bytes'))}"
    if "rows_loaded" in told:
        return _loaded(told)
    if "broken" in told:
        rules = f"{len(told['broken'])} of {counted(told.get('rules', 0), 'rule')} broken"
        return f"{rules}, {counted(told.get('rows', 0), 'row')}"
    return ""


def _loaded(told: Mapping[str, Any]) -> str:
    """What a load wrote, and what of it did not become what it was."""
    parts = [f"{counted(told['rows_loaded'], 'row')} into {told.get('table')}"]
    for key, one, several in (
        ("duplicates", "duplicate", ""),
        ("rows_discarded", "row left out", "rows left out"),
        ("values_discarded", "value left out", "values left out"),
    ):
        if told.get(key):
            parts.append(counted(told[key], one, several))
    others = told.get("values_of_another_type") or {}
    added = [name for name in told.get("columns_added") or () if name not in others]
    if added:
        parts.append(f"new {'column' if len(added) == 1 else 'columns'} {', '.join(added)}")
    parts += [f"{counted(n, 'value')} of another type in {name}" for name, n in others.items() if n]
    return ", ".join(parts)


def _size(count: object) -> str:
    if not isinstance(count, int):
        return "size unknown"
    if count < 1000:
        return f"{count} bytes"
    return f"{count / 1000:.1f} kB" if count < 1_000_000 else f"{count / 1_000_000:.1f} MB"


LATE = timedelta(seconds=60)


class LateRuns:
    """Scheduled runs that start later than their slot: after a pause, a stop, or for a `start_date` in the past."""

    def __init__(self, client: AirflowClient, since: datetime) -> None:
        self._client = client
        self._start = since
        self._since = since
        self._told: set[tuple[str, str]] = set()

    def poll(self, has_slots: Callable[[str], bool]) -> list[Event]:
        """One event for each DAG with new late runs. `has_slots`: whether a DAG has a clock, by its id.

        Raises ApiUnavailableError.
        """
        begin = datetime.now(UTC)
        runs = self._client.scheduled_runs(self._since)
        late = [run for run in runs if self._is_late(run) and has_slots(run["dag_id"])]
        self._told = {_run_key(run) for run in runs}
        self._since = max(self._since, begin - OVERLAP)
        return late_events(late)

    def _is_late(self, run: Mapping[str, Any]) -> bool:
        queued = datetime.fromisoformat(run["queued_at"]) if run["queued_at"] else None
        is_new = queued is not None and queued >= self._start and _run_key(run) not in self._told
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


def _run_key(run: Mapping[str, Any]) -> tuple[str, str]:
    return run["dag_id"], run["dag_run_id"]
