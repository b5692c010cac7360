"""A plan as text for a terminal, as Markdown for a pull request, and as JSON for programs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from types import MappingProxyType

from factory.plan.plan import KINDS, Entry, Plan
from factory.reporters.text import printable

VERSION = 1
MARK = "<!-- factory plan -->"
"""The first line of the Markdown: by it the comment of an earlier plan is found again."""
MOST_ENTRIES = 100
"""Entries of one kind that the text and the Markdown list; the JSON has all."""

_SIGNS = {"new": "+", "removed": "-", "broken": "x", "renamed": "~", "changed": "~", "touched": "·", "fixed": "+"}


def text(plan: Plan) -> str:
    """Lines with `!` before what can lose something."""
    if not plan.entries:
        return f"no change to any pipeline, compared with {plan.base}\n"
    lines = [f"compared with {plan.base}: {_summary(plan)}", ""]
    for entry in _shown(plan):
        lines.append(f"{'!' if entry.loses else ' '} {_SIGNS[entry.kind]} {_title(entry)}  {entry.kind}  {entry.path}")
        lines += [f"      {line}" for line in _details(entry)]
    lines += _left_out(plan)
    return "".join(f"{printable(line)}\n" for line in lines)


def markdown(plan: Plan) -> str:
    """A comment of a pull request, or a job's summary."""
    lines = [MARK, f"### Pipelines: {_summary(plan) if plan.entries else 'no change'}", ""]
    lines += [f"Compared with {_code(plan.base)}.", ""]
    for entry in _shown(plan):
        warning = "⚠️ " if entry.loses else ""
        lines += [f"- {warning}**{entry.kind}** {_code(_title(entry))} ({_code(entry.path)})"]
        lines += [f"  - {_escaped(line)}" for line in _details(entry)]
    lines += [f"- {line}" for line in _left_out(plan)]
    return "".join(f"{line}\n" for line in lines)


def as_json(plan: Plan) -> str:
    """Everything the plan says."""
    entries = [{**asdict(entry), "loses": entry.loses} for entry in plan.entries]
    return f"{json.dumps({'version': VERSION, 'base': plan.base, 'entries': entries}, indent=2, ensure_ascii=False)}\n"


FORMATS: Mapping[str, Callable[[Plan], str]] = MappingProxyType({"text": text, "markdown": markdown, "json": as_json})


def _summary(plan: Plan) -> str:
    counts = Counter(entry.kind for entry in plan.entries)
    return ", ".join(f"{counts[kind]} {kind}" for kind in KINDS if counts[kind])


def _title(entry: Entry) -> str:
    return f"{entry.dag_id} (environment {entry.environment})" if entry.environment else entry.dag_id


def _shown(plan: Plan) -> Iterator[Entry]:
    seen: Counter[str] = Counter()
    for entry in plan.entries:
        seen[entry.kind] += 1
        if seen[entry.kind] <= MOST_ENTRIES:
            yield entry


def _left_out(plan: Plan) -> list[str]:
    counts = Counter(entry.kind for entry in plan.entries)
    return [f"and {counts[kind] - MOST_ENTRIES} more {kind}" for kind in KINDS if counts[kind] > MOST_ENTRIES]


def _details(entry: Entry) -> Iterator[str]:
    if entry.reasons:
        yield f"because of {', '.join(entry.reasons)}" if entry.kind != "broken" else entry.reasons[0]
    for change in entry.changes:
        place = f"  ({change.place})" if change.place else ""
        yield f"{'! ' if change.loses else ''}{change.text}{place}"
        yield from (f"    {detail}" for detail in change.details)
    if entry.needs:
        yield f"needs: {', '.join(f'{kind} {name}' for kind, name in entry.needs)}"


def _code(value: str) -> str:
    fence = "``" if "`" in value else "`"
    return f"{fence}{value}{fence}"


def _escaped(line: str) -> str:
    """Text from a user's file, shown as it is: no HTML, no mention, no link of it becomes one."""
    kept = line.strip().replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return kept.replace("@", "@\u200b").replace("[", "\\[").replace("|", "\\|").replace("*", "\\*").replace("_", "\\_")
