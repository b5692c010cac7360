"""Rules over one file, each a function from a `Subject` to findings, one concern a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from schemas.diagnostics import Diagnostic
from schemas.rules import dates, defaults, fail_fast, graph, names, params, reserved_keys, schedule, secrets
from schemas.subject import Subject

Rule = Callable[[Subject], Iterator[Diagnostic]]

RULES: tuple[Rule, ...] = (
    defaults.check,
    names.check,
    schedule.check,
    dates.check,
    params.check,
    graph.check,
    fail_fast.check,
    reserved_keys.check,
    secrets.check,
)
"""Rules that need nothing but the file. Expressions need the environment, Python rules the sources: see `check`."""
