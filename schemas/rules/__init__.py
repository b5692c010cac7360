"""Rules over one file, each a function from a `Subject` to findings, one concern a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from schemas.diagnostics import Diagnostic
from schemas.rules import (
    built_ins,
    dates,
    defaults,
    fail_fast,
    graph,
    literal_secrets,
    look_alikes,
    names,
    params,
    poll_state,
    reserved_keys,
    run_interval,
    run_timeout,
    schedule,
    secrets,
    shell_quoting,
    template_brackets,
    unverified_tls,
    wall_clock,
)
from schemas.subject import Subject

Rule = Callable[[Subject], Iterator[Diagnostic]]

RULES: tuple[Rule, ...] = (
    defaults.check,
    names.check,
    schedule.check,
    wall_clock.check,
    run_interval.check,
    run_timeout.check,
    dates.check,
    params.check,
    poll_state.check,
    graph.check,
    fail_fast.check,
    built_ins.check,
    reserved_keys.check,
    template_brackets.check,
    look_alikes.check,
    secrets.check,
    literal_secrets.check,
    unverified_tls.check,
    shell_quoting.check,
)
"""Rules that need nothing but the file. Expressions need the environment, Python rules the sources: see `check`."""
