"""What a stub calls: one checked pipeline as a DAG in the stub's namespace, or the diagnostics as its error."""

from __future__ import annotations

from pathlib import Path

from airflow.sdk import get_parsing_context

from factory.build import build
from factory.diagnosis import PipelineError, build_diagnostics
from factory.errors import PipelineBuildError
from schemas.check import Checker, CheckOptions


def load_stub(
    namespace: dict[str, object], path: str, folder: Path, conflicts: tuple[tuple[str, str], ...] = ()
) -> None:
    """Put the pipeline at `path` below `folder` into a DAG file's `globals()`.

    `conflicts` are (DAG id, path of the other file) pairs that the bundle found. Raises PipelineError, whose text is
    the rendered diagnostics; Airflow shows it as the import error of this pipeline alone.

    A task start parses a version that was checked when it was new, so it does without reading sources again.
    """
    at_task_start = get_parsing_context().dag_id is not None
    checker = Checker(folder, CheckOptions(require_environment=True, read_sources=not at_task_start))
    result = checker.file(path)
    duplicates = [checker.duplicate(path, dag_id, [other]) for dag_id, other in conflicts]
    if duplicates or result.has_errors:
        raise PipelineError([*result.diagnostics, *duplicates])
    for pipeline in result.pipelines:
        try:
            namespace["dag"] = build(pipeline)
        except PipelineBuildError as error:
            findings = build_diagnostics(checker, path, error)
            raise PipelineError([*result.diagnostics, *findings]) from None
