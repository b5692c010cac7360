"""`start_date` and `end_date` against each other, for the pipeline and for each task."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic
from schemas.findings.paths import DataPath
from schemas.model.dates import parse_date
from schemas.rules.subject import Subject


def check(subject: Subject) -> Iterator[Diagnostic]:
    """An end before its start."""
    places: list[tuple[DataPath, Any]] = [((), subject.data), (("default_args",), subject.data.get("default_args"))]
    places += [(task.path, task.entry) for task in subject.tasks]
    places += [((*group.path, "default_args"), group.entry.get("default_args")) for group in subject.groups]
    for path, mapping in places:
        if isinstance(mapping, dict) and "end_date" in mapping:
            yield from _order(subject, path, mapping)


def _order(subject: Subject, path: DataPath, mapping: Mapping[str, Any]) -> Iterator[Diagnostic]:
    start, end = _date(mapping.get("start_date")), _date(mapping.get("end_date"))
    if start is not None and end is not None and end < start:
        yield subject.finding(Code.END_BEFORE_START, (*path, "end_date"), "`end_date` is before `start_date`")


def _date(value: object) -> datetime | None:
    """The instant, one without offset taken as UTC: both of a pair usually have none."""
    if not isinstance(value, str):
        return None
    try:
        date = parse_date(value)
    except ValueError:
        return None  # its shape is reported where the model is checked
    return date if date.tzinfo is not None else date.replace(tzinfo=UTC)
