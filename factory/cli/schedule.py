"""Show when pipelines run, in words and with their next runs; change a schedule in its file.

`factory schedule [PATH ...]` lists; `factory schedule set PIPELINE CRON` edits the file, comments and layout kept.
CRON may also be `null` or a mapping: "{every: 90m}".
Exit status: 0 done, 1 lint does not accept the new schedule, 2 usage.
"""

from __future__ import annotations

import argparse
import codecs
import json
import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from factory.cli import UsageError, to_path
from factory.cli.options import (
    Selection,
    add_environment,
    count,
    did_you_mean,
    file_of,
    moment_of,
    require_declared,
    select,
    zone_of,
)
from factory.plan.schedule import Timing, shown_moment, timing
from factory.reporters import full
from factory.reporters.text import columns, padded, printable, wants_colour
from schemas.check import Checker, CheckOptions
from schemas.compose.variants import Variant
from schemas.findings.codes import Severity
from schemas.findings.meant_times import meant_duration
from schemas.findings.paths import DataPath
from schemas.folder.discovery import default_dag_id
from schemas.folder.project import ENVIRONMENT_VARIABLE, pipelines_folder
from schemas.text.document import Document, document_from_text
from schemas.text.edits import NotEditableError, Replacement, anchor_in_use, flow, replacing, spliced

MOST_RUNS_OF_A_DAY = 1440
CROWDED = 5
"""Pipelines that start in one minute, from which on `--load` names it."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `factory schedule`."""
    parser.add_argument("words", nargs="*", metavar="PATH", help="files, folders or DAG ids; or: set PIPELINE CRON")
    parser.add_argument("--next", type=count, default=1, metavar="N", help="how many next runs to show (default: 1)")
    parser.add_argument("--from", dest="moment", metavar="DATE", help="count from this moment, ISO 8601 (default: now)")
    parser.add_argument("--timezone", metavar="ZONE", help="show times in this zone; with set: the schedule's zone")
    parser.add_argument("--load", action="store_true", help="show how many runs start in each hour of a day")
    parser.add_argument("--pipelines", type=to_path, metavar="FOLDER", help="with set: where to look for a DAG id")
    add_environment(parser, f"${ENVIRONMENT_VARIABLE}, else none")


def run(arguments: argparse.Namespace) -> int:
    """Print the schedules, or set one; returns the exit status."""
    zone = zone_of(arguments.timezone) if arguments.timezone else None
    now = moment_of(arguments.moment, zone or UTC)
    if arguments.words[:1] == ["set"]:
        if len(arguments.words) != 3:  # set, pipeline, cron
            raise UsageError('write: factory schedule set PIPELINE "CRON"')
        return _set(arguments.words[1], arguments.words[2], arguments, now)
    ids = {word for word in arguments.words if not Path(word).exists()}
    paths = [Path(word) for word in arguments.words if word not in ids]
    selections = select([*paths, *([pipelines_folder()] if ids and not paths else [])])
    environment = arguments.environment or os.environ.get(ENVIRONMENT_VARIABLE, "")
    require_declared(environment, selections)
    there = list(_variants(selections, environment))
    known = [variant.dag_id for variant in there]
    if unknown := sorted(ids.difference(known)):
        raise UsageError(f"{unknown[0]}: there is no such file or DAG{did_you_mean(unknown[0], known)}")
    variants = [variant for variant in there if not ids or paths or variant.dag_id in ids]
    found = [(variant.dag_id, timing(variant.effective.data)) for variant in variants]
    if arguments.load:
        _print_load([when for _, when in found], now, zone or ZoneInfo("UTC"))
        return 0
    rows = [("DAG", "SCHEDULE", f"NEXT {'RUNS' if arguments.next > 1 else 'RUN'}")]
    for dag_id, when in sorted(found):
        runs = [shown_moment(moment, zone or when.zone) for moment in when.next_runs(now, arguments.next)]
        rows.append((dag_id, when.words(), ", ".join(runs) or "-"))
    widths = [max(columns(printable(row[column])) for row in rows) for column in range(3)]
    for row in rows:
        print("  ".join(padded(printable(cell), width) for cell, width in zip(row, widths, strict=True)).rstrip())
    return 0


def _variants(selections: Sequence[Selection], environment: str) -> Iterator[Variant]:
    for selection in selections:
        options = CheckOptions(environ={}, environment=environment, shown_folder=selection.shown)
        checker = Checker(selection.folder, options)
        for path in selection.paths:
            variants = checker.variants(path)
            if not variants:
                print(f"{selection.shown_path(path)} has errors and is left out: see `factory lint`", file=sys.stderr)
            yield from variants


def _print_load(timings: Sequence[Timing], now: datetime, zone: ZoneInfo) -> None:
    """A bar for each hour of the day that begins at the next midnight of the zone."""
    midnight = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    hours: Counter[int] = Counter()
    minutes: Counter[str] = Counter()
    for when in timings:
        for moment in when.next_runs(midnight - timedelta(microseconds=1), MOST_RUNS_OF_A_DAY):
            local = moment.astimezone(zone)
            if local.date() != midnight.date():
                break
            hours[local.hour] += 1
            minutes[f"{local:%H:%M}"] += 1
    most = max(hours.values(), default=0)
    print(f"runs that start on {midnight:%a %Y-%m-%d} ({zone.key})")
    for hour in range(24):
        bar = "█" * round(40 * hours[hour] / most) if most else ""
        print(f"{hour:02}:00  {hours[hour]:>5}  {bar}".rstrip())
    crowded = [(minute, count) for minute, count in minutes.most_common(3) if count >= CROWDED]
    if crowded:
        print(f"crowded: {', '.join(f'{minute} ({count} runs)' for minute, count in crowded)}")
    untold = sum(not when.is_on_time and when.words() != "only when triggered" for when in timings)
    if untold:
        print(f"not counted: {untold} that no clock starts")


def _set(pipeline: str, text: str, arguments: argparse.Namespace, now: datetime) -> int:
    environment = arguments.environment or ""
    selection, path, variant = _chosen(pipeline, arguments.pipelines, environment)
    place = selection.folder / path
    raw = place.read_bytes()
    try:
        edited = rescheduled(variant, raw, _given(text), arguments.timezone)
    except NotEditableError as error:
        raise UsageError(str(error)) from None
    options = CheckOptions(shown_folder=selection.shown, texts={path: raw})
    before = {(d.code, d.message) for d in Checker(selection.folder, options).file(path).diagnostics}
    changed = replace(options, texts={path: edited})
    fresh = [d for d in Checker(selection.folder, changed).file(path).diagnostics if (d.code, d.message) not in before]
    if fresh:
        print(full.render(fresh, colour=wants_colour(sys.stderr)), file=sys.stderr)
    if any(d.severity is Severity.ERROR for d in fresh):
        print(f"{selection.shown_path(path)} is not changed", file=sys.stderr)
        return 1
    place.write_bytes(edited)
    print(f"{selection.shown_path(path)}: {'changed' if edited != raw else 'no change'}")
    sides = [Checker(selection.folder, replace(each, environ={}, environment="")) for each in (options, changed)]
    _print_changes(sides[0], sides[1], variant, now)
    return 0


def _print_changes(before: Checker, after: Checker, chosen: Variant, now: datetime) -> None:
    """When the DAGs of a file ran and run now: the chosen one, and all others whose schedule the edit changes."""

    def said(checker: Checker, environment: str | None) -> dict[str, str]:
        found = checker.variants_in(chosen.path, environment)
        return {variant.dag_id: _with_runs(timing(variant.effective.data), now) for variant in found}

    old, new = said(before, chosen.environment), said(after, chosen.environment)
    alike: dict[tuple[str, str], list[str]] = {}
    for dag_id, was in old.items():
        if was != new[dag_id] or dag_id == chosen.dag_id:
            alike.setdefault((was, new[dag_id]), []).append(dag_id)
    for (was, now_said), ids in alike.items():
        if len(old) > 1:
            print(f"  {', '.join(ids)}")
        print(f"  before: {was}\n  after:  {now_said}")
    others = before.environments_of(chosen.path) if chosen.environment is None and old != new else ()
    kept = [name for name in others if said(before, name) == said(after, name)]
    if kept:
        print(f"  environment {', '.join(kept)}: no change, it has a schedule of its own")


def _with_runs(when: Timing, now: datetime) -> str:
    runs = ", ".join(shown_moment(moment, when.zone) for moment in when.next_runs(now, 3))
    return f"{when.words()}{f'; next runs: {runs}' if runs else ''}"


def _given(text: str) -> Any:
    """`null` and mappings as YAML has them; all else is a cron expression or preset. Raises UsageError."""
    if not text.strip():
        raise UsageError('write a cron expression, such as "0 7 * * 1-5", or null')
    word, _, length = text.strip().removeprefix("@").partition(" ")
    every = meant_duration(length.strip()) if word == "every" else None
    if every is not None:
        raise UsageError(f'for a run every {every} write "{{every: {every}}}"')
    document = document_from_text(f"schedule: {text}\n", "")
    value = document.data.get("schedule", text) if isinstance(document.data, dict) else text
    if isinstance(value, list):
        raise UsageError(f'for several crons write "{{cron: {text}}}"')
    return value if value is None or isinstance(value, dict) else text


def _chosen(pipeline: str, folder: Path | None, environment: str) -> tuple[Selection, str, Variant]:
    """The file and the DAG that a path or a DAG id names. Raises UsageError."""
    named = Path(pipeline)
    (selection,) = select([named] if named.is_file() else [folder] if folder is not None else [])
    require_declared(environment, [selection])
    options = CheckOptions(environ={}, environment=environment, shown_folder=selection.shown)
    checker = Checker(selection.folder, options)
    if not named.is_file():
        broken = [p for p in selection.paths if default_dag_id(p) == pipeline and not checker.variants(p)]
        selection = selection._replace(paths=(broken[0] if broken else file_of(pipeline, selection, checker),))
    there = [(path, variant) for path in selection.paths for variant in checker.variants(path)]
    found = [each for each in there if named.is_file() or each[1].dag_id == pipeline]
    if not found:
        raise UsageError(f"{selection.shown_path(selection.paths[0])} has errors: see `factory lint`")
    return selection, *found[0]


def rescheduled(variant: Variant, raw: bytes, wanted: Any, timezone: str | None) -> bytes:
    """The file of a DAG with another schedule, and another time zone where one is given; a text is a cron expression.
    Raises NotEditableError."""
    document = variant.effective.layers[-1]
    schedule = variant.effective.data.get("schedule")
    path = _path_in(document, variant)
    if variant.environment is not None and (path or ())[:2] != ("environments", variant.environment):
        text = f"environment `{variant.environment}` has no schedule of its own in this file: write it there once"
        raise NotEditableError(f"{document.file}: {text}")
    if path is None:
        return _inserted(raw, f"schedule: {_value(wanted, timezone)}", document)
    key_end, start, _ = document.entry(path)
    if not isinstance(schedule, dict) or not isinstance(wanted, str):
        return spliced(raw, [_replacing(document, path, _value(wanted, timezone))])
    line, anchor = document.key_span(path).line, anchor_in_use(document, path)
    if not isinstance(schedule.get("cron"), str) or start < key_end or anchor:
        if "assets" in schedule and "cron" not in schedule and start >= key_end and not anchor:
            ways = f"""by the clock instead: write '{{cron: "{wanted}"}}'; by both: add `cron` there"""
            raise NotEditableError(f"{document.file}:{line}: it runs when its assets are updated; {ways}")
        kind = "a list of crons" if isinstance(schedule.get("cron"), list) else "no cron"
        kind = f"used elsewhere as `*{anchor}`" if anchor else kind
        kind = f"that of line {document.lines.position(start)[0]}" if start < key_end else kind
        raise NotEditableError(
            f'{document.file}:{line}: the schedule is {kind}: edit it there, or write all of it, such as "{{cron: …}}"'
        )
    edits = [_replacing(document, (*path, "cron"), json.dumps(wanted, ensure_ascii=False))]
    if timezone is not None and "timezone" in schedule:
        edits.append(_replacing(document, (*path, "timezone"), timezone))
    elif timezone is not None:
        more = _next_key(document, (*path, "cron"), f"timezone: {timezone}", _newline(raw))
        edits[0] = edits[0]._replace(text=edits[0].text + more)
    return spliced(raw, edits)


def _path_in(document: Document, variant: Variant) -> DataPath | None:
    """Where the file itself says the schedule; None where it does not."""
    if "schedule" not in variant.effective.data:
        return None
    where, path = variant.effective.key_origin(("schedule",))
    return path if where is document else None


def _value(wanted: Any, timezone: str | None) -> str:
    """A schedule on one line. Raises NotEditableError."""
    if timezone is None:
        return json.dumps(wanted, ensure_ascii=False) if isinstance(wanted, str) else flow(wanted)
    if isinstance(wanted, str):
        return f"{{cron: {json.dumps(wanted, ensure_ascii=False)}, timezone: {timezone}}}"
    if not isinstance(wanted, dict) or "cron" not in wanted:
        raise NotEditableError("--timezone goes with a cron expression")
    return flow({**wanted, "timezone": timezone})


def _replacing(document: Document, path: DataPath, text: str) -> Replacement:
    try:
        return replacing(document, path, text)
    except NotEditableError as error:
        line = document.key_span(path).line
        raise NotEditableError(
            f"{document.file}:{line}: the schedule is left as it is: {error}; edit it there"
        ) from None


def _next_key(document: Document, path: DataPath, entry: str, newline: str) -> str:
    """What follows a value so that `entry` is the next key of its mapping."""
    key = document.key_span(path)
    before = document.lines.line_text(key.line)[: key.column - 1]
    return f"{newline}{before}{entry}" if not before.strip() else f", {entry}"


def _newline(raw: bytes) -> str:
    return "\r\n" if b"\r\n" in raw else "\n"


def _inserted(raw: bytes, line: str, document: Document) -> bytes:
    """A new key at the top, behind comments and `description`."""
    data = document.data if isinstance(document.data, dict) else {}
    first = next((key for key in data if key not in ("dag_id", "description")), None)
    text, newline = raw.removeprefix(codecs.BOM_UTF8).decode(), _newline(raw)
    lines = text.split(newline)
    at = document.key_span((first,)).line if first is not None else len(lines) + (lines[-1] != "")
    while at > 1 and lines[at - 2].startswith("#") and at - 2 > 0:
        at -= 1
    mark = codecs.BOM_UTF8 if raw.startswith(codecs.BOM_UTF8) else b""
    return mark + newline.join([*lines[: at - 1], line, *lines[at - 1 :]]).encode()
