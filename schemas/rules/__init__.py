"""Rules over one file, each a function from a `Subject` to findings, one concern a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from schemas.findings.diagnostics import Diagnostic
from schemas.rules import (
    assets,
    built_ins,
    code,
    conditions,
    dates,
    defaults,
    fail_fast,
    graph,
    http_requests,
    jmespath,
    json_schemas,
    literal_secrets,
    look_alikes,
    mapping,
    metadata_addresses,
    named_functions,
    names,
    notifications,
    objects,
    params,
    poll_state,
    reserved_keys,
    retry_policies,
    run_interval,
    run_timeout,
    schedule,
    secrets,
    setup_teardown,
    shell_quoting,
    state_names,
    template_brackets,
    template_names,
    timetables,
    unverified_tls,
    wall_clock,
)
from schemas.rules.subject import Subject
from schemas.source import SourceReader

Rule = Callable[[Subject], Iterator[Diagnostic]]

RULES: tuple[Rule, ...] = (
    defaults.check,
    names.check,
    schedule.check,
    assets.check,
    wall_clock.check,
    run_interval.check,
    run_timeout.check,
    dates.check,
    params.check,
    poll_state.check,
    state_names.check,
    graph.check,
    mapping.check,
    setup_teardown.check,
    conditions.check,
    fail_fast.check,
    built_ins.check,
    http_requests.check,
    jmespath.check,
    json_schemas.check,
    reserved_keys.check,
    template_brackets.check,
    template_names.check,
    look_alikes.check,
    secrets.check,
    literal_secrets.check,
    metadata_addresses.check,
    unverified_tls.check,
    shell_quoting.check,
)
"""Rules that need nothing but the file. Expressions need the environment, Python rules the sources: see `check`."""

SOURCE_RULES: tuple[Callable[[Subject, SourceReader], Iterator[Diagnostic]], ...] = (
    code.check,
    named_functions.check,
    notifications.check,
    objects.check,
    retry_policies.check,
    timetables.check,
)
"""Rules that read the source of what a file names."""
