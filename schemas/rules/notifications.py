"""`notifications`, and `notify` of deadlines, against the source they name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic
from schemas.findings.paths import DataPath
from schemas.findings.suggestions import meant
from schemas.model.notifications import NOTIFIERS
from schemas.model.task_base import CONTEXT_NAMES
from schemas.rules.arguments import Call, check_call
from schemas.rules.subject import Subject
from schemas.shape.places import mapping_at
from schemas.source import Class, Function, SourceReader

_GIVEN = CONTEXT_NAMES | {"context"}
_GIVEN_TO_DEADLINES = frozenset({"context"})


def check(subject: Subject, reader: SourceReader) -> Iterator[Diagnostic]:
    """Findings in every `uses` and `with`. None where reading source cannot decide."""
    if not subject.may_hold("notifications", "deadline"):
        return
    for path, settings in (((), subject.data), *subject.settings):
        for event, entries in mapping_at(settings, ("notifications",)).items():
            for place, entry in _entries((*path, "notifications", event), entries):
                yield from _check(subject, place, entry, reader, in_deadline=False)
    deadline = subject.data.get("deadline")
    for path, one in [(("deadline",), deadline)] if isinstance(deadline, dict) else _entries(("deadline",), deadline):
        for place, entry in _entries((*path, "notify"), one.get("notify")):
            yield from _check(subject, place, entry, reader, in_deadline=True)


def _entries(path: DataPath, entries: Any) -> Iterator[tuple[DataPath, dict[str, Any]]]:
    for index, entry in enumerate(entries if isinstance(entries, list) else ()):
        if isinstance(entry, dict):
            yield (*path, index), entry


def _check(
    subject: Subject, path: DataPath, entry: dict[str, Any], reader: SourceReader, *, in_deadline: bool
) -> Iterator[Diagnostic]:
    uses, arguments = entry.get("uses"), entry.get("with", {})
    place = (*path, "uses")
    if not isinstance(uses, str) or "${" in uses:
        return
    dotted = NOTIFIERS.get(uses, uses)
    if "." not in dotted:
        yield subject.finding(
            Code.UNKNOWN_USES,
            place,
            f"`{uses}` is not a notifier; a Python function or class needs a dot in its path",
            caret=meant(uses, NOTIFIERS),
            allowed=tuple(NOTIFIERS),
            help="a function is written `module.function`",
        )
        return
    given = _GIVEN_TO_DEADLINES if in_deadline else _GIVEN
    known = arguments if isinstance(arguments, dict) else None
    yield from check_call(subject, Call(place, dotted, (*path, "with"), known, given, takes_class=True), reader)
    found = reader.find(dotted) if in_deadline else None
    if isinstance(found, Function) and found.local and found.is_async:
        yield subject.finding(
            Code.NOT_IN_TRIGGERER,
            place,
            f"`{uses}` is `async`, so it runs in the triggerer, which cannot import modules below the pipelines folder",
            help="make it a plain `def`, which runs in the executor, or install its module where the triggerer runs",
        )
    if isinstance(found, Class | Function) and isinstance(known, dict) and "context" in known:
        message = "Airflow passes `context` itself"
        yield subject.finding(Code.UNKNOWN_ARGUMENT, (*path, "with", "context"), message, at_key=True)
