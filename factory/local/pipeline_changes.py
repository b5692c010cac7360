"""Pipelines that appear, change, break, heal and go, told from Airflow's lists of DAGs and import errors."""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from factory.local.api import AirflowClient
from factory.local.logs import UnreadFiles, cut, first_reason, one_line
from factory.local.terminal import Event, in_columns
from factory.reporters.text import counted
from schemas.folder.discovery import is_pipeline_path

HELP = re.compile(r"^ *= (?:help|allowed): (?P<text>.+(?:\n {6,}\S.*)*)", re.MULTILINE)
HINT = re.compile(r"^ *\| +\^+ (?P<text>\S.*)$", re.MULTILINE)
FINDING = re.compile(
    r"^(?P<severity>error|warning)\[[\w-]+\] (?P<title>.+)\n\s*--> (?P<place>.+:\d+:\d+)\s*$", re.MULTILINE
)


ALL = "./"
"""The path, in the bundle's state, of a folder that has lost all its pipelines."""
NOT_READ = " (not read).yaml"
"""Ends the name of a file that the bundle puts there to say why a folder or a misnamed file is not read."""

COMES_BACK = (
    "it was deleted in Airflow, and its history with it. Its file is still there, so it comes back within a minute, "
    "paused (one that is broken: when it is fixed). To retire it, remove the file"
)
WAITS = "they wait until the file is back, or until you end them in the UI (Mark as failed)"


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

    def __init__(self, client: AirflowClient, unread: UnreadFiles, folder: Path, bundle: Path) -> None:
        self._client = client
        self._folder = folder
        self._unread = unread
        self._bundle = bundle
        self._known: dict[str, PipelineFile] = {}
        self._lost: set[str] = set()
        """Files that have a DAG which Airflow's database no longer has, though it keeps retired ones."""
        self._deleted: set[str] = set()
        self._ignored: dict[str, str] = {}
        self._looked = datetime.now(UTC)

    def poll(self) -> list[Event]:
        """An event for every change since the last call. Raises ApiUnavailableError."""
        since, self._looked = self._looked, datetime.now(UTC)
        dags, errors = self._client.dags(), self._client.import_errors()
        unread = self._unread.look(last_kept(dags, errors))
        present = {dag["dag_id"] for dag in dags}
        gone = {name for name, file in self._known.items() if not file.schedules.keys() <= present}
        self._lost = {name for name in self._lost | gone if (self._bundle / "current" / name).is_file()}
        current = group_by_file(dags, errors, {name: why for name, why in unread.items() if name not in self._lost})
        current |= self._between_two_reads(current)
        self._deleted -= (back := self._came_back(current, since))
        events = self._of_bundle(present, back)
        for name in sorted(self._known.keys() | current.keys()):
            events += compare(name, self._known.get(name), current.get(name), self._of_removed, self._is_there)
        self._known = current
        self._lost -= current.keys()
        failed = [Event(in_columns("not notified", _title(n)), why) for n, why in self._unread.failed_notifications()]
        return [*events, *failed]

    def _between_two_reads(self, current: Collection[str]) -> dict[str, PipelineFile]:
        """Files whose error Airflow has dropped before it told what is in them now: they are as they were."""
        files = ((name, file) for name, file in self._known.items() if name not in current and not file.schedules)
        return {name: file for name, file in files if (self._bundle / "current" / name).is_file()}

    def _came_back(self, current: Mapping[str, PipelineFile], since: datetime) -> set[str]:
        """DAGs that were deleted in Airflow and registered again, paused, between two calls. Raises
        ApiUnavailableError."""
        before = {dag_id for file in self._known.values() for dag_id, one in file.schedules.items() if not one.paused}
        now = {dag_id for file in current.values() for dag_id, one in file.schedules.items() if one.paused}
        return before & now & self._client.deleted_dags(since) if before & now else set()

    def _of_bundle(self, present: Collection[str], back: Collection[str]) -> list[Event]:
        """What the bundle's last refresh says: DAGs deleted in Airflow, and what of the folder is not read. `back` are
        those that are there again."""
        state: dict[str, Any] = {}
        with contextlib.suppress(OSError, ValueError):  # no refresh yet
            state = json.loads((self._bundle / "current.json").read_bytes())
        deleted = {dag_id for name in self._lost for dag_id in self._known_ids(name) if dag_id not in present}
        deleted |= {*state.get("dags", {}).get("deleted", ()), *back}
        ignored: dict[str, str] = state.get("problems", {})
        events = [Event(in_columns("deleted", dag_id), COMES_BACK) for dag_id in sorted(deleted - self._deleted)]
        new = {p: why for p, why in ignored.items() if self._ignored.get(p) != why and not self._has_stub(p)}
        if why := new.pop(ALL, ""):
            events.append(Event(in_columns("missing", self._folder.name), f"the folder {self._folder} {why}"))
        if ALL in self._ignored and ALL not in ignored and state.get("owners"):
            said = f"the folder {self._folder} has pipelines again"
            events.append(Event(in_columns("back", self._folder.name), said))
        events += [Event(in_columns("ignored", path), why) for path, why in sorted(new.items())]
        self._deleted, self._ignored = deleted | (self._deleted - set(present)), ignored
        return events

    def _has_stub(self, path: str) -> bool:
        """Whether an import error says why a path is not read, so that it is told as broken."""
        return is_pipeline_path(path) or (self._bundle / "current" / f"{path.rstrip('/')}{NOT_READ}.py").is_file()

    def _known_ids(self, name: str) -> Collection[str]:
        return self._known[name].schedules.keys() if name in self._known else ()

    def _of_removed(self, name: str, dag_id: str) -> list[Event]:
        """Raises ApiUnavailableError."""
        if name in self._lost:
            return []
        runs = self._client.unfinished_runs(dag_id)
        waiting = f"{counted(runs, 'unfinished run')}: {WAITS}" if runs else ""
        return [Event(in_columns("removed", dag_id), waiting)]

    def _is_there(self, path: str) -> bool:
        return os.path.lexists(self._folder / path)

    def has_slots(self, dag_id: str) -> bool:
        """Whether the DAG runs by a clock; `@once` and `@continuous` have no slot that a run could be late for."""
        found = [file.schedules[dag_id].summary for file in self._known.values() if dag_id in file.schedules]
        return not set(found) & {"@once", "@continuous"}

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


def removed(_: str, dag_id: str) -> list[Event]:
    """That a DAG's file is no longer there."""
    return [Event(in_columns("removed", dag_id))]


def compare(
    name: str,
    old: PipelineFile | None,
    new: PipelineFile | None,
    of_removed: Callable[[str, str], list[Event]] = removed,
    is_there: Callable[[str], bool] = lambda _: False,
) -> list[Event]:
    """The events that tell how one file changed. `of_removed` words that of a DAG which is gone; `is_there` says
    whether the pipelines folder has what was not read."""
    before = old or PipelineFile()
    after = new or PipelineFile()
    if after.unread is not None:
        told = after.unread == before.unread
        text = f"could not be read by Airflow: {after.unread}"
        return [] if told else [Event(in_columns("unread", _title(name)), text)]
    if after.problem is not None:
        told = after.problem == before.problem and before.unread is None
        return [] if told else [Event(in_columns("broken", _title(name)), summary(after.problem))]
    events: list[Event] = []
    for dag_id in sorted(before.schedules.keys() - after.schedules.keys()):
        events += of_removed(name, dag_id)
    if new is None and not before.schedules:
        healed = NOT_READ in name and is_there(_title(name))
        events.append(Event(in_columns("healed" if healed else "removed", _title(name))))
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
        next_one = next((one.start() for one in findings if one.start() > first.start()), len(problem))
        remedy = _remedy(problem[first.end() : next_one])
        others = f" ({more} more: factory lint shows all)" if more else ""
        return cut(f"{first['place']}: {first['title']}{remedy}") + others
    return cut(first_reason(problem)) or "no message"


def _remedy(finding: str) -> str:
    """What to write instead, as lint shows it at the mark or below the line."""
    found = HINT.search(finding) or HELP.search(finding)
    return f"; {one_line(found['text'])}" if found else ""


def _title(name: str) -> str:
    """A stub's name is its pipeline's with `.py` behind it."""
    return name.removesuffix(".py").removesuffix(NOT_READ)
