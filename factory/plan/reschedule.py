"""Another schedule in a pipeline's file: the text with that edit, comments and layout kept."""

from __future__ import annotations

from dataclasses import dataclass

from schemas.compose.variants import Variant
from schemas.findings.diagnostics import Fix, Span
from schemas.findings.paths import DataPath
from schemas.text.document import Document
from schemas.text.edits import apply


class NotEditableError(Exception):
    """Why the schedule of a file is left to its author, in one line."""


@dataclass(frozen=True)
class Edited:
    """The file's new bytes, and whether they differ from the old ones."""

    raw: bytes
    changed: bool


def rescheduled(variant: Variant, raw: bytes, cron: str, timezone: str | None) -> Edited:
    """The file of a DAG with another cron, and another time zone where one is given. Raises NotEditableError."""
    document = variant.effective.layers[-1]
    schedule = variant.effective.data.get("schedule")
    path = _path_in(document, variant)
    if path is None:
        text = _value(cron, timezone)
        return _result(raw, _inserted(raw, f"schedule: {text}\n", document))
    if not isinstance(schedule, dict):
        return _result(raw, apply(raw, [_replacing(document, path, _value(cron, timezone))]))
    if not isinstance(schedule.get("cron"), str):
        line = document.key_span(path).line
        kind = "a list of crons" if isinstance(schedule.get("cron"), list) else "no cron"
        raise NotEditableError(f"{document.file}:{line}: the schedule is {kind}: edit it there")
    fixes = [_replacing(document, (*path, "cron"), f'"{cron}"')]
    if timezone is not None and "timezone" in schedule:
        fixes.append(_replacing(document, (*path, "timezone"), timezone))
    elif timezone is not None:
        end = fixes[0].span
        at = Span(end.end_line, end.end_column, end.end_line, end.end_column)
        fixes.append(Fix(at, _next_key(document, (*path, "cron"), f"timezone: {timezone}")))
    return _result(raw, apply(raw, fixes))


def _path_in(document: Document, variant: Variant) -> DataPath | None:
    """Where the file itself says the schedule; None where it does not."""
    if "schedule" not in variant.effective.data:
        return None
    where, path = variant.effective.key_origin(("schedule",))
    return path if where is document else None


def _value(cron: str, timezone: str | None) -> str:
    return f'"{cron}"' if timezone is None else f'{{cron: "{cron}", timezone: {timezone}}}'


def _replacing(document: Document, path: DataPath, text: str) -> Fix:
    span = document.value_span(path)
    if span.end_line != span.line or document.written(span)[:1] in "|>&*":
        raise NotEditableError(
            f"{document.file}:{span.line}: the schedule is written over several lines: edit it there"
        )
    return Fix(span, text)


def _next_key(document: Document, path: DataPath, entry: str) -> str:
    """What follows a value so that `entry` is the next key of its mapping."""
    key = document.key_span(path)
    before = document.lines.line_text(key.line)[: key.column - 1]
    return f"\n{before}{entry}" if not before.strip() else f", {entry}"


def _inserted(raw: bytes, line: str, document: Document) -> bytes:
    """A new key at the top, behind comments and `description`."""
    data = document.data if isinstance(document.data, dict) else {}
    first = next((key for key in data if key not in ("dag_id", "description")), None)
    at = document.key_span((first,)).line if first is not None else len(document.text.splitlines()) + 1
    lines = raw.decode("utf-8-sig").splitlines(keepends=True)
    while at > 1 and lines[at - 2].startswith("#") and at - 2 > 0:
        at -= 1
    return "".join([*lines[: at - 1], line, *lines[at - 1 :]]).encode()


def _result(before: bytes, after: bytes) -> Edited:
    return Edited(after, after != before)
