"""Pipelines that appear, change, break, heal and go, told from Airflow's lists of DAGs and import errors."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from factory.local.api import AirflowClient
from factory.local.reason import cut, first_reason

TITLE = re.compile(r"^(?:error|warning)\[[\w-]+\] (?P<title>.+)$", re.MULTILINE)
PLACE = re.compile(r"^\s*--> (?P<place>.+:\d+:\d+)\s*$", re.MULTILINE)


@dataclass(frozen=True)
class Schedule:
    """Of one DAG, as Airflow words it."""

    summary: str
    paused: bool

    def __str__(self) -> str:
        return f"{self.summary}  (paused)" if self.paused else self.summary


@dataclass
class PipelineFile:
    """What Airflow made of one file: its DAGs' schedules by DAG id, and the import error, if there is one."""

    schedules: dict[str, Schedule] = field(default_factory=dict)
    problem: str | None = None


class PipelineChanges:
    """Compares the lists with those of the last call; the first call reports everything as found."""

    def __init__(self, client: AirflowClient) -> None:
        self._client = client
        self._known: dict[str, PipelineFile] = {}

    def poll(self) -> list[str]:
        """A line for every change since the last call. Raises ApiUnavailableError."""
        current = group_by_file(self._client.dags(), self._client.import_errors())
        names = sorted(self._known.keys() | current.keys())
        lines = [line for name in names for line in compare(name, self._known.get(name), current.get(name))]
        self._known = current
        return lines


def group_by_file(dags: Iterable[Mapping[str, Any]], errors: Iterable[Mapping[str, Any]]) -> dict[str, PipelineFile]:
    """By the file's path in the bundle. A stale DAG counts only while its file has an import error."""
    files = {error["filename"]: PipelineFile(problem=error["stack_trace"]) for error in errors}
    for dag in dags:
        name = dag["relative_fileloc"] or dag["dag_id"]
        if name in files or not dag["is_stale"]:
            summary = dag["timetable_summary"] or "no schedule"
            files.setdefault(name, PipelineFile()).schedules[dag["dag_id"]] = Schedule(summary, dag["is_paused"])
    return files


def compare(name: str, old: PipelineFile | None, new: PipelineFile | None) -> list[str]:
    """The lines that tell how one file changed."""
    before = old or PipelineFile()
    after = new or PipelineFile()
    if after.problem is not None:
        return [] if after.problem == before.problem else [_line("broken", _title(name), summary(after.problem))]
    lines = [_line("removed", dag_id, "") for dag_id in sorted(before.schedules.keys() - after.schedules.keys())]
    if new is None and not before.schedules:
        lines.append(_line("removed", _title(name), ""))
    for dag_id, schedule in sorted(after.schedules.items()):
        known = before.schedules.get(dag_id)
        if before.problem is not None:
            lines.append(_line("healed", dag_id, str(schedule)))
        elif known is None:
            lines.append(_line("found", dag_id, str(schedule)))
        else:
            lines += _differences(dag_id, known, schedule)
    return lines


def _differences(dag_id: str, old: Schedule, new: Schedule) -> list[str]:
    lines: list[str] = []
    if old.summary != new.summary:
        lines.append(_line("changed", dag_id, f"{old.summary} → {new.summary}"))
    if old.paused != new.paused:
        lines.append(_line("paused" if new.paused else "resumed", dag_id, new.summary))
    return lines


def summary(problem: str) -> str:
    """The first diagnostic of an import error in one line, and how many more there are."""
    title, place = TITLE.search(problem), PLACE.search(problem)
    if title and place:
        more = len(TITLE.findall(problem)) - 1
        return f"{place['place']}: {title['title']}" + (f" (and {more} more)" if more else "")
    return first_reason(problem) or "no message"


def _title(name: str) -> str:
    """A stub's name is its pipeline's with `.py` behind it."""
    return name.removesuffix(".py")


def _line(word: str, name: str, text: str) -> str:
    return cut(f"{word:<16} {name:<28} {text}".rstrip())
