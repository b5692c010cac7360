"""Rules over one file, each a function from a `Subject` to findings, one concern a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from schemas.diagnostics import Diagnostic
from schemas.rules import dates, graph, names, reserved_keys, schedule
from schemas.subject import Subject

Rule = Callable[[Subject], Iterator[Diagnostic]]

RULES: tuple[Rule, ...] = (names.check, schedule.check, dates.check, graph.check, reserved_keys.check)
"""Rules that need nothing but the file. Expressions need the environment, Python rules the sources: see `check`."""
