"""What a stub calls: one checked pipeline as a DAG in the stub's namespace, or the diagnostics as its error."""

from __future__ import annotations

from pathlib import Path

from airflow.sdk import get_parsing_context

from factory.build_checked import build_checked
from factory.diagnosis import PipelineError
from schemas.check import Checker, CheckOptions
from schemas.diagnostics import has_errors


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
    loaded = build_checked(checker, checker.file(path))
    findings = (*loaded.diagnostics, *(checker.duplicate(path, dag_id, [other]) for dag_id, other in conflicts))
    if has_errors(findings):
        raise PipelineError(findings)
    for dag in loaded.dags.values():
        namespace["dag"] = dag
