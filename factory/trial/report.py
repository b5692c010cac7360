"""What a trial prints: a line for each task with its state and seconds, then its first rows or its error."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from factory.reporters.columns import columns, padded
from factory.reporters.text import printable
from factory.trial.run import TaskResult

WIDEST_CELL = 32
MOST_CELLS = 8


def line(result: TaskResult, place: str) -> str:
    """`✓ load  success  0.02 s`, and for a failed task its place and error below."""
    sign = {"success": "✓", "failed": "✗"}.get(result.state, "-")
    first = f"{sign} {result.name}  {result.state}"
    if result.seconds:
        first += f"  {result.seconds:.2f} s"
    if result.error is None:
        return first
    text = str(result.error).strip().splitlines()
    shown = f"{type(result.error).__name__}: {text[0]}" if text else type(result.error).__name__
    return "\n".join([first, *(f"    {part}" for part in (place, printable(shown)) if part)])


def output(value: Any, most: int) -> str:
    """A list of mappings as a table of its first rows, anything else as JSON; empty for nothing."""
    if value is None or most <= 0:
        return ""
    rows = value if isinstance(value, list) and value and all(isinstance(row, dict) for row in value) else None
    if rows is None:
        text = json.dumps(value, ensure_ascii=False, default=str)
        return printable(text if len(text) <= 200 else f"{text[:199]}…")
    return _table(rows[:most], len(rows))


def _table(rows: Sequence[Mapping[str, Any]], count: int) -> str:
    names = list(dict.fromkeys(name for row in rows for name in row))
    left_out = len(names) - MOST_CELLS
    names = names[:MOST_CELLS]
    cells = [names, *([_cell(row.get(name)) for name in names] for row in rows)]
    widths = [max(columns(line[position]) for line in cells) for position in range(len(names))]
    lines = [
        "  ".join(padded(cell, width) for cell, width in zip(each, widths, strict=True)).rstrip() for each in cells
    ]
    more = [f"{count} rows"] if count > len(rows) else []
    more += [f"{left_out} more columns"] if left_out > 0 else []
    return "\n".join([*lines, f"({', '.join(more)})"] if more else lines)


def _cell(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    text = printable(text)
    return text if len(text) <= WIDEST_CELL else f"{text[: WIDEST_CELL - 1]}…"
