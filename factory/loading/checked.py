"""Checked files → DAGs and findings, the same for a stub and for the loader."""

from __future__ import annotations

import gc
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from airflow.sdk import DAG

from factory.build.dag import build
from factory.build.errors import BuildError, PipelineBuildError, one_line
from factory.loading.diagnosis import build_diagnostics
from factory.runtime.user_modules import make_importable
from schemas.check import Checked, CheckedDagFactoryDag, Checker, CheckResult
from schemas.findings.diagnostics import Diagnostic

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LoadResult:
    """DAGs by id, and what was found on the way; a pipeline with errors has no DAG."""

    dags: Mapping[str, DAG]
    diagnostics: tuple[Diagnostic, ...]


def build_checked(checker: Checker, result: CheckResult) -> LoadResult:
    """Build what `checker` found to be without errors. No pipeline keeps another from being built."""
    dags: dict[str, DAG] = {}
    findings = list(result.diagnostics)
    for folder in {p.folder for p in result.pipelines if isinstance(p, CheckedDagFactoryDag)}:
        make_importable(folder)
    for pipeline in result.pipelines:
        try:
            dags[pipeline.dag_id] = _built(pipeline)
        except PipelineBuildError as error:
            findings += build_diagnostics(checker, pipeline.file, error)
    return LoadResult(dags, tuple(findings))


def _built(pipeline: Checked) -> DAG:
    """Raises PipelineBuildError, whatever went wrong."""
    try:
        if isinstance(pipeline, CheckedDagFactoryDag):
            from factory.dagfactory.build import build as build_dag_factory  # noqa: PLC0415 # few folders hold such

            return build_dag_factory(pipeline)
        return build(pipeline)
    except PipelineBuildError:
        raise
    except (Exception, SystemExit) as error:
        # A defect, here or in code that Airflow or a provider runs; who mends it needs the traceback.
        log.exception("The pipeline %s could not be built", pipeline.file)
        message = f"building it failed: {type(error).__name__}: {one_line(error)}"
        raise PipelineBuildError(pipeline.dag_id, [BuildError((), message)]) from error


@contextmanager
def paused() -> Iterator[None]:
    """No collection until the end: each would walk all that was made so far, and find nothing."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
