"""Show the pipelines, their schedules, and whether each is valid.

Exit status: 0 all valid, 1 some have errors, 2 usage.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from factory.cli.options import Selection, add_environment, add_paths, require_declared, select
from factory.reporters.text import columns, counted, padded, printable
from schemas.check import Checker, CheckOptions
from schemas.findings.codes import Severity
from schemas.folder.project import ENVIRONMENT_VARIABLE

_OBJECTS = {"__type__", "__and__", "__or__"}
"""Keys of dag-factory's mappings that describe an object."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `factory list`."""
    add_paths(parser)
    add_environment(parser, f"${ENVIRONMENT_VARIABLE}, else none")


def run(arguments: argparse.Namespace) -> int:
    """Print the table to standard output; returns the exit status."""
    selections = select(arguments.paths)
    environment = arguments.environment or os.environ.get(ENVIRONMENT_VARIABLE, "")
    require_declared(environment, selections)
    rows = [row for selection in selections for row in _rows(selection, environment)]
    heading = ("DAG", "SCHEDULE", "FILE", "STATE", "LANGUAGE")
    # The column tells something only when dag-factory documents are among them.
    shown = 5 if any(row[4] for row in rows) else 4
    _print_table([row[:shown] for row in (heading, *rows)])
    return 1 if any(row[3] != "ok" for row in rows) else 0


def _rows(selection: Selection, environment: str) -> list[tuple[str, str, str, str, str]]:
    options = CheckOptions(environment=environment, shown_folder=selection.shown)
    checker = Checker(selection.folder, options)
    # dag-factory expands variables when it reads a document: here they stay names.
    unexpanded = Checker(selection.folder, replace(options, environ={}))
    result = checker.folder()
    whole = selection.shown or "."
    failed = [d for d in result.diagnostics if d.file == whole and d.severity is Severity.ERROR]
    rows = [("-", "-", whole, counted(len(failed), "error"), "")] if failed else []
    for path in selection.paths:
        shown = selection.shown_path(path)
        errors = [d for d in result.diagnostics if d.file == shown and d.severity is Severity.ERROR]
        # A finding across files leaves both of them as they are.
        sound = not errors and any(p.file == path for p in result.pipelines)
        state = "ok" if sound else counted(len(errors) or 1, "error")
        language = checker.dialect(path)
        variants = (unexpanded if language else checker).variants(path)
        schedules = {variant.dag_id: schedule_text(variant.effective.data) for variant in variants}
        rows += [(dag_id, schedules.get(dag_id, "-"), shown, state, language) for dag_id in checker.dag_ids(path)]
    return rows


def schedule_text(data: Mapping[str, Any]) -> str:
    """The schedule of an effective document as a person reads it, right or wrong; `-` where it has none."""
    value, zone = data.get("schedule"), data.get("timezone")
    poll = data.get("poll")
    if isinstance(value, dict):
        zone = value.get("timezone", zone)
        value = _of_mapping(value)
    elif isinstance(value, list):
        value = "assets"
    elif value is None and isinstance(poll, dict) and poll.get("watch") is not None:
        value, zone = "watch", None
    if value is None:
        return "-"
    return f"{value} {zone}" if isinstance(zone, str) and zone != "UTC" else str(value)


def _of_mapping(schedule: Mapping[str, Any]) -> Any:
    if "timetable" in schedule:
        return str(schedule["timetable"]).rpartition(".")[2]
    if "every" in schedule:
        return f"every {schedule['every']}"
    if "assets" in schedule:
        return "assets" if schedule.get("cron") is None else f"assets or {schedule['cron']}"
    return schedule.get("cron", "assets or a timetable" if schedule.keys() & _OBJECTS else None)


def _print_table(rows: list[tuple[str, ...]]) -> None:
    rows = [tuple(printable(cell) for cell in row) for row in rows]
    widths = [max(columns(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        print("  ".join(padded(cell, width) for cell, width in zip(row, widths, strict=True)).rstrip())
