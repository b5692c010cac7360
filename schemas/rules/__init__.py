"""Rules over one file, each a function from a `Subject` to findings."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from schemas.findings.diagnostics import Diagnostic
from schemas.rules import (
    arguments,
    assets,
    commands,
    expressions,
    graph,
    ids,
    mapping,
    objects,
    other_dags,
    outcomes,
    params,
    poll_state,
    run_times,
    schedule,
    secrets,
    settings,
    template_names,
    templates,
    uses,
)
from schemas.rules.subject import Subject
from schemas.source import SourceReader

Rule = Callable[[Subject], Iterator[Diagnostic]]

RULES: tuple[Rule, ...] = (
    ids.check_defaults,
    ids.check_path,
    schedule.check,
    assets.check,
    run_times.check_wall_clock,
    run_times.check_data_interval,
    run_times.check_timeout,
    settings.check_dates,
    params.check,
    poll_state.check,
    poll_state.check_names,
    graph.check,
    mapping.check,
    outcomes.check_setups,
    settings.check_conditions,
    settings.check_fail_fast,
    mapping.check_built_ins,
    objects.check_reserved_keys,
    templates.check_expressions,
    templates.check,
    expressions.check_characters,
    secrets.check_urls,
    secrets.check_literals,
    secrets.check_metadata_addresses,
    settings.check_tls,
    commands.check,
    commands.check_quoting,
    outcomes.check,
    ids.check_pulls,
    ids.check_outputs,
    other_dags.check_itself,
    settings.check_null_by_comment,
)
"""Rules that need only the file. `check` runs those over expressions and a policy itself."""


def rules_of_built_ins(subject: Subject) -> Iterator[Rule]:
    """The rules over requests and data tasks, imported for the first file that may hold one."""
    if subject.may_hold("http", "poll"):
        from schemas.rules import http_expressions, http_requests, http_rows  # noqa: PLC0415 # few files have a request

        yield http_requests.check_keys
        yield http_rows.check
        yield http_expressions.check_jmespath
        yield http_expressions.check_json_schemas
        yield http_expressions.check_answers
    has_data = subject.may_hold("sql", "load", "duckdb", "check", "chart", "train", "predict")
    if has_data or subject.may_hold("http", "poll"):
        from schemas.rules import data_tasks  # noqa: PLC0415 # as above

        yield data_tasks.check_written
    if has_data:
        from schemas.rules import charts, data_tasks  # noqa: PLC0415 # as above

        yield data_tasks.check
        yield charts.check
        yield commands.check_sql


SOURCE_RULES: tuple[Callable[[Subject, SourceReader], Iterator[Diagnostic]], ...] = (
    uses.check,
    arguments.check_named_functions,
    objects.check_notifications,
    objects.check,
    settings.check_retry_policies,
    schedule.check_timetable,
    template_names.check,
    ids.check_branches,
    run_times.check_logical_date,
)
"""Rules that read the source of what a file names."""
