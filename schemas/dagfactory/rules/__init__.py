"""Rules of dag-factory's language over one DAG; `SOURCE_RULES` also read source code and look for files."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from schemas.dagfactory.dag_view import DagView
from schemas.dagfactory.rules import arguments, files, graph, objects, params, schedule, settings, shape, texts
from schemas.findings.diagnostics import Diagnostic
from schemas.source import SourceReader

RULES: tuple[Callable[[DagView], Iterator[Diagnostic]], ...] = (
    shape.check,
    shape.check_stored,
    shape.check_variables,
    schedule.check,
    params.check,
    graph.check,
    objects.check,
    files.check_pairs,
    files.check_code,
    settings.check_tasks,
    objects.check_shape,
)
SOURCE_RULES: tuple[Callable[[DagView, SourceReader], Iterator[Diagnostic]], ...] = (
    objects.check_functions,
    arguments.check,
    files.check,
    texts.check,
    objects.check_arguments,
    settings.check,
    schedule.check_uris,
)
