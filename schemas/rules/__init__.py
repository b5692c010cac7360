"""Rules over one file, each a function from a `Subject` to findings."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from schemas.findings.diagnostics import Diagnostic
from schemas.rules import (
    arguments,
    assets,
    built_ins,
    charts,
    dag_ids,
    data_tasks,
    graph,
    http_requests,
    http_rows,
    look_alikes,
    mapping,
    notifications,
    objects,
    other_dags,
    outcomes,
    params,
    poll_state,
    run_times,
    schedule,
    secrets,
    security,
    settings,
    setup_teardown,
    shell,
    sql_texts,
    task_ids,
    template_names,
    templates,
    timetables,
    uses,
)
from schemas.rules.subject import Subject
from schemas.source import SourceReader

RULES: tuple[Callable[[Subject], Iterator[Diagnostic]], ...] = (
    dag_ids.check_defaults,
    dag_ids.check_path,
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
    setup_teardown.check,
    settings.check_conditions,
    settings.check_fail_fast,
    built_ins.check,
    data_tasks.check,
    charts.check,
    sql_texts.check,
    http_requests.check_keys,
    http_rows.check,
    http_requests.check_jmespath,
    http_requests.check_json_schemas,
    objects.check_reserved_keys,
    templates.check_expressions,
    templates.check,
    look_alikes.check,
    secrets.check_urls,
    secrets.check_literals,
    security.check_metadata_addresses,
    security.check_tls,
    shell.check,
    shell.check_quoting,
    outcomes.check,
    task_ids.check_pulls,
    other_dags.check_itself,
    settings.check_null_by_comment,
)
"""Rules that need only the file. `check` runs those over expressions and a policy itself."""

SOURCE_RULES: tuple[Callable[[Subject, SourceReader], Iterator[Diagnostic]], ...] = (
    uses.check,
    arguments.check_named_functions,
    notifications.check,
    objects.check,
    settings.check_retry_policies,
    timetables.check,
    template_names.check,
    task_ids.check_branches,
    run_times.check_logical_date,
)
"""Rules that read the source of what a file names."""
