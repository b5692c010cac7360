"""Pipelines that appear, change, break, heal and go, told from Airflow's lists of DAGs and import errors."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from factory.local.api import AirflowClient
from factory.local.logs import UnreadFiles, cut, first_reason
from factory.local.terminal import Event, in_columns

FINDING = re.compile(
    r"^(?P<severity>error|warning)\[[\w-]+\] (?P<title>.+)\n\s*--> (?P<place>.+:\d+:\d+)\s*$", re.MULTILINE
)


@dataclass(frozen=True)
class Schedule:
    """Of one DAG, as Airflow words it."""

    summary: str
    paused: bool

    def __str__(self) -> str:
        return f"{self.summary}  (paused)" if self.paused else self.summary


@dataclass
class PipelineFile:
    """What Airflow made of one file: its DAGs' schedules by DAG id, and the import error, if there is one.

    `unread`: why Airflow could not read the file as it is now; what it has of the file is older.
    """

    schedules: dict[str, Schedule] = field(default_factory=dict)
    problem: str | None = None
    unread: str | None = None


class PipelineChanges:
    """Compares the lists with those of the last call; the first call reports everything as found."""

    def __init__(self, client: AirflowClient, unread: UnreadFiles) -> None:
        self._client = client
        self._unread = unread
        self._known: dict[str, PipelineFile] = {}

    def poll(self) -> list[Event]:
        """An event for every change since the last call. Raises ApiUnavailableError."""
        dags, errors = self._client.dags(), self._client.import_errors()
        current = group_by_file(dags, errors, self._unread.look(last_kept(dags, errors)))
        names = sorted(self._known.keys() | current.keys())
        events = [event for name in names for event in compare(name, self._known.get(name), current.get(name))]
        self._known = current
        return events

    def knows(self, dag_id: str) -> bool:
        """Whether the last call told of this DAG."""
        return any(dag_id in file.schedules for file in self._known.values())


def group_by_file(
    dags: Iterable[Mapping[str, Any]], errors: Iterable[Mapping[str, Any]], unread: Mapping[str, str]
) -> dict[str, PipelineFile]:
    """By the file's path in the bundle. A stale DAG counts only while its file has an import error or is unread."""
    files = {error["filename"]: PipelineFile(problem=error["stack_trace"]) for error in errors}
    for name, why in unread.items():
        files.setdefault(name, PipelineFile()).unread = why
    for dag in dags:
        name = dag["relative_fileloc"] or dag["dag_id"]
        if name in files or not dag["is_stale"]:
            summary = dag["timetable_summary"] or "no schedule"
            files.setdefault(name, PipelineFile()).schedules[dag["dag_id"]] = Schedule(summary, dag["is_paused"])
    return files


def last_kept(dags: Iterable[Mapping[str, Any]], errors: Iterable[Mapping[str, Any]]) -> dict[str, datetime]:
    """File → when Airflow last wrote down what it read there."""
    moments = [(dag["relative_fileloc"], dag["last_parsed_time"]) for dag in dags]
    moments += [(error["filename"], error["timestamp"]) for error in errors]
    kept: dict[str, datetime] = {}
    for name, text in moments:
        if name and text:
            moment = datetime.fromisoformat(text)
            kept[name] = max(moment, kept.get(name, moment))
    return kept


def compare(name: str, old: PipelineFile | None, new: PipelineFile | None) -> list[Event]:
    """The events that tell how one file changed."""
    before = old or PipelineFile()
    after = new or PipelineFile()
    if after.unread is not None:
        told = after.unread == before.unread
        text = f"could not be read by Airflow: {after.unread}"
        return [] if told else [Event(in_columns("unread", _title(name)), text)]
    if after.problem is not None:
        told = after.problem == before.problem and before.unread is None
        return [] if told else [Event(in_columns("broken", _title(name)), summary(after.problem))]
    events = [
        Event(in_columns("removed", dag_id)) for dag_id in sorted(before.schedules.keys() - after.schedules.keys())
    ]
    if new is None and not before.schedules:
        events.append(Event(in_columns("removed", _title(name))))
    for dag_id, schedule in sorted(after.schedules.items()):
        known = before.schedules.get(dag_id)
        if before.problem is not None or before.unread is not None:
            events.append(Event(in_columns("healed", dag_id), str(schedule)))
        elif known is None:
            events.append(Event(in_columns("found", dag_id), str(schedule)))
        else:
            events += _differences(dag_id, known, schedule)
    return events


def _differences(dag_id: str, old: Schedule, new: Schedule) -> list[Event]:
    events: list[Event] = []
    if old.summary != new.summary:
        events.append(Event(in_columns("changed", dag_id), f"{old.summary} → {new.summary}"))
    if old.paused != new.paused:
        events.append(Event(in_columns("paused" if new.paused else "resumed", dag_id), new.summary))
    return events


def summary(problem: str) -> str:
    """What breaks the pipeline, the first error of an import error, in one line, and how many more findings it has."""
    findings = list(FINDING.finditer(problem))
    if findings:
        first = min(findings, key=lambda finding: finding["severity"] != "error")
        more = len(findings) - 1
        return f"{first['place']}: {first['title']}" + (f" (and {more} more)" if more else "")
    return cut(first_reason(problem)) or "no message"


def _title(name: str) -> str:
    """A stub's name is its pipeline's with `.py` behind it."""
    return name.removesuffix(".py")
