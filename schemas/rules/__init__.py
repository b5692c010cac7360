"""Rules over one file, each a function from a `Subject` to findings; and what `check` asks of a language: this
project's, or dag-factory's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from schemas.compose.variants import Variant
from schemas.findings.diagnostics import Diagnostic
from schemas.model.built_ins import BUILT_INS
from schemas.rules import (
    assets,
    commands,
    expressions,
    graph,
    ids,
    mapping,
    objects,
    outcomes,
    params,
    poll_state,
    run_context,
    run_times,
    schedule,
    secrets,
    settings,
    template_names,
    templates,
    uses,
)
from schemas.rules.subject import Subject
from schemas.rules.team_policy import Policy
from schemas.source import SourceReader
from schemas.text.document import Document

if TYPE_CHECKING:
    from schemas.folder.project import Templates

Rule = Callable[[Subject], Iterator[Diagnostic]]

RULES: tuple[Rule, ...] = (
    ids.check_defaults,
    ids.check_path,
    schedule.check,
    assets.check,
    assets.check_loop,
    run_times.check_wall_clock,
    run_times.check_data_interval,
    run_times.check_timeout,
    run_times.check_shorter,
    settings.check_dates,
    settings.check_what_starts_runs,
    settings.check_lone_rules,
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
    templates.check_near_misses,
    templates.check,
    expressions.check_characters,
    secrets.check_urls,
    secrets.check_literals,
    secrets.check_metadata_addresses,
    settings.check_tls,
    commands.check,
    commands.check_quoting,
    outcomes.check,
    outcomes.check_pulls,
    outcomes.check_outputs,
    ids.check_itself,
    settings.check_null_by_comment,
    settings.check_none,
)
"""Rules that need only the file. `check` runs those over expressions and a policy itself."""


_OF_DATA = ("built_ins.tables.", "built_ins.models.")
"""How the modules of the data tasks begin."""


def rules_of_built_ins(subject: Subject, *, are_costly: bool, warn: bool) -> Iterator[Rule]:
    """The rules over requests and data tasks, imported for the first file that may hold one. `are_costly`: with those
    that import a reader of JSON Schemas for charts, and with `warn` one of SQL; a task start does without."""
    if subject.may_hold("http", "poll"):
        # Few files have a request.
        from schemas.rules import http_answers, http_expressions, http_requests, http_rows  # noqa: PLC0415

        yield http_requests.check_keys
        yield http_rows.check
        yield http_expressions.check_jmespath
        yield http_answers.check_json_schemas
        yield http_answers.check_answers
        yield http_answers.check_header_names
        yield http_answers.check_ties
        yield settings.check_servers
    has_data = any(BUILT_INS.get(str(view.uses), "").startswith(_OF_DATA) for view in subject.entries)
    if has_data or subject.may_hold("http", "poll"):
        from schemas.rules import data_tasks  # noqa: PLC0415 # as above

        yield data_tasks.check_written
        yield data_tasks.check_order
    if has_data:
        yield data_tasks.check
    if has_data and are_costly:
        from schemas.rules import data_values  # noqa: PLC0415 # as above

        yield data_values.check
        yield data_values.check_charts
        if warn:
            yield commands.check_sql


SOURCE_RULES: tuple[Callable[[Subject, SourceReader], Iterator[Diagnostic]], ...] = (
    uses.check,
    objects.check_named_functions,
    objects.check_notifications,
    objects.check,
    settings.check_retry_policies,
    schedule.check_timetable,
    assets.check_uris,
    template_names.check,
    outcomes.check_branches,
    mapping.check_functions,
    run_context.check_logical_date,
    run_context.check_removed_keys,
)
"""Rules that read the source of what a file names."""


class Standards(NamedTuple):
    """What DAGs are checked against: the values of `environ`, the environment that is chosen (None: none) and with
    `every_environment` all that are declared, the sources that `reader` finds (None: they are not read), and a
    `policy`, if there is one. `require_environment`: an unset variable is an error. `only_errors`: see
    `CheckOptions`."""

    folder: Path
    environ: Mapping[str, str]
    environment: str | None = None
    every_environment: bool = False
    require_environment: bool = False
    only_errors: bool = False
    reader: SourceReader | None = None
    policy: Policy | None = None
    templates: Templates | None = None


class Judged(NamedTuple):
    """The findings of a file, and for each of its DAGs what is built of it; None where its shape is wrong.
    `is_foreign`: the file is another tool's, which no comment makes right. `apart`: the findings of each DAG, where an
    error in one keeps no other from being built."""

    findings: Sequence[Diagnostic]
    models: Sequence[Any]
    is_foreign: bool = False
    apart: Sequence[Sequence[Diagnostic]] = ()


class Language(Protocol):
    """One language. `documents` are the defaults above a file, then its own; all of them can be read."""

    def dag_ids(self, path: str, document: Document, environment: str | None) -> tuple[str, ...] | None:
        """The DAG ids of a file, where its own document says them; None where they have to be composed."""

    def variants(
        self,
        path: str,
        documents: Sequence[Document],
        environment: str | None,
        dag_id: str | None = None,
        templates: Templates | None = None,
    ) -> tuple[Variant, ...]:
        """The DAGs of a file, right or wrong; where `dag_id` is given, the one of that id."""

    def judged(
        self, path: str, documents: Sequence[Document], chosen: Sequence[Variant], standards: Standards
    ) -> Judged:
        """The DAGs `chosen` of a file and all findings in it."""
