"""The way to a value in plain data: keys and list positions from the root, `("tasks", 2, "with", "rows")`."""

from __future__ import annotations

DataPath = tuple[str | int, ...]
